package main

import (
	"fmt"
	"testing"

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
