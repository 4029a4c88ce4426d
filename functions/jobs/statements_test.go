package main

import (
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

func newLog(out io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(out, nil)) }

// unsure loses answers of all calls now and then.
func unsure(seed uint64) func(string, int) keytest.Fault {
	return keytest.AtRandom(seed, 0.002, 0.005, 0.005)
}

// TestStatementAndAdjustmentsEqualCountersAndLedgerToTheCall: four environments, one report in five with a lost answer, poison, batches that are
// shuffled and come up to three times, a month that ends in the middle, billing types that change, and a report that is 71 hours late. What was set
// aside is replayed on the sixth day. Of February nothing of it may be counted any more, be it counted or not; a record about an hour of March
// that was never counted is counted then, once. The store loses answers.
func TestStatementAndAdjustmentsEqualCountersAndLedgerToTheCall(t *testing.T) {
	keytest.OneAtATime(t)
	calls, over := 6_000, 100*time.Second
	if keytest.Deep() {
		calls, over = 1_000_000, 10*time.Minute
	}
	synctest.Test(t, func(t *testing.T) { // pauses cost nothing
		stores := keytest.LongStores(t)
		f := newFleet(t, newHarnessOn(t, stores), 4, 2, 4)
		f.run(t, calls, over)
		shaky := keytest.NewStores(keytest.NewFaults(stores.DB, unsure(5)), stores.Tables)
		sound := f.harness
		f.harness = newHarnessOn(t, shaky)
		f.deliver(t, f.now, f.records)
		if f.garbage == 0 {
			t.Fatal("no poison")
		}

		end := february.End()
		f.now = end.Add(-time.Minute)
		tooLate, inTime := usage.NewTally("late"), usage.NewTally("intime")
		never := f.decide(tooLate, f.keys[0], "search", "", "paying", authz.Allowed)
		f.ledger[never]-- // until somebody counts it
		f.setAside(t, tooLate)
		f.now = end.Add(3*24*time.Hour + 22*time.Hour)
		for range 7 {
			f.decide(inTime, f.keys[1], "map-display", ".tiles", "paying", authz.Allowed)
		}
		f.setAside(t, inTime)

		if w := f.job(t, "statements", end.Add(95*time.Hour)).(written); len(w.Waiting)+len(w.Final) != 0 {
			t.Errorf("before its time: %+v", w)
		}
		if w := f.job(t, "statements", end.Add(96*time.Hour)).(written); len(w.Waiting) != 1 || w.Left != f.garbage+1 {
			t.Errorf("of %d records that were set aside %d can't be read and one isn't counted, and the job says %+v", f.spoilt, f.garbage, w)
		}
		day6 := end.Add(5*24*time.Hour + 12*time.Hour)
		f.deliver(t, day6, f.records) // all of it, what was set aside too
		var replayed [][]byte
		for _, a := range append(f.asides(t, "late"), f.asides(t, "intime")...) {
			replayed = append(replayed, a.Record)
		}
		for range 3 {
			f.deliver(t, day6, replayed)
		}
		if n := len(f.asides(t, "late")); n != 2 || len(replayed) != 2 { // as it came, and as it was refused on the sixth day
			t.Errorf("of %d records a report of February is set aside %d times", len(replayed), n)
		}
		if w := f.job(t, "statements", day6).(written); len(w.Waiting) != 1 {
			t.Errorf("%+v", w)
		}
		f.close(t, february)
		f.job(t, "statements", day6.Add(time.Hour))
		settled, err := sound.billing.notes.Settled(t.Context())
		if a := f.asides(t, "intime"); err != nil || len(a) != 1 || !settled["aside "+a[0].ID] {
			t.Errorf("what was counted by a replay isn't noted as counted: %v, %v", a, err)
		}
		f.harness = sound
		state := f.state(t, february)
		if state.Status != statements.Final || !state.Over {
			t.Fatalf("%+v", state)
		}
		stated, counted := f.stated(t, february)
		differ(t, "counters and ledger", counted, f.month(february))
		differ(t, "statement and ledger", stated, f.month(february))
		if c := f.job(t, "compare", day6.Add(2*time.Hour)).(compared); len(c.Equal) != 1 || c.Adjusted != 0 || c.Uncounted != f.garbage+1 {
			t.Errorf("%+v", c)
		}

		// Somebody repairs the counters, and has what was never counted of February counted, twice: it is an adjustment of March, once.
		f.ledger[never]++
		for range 2 {
			f.consume(t, end.Add(-time.Minute), replayed[:1], false)
		}
		for n := range 3 {
			c := f.job(t, "compare", day6.Add(time.Duration(3+n)*time.Hour)).(compared)
			if (n == 0) != (c.Adjusted == 1) {
				t.Errorf("run %d: %+v", n, c)
			}
		}
		stated, counted = f.stated(t, february)
		differ(t, "counters and ledger with an adjustment", counted, f.month(february))
		differ(t, "statement with an adjustment and ledger", stated, f.month(february))
		if again := f.state(t, february); again.SHA256 != state.SHA256 || again.Version != state.Version {
			t.Errorf("the final statement was %+v and is %+v", state, again)
		}

		// March has its own calls, and the adjustment that came in it.
		f.close(t, march)
		f.job(t, "statements", march.Settled())
		stated, counted = f.stated(t, march)
		differ(t, "march: counters and ledger", counted, f.month(march))
		differ(t, "march: statement and ledger", stated, f.month(march))
		rows, err := statements.New(f.DB, f.Tables.Statements).Rows(t.Context(), f.state(t, march), f.keys[0].Account)
		adjusting := int64(0)
		for _, r := range rows {
			if r.Adjusts == february {
				adjusting += r.Allowed()
			}
		}
		if err != nil || adjusting != 1 {
			t.Errorf("%d calls of February in March's statement, %v", adjusting, err)
		}
		if c := f.job(t, "compare", march.Settled().Add(2*time.Hour)).(compared); len(c.Equal) != 2 || c.Adjusted != 0 {
			t.Errorf("with an adjustment of February in March's statement: %+v", c)
		}
		t.Logf("%d calls in %d records, %d of them poison: %d numbers equal", calls, len(f.records), f.spoilt, len(f.ledger))
	})
}
