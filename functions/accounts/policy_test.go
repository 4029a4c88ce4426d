package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
)

// TestAnAccountsPolicyIsItsOwners: with defaults until it is set, whole, and read by everybody who may read the account.
func TestAnAccountsPolicyIsItsOwners(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	read := func(as string) string {
		t.Helper()
		return fmt.Sprint(r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: r.path("/policy")}).JSON(t)["leaks"])
	}
	const standard = "map[backend:refuse frontend:notify mobile:notify]"
	for _, as := range []string{"viewer", "developer", "owner", "operator", "support"} {
		if got := read(as); got != standard {
			t.Errorf("%s reads %s", as, got)
		}
	}
	put := func(as string, body any) apitest.Answer {
		t.Helper()
		return r.Do(t, apitest.Call{As: as, Method: "PUT", Path: r.path("/policy"), Body: body})
	}
	chosen := object{"frontend": "refuse", "backend": "rotate", "mobile": "notify"}
	for as, want := range map[string]string{"viewer": "403 forbidden []", "developer": "403 forbidden []", "operator": "403 forbidden []", "stranger": "404 not_found []"} {
		if got := put(as, object{"leaks": chosen}).Problem(); got != want {
			t.Errorf("%s: %s", as, got)
		}
	}
	for what, c := range map[string]struct {
		body any
		want string
	}{
		"one is missing":  {object{"leaks": object{"frontend": "refuse", "backend": "rotate"}}, "422 invalid [/leaks/mobile]"},
		"one is unknown":  {object{"leaks": object{"frontend": "refuse", "backend": "rotate", "mobile": "ignore"}}, "422 invalid [/leaks/mobile]"},
		"one is too many": {object{"leaks": object{"frontend": "refuse", "backend": "rotate", "mobile": "notify", "desktop": "notify"}}, "422 invalid [/leaks/desktop]"},
		"another case":    {object{"leaks": object{"Frontend": "refuse", "backend": "rotate", "mobile": "notify"}}, "422 invalid [/leaks/Frontend /leaks/frontend]"},
		"null":            {object{"leaks": nil}, "422 invalid [/leaks]"},
		"a member null":   {object{"leaks": object{"frontend": nil, "backend": "rotate", "mobile": "notify"}}, "422 invalid [/leaks/frontend]"},
		"a list":          {object{"leaks": []string{"refuse"}}, "422 invalid [/leaks]"},
		"another policy":  {object{"networks": true}, "422 invalid [/networks]"},
		"twice":           {`{"leaks":{"frontend":"refuse","frontend":"notify","backend":"rotate","mobile":"notify"}}`, "400 body_duplicate_member []"},
	} {
		if got := put("owner", c.body).Problem(); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
	if got := read("owner"); got != standard {
		t.Errorf("what was refused has changed it to %s", got)
	}
	if got := put("owner", object{"leaks": chosen}); got.Status != 200 {
		t.Errorf("%s", got.Body)
	}
	put("owner", object{"leaks": chosen})
	put("owner", object{}) // what isn't sent stays
	if got := read("viewer"); got != "map[backend:rotate frontend:refuse mobile:notify]" {
		t.Errorf("%s", got)
	}
	rows := 0
	for _, row := range r.AllAudit(t, r.account.ID) {
		if row.Action == "account.policy" {
			rows++
		}
	}
	if rows != 1 {
		t.Errorf("%d audit rows", rows)
	}
	put("owner", object{"leaks": object{"frontend": "notify", "backend": "refuse", "mobile": "notify"}})
	if a, err := r.Control.Account(t.Context(), r.account.ID); err != nil || a.Leaks != (account.LeakPolicy{}) {
		t.Errorf("the defaults are stored as %+v, %v", a.Leaks, err)
	}
}

