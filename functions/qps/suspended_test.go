package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/keytest"
)

// TestASuspendedAccountRaisesNoLimit: not by itself and not by a request. Lowering one is cleaning up, and operators decide as
// ever.
func TestASuspendedAccountRaisesNoLimit(t *testing.T) {
	r := newHarness(t)
	filed := r.Want(t, 201, apitest.Call{As: "developer", Method: "POST", Path: r.path("qps-requests"), Body: r.body(nil)}).JSON(t)
	set := func(qps int) apitest.Answer {
		return r.Do(t, apitest.Call{As: "owner", Method: "PUT", Path: r.path("keys", string(r.key.ID), "limits", "search"), Body: map[string]any{"qps": qps}})
	}
	if got := set(2); got.Status != 200 {
		t.Fatal(got.Problem())
	}
	a, err := r.Control.Account(t.Context(), r.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	suspended := a
	suspended.Suspended = account.Suspension{Reason: "Abuse.", At: keytest.Now}
	if suspended, err = r.Control.UpdateAccount(t.Context(), a, suspended, keytest.Row(a.ID, "account.suspend", "")); err != nil {
		t.Fatal(err)
	}
	if got := set(1); got.Status != 200 {
		t.Errorf("lowering: %s", got.Problem())
	}
	if got := set(2); got.Code() != "account_suspended" {
		t.Errorf("raising: %s", got.Problem())
	}
	ask := apitest.Call{As: "owner", Method: "POST", Path: r.path("qps-requests"), Body: r.body(map[string]any{"product": "map-display", "requested_qps": 2000})}
	if got := r.Do(t, ask); got.Code() != "account_suspended" {
		t.Errorf("asking: %s", got.Problem())
	}
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: r.path("qps-requests", filed["id"].(string), "approve"), Body: map[string]any{}})
	resumed := suspended
	resumed.Suspended = account.Suspension{}
	if _, err = r.Control.UpdateAccount(t.Context(), suspended, resumed, keytest.Row(a.ID, "account.resume", "")); err != nil {
		t.Fatal(err)
	}
	if got := set(3); got.Status != 200 {
		t.Errorf("raising, resumed: %s", got.Problem())
	}
}
