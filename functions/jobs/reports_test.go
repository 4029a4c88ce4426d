package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/dynamo/stream"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
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

// TestWhatTheStreamGaveUpOnIsNamedWhileItIsThere: reports of the middle of a month that no record of the stream brings to the counters. Of those that say more and more of
// the same calls the last is noted whole within two days, which the alarm is told of once, so that it can be counted; and the month waits for that, long after the reports themselves have expired.
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
		if len(noted) != 1 || told != 1 || within < 24 || within > 48 {
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

// TestAComparisonThatIsBehindIsTold: the job didn't run, or not to the end, for so long that reports may have expired before. No month waits for that.
func TestAComparisonThatIsBehindIsTold(t *testing.T) {
	for away, want := range map[time.Duration]int{mayExpire: 0, mayExpire + time.Hour: 1} {
		f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
		f.job(t, "statements", middle)
		for range 2 { // the second run finds what the first one has begun
			f.job(t, "statements", middle.Add(away))
		}
		if got := len(f.measured(t, "ReportsBehind")); got != want || f.setAsides(t) != 0 {
			t.Errorf("away for %v: told %d times", away, got)
		}
		f.at = february.Settled()
		f.daily(t)
		if w := f.job(t, "statements", february.Settled()).(written); w.Left != 0 || len(w.Final) != 1 {
			t.Errorf("away for %v: %+v", away, w)
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

// TestAComparisonOfReportsIsTakenUp by the next run, and the month waits for its end, which is no reason for an alarm.
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
		f.at = february.Settled().Add(time.Duration(day) * time.Hour)
		w, _ := f.do(t, "statements")
		if len(w.(written).Waiting) != 0 {
			t.Errorf("run %d: %+v", day, w)
		}
		if len(w.(written).Final) == 1 {
			ended = day
			break
		}
	}
	if ended < 3 {
		t.Errorf("final at run %d", ended)
	}
}

// longPages are reports of which a page takes nearly all the time of a run.
type longPages struct{ reportsReader }

func (l longPages) Each(ctx context.Context, after string, yield func(string, usage.Report, error) error, done func(string) error) error {
	return l.reportsReader.Each(ctx, after, yield, func(last string) error {
		time.Sleep(4 * margin)
		return done(last)
	})
}

// TestAPageThatTookAllTimeIsNotComparedAgain: the next run begins behind it.
func TestAPageThatTookAllTimeIsNotComparedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stores := keytest.LongStores(t)
		memory, ok := stores.DB.(*keytest.Memory)
		if !ok {
			t.Skip("pages of two are those of the store in memory")
		}
		memory.PageSize = 2
		f := newFleet(t, newHarnessOn(t, stores), 1, 1, 9)
		f.now = february.End().Add(-time.Hour)
		for _, tally := range f.tallies {
			f.decide(tally, f.keys[0], "search", "", "paying", authz.Allowed)
			f.report(t, tally, 0)
		}
		f.consume(t, f.now, f.records, false)
		f.billing.reports = longPages{f.billing.reports}
		for run := range 10 {
			f.at = february.Settled().Add(time.Duration(run) * time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), 6*margin)
			answer, err := f.handle(ctx, []byte(`{"job":"statements"}`))
			cancel()
			if err != nil {
				t.Fatalf("run %d: %+v, %v", run, answer, err)
			}
			if len(answer.(written).Final) == 1 {
				return
			}
		}
		t.Error("the month waits for a comparison that never ends")
	})
}

// TestAComparisonThatDoesNotGetThroughHoldsNoMonthBack for more than a day, and rings no alarm of months that wait.
func TestAComparisonThatDoesNotGetThroughHoldsNoMonthBack(t *testing.T) {
	for name, err := range map[string]error{"no time": errTimeUp, "no table": errMute} {
		f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
		f.billing.reports = unread{err}
		for hour := 0; hour <= 24; hour++ {
			f.at = february.Settled().Add(time.Duration(hour) * time.Hour)
			answer, _ := f.do(t, "statements")
			if w := answer.(written); len(w.Waiting) != 0 || w.Left != 0 || (len(w.Final) == 1) != (hour == 24) {
				t.Errorf("%s: %d hours: %+v", name, hour, w)
			}
		}
	}
}

// unread are reports that can't be gone through.
type unread struct{ err error }

func (r unread) Each(context.Context, string, func(string, usage.Report, error) error, func(string) error) error {
	return r.err
}

// many are reports of which there is always another page, and each takes a second.
type many struct{}

func (many) Each(_ context.Context, _ string, _ func(string, usage.Report, error) error, done func(string) error) error {
	for {
		time.Sleep(time.Second)
		if err := done("env 1"); err != nil {
			return err
		}
	}
}

// TestAComparisonOfReportsLeavesMonthsTheirTime: a month that doesn't wait for it any more is written by the same run.
func TestAComparisonOfReportsLeavesMonthsTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := stocked(t, keytest.LongStores(t), 2, 1)
		r.billing.reports, r.at = many{}, february.Settled().Add(mostCompared)
		ctx, cancel := context.WithTimeout(t.Context(), 10*margin)
		defer cancel()
		answer, err := r.handle(ctx, []byte(`{"job":"statements"}`))
		if w := answer.(written); err != nil || len(w.Final) != 1 || !w.More {
			t.Errorf("%+v, %v", w, err)
		}
	})
}

