package main

import (
	"strings"
	"testing"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
)

// oneReport is a fleet of which one report of February's last hour is in the table of reports, and not counted.
func oneReport(t *testing.T) *fleet {
	t.Helper()
	f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
	f.decide(f.tallies[0], f.keys[0], "search", "", "paying", authz.Allowed)
	f.report(t, f.tallies[0], 0)
	return f
}

// TestAReportThatIsCountedLateKeepsItsMonthOpenNoLonger: it wasn't counted when the reports were compared, and is when the statement is due. That is noted,
// since what an environment has contributed is forgotten later.
func TestAReportThatIsCountedLateKeepsItsMonthOpenNoLonger(t *testing.T) {
	f := oneReport(t)
	end := february.End()
	if w := f.job(t, "statements", end.Add(73*time.Hour)).(written); w.Left != 1 {
		t.Errorf("compared with the counters: %+v", w)
	}
	if w := f.job(t, "statements", end.Add(96*time.Hour)).(written); len(w.Waiting) != 1 {
		t.Errorf("still not counted: %+v", w)
	}
	f.consume(t, end.Add(97*time.Hour), f.records, false)
	if w := f.job(t, "statements", end.Add(98*time.Hour)).(written); w.Left != 0 || len(w.Final) != 1 {
		t.Errorf("counted: %+v", w)
	}
	settled, err := f.billing.notes.Settled(t.Context())
	var missed []statements.Missed
	errMissed := f.billing.notes.EachMissing(t.Context(), february, func(one statements.Missed) error { missed = append(missed, one); return nil })
	if err != nil || errMissed != nil || len(missed) != 1 || !settled[missed[0].ID] {
		t.Errorf("%v of %v, %v, %v", settled, missed, err, errMissed)
	}
	stated, counted := f.stated(t, february)
	differ(t, "statement and ledger", stated, f.month(february))
	differ(t, "counters and ledger", counted, f.month(february))
}

// TestAContributionThatCannotBeReadIsLeft: the month of its report waits, and the job goes on.
func TestAContributionThatCannotBeReadIsLeft(t *testing.T) {
	f := oneReport(t)
	f.consume(t, began, f.records, false)
	for _, item := range f.Items(t, f.Tables.Counters) {
		if pk, _ := dynamo.GetS(item, "pk"); strings.HasPrefix(pk, "P#") {
			item["v"] = dynamo.S("damaged")
			f.Put(t, f.Tables.Counters, item)
		}
	}
	if w := f.job(t, "statements", february.Settled()).(written); w.Left != 1 || len(w.Waiting) != 1 {
		t.Errorf("%+v", w)
	}
	f.close(t, february)
	if f.job(t, "statements", february.Settled()); f.state(t, february).Status != statements.Final {
		t.Errorf("closed, and %+v", f.state(t, february))
	}
}