// TestAnAccountsRulesForItsKeysAreItsOwners: none until they are set, each by itself, and taken back by their own values.
func TestAnAccountsRulesForItsKeysAreItsOwners(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	rules := func(a apitest.Answer) string {
		doc := a.JSON(t)
		return fmt.Sprint(doc["frontend_restricted"], " ", doc["max_lifetime_days"])
	}
	read := func(as string) string {
		t.Helper()
		return rules(r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: r.path("/policy")}))
	}
	put := func(as string, body any) apitest.Answer {
		t.Helper()
		return r.Do(t, apitest.Call{As: as, Method: "PUT", Path: r.path("/policy"), Body: body})
	}
	for as, want := range map[string]string{"viewer": "403 forbidden []", "developer": "403 forbidden []", "operator": "403 forbidden []", "support": "403 forbidden []", "stranger": "404 not_found []"} {
		if got := put(as, object{"frontend_restricted": true}).Problem(); got != want {
			t.Errorf("%s: %s", as, got)
		}
	}
	for what, c := range map[string]struct {
		body any
		want string
	}{
		"a text":                   {object{"frontend_restricted": "true"}, "422 invalid [/frontend_restricted]"},
		"null is no choice":        {object{"frontend_restricted": nil}, "422 invalid [/frontend_restricted]"},
		"no day":                   {object{"max_lifetime_days": 0}, "422 invalid [/max_lifetime_days]"},
		"less":                     {object{"max_lifetime_days": -1}, "422 invalid [/max_lifetime_days]"},
		"more than ten years":      {object{"max_lifetime_days": 3651}, "422 invalid [/max_lifetime_days]"},
		"half a day":               {object{"max_lifetime_days": 0.5}, "422 invalid [/max_lifetime_days]"},
		"one good, the other not":  {object{"frontend_restricted": true, "max_lifetime_days": 0}, "422 invalid [/max_lifetime_days]"},
		"the leaks good, this not": {object{"leaks": object{"frontend": "refuse", "backend": "rotate", "mobile": "notify"}, "max_lifetime_days": 0}, "422 invalid [/max_lifetime_days]"},
	} {
		if got := put("owner", c.body).Problem(); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
	if got := read("viewer"); got != "false <nil>" {
		t.Errorf("nothing is set, and it reads %s", got)
	}
	for _, step := range []struct {
		body any
		want string
	}{
		{object{"frontend_restricted": true}, "true <nil>"},
		{object{"max_lifetime_days": 3650}, "true 3650"},
		{object{"leaks": object{"frontend": "refuse", "backend": "rotate", "mobile": "notify"}}, "true 3650"}, // what isn't sent stays
		{object{}, "true 3650"},
		{object{"frontend_restricted": false}, "false 3650"},
		{object{"frontend_restricted": true}, "true 3650"},
		{object{"frontend_restricted": true, "max_lifetime_days": 3650}, "true 3650"}, // nothing new
		{object{"frontend_restricted": false, "max_lifetime_days": 1}, "false 1"},
		{object{"max_lifetime_days": nil}, "false <nil>"},
	} {
		r.Clock.Advance(time.Second) // the rows have an order
		if got := rules(put("owner", step.body)); got != step.want || read("support") != step.want {
			t.Errorf("%v: %s, want %s", step.body, got, step.want)
		}
	}
	var said []string
	for _, row := range r.AllAudit(t, r.account.ID) { // the newest first
		if row.Action == "account.policy" {
			for _, c := range row.Changes {
				if c.Field != "leaks" {
					said = append([]string{c.Field + "=" + c.After}, said...)
				}
			}
		}
	}
	if got, want := strings.Join(said, " "), "frontend_restricted=true max_lifetime_days=3650 frontend_restricted= frontend_restricted=true max_lifetime_days=1 frontend_restricted= max_lifetime_days="; got != want {
		t.Errorf("the audit rows say %s, want %s", got, want)
	}
	if a, err := r.Control.Account(t.Context(), r.account.ID); err != nil || a.Rules != (account.Rules{}) {
		t.Errorf("no rule is stored as %+v, %v", a.Rules, err)
	}
}
