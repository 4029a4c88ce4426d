package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage/statement"
)

// measured are the values of a metric that have been written since forget.
func (r *harness) measured(t testing.TB, name string) (values []float64) {
	t.Helper()
	for line := range strings.Lines(r.out.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if n, ok := l[name].(float64); ok {
			values = append(values, n)
		}
	}
	return values
}

// TestStatementsWaitingAreMonths that are settled and have no statement for what is left of them, however much that is.
func TestStatementsWaitingAreMonths(t *testing.T) {
	r, _ := stocked(t, keytest.LongStores(t), 1, 1)
	for n := range 3 {
		if err := r.billing.notes.Miss(t.Context(), february, statements.Missed{ID: fmt.Sprint("report ", n), At: keytest.Now}); err != nil {
			t.Fatal(err)
		}
	}
	for _, run := range []struct {
		at      time.Time
		waiting float64
	}{{february.Settled().Add(-time.Hour), 0}, {february.Settled(), 1}} {
		r.at = run.at
		r.forget()
		answer, err := r.do(t, "statements")
		if w, _ := answer.(written); err != nil || w.Left != 3 || !slices.Equal(r.measured(t, "StatementsWaiting"), []float64{run.waiting}) {
			t.Errorf("%v: %+v, %v, measured %v, want %v", run.at, answer, err, r.measured(t, "StatementsWaiting"), run.waiting)
		}
	}
}

// TestAMonthWithoutTimeToLookAtItWaits: a run that ends before it has seen what keeps a settled month open says so, and is no error.
func TestAMonthWithoutTimeToLookAtItWaits(t *testing.T) {
	r, _ := stocked(t, keytest.LongStores(t), 1, 1)
	if err := r.billing.notes.Miss(t.Context(), february, statements.Missed{ID: "report", At: keytest.Now}); err != nil {
		t.Fatal(err)
	}
	r.at = february.Settled()
	r.forget()
	ctx, cancel := context.WithTimeout(t.Context(), margin/2)
	defer cancel()
	answer, err := r.handle(ctx, json.RawMessage(`{"job":"statements"}`))
	if w, _ := answer.(written); err != nil || !w.More || !slices.Equal(w.Waiting, []string{february.String()}) || !slices.Equal(r.measured(t, "StatementsWaiting"), []float64{1}) {
		t.Errorf("%+v, %v, measured %v", answer, err, r.measured(t, "StatementsWaiting"))
	}
}

// TestDifferencesAreMeasuredWhateverElseFails: an adjustment rings its alarm though another account can't be compared, and no run that compared a part
// says that there is none.
func TestDifferencesAreMeasuredWhateverElseFails(t *testing.T) {
	r, _ := stocked(t, keytest.LongStores(t), 4, 1)
	ids := r.ids(t)
	r.at = february.Settled()
	if answer, err := r.do(t, "statements"); err != nil {
		t.Fatalf("%+v, %v", answer, err)
	}
	sound := r.billing.statements
	r.billing.statements = partly{sound, func(id account.ID) bool { return id == ids[0] }}
	r.billing.counters = crowded{r.billing.counters, ids[2], 1, 3}
	compare := func(failed, differences int, measured string) {
		t.Helper()
		r.forget()
		answer, err := r.do(t, "compare")
		if c, _ := answer.(compared); (err != nil) != (failed > 0) || c.Failed != failed || c.Adjusted != differences || fmt.Sprint(r.measured(t, "StatementDifferences")) != measured {
			t.Errorf("%+v, %v, measured %v, want %s", answer, err, r.measured(t, "StatementDifferences"), measured)
		}
	}
	compare(1, 1, "[1]")
	compare(1, 0, "[]")
	r.billing.statements = sound
	compare(0, 0, "[0]")
}

// TestReportsAreComparedWhenNoneCanComeAnyMore: one that comes in the last of the 72 hours, and isn't counted, keeps its month open, whenever the job ran
// before.
func TestReportsAreComparedWhenNoneCanComeAnyMore(t *testing.T) {
	end := february.End()
	for _, before := range []time.Duration{time.Minute, 71 * time.Hour, 72*time.Hour - time.Second} {
		f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
		f.decide(f.tallies[0], f.keys[0], "search", "", "paying", authz.Allowed)
		f.job(t, "statements", end.Add(before))
		f.at = february.Settled()
		f.daily(t)
		f.now = end.Add(71 * time.Hour)
		f.report(t, f.tallies[0], 0)
		if w := f.job(t, "statements", february.Settled()).(written); w.Left != 1 || len(w.Waiting) != 1 {
			t.Errorf("%v after the month's end, and then: %+v", before, w)
		}
	}
}

// failingFor are statements in which the adjustments of some accounts can't be read, each for its reason.
type failingFor struct {
	statementStore
	why map[account.ID]error
}

func (f failingFor) Adjustments(ctx context.Context, id account.ID) ([]statements.Adjustment, error) {
	if err := f.why[id]; err != nil {
		return nil, err
	}
	return f.statementStore.Adjustments(ctx, id)
}

func (f failingFor) Standing(ctx context.Context, m statement.Month, id account.ID) ([]statement.Row, statements.Carried, error) {
	if err := f.why[id]; err != nil {
		return nil, statements.Carried{}, err
	}
	return f.statementStore.Standing(ctx, m, id)
}

// TestAMonthIsClosedOverWhatLastsAlone: an account that couldn't be read for the moment is in the statement, though an admin has closed the month.
func TestAMonthIsClosedOverWhatLastsAlone(t *testing.T) {
	throttled := errors.New("throttled")
	for name, c := range map[string]struct {
		why  []error // of the first accounts
		left int     // of a closed month; -1: it isn't final
	}{
		"unreadable":                {[]error{dynamo.ErrUnreadable}, 1},
		"too large":                 {[]error{statements.ErrTooLarge}, 1},
		"throttled":                 {[]error{throttled}, -1},
		"one lasts, another is not": {[]error{dynamo.ErrUnreadable, throttled}, -1},
		"the other way round":       {[]error{throttled, statements.ErrTooLarge}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := stocked(t, keytest.LongStores(t), 3, 1)
			f, ids, bad, sound := &fleet{harness: r}, r.ids(t), failingFor{r.billing.statements, map[account.ID]error{}}, r.billing.statements
			for i, err := range c.why {
				bad.why[ids[i]] = err
			}
			r.billing.statements, r.at = bad, february.Settled()
			f.close(t, february)
			answer, err := r.do(t, "statements")
			s := f.state(t, february)
			if final := s.Status == statements.Final; final != (c.left >= 0) || (err == nil) != final || len(s.Left) != len(c.why) {
				t.Fatalf("%+v, %v: %+v", answer, err, s)
			}
			if c.left >= 0 {
				return
			}
			r.billing.statements = sound
			if answer, err = r.do(t, "statements"); err != nil {
				t.Errorf("%+v, %v", answer, err)
			}
			if s = f.state(t, february); s.Status != statements.Final || len(s.Left) != 0 {
				t.Errorf("when it has passed: %+v", s)
			}
		})
	}
}
