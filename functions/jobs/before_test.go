package main

import (
	"errors"
	"testing"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage/statement"
)

// TestAMonthOfBeforeTheFirstIsWrittenWhereItIsClosed: after an upgrade the month before is the first one that a run knows. An admin who closes an earlier one is told
// that it is written within the hour. What is between
// them is written with it, and nothing of before.
func TestAMonthOfBeforeTheFirstIsWrittenWhereItIsClosed(t *testing.T) {
	f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
	f.now = february.Begin().Add(time.Hour)
	f.decide(f.tallies[0], f.keys[0], "search", "", "paying", authz.Allowed)
	f.consume(t, f.now, f.recordsOf(f.tallies[0]), false)
	now := (february + 4).Settled()
	f.job(t, "statements", now) // of May, the last month
	for month := february - 1; month < february+3; month++ {
		if s := f.state(t, month); s.Version != 0 {
			t.Fatalf("%s is begun: %+v", month, s)
		}
	}
	f.close(t, february)
	if w := f.job(t, "statements", now.Add(time.Hour)).(written); len(w.Final) == 0 || w.Final[0] != february.String() || w.Rows == 0 {
		t.Fatalf("%+v", w)
	}
	for month, want := range map[statement.Month]statements.Status{february - 1: statements.Open, february: statements.Final, february + 1: statements.Final} {
		if s := f.state(t, month); s.Status != want || (s.Version == 0) != (month < february) {
			t.Errorf("%s: %+v", month, s)
		}
	}
	stated, counted := f.stated(t, february)
	differ(t, "statement and counters", stated, counted)
}

// TestACloseThatCannotBeReadStopsNoMonth: the run is an error, and all other months get their statements.
func TestACloseThatCannotBeReadStopsNoMonth(t *testing.T) {
	f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
	f.job(t, "statements", (february + 1).Settled()) // of February and later
	f.close(t, february-2)
	for _, item := range f.Items(t, f.Tables.Control) {
		if pk, _ := dynamo.GetS(item, "pk"); pk == "J#statement#"+(february-2).String() {
			item["v"] = dynamo.S("damaged")
			f.Put(t, f.Tables.Control, item)
		}
	}
	f.close(t, february-1)
	f.at = (february + 1).Settled().Add(time.Hour)
	answer, err := f.do(t, "statements")
	if w, _ := answer.(written); !errors.Is(err, dynamo.ErrUnreadable) || len(w.Final) == 0 || w.Final[0] != (february-1).String() {
		t.Errorf("%+v, %v", answer, err)
	}
}
