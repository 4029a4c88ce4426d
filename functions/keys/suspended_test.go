package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// TestKeysOfASuspendedAccountAreShownAsSuspended, in the order in which statuses hide each other: by the key alone, in lists, by
// the filter and by the tester. Keys that are made meanwhile are no exception.
func TestKeysOfASuspendedAccountAreShownAsSuspended(t *testing.T) {
	r := newHarness(t)
	wants := map[string]string{}
	for status, change := range map[string]func(*apikey.Key){
		"revoked":   func(k *apikey.Key) { k.RevokedAt = keytest.Now },
		"blocked":   func(k *apikey.Key) { k.Blocked = &apikey.Block{Reason: "x", At: keytest.Now, By: "op"} },
		"suspended": func(k *apikey.Key) { k.Disabled = true },
	} {
		wants[string(r.NewKey(t, r.account, change).ID)] = status
	}
	a, err := r.Control.Account(t.Context(), r.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	suspended := a
	suspended.Suspended = account.Suspension{Reason: "Abuse.", At: keytest.Now, Until: keytest.Now.AddDate(0, 1, 0)}
	if _, err := r.Control.UpdateAccount(t.Context(), a, suspended, keytest.Row(a.ID, "account.suspend", "")); err != nil {
		t.Fatal(err)
	}
	made := r.create(t, nil)["id"].(string)
	wants[made] = "suspended"
	list := func(query string) map[string]string {
		got := map[string]string{}
		for _, k := range r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + query}).JSON(t)["keys"].([]any) {
			k := k.(map[string]any)
			got[k["id"].(string)] = k["status"].(string)
		}
		return got
	}
	for id, want := range wants {
		doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "/" + id}).JSON(t)
		if got := list(""); doc["status"] != want || got[id] != want {
			t.Errorf("a key that is %s: %v, in the list %v", want, doc["status"], got[id])
		}
		if got := list("?status=" + want); got[id] != want {
			t.Errorf("the filter by %s finds %v", want, got)
		}
	}
	if got := list("?status=active"); len(got) != 0 {
		t.Errorf("active: %v", got)
	}
	test := func(at string) map[string]any {
		return r.Want(t, 200, apitest.Call{As: "viewer", Method: "POST", Path: r.keys() + "/" + made + "/test", Body: map[string]any{"at": at}}).JSON(t)
	}
	if got := test("2026-11-22T00:00:00Z"); got["code"] != "account_suspended" || got["rule"] != "suspended" {
		t.Errorf("the tester says %v", got)
	}
	if got := test("2027-02-01T00:00:00Z"); got["allowed"] != true {
		t.Errorf("after the end of the suspension the tester says %v", got)
	}
}
