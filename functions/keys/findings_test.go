package main

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/finding"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// found lists the findings of a page, and the token of the next one.
func (r *harness) found(t testing.TB, as, query string) (list []string, next string) {
	t.Helper()
	doc := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: "/v1/accounts/" + string(r.account.ID) + "/findings" + query}).JSON(t)
	for _, one := range doc["findings"].([]any) {
		one := one.(map[string]any)
		of := one["key"].(map[string]any)
		line := fmt.Sprintf("%s %s: %s, %s", of["name"], of["status"], one["code"], one["act"])
		if one["since"] != nil {
			line += " since " + one["since"].(string)[:len(time.DateOnly)]
		}
		list = append(list, line)
	}
	next, _ = doc["next_page_token"].(string)
	return list, next
}

// TestFindingsAreThoseOfTheMoment: of the account's keys, by its policy, its counters and the clock, for everybody who reads its keys.
func TestFindingsAreThoseOfTheMoment(t *testing.T) {
	r := newHarnessWithout(t)
	apitest.People(t, r.API, r.account.ID)
	key := func(name string, change func(*apikey.Key)) apikey.Key {
		return r.NewKey(t, r.account, func(k *apikey.Key) {
			k.Name, k.CreatedAt, k.ExpiresAt = name, keytest.Now.AddDate(0, 0, -200), keytest.Now.AddDate(0, 0, 300)
			change(k)
		})
	}
	used := key("used", func(*apikey.Key) {})
	r.countFrom(t, 1, used, authz.Allowed, "", r.Clock.Now().AddDate(0, 0, -2))
	refused := key("refused", func(*apikey.Key) {})
	r.countFrom(t, 1, refused, authz.QPSExceeded, "", r.Clock.Now())
	rotated := key("rotated", func(k *apikey.Key) { k.Current.Hash = apikey.Hash{7} }) // called with the secret before
	before := rotated
	before.Current.Hash = apikey.Hash{8}
	r.countFrom(t, 1, before, authz.Allowed, "", r.Clock.Now().AddDate(0, 0, -1))
	open := key("open", func(k *apikey.Key) { k.Usage, k.CreatedAt = apikey.Frontend, keytest.Now })
	key("gone", func(k *apikey.Key) { k.Usage, k.RevokedAt = apikey.Frontend, keytest.Now })
	key("over", func(k *apikey.Key) { k.Usage, k.ExpiresAt = apikey.Frontend, keytest.Now })
	for _, as := range []string{"viewer", "developer", "owner", "operator", "support"} {
		got, _ := r.found(t, as, "")
		wantList(t, as, got, "refused active: unused_90_days, disable since 2026-05-05", "open active: unrestricted, restrict")
	}
	r.ask(t, account.Rules{LifetimeDays: 299})
	got, _ := r.found(t, "viewer", "?key_id="+string(open.ID))
	wantList(t, "one key, by a policy", got, "open active: unrestricted, restrict", "open active: policy_lifetime, set_expiry")
	r.Want(t, 200, apitest.Call{As: "developer", Method: "PATCH", Path: r.keys() + "/" + string(open.ID), Headers: map[string]string{"If-Match": "*", "Content-Type": "application/merge-patch+json"}, Body: object{
		"domains": []string{"example.com"}, "expires_at": keytest.Now.AddDate(0, 0, 299).Format(time.RFC3339),
	}})
	got, _ = r.found(t, "viewer", "?key_id="+string(open.ID))
	wantList(t, "repaired", got)
	r.Clock.Advance(88 * 24 * time.Hour)
	got, _ = r.found(t, "viewer", "?key_id="+string(used.ID))
	wantList(t, "90 days after its last call", got, "used active: unused_90_days, disable since 2026-11-19")
	for _, id := range []string{string(keytest.KeyID()), string(r.NewKey(t, r.NewAccount(t)).ID)} {
		if got, _ := r.found(t, "viewer", "?key_id="+id); len(got) != 0 {
			t.Errorf("a key that the account doesn't have: %q", got)
		}
	}
	if got := r.Do(t, apitest.Call{As: "viewer", Method: "GET", Path: "/v1/accounts/" + string(r.account.ID) + "/findings?key_id=" + string(r.account.ID)}).Problem(); got != "400 parameter_invalid [key_id]" {
		t.Errorf("no key's ID: %s", got)
	}
}

// TestWhatAnAccountAcceptedIsNoFinding: neither of its keys has to accept the paths once more.
func TestWhatAnAccountAcceptedIsNoFinding(t *testing.T) {
	for want, accepted := range map[string]consent.List{
		"narrow active: pending_paths, accept_paths": nil, "": {product.Default().Shown("search")},
	} {
		r := newHarnessWithout(t)
		a := r.NewAccount(t, func(a *account.Account) { a.Accepted = accepted })
		apitest.People(t, r.API, a.ID)
		r.NewKey(t, a, func(k *apikey.Key) {
			k.Name, k.CreatedAt, k.ExpiresAt = "narrow", keytest.Now, keytest.Now.AddDate(0, 0, 30)
			k.Products, k.Consents = []product.ID{"search"}, consent.List{{Product: "search"}}
		})
		doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: "/v1/accounts/" + string(a.ID) + "/findings"}).JSON(t)
		got := ""
		for _, one := range doc["findings"].([]any) {
			one := one.(map[string]any)
			got += fmt.Sprintf("%s %s: %s, %s", one["key"].(map[string]any)["name"], one["key"].(map[string]any)["status"], one["code"], one["act"])
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestPagesOfFindingsHaveAllKeysOnce, whatever the size of a page: some pages have findings of no key.
func TestPagesOfFindingsHaveAllKeysOnce(t *testing.T) {
	r := newHarness(t)
	var want []string
	for i := range 7 {
		r.NewKey(t, r.account, func(k *apikey.Key) {
			k.Name = fmt.Sprint("k", i)
			if k.ExpiresAt = keytest.Now.AddDate(1, 0, 0); i%3 == 0 {
				k.ExpiresAt = time.Time{}
				want = append(want, k.Name+" active: never_expires, set_expiry since 2026-11-21")
			}
		})
	}
	for _, size := range []int{1, 2, 3, 7, 100} {
		var got []string
		token, pages := "", 0
		for first := true; first || token != ""; first = false {
			page, next := r.found(t, "viewer", fmt.Sprintf("?page_size=%d&page_token=%s", size, url.QueryEscape(token)))
			got, token, pages = append(got, page...), next, pages+1
			if pages > 7 {
				t.Fatal("the list has no end")
			}
		}
		wantList(t, fmt.Sprintf("pages of %d", size), got, want...)
	}
}

// TestTheContractKnowsEveryFinding and every act, in their order.
func TestTheContractKnowsEveryFinding(t *testing.T) {
	of := apitest.Contract(t).Components.Schemas["Finding"].Value
	codes := finding.Codes()
	listed := of.Properties["code"].Value.Extensions["x-extensible-enum"].([]any)
	if len(listed) != len(codes) {
		t.Fatalf("%v, want %v", listed, codes)
	}
	for i, code := range codes {
		if listed[i] != string(code) {
			t.Errorf("%v stands where %s should", listed[i], code)
		}
	}
	acts := fmt.Sprint(of.Properties["act"].Value.Extensions["x-extensible-enum"])
	if want := fmt.Sprint([]finding.Act{finding.Restrict, finding.Correct, finding.AcceptPaths, finding.Rotate, finding.SetExpiry, finding.Disable, finding.Delete}); acts != want {
		t.Errorf("%s, want %s", acts, want)
	}
}
