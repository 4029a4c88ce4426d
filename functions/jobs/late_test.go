package main

import (
	"testing"

	"latchkey/shared/keytest"
	"latchkey/shared/usage/statement"
)

// TestAnAdjustmentIsOfTheStatementOfTheMonthInWhichItCame, however long after its own: the statement of each month before may be final.
func TestAnAdjustmentIsOfTheStatementOfTheMonthInWhichItCame(t *testing.T) {
	for _, in := range []int{1, 2} {
		stores := keytest.LongStores(t)
		r := final(t, stores, 1, 1)
		came := february + statement.Month(in)
		r.at = came.Begin().AddDate(0, 0, 20)
		answer, err := r.do(t, "compare")
		if c, _ := answer.(compared); err != nil || c.Adjusted != 1 {
			t.Fatalf("%+v, %v", answer, err)
		}
		list, err := r.billing.statements.Adjustments(t.Context(), r.ids(t)[0])
		if err != nil || len(list) != 1 || list[0].Of != february || list[0].In != came {
			t.Errorf("%d months later: %+v, %v", in, list, err)
		}
	}
}
