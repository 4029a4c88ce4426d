package main

import (
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
	"latchkey/shared/usage/statement"
)

// TestAMonthIsClosedWithAReasonOnce: the first reason stays, and the operators' audit trail has it. A month that isn't over can't be closed.
func TestAMonthIsClosedWithAReasonOnce(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.NewAccount(t).ID)
	month := keytest.Now.AddDate(0, -1, 0).Format("2006-01")
	call := func(status int, month, reason string) {
		t.Helper()
		r.Want(t, status, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/statements/" + month + "/close", Body: map[string]any{"reason": reason}})
	}
	call(204, month, "Garbage of a test client.")
	call(204, month, "Another reason.")
	if reason, ok, err := r.Control.StatementClosed(t.Context(), month); err != nil || !ok || reason != "Garbage of a test client." {
		t.Errorf("%q, %v, %v", reason, ok, err)
	}
	rows := 0
	for _, row := range r.AllAudit(t, control.Operators) {
		if row.Action == "statement.close" {
			rows++
		}
	}
	if rows != 1 {
		t.Errorf("%d rows", rows)
	}
	for _, bad := range []string{keytest.Now.Format("2006-01"), keytest.Now.AddDate(0, 1, 0).Format("2006-01"), "x"} {
		call(400, bad, "Why")
	}
	call(422, month, "")
	if _, ok, err := r.Control.StatementClosed(t.Context(), "2026-01"); ok || err != nil {
		t.Errorf("nobody has closed it: %v, %v", ok, err)
	}
}

// TestEachMonthCanBeClosedUntilItIsGivenUp on each day of a month: those that the job would write, and older ones, which wait until then though no statement can be made of them.
func TestEachMonthCanBeClosedUntilItIsGivenUp(t *testing.T) {
	for _, day := range []int{1, 3, 31} {
		r := newHarness(t)
		apitest.People(t, r.API, r.NewAccount(t).ID)
		at := time.Date(2028, time.December, day, 12, 0, 0, 0, time.UTC)
		r.Clock.Advance(at.Sub(r.Clock.Now()))
		for _, back := range []statement.Month{11, 12, 13, 30} {
			month := statement.MonthOf(at) - back
			r.Want(t, 204, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/statements/" + month.String() + "/close", Body: map[string]any{"reason": "Garbage."}})
		}
	}
}

// TestAMonthIsClosedWhenItIsSettled, and not in the four days before: what is left of it isn't known yet. The refusal says from when on.
func TestAMonthIsClosedWhenItIsSettled(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.NewAccount(t).ID)
	month := statement.MonthOf(keytest.Now)
	call := apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/statements/" + month.String() + "/close", Body: map[string]any{"reason": "Garbage."}}
	for _, at := range []time.Time{month.End(), month.Settled().Add(-time.Second)} {
		r.Clock.Advance(at.Sub(r.Clock.Now()))
		a := r.Want(t, 409, call)
		if detail, _ := a.JSON(t)["detail"].(string); a.Code() != "statement_not_settled" || !strings.Contains(detail, moment.Format(month.Settled())) {
			t.Errorf("at %v: %s, %s", at, a.Code(), a.Body)
		}
		if _, closed, err := r.Control.StatementClosed(t.Context(), month.String()); err != nil || closed {
			t.Errorf("at %v it is closed: %t, %v", at, closed, err)
		}
	}
	r.Clock.Advance(time.Second)
	r.Want(t, 204, call)
}