// slowNotes take five seconds to write one.
type slowNotes struct {
	noteStore
	written int
}

func (s *slowNotes) Miss(ctx context.Context, m statement.Month, missed statements.Missed) error {
	time.Sleep(5 * time.Second)
	s.written++
	return s.noteStore.Miss(ctx, m, missed)
}

// TestAPageThatTakesLongEndsInTime: each run notes some of the reports of a page, and none twice.
func TestAPageThatTakesLongEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 20)
		f.now = middle
		for _, tally := range f.tallies {
			f.decide(tally, f.keys[0], "search", "", "paying", authz.Allowed)
			f.report(t, tally, 0)
		}
		notes := &slowNotes{noteStore: f.billing.notes}
		f.billing.notes = notes
		for runs := 0; notes.written < 20; runs++ {
			f.at = middle.Add(time.Duration(25+runs) * time.Hour)
			ctx, cancel := context.WithTimeout(t.Context(), 6*margin)
			answer, err := f.handle(ctx, []byte(`{"job":"statements"}`))
			late := ctx.Err()
			if cancel(); err != nil || late != nil || runs > 5 {
				t.Fatalf("run %d: %+v, %v, %v", runs, answer, err, late)
			}
		}
		if got := f.setAsides(t); notes.written != 20 || got != 20 {
			t.Errorf("%d are noted, %v told", notes.written, got)
		}
	})
}

// TestWhatIsSetAsideAndStillInTheTableIsNotedOnce: the counter has told of it.
func TestWhatIsSetAsideAndStillInTheTableIsNotedOnce(t *testing.T) {
	for _, final := range []bool{false, true} {
		f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
		job, at := "statements", middle.Add(25*time.Hour)
		if f.now = middle; final {
			f.job(t, "statements", february.Settled())
			job, at, f.now = "compare", february.Settled().Add(2*time.Hour), february.End().Add(-time.Hour)
		}
		f.decide(f.tallies[0], f.keys[0], "search", "", "paying", authz.Allowed)
		part := f.tallies[0].Report(f.now)[0]
		if final {
			f.now = february.Settled().Add(time.Hour)
		}
		f.put(t, part)
		raw := keytest.StreamRecord("1", "INSERT", reports.Encode(part))
		if err := f.counters.Quarantine(t.Context(), "1", "refused", raw, f.now); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			f.job(t, job, at)
			at = at.Add(time.Hour)
		}
		noted := 0
		if err := f.billing.notes.EachMissing(t.Context(), february, func(statements.Missed) error { noted++; return nil }); err != nil {
			t.Fatal(err)
		}
		if got := f.setAsides(t); noted != 1 || got != 0 {
			t.Errorf("final: %t: %d are noted, %v told", final, noted, got)
		}
	}
}

// TestTheReplayOfNotesTakesWhatCanBeCounted: the command of the playbook passes over notes of what is too old, of what couldn't be read, and of records that are elsewhere.
func TestTheReplayOfNotesTakesWhatCanBeCounted(t *testing.T) {
	page, err := os.ReadFile("../../docs/playbooks/usage-set-aside.md")
	program := regexp.MustCompile(`jq -c '([^']*)'`).FindSubmatch(page)
	if err != nil || program == nil {
		t.Fatal(err)
	}
	note := func(id string, age time.Duration, entries int) string {
		r := usage.Report{Environment: "env", Sequence: 1, At: time.Now()}
		for range entries {
			r.Entries = append(r.Entries, usage.Entry{
				Subject: usage.Subject{Account: "acc_1", Key: "key_x", Product: "search"}, Hour: usage.HourOf(time.Now().Add(-age)), Counts: usage.Counts{"c:c:allowed": 1},
			})
		}
		item, err := json.Marshal(keytest.DynamoJSON(reports.Encode(r)))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`{"sk":{"S":%q},"report":{"M":%s}}`, id, item)
	}
	list := []string{
		note("report env 1", 70*time.Hour, 2), note("report env 2", 74*time.Hour, 1), note("report env 3", 0, 0), note("aside x", 0, 1), `{"sk":{"S":"report env 4"}}`,
	}
	cmd := exec.CommandContext(t.Context(), "jq", "-c", string(program[1]))
	cmd.Stdin = strings.NewReader(`{"Items":[` + strings.Join(list, ",") + `]}`)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	records, err := stream.Decode([]byte(`{"Records":[` + strings.Join(strings.Split(strings.TrimSpace(string(out)), "\n"), ",") + `]}`))
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v: %s", len(records), err, out)
	}
	if r, err := reports.Decode(records[0].New); err != nil || len(r.Entries) != 2 {
		t.Errorf("%+v, %v", r, err)
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
	if month == february.String() {
		a.times++
	}
	return a.store.StatementClosed(ctx, month)
}
