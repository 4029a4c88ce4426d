package main

import (
	"fmt"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// gateSays reads what the gate decides a call of any key of the account by.
func (r *harness) gateSays(t *testing.T) authz.Account {
	t.Helper()
	a, found, err := r.Gate.Account(t.Context(), r.account.ID)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	return a
}

func (r *harness) act(t *testing.T, status int, as, what string, body map[string]any) apitest.Answer {
	t.Helper()
	return r.Want(t, status, apitest.Call{As: as, Method: "POST", Path: "/v1/operator/accounts/" + string(r.account.ID) + "/" + what, Body: body})
}

// TestASuspensionIsOneWriteThatTheGateReads: whatever the number of keys; keys and their records stay as they are.
func TestASuspensionIsOneWriteThatTheGateReads(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	k := r.NewKey(t, r.account)
	doc := r.act(t, 200, "operator", "suspend", map[string]any{"reason": "Abuse.", "until": "2026-12-01T00:00:00Z"}).JSON(t)
	if doc["suspended"] == nil {
		t.Fatal(doc)
	}
	if a := r.gateSays(t); !a.Suspended || a.SuspendedUntil.Format("2006-01-02") != "2026-12-01" || a.ID != r.account.ID || a.Type != r.account.Type {
		t.Errorf("the gate reads %+v", a)
	}
	if after, err := r.Control.Key(t.Context(), r.account.ID, k.ID); err != nil || !after.Same(k) {
		t.Errorf("the key has changed: %v", err)
	}
	r.CheckGate(t, k)
	r.act(t, 200, "operator", "resume", map[string]any{})
	if a := r.gateSays(t); a.Suspended || !a.SuspendedUntil.IsZero() {
		t.Errorf("resumed, the gate reads %+v", a)
	}
}

// TestASuspensionNamesItsOperatorByAddress, by the subject where the issuer vouches for none.
func TestASuspensionNamesItsOperatorByAddress(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.NewOperator(t, control.Operator{Subject: keytest.Subject(apitest.Unverified), AddedAt: "2026-11-21T12:00:00Z"})
	for as, want := range map[string]string{"operator": "operator@example.com", apitest.Unverified: apitest.Unverified} {
		doc := r.act(t, 200, as, "suspend", map[string]any{"reason": "Abuse by " + as + "."}).JSON(t)
		if got := doc["suspended"].(map[string]any)["by"]; got != want {
			t.Errorf("suspended by %v, want %s", got, want)
		}
	}
}

// TestTheLastOfSuspendAndResumeHolds, in any order and however often each is sent; what changes nothing writes nothing.
func TestTheLastOfSuspendAndResumeHolds(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	version := func() float64 {
		return r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: r.path("")}).JSON(t)["version"].(float64)
	}
	for i, step := range []struct {
		what, reason string
		changes      bool
	}{
		{"resume", "", false},
		{"suspend", "Abuse.", true},
		{"suspend", "Abuse.", false},
		{"suspend", "Two invoices are open.", true},
		{"resume", "", true},
		{"resume", "", false},
		{"suspend", "Abuse.", true},
	} {
		before := version()
		body := map[string]any{}
		if step.reason != "" {
			body = map[string]any{"reason": step.reason}
		}
		doc := r.act(t, 200, "operator", step.what, body).JSON(t)
		if suspended := doc["suspended"] != nil; suspended != (step.what == "suspend") || suspended != r.gateSays(t).Suspended {
			t.Errorf("step %d, %s: %v", i, step.what, doc["suspended"])
		}
		if changed := version() != before; changed != step.changes {
			t.Errorf("step %d, %s: changed %v", i, step.what, changed)
		}
	}
}

// TestASuspendedAccountsMembersMayCleanUp, and neither lift the suspension nor close the account. They see the reason, and
// not who decided.
func TestASuspendedAccountsMembersMayCleanUp(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.act(t, 200, "operator", "suspend", map[string]any{"reason": "Two invoices are open."})
	for _, as := range []string{"owner", "developer", "viewer"} {
		for _, what := range []string{"suspend", "resume"} {
			r.act(t, 403, as, what, map[string]any{"reason": "x"})
		}
		doc := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: r.path("")}).JSON(t)
		if s, _ := doc["suspended"].(map[string]any); s["reason"] != "Two invoices are open." || s["by"] != nil {
			t.Errorf("the %s reads %v", as, doc["suspended"])
		}
		me := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: "/v1/me"}).JSON(t)
		mine := me["accounts"].([]any)[0].(map[string]any)
		if s, _ := mine["suspended"].(map[string]any); s["reason"] != "Two invoices are open." || s["by"] != nil {
			t.Errorf("the %s's own list has %v", as, mine)
		}
	}
	closing := apitest.Call{As: "owner", Method: "POST", Path: r.path("/close"), Body: map[string]any{"confirm_name": r.account.Name}}
	if got := r.Want(t, 409, closing); got.Code() != "account_suspended" {
		t.Errorf("closing: %s", got.Code())
	}
	r.Want(t, 200, apitest.Call{As: "owner", Method: "PATCH", Path: r.path(""), Body: map[string]any{"name": "New"}})
	r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/export")})
	if !r.gateSays(t).Suspended {
		t.Error("a rename has lifted the suspension at the gate")
	}
}

// TestASuspensionThatIsOverIsShownNoMore, and one can't begin so.
func TestASuspensionThatIsOverIsShownNoMore(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	past := r.act(t, 422, "operator", "suspend", map[string]any{"reason": "x", "until": keytest.Now.Format("2006-01-02T15:04:05Z")})
	if fmt.Sprint(past.JSON(t)["errors"]) == "" || past.Code() != "invalid" {
		t.Errorf("an end that has come: %s", past.Body)
	}
	a, err := r.Control.Account(t.Context(), r.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	over := a
	over.Suspended = account.Suspension{Reason: "x", At: keytest.Now.Add(-2), Until: keytest.Now}
	if _, err := r.Control.UpdateAccount(t.Context(), a, over, keytest.Row(a.ID, "account.suspend", "")); err != nil {
		t.Fatal(err)
	}
	if doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("")}).JSON(t); doc["suspended"] != nil {
		t.Errorf("%v", doc["suspended"])
	}
	r.Want(t, 200, apitest.Call{As: "owner", Method: "POST", Path: r.path("/close"), Body: map[string]any{"confirm_name": a.Name}})
}
