package control_test

import (
	"errors"
	"testing"

	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// TestAThresholdThatAnotherTellsMeanwhileIsToldOnce: of two that find that nobody has told it, one writes the row.
func TestAThresholdThatAnotherTellsMeanwhileIsToldOnce(t *testing.T) {
	stores := keytest.MemoryStores(t)
	id := stores.NewAccount(t).ID
	reached := usage.Threshold{Spending: usage.Spending{Billing: "free", Group: "other"}, Period: "2026-11", Percent: 80, Used: 8, Quota: 10}
	tell := func(s keytest.Stores) error {
		return s.Control.ReachThreshold(t.Context(), id, reached, keytest.Row(id, "account.quota_reached", ""))
	}
	overtaken := stores.With(func(call string, n int) keytest.Fault {
		if call == "TransactWriteItems" {
			if err := tell(stores); err != nil {
				t.Error(err)
			}
		}
		return keytest.NoFault
	})
	if err := tell(overtaken); !errors.Is(err, dynamo.ErrExists) {
		t.Errorf("overtaken: %v", err)
	}
	rows := 0
	for _, row := range stores.AllAudit(t, id) {
		if row.Action == "account.quota_reached" {
			rows++
		}
	}
	if rows != 1 {
		t.Errorf("%d rows", rows)
	}
}

// TestAThresholdIsToldOfEachBillingTypeByItself, group, period and percentage: each has a quota of its own.
func TestAThresholdIsToldOfEachBillingTypeByItself(t *testing.T) {
	stores := keytest.MemoryStores(t)
	id := stores.NewAccount(t).ID
	first := usage.Threshold{Spending: usage.Spending{Billing: "free", Group: "other"}, Period: "2026-11", Percent: 80, Used: 8, Quota: 10}
	billing, group, day, whole := first, first, first, first
	billing.Billing, group.Group, day.Period, whole.Percent = "paying", "search", "2026-11-21", 100
	for _, reached := range []usage.Threshold{first, billing, group, day, whole} {
		if err := stores.Control.ReachThreshold(t.Context(), id, reached, keytest.Row(id, "account.quota_reached", "")); err != nil {
			t.Errorf("%+v: %v", reached, err)
		}
		if err := stores.Control.ReachThreshold(t.Context(), id, reached, keytest.Row(id, "account.quota_reached", "")); !errors.Is(err, dynamo.ErrExists) {
			t.Errorf("%+v again: %v", reached, err)
		}
	}
}
