package main

import (
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

// ask sets what the account asks of its keys.
func (r *harness) ask(t testing.TB, rules account.Rules) {
	t.Helper()
	before, err := r.Control.Account(t.Context(), r.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	after := before
	after.Rules = rules
	if _, err := r.Control.UpdateAccount(t.Context(), before, after, keytest.Row(r.account.ID, "account.policy", "")); err != nil {
		t.Fatal(err)
	}
}

func day(n int) string { return keytest.Now.AddDate(0, 0, n).Format(time.RFC3339) }

// TestAnAccountsPolicyBindsNewKeys: each case is a body, and what refuses it under a policy of both rules, a year at most.
func TestAnAccountsPolicyBindsNewKeys(t *testing.T) {
	r := newHarness(t)
	r.ask(t, account.Rules{FrontendRestricted: true, LifetimeDays: 365})
	for name, c := range map[string]struct {
		members object
		want    string
	}{
		"a page without a restriction":  {object{"usage": "frontend", "expires_at": day(9)}, "422 invalid [/domains]"},
		"a page with empty lists":       {object{"usage": "frontend", "expires_at": day(9), "domains": []any{}, "networks": []any{}, "apps": []any{}}, "422 invalid [/domains]"},
		"a page with a domain":          {object{"usage": "frontend", "expires_at": day(9), "domains": []string{"example.com"}}, ""},
		"a page with a network":         {object{"usage": "frontend", "expires_at": day(9), "networks": []string{"192.0.2.0/24"}}, ""},
		"a page with an app":            {object{"usage": "frontend", "expires_at": day(9), "apps": []object{{"platform": "ios", "bundle_id": "com.example.app"}}}, ""},
		"a server without one":          {object{"usage": "backend", "expires_at": day(9)}, ""},
		"an app without one":            {object{"usage": "mobile", "expires_at": day(9)}, ""},
		"without an end":                {object{"usage": "backend"}, "422 invalid [/expires_at]"},
		"null is no end":                {object{"usage": "backend", "expires_at": nil}, "422 invalid [/expires_at]"},
		"the last day":                  {object{"usage": "backend", "expires_at": day(365)}, ""},
		"a day later":                   {object{"usage": "backend", "expires_at": day(366)}, "422 invalid [/expires_at]"},
		"both at once":                  {object{"usage": "frontend"}, "422 invalid [/domains /expires_at]"},
		"what is wrong by itself first": {object{"usage": "frontend", "domains": []string{"*"}}, "422 invalid [/domains/0]"},
	} {
		body := object{"name": "n", "products": []string{"search"}}
		for member, value := range c.members {
			body[member] = value
		}
		got := r.Do(t, apitest.Call{As: "developer", Method: "POST", Path: r.keys(), Body: body})
		if got.Status != 201 && c.want == "" || c.want != "" && got.Problem() != c.want {
			t.Errorf("%s: %s, want %s", name, got.Body, c.want)
		}
	}
}

// TestAnAccountsPolicyBindsTheMembersThatAreChanged, and leaves keys that stand: they can be edited otherwise, and repaired.
func TestAnAccountsPolicyBindsTheMembersThatAreChanged(t *testing.T) {
	r := newHarness(t)
	page := func(change ...func(*apikey.Key)) apikey.Key {
		return r.NewKey(t, r.account, append([]func(*apikey.Key){func(k *apikey.Key) { k.Usage, k.MissingOrigin = apikey.Frontend, apikey.MissingOriginDeny }}, change...)...)
	}
	domain := func(k *apikey.Key) { k.Domains = []string{"example.com"} }
	network := func(k *apikey.Key) { k.Networks = []string{"192.0.2.0/24"} }
	ends := func(days int) func(*apikey.Key) {
		return func(k *apikey.Key) { k.ExpiresAt = keytest.Now.AddDate(0, 0, days) }
	}
	r.ask(t, account.Rules{FrontendRestricted: true, LifetimeDays: 365})
	for name, c := range map[string]struct {
		key  apikey.Key
		edit object
		want string
	}{
		"an open key is renamed":                      {page(), object{"name": "Other"}, ""},
		"and gets other products":                     {page(), object{"products": []string{"routing"}}, ""},
		"and its empty list is sent back":             {page(), object{"domains": []any{}}, ""},
		"and is restricted":                           {page(), object{"domains": []string{"example.com"}}, ""},
		"the last domain is taken away":               {page(domain), object{"domains": []any{}}, "422 invalid [/domains]"},
		"the last network is taken away":              {page(network), object{"networks": []any{}}, "422 invalid [/domains]"},
		"one of two lists is taken away":              {page(domain, network), object{"domains": []any{}}, ""},
		"the domain gives way to a network":           {page(domain), object{"domains": []any{}, "networks": []string{"192.0.2.0/24"}}, ""},
		"a server's key becomes a page's":             {r.NewKey(t, r.account), object{"usage": "frontend"}, "422 invalid [/domains]"},
		"and is restricted at once":                   {r.NewKey(t, r.account), object{"usage": "frontend", "domains": []string{"example.com"}}, ""},
		"a page's key becomes a server's":             {page(domain), object{"usage": "backend", "domains": []any{}}, ""},
		"a key that ends too late keeps its end":      {page(domain, ends(900)), object{"expires_at": day(900), "name": "Other"}, ""},
		"and gets a nearer one":                       {page(domain, ends(900)), object{"expires_at": day(365)}, ""},
		"and gets one that is nearer, and too late":   {page(domain, ends(900)), object{"expires_at": day(800)}, "422 invalid [/expires_at]"},
		"a key without an end gets one":               {page(domain), object{"expires_at": day(365)}, ""},
		"a key without an end is sent back as it is":  {page(domain), object{"expires_at": nil, "header_only": true}, ""},
		"the end is taken away":                       {page(domain, ends(9)), object{"expires_at": nil}, "422 invalid [/expires_at]"},
		"a key that breaks both is repaired in steps": {page(ends(900)), object{"domains": []string{"example.com"}}, ""},
	} {
		got := r.Do(t, apitest.Call{
			As: "developer", Method: "PATCH", Path: r.keys() + "/" + string(c.key.ID), Body: c.edit,
			Headers: map[string]string{"If-Match": "*", "Content-Type": "application/merge-patch+json"},
		})
		if got.Status != 200 && c.want == "" || c.want != "" && got.Problem() != c.want {
			t.Errorf("%s: %s, want %s", name, got.Body, c.want)
		}
		now, err := r.Control.Key(t.Context(), r.account.ID, c.key.ID)
		if err != nil || c.want != "" && !now.Same(c.key) {
			t.Errorf("%s: refused, and changed to %+v, %v", name, now, err)
		}
	}
	for _, act := range []string{"disable", "enable"} { // which are no members
		k := page()
		r.Want(t, 200, apitest.Call{As: "developer", Method: "POST", Path: r.keys() + "/" + string(k.ID) + "/" + act})
	}
}

// TestAProposalThatTakesTheLastRestrictionAwayIsNotEnforced. It can be proposed: it refuses nobody, and lets nobody in.
func TestAProposalThatTakesTheLastRestrictionAwayIsNotEnforced(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, object{"usage": "frontend", "domains": []string{"example.com"}})
	r.ask(t, account.Rules{FrontendRestricted: true})
	propose := func(body object) {
		t.Helper()
		r.Want(t, 200, apitest.Call{As: "developer", Method: "PUT", Path: r.path(k) + "/proposal", Body: body})
	}
	propose(object{"domains": []any{}})
	if got := r.post(t, 422, "developer", k, "proposal/promote", nil).Problem(); got != "422 invalid [/domains]" {
		t.Errorf("%s", got)
	}
	if now := r.stored(t, k); len(now.Domains) != 1 || now.Proposed == nil {
		t.Errorf("it was enforced: %+v", now)
	}
	propose(object{"domains": []any{}, "networks": []string{"192.0.2.0/24"}})
	r.post(t, 200, "developer", k, "proposal/promote", nil)
}

// TestUnlinkingLeavesTheLastRestrictionOfAPagesKey, where the account's policy asks for one, and does the rest.
func TestUnlinkingLeavesTheLastRestrictionOfAPagesKey(t *testing.T) {
	r := newHarness(t)
	with := func(name string, usage apikey.ClientKind, networks ...string) string {
		return string(r.NewKey(t, r.account, func(k *apikey.Key) {
			k.Name, k.Usage, k.Domains, k.Networks = name, usage, []string{"a.example.com"}, networks
		}).ID)
	}
	ids := []string{with("alone", apikey.Frontend), with("network", apikey.Frontend, "192.0.2.0/24"), with("server", apikey.Backend)}
	r.ask(t, account.Rules{FrontendRestricted: true, LifetimeDays: 1})
	change := func(what string, body object) []string {
		t.Helper()
		return changed(t, r.Want(t, 200, apitest.Call{As: "developer", Method: "POST", Path: r.domains() + "/" + what, Body: body, Headers: map[string]string{"If-Match": "*"}}))
	}
	wantList(t, "replaced", change("replace", object{"domain": "a.example.com", "with": "b.example.com"}), "alone changed 1", "network changed 1", "server changed 1")
	wantList(t, "unlinked", change("unlink", object{"domain": "b.example.com", "keys": ids}), "alone refused 1 restriction_required", "network changed 0", "server changed 0")
	wantList(t, "linked", change("link", object{"domain": "c.example.com", "keys": ids[:1]}), "alone changed 2")
	wantList(t, "unlinked from two", change("unlink", object{"domain": "b.example.com", "keys": ids[:1]}), "alone changed 1")
}

// TestAnAccountThatCantBeReadRefusesWhatItsRulesMight, and nothing that keeps any rule.
func TestAnAccountThatCantBeReadRefusesWhatItsRulesMight(t *testing.T) {
	r := newHarness(t)
	k := r.withDomains(t, "server", "a.example.com")
	for _, item := range r.Items(t, r.Tables.Control) {
		pk, _ := dynamo.GetS(item, "pk")
		if sk, _ := dynamo.GetS(item, "sk"); sk == "ACCOUNT" && strings.HasSuffix(pk, string(r.account.ID)) {
			item["created_at"] = item["sk"]
			r.Put(t, r.Tables.Control, item)
		}
	}
	edit := func(body object) apitest.Answer {
		return r.Do(t, apitest.Call{
			As: "developer", Method: "PATCH", Path: r.keys() + "/" + string(k.ID), Body: body,
			Headers: map[string]string{"If-Match": "*", "Content-Type": "application/merge-patch+json"},
		})
	}
	if got := edit(object{"expires_at": day(9)}); got.Problem() != "409 record_unreadable []" {
		t.Errorf("an end that a rule might refuse: %s", got.Body)
	}
	if got := edit(object{"domains": []string{"a.example.com", "b.example.com"}}); got.Status != 200 {
		t.Errorf("a restriction: %s", got.Body)
	}
}
