package main

import (
	"strconv"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// getting brings the account to where a change to a type runs, or none ("").
func (r *harness) getting(t testing.TB, to account.Type) {
	t.Helper()
	after := r.account
	after.PendingType = to
	var err error
	if r.account, err = r.Control.UpdateAccount(t.Context(), r.account, after, keytest.Row(r.account.ID, "account.type.begin", "")); err != nil {
		t.Fatal(err)
	}
}

// TestWhoMayAskWhileTheTypeIsBeingChanged: an account asks by the type that it has until the last key has followed, and for no key that has
// become one of a self-serve account.
func TestWhoMayAskWhileTheTypeIsBeingChanged(t *testing.T) {
	const enterprise, selfServe = account.Enterprise, account.SelfServe
	for _, c := range []struct {
		is, getting, key account.Type
		want             string
	}{
		{enterprise, "", enterprise, "201"},
		{enterprise, selfServe, enterprise, "201"}, // the request ends with the key's step
		{enterprise, selfServe, selfServe, "request_obsolete"},
		{enterprise, enterprise, enterprise, "201"}, // turned back
		{enterprise, enterprise, selfServe, "request_obsolete"},
		{selfServe, "", selfServe, "account_type_not_allowed"},
		{selfServe, enterprise, selfServe, "account_type_not_allowed"},
		{selfServe, enterprise, enterprise, "account_type_not_allowed"},
		{selfServe, selfServe, enterprise, "account_type_not_allowed"},
	} {
		r := newHarness(t, func(a *account.Account) { a.Type = c.is })
		if c.key != c.is {
			r.getting(t, c.key)
			followed, _ := r.key.Retype(apikey.TypeChange{To: c.key}, keytest.Now)
			if _, err := r.Control.Commit(t.Context(), control.Change{Before: &r.key, After: followed, Audit: keytest.Row(r.account.ID, "key.account_type", r.key.ID)}); err != nil {
				t.Fatal(err)
			}
		}
		r.getting(t, c.getting)
		got := r.Do(t, apitest.Call{As: "owner", Method: "POST", Path: r.path("qps-requests"), Body: r.body(nil)})
		if code := got.Code(); code != c.want && (code != "" || strconv.Itoa(got.Status) != c.want) {
			t.Errorf("%+v: %d %s", c, got.Status, got.Problem())
		}
	}
}
