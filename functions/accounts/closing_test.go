package main

import (
	"slices"
	"testing"
	"testing/synctest"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
)

// closing has a change that comes in the moment before the write that begins a closing, and the answer to the closing then.
type closing struct {
	as      string
	between apitest.Call
	status  int
	code    string
}

// TestAClosingBeginsOnlyAsItWasDecided: it can't be undone, so it begins only while the account has the typed name and isn't
// suspended, and the person who closes it still may. What has changed in between is decided again, by the rules for it.
func TestAClosingBeginsOnlyAsItWasDecided(t *testing.T) {
	rank, member := "/v1/operators/", "/members/"
	for what, c := range map[string]closing{
		"suspended":      {"mallory", apitest.Call{As: "operator", Method: "POST", Path: "suspend", Body: object{"reason": "abuse"}}, 409, "account_suspended"},
		"renamed":        {"mallory", apitest.Call{As: "owner", Method: "PATCH", Path: "", Body: object{"name": "Another"}}, 422, "invalid"},
		"demoted":        {"mallory", apitest.Call{As: "owner", Method: "PUT", Path: member + "mallory", Body: object{"role": "developer"}}, 403, "forbidden"},
		"removed":        {"mallory", apitest.Call{As: "owner", Method: "DELETE", Path: member + "mallory"}, 404, "not_found"},
		"another limit":  {"mallory", apitest.Call{As: "operator", Method: "PATCH", Path: "", Body: object{"key_limit": 7}}, 200, ""},
		"closed already": {"mallory", apitest.Call{As: "operator", Method: "POST", Path: "/close"}, 200, ""},
		"admin demoted":  {"evil", apitest.Call{As: "operator", Method: "PUT", Path: rank + "evil", Body: object{"rank": "support"}}, 403, "forbidden"},
		"admin removed":  {"evil", apitest.Call{As: "operator", Method: "DELETE", Path: rank + "evil"}, 404, "not_found"},
		"admin suspends": {"evil", apitest.Call{As: "operator", Method: "POST", Path: "suspend", Body: object{"reason": "abuse"}}, 200, ""},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { closingBetween(t, c) })
		})
	}
}

func closingBetween(t *testing.T, c closing) {
	r := newHarnessOf(t)
	r.rank(t, "operator", "evil", object{"rank": "admin"}, 201)
	r.Member(t, r.account.ID, "mallory", account.Owner)
	k := r.NewKey(t, r.account)
	r.Mux.Looks = nil // a look is a write of its own
	var between map[string]string
	r.Interrupt.Arm(func() {
		switch {
		case c.between.Path == "suspend":
			c.between.Path = "/v1/operator/accounts/" + string(r.account.ID) + "/suspend"
		case c.between.Path == "" || c.between.Path[:3] != "/v1":
			c.between.Path = r.path(c.between.Path)
		}
		if got := r.Do(t, c.between); got.Status >= 300 {
			t.Fatal(got.Problem())
		}
		between = r.Dump(t)
	})
	got := r.Do(t, apitest.Call{As: c.as, Method: "POST", Path: r.path("/close"), Body: object{"confirm_name": r.account.Name}})
	if between == nil || got.Status != c.status || got.Code() != c.code {
		t.Errorf("got %s", got.Problem())
	}
	stored, err := r.Control.Key(t.Context(), r.account.ID, k.ID)
	if err != nil || stored.RevokedAt.IsZero() != (c.status >= 300) {
		t.Errorf("the key: revoked at %v, %v", stored.RevokedAt, err)
	}
	if written := keytest.Written(between, r.Dump(t)); c.status >= 300 && len(written) > 0 {
		t.Errorf("refused, and it wrote %v", written)
	}
}

// TestAClosingThatHasBegunEnds, whatever else becomes of the account meanwhile.
func TestAClosingThatHasBegunEnds(t *testing.T) {
	r := newHarnessOf(t)
	r.NewKey(t, r.account)
	renamed := apitest.Call{As: "owner", Method: "PATCH", Path: r.path(""), Body: object{"name": "Another"}}
	r.Interrupt.Arm(func() { // the first of its writes
		r.Interrupt.Arm(func() { // of its key
			r.Interrupt.Arm(func() { r.Want(t, 200, renamed) })
		})
	})
	doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "POST", Path: r.path("/close"), Body: object{"confirm_name": r.account.Name}}).JSON(t)
	if doc["closed_at"] == nil || doc["name"] != "Another" {
		t.Errorf("%v", doc)
	}
}

// newHarnessOf is a harness with the people of apitest.
func newHarnessOf(t testing.TB) *harness {
	t.Helper()
	r := harnessOn(t, keytest.MemoryStores(t))
	apitest.People(t, r.API, r.account.ID)
	return r
}

// TestTheRowsOfWhatGoesKeyByKeyNameWhatTheyChanged: of a change of type and of a closing, each row of a key and the account's own.
func TestTheRowsOfWhatGoesKeyByKeyNameWhatTheyChanged(t *testing.T) {
	r := newHarnessOf(t)
	k := r.NewKey(t, r.account)
	r.Want(t, 202, apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: object{"type": "enterprise", "billing_types": object{"freemium": "evaluation"}}})
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: r.path("/close")})
	now := r.Clock.Now()
	want := map[string][]audit.Change{
		"key.account_type":    {audit.Set("billing_type", string(k.BillingType), "evaluation"), audit.Set("account_type", "self_serve", "enterprise")},
		"account.close.begin": {audit.Set("closing", nil, true)},
		"key.revoke":          {audit.Set("revoked_at", nil, moment.Of(now))},
		"account.close":       {audit.Set("closing", true, nil), audit.Set("closed_at", nil, moment.Of(now))},
	}
	for _, row := range r.AllAudit(t, r.account.ID) {
		if changes, ok := want[row.Action]; ok && !slices.Equal(row.Changes, changes) {
			t.Errorf("%s:\n     %v\nwant %v", row.Action, row.Changes, changes)
		}
		delete(want, row.Action)
	}
	if len(want) > 0 {
		t.Errorf("no row of %v", want)
	}
}
