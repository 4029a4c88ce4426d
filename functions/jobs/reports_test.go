package main

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// middle is a day of February whose reports have expired when the month ends.
var middle = february.Begin().Add(250 * time.Hour)

// expire removes the reports that are older than the table keeps them.
func (f *fleet) expire(t testing.TB) {
	t.Helper()
	for _, item := range f.Items(t, f.Tables.Slices) {
		if ttl, _ := dynamo.GetN(item, "ttl"); time.Unix(ttl, 0).After(f.at) {
			continue
		}
		key := dynamo.Item{"pk": item["pk"], "sk": item["sk"]}
		if _, err := f.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &f.Tables.Slices, Key: key}); err != nil {
			t.Fatal(err)
		}
	}
}

// setAsides are the values of the metric.
func (f *fleet) setAsides(t testing.TB) (sum float64) {
	t.Helper()
	for _, n := range f.measured(t, "UsageSetAside") {
		sum += n
	}
	return sum
}

// TestWhatTheStreamGaveUpOnIsNamedWhileItIsThere: a report of the middle of a month that no record of the stream brings to the counters. It is noted whole within two
// days, which the alarm is told of once, so that it can be counted; and the month waits for that, long after the report itself has expired.
func TestWhatTheStreamGaveUpOnIsNamedWhileItIsThere(t *testing.T) {
	for _, replayed := range []bool{false, true} {
		f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 2, 3)
		f.now, f.at = middle, middle
		for i, tally := range f.tallies[:2] {
			for range 3 { // an environment says the same calls again, and more
				f.decide(tally, f.keys[i], "search", "", "paying", authz.Allowed)
				f.report(t, tally, 0)
				f.now = f.now.Add(time.Second)
			}
		}
		f.consume(t, f.now, f.records[:3], false) // the first one's; the other batch failed all its tries
		var noted []statements.Missed
		told, within := 0.0, 0
		for hour := 0; f.at.Before(february.Settled()); hour++ {
			f.forget()
			f.job(t, "statements", middle.Add(time.Duration(hour)*time.Hour))
			f.expire(t)
			told += f.setAsides(t)
			noted = nil
			if err := f.billing.notes.EachMissing(t.Context(), february, func(one statements.Missed) error { noted = append(noted, one); return nil }); err != nil {
				t.Fatal(err)
			}
			if len(noted) > 0 && within == 0 {
				if within = hour; replayed {
					f.consume(t, f.at, [][]byte{keytest.StreamRecord("again", "INSERT", noted[len(noted)-1].Report)}, true)
				}
			}
		}
		if len(noted) != 3 || told != 3 || within < 24 || within > 48 {
			t.Errorf("%d are noted, the first after %d hours, and %v told", len(noted), within, told)
		}
		if s := f.state(t, february); s.Status == statements.Final != replayed {
			t.Errorf("counted: %t; %+v\n%s", replayed, s, f.out)
		}
		if replayed {
			stated, counted := f.stated(t, february)
			differ(t, "statement and ledger", stated, f.month(february))
			differ(t, "counters and ledger", counted, f.month(february))
		}
	}
}

// TestReportsThatNobodyComparedAreNamed: the job didn't run for so long that some expired before. The month waits until an admin closes it.
func TestReportsThatNobodyComparedAreNamed(t *testing.T) {
	longest := reports.Keep - givenUp
	for away, want := range map[time.Duration]int{longest: 0, longest + time.Hour: 1} {
		f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
		f.job(t, "statements", middle)
		f.job(t, "statements", middle.Add(away))
		if got := f.setAsides(t); got != float64(want) {
			t.Errorf("away for %v: %v told", away, got)
		}
		f.at = february.Settled()
		f.daily(t)
		w := f.job(t, "statements", february.Settled()).(written)
		if w.Left != want || len(w.Waiting) != want {
			t.Errorf("away for %v: %+v", away, w)
		}
		f.close(t, february)
		if f.job(t, "statements", february.Settled()); f.state(t, february).Status != statements.Final {
			t.Errorf("closed: %+v", f.state(t, february))
		}
	}
}

// paged are reports of which a run has time for one page.
type paged struct {
	reportsReader
	pages int
}

func (s *paged) Each(ctx context.Context, after string, yield func(string, usage.Report, error) error, done func(string) error) error {
	n := 0
	return s.reportsReader.Each(ctx, after, yield, func(last string) error {
		if err := done(last); err != nil {
			return err
		}
		if n++; n == s.pages {
			return errTimeUp
		}
		return nil
	})
}

// TestAComparisonOfReportsIsTakenUp by the next run, be it on another day, and the month waits for its end.
func TestAComparisonOfReportsIsTakenUp(t *testing.T) {
	stores := keytest.LongStores(t)
	if memory, ok := stores.DB.(*keytest.Memory); ok {
		memory.PageSize = 2
	}
	f := newFleet(t, newHarnessOn(t, stores), 1, 1, 9)
	f.now = february.End().Add(-time.Hour)
	for _, tally := range f.tallies {
		f.decide(tally, f.keys[0], "search", "", "paying", authz.Allowed)
		f.report(t, tally, 0)
	}
	f.consume(t, f.now, f.records, false)
	f.billing.reports = &paged{f.billing.reports, 1}
	ended := 0
	for day := range 12 {
		f.at = february.Settled().Add(time.Duration(day) * 12 * time.Hour)
		w, _ := f.do(t, "statements")
		if len(w.(written).Final) == 1 {
			ended = day
			break
		}
	}
	if ended < 3 {
		t.Errorf("final at run %d", ended)
	}
}

// TestACloseIsAskedForOnceInARun, of a month that waits for nothing as of one that is written; and not at all before it is settled: what an earlier release took then
// stays, and doesn't close early.
func TestACloseIsAskedForOnceInARun(t *testing.T) {
	for _, closed := range []bool{false, true} {
		r, _ := stocked(t, keytest.LongStores(t), 2, 1)
		f, asked := &fleet{harness: r}, &asking{store: r.store}
		r.store = asked
		if closed {
			f.close(t, february)
		} else if err := r.billing.notes.Settle(t.Context(), "report x", r.at); err != nil {
			t.Fatal(err)
		}
		if err := r.billing.notes.Miss(t.Context(), february, statements.Missed{ID: "report x", At: february.End()}); err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Time{february.End(), february.Settled().Add(-time.Second)} {
			f.at = at
			f.daily(t)
			f.job(t, "statements", at)
			if s := f.state(t, february); asked.times != 0 || s.Status != statements.Open {
				t.Errorf("at %v: asked %d times, %+v", at, asked.times, s)
			}
		}
		f.at = february.Settled()
		f.job(t, "statements", f.at)
		if s := f.state(t, february); asked.times != 1 || s.Status != statements.Final || s.Over != closed {
			t.Errorf("closed: %t: asked %d times, %+v", closed, asked.times, s)
		}
	}
}

type asking struct {
	store
	times int
}

func (a *asking) StatementClosed(ctx context.Context, month string) (string, bool, error) {
	a.times++
	return a.store.StatementClosed(ctx, month)
}
