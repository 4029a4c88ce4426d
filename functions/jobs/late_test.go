package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
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

// TestNoMonthIsWithoutAStatement, though no run has come to its end in the month after: in a new stack the last one alone is looked at.
func TestNoMonthIsWithoutAStatement(t *testing.T) {
	r, _ := stocked(t, keytest.LongStores(t), 1, 1)
	months := func() (list []statement.Month) {
		t.Helper()
		r.daily(t)
		if answer, err := r.do(t, "statements"); err != nil {
			t.Fatalf("%+v, %v", answer, err)
		}
		states, err := r.billing.statements.States(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range states {
			if s.Status == statements.Final {
				list = append(list, s.Month)
			}
		}
		return list
	}
	r.at = february.Settled()
	if got := months(); !slices.Equal(got, []statement.Month{february}) {
		t.Errorf("at first: %v", got)
	}
	r.at = (february + 3).Settled()
	if got := months(); !slices.Equal(got, []statement.Month{february, february + 1, february + 2, february + 3}) {
		t.Errorf("three months later: %v", got)
	}
}

// outOfTime are notes of which there are more than a run has time for.
type outOfTime struct{ noteStore }

func (outOfTime) EachMissing(context.Context, statement.Month, func(statements.Missed) error) error {
	return errTimeUp
}

// TestWhatHasToBeLookedAtKeepsNoClosedMonthFromItsStatement: an admin has closed it, so that it waits for nothing.
func TestWhatHasToBeLookedAtKeepsNoClosedMonthFromItsStatement(t *testing.T) {
	r, _ := stocked(t, keytest.LongStores(t), 3, 1)
	r.at = february.Settled()
	r.billing.notes = outOfTime{r.billing.notes}
	f := &fleet{harness: r}
	for _, want := range []statements.Status{statements.Open, statements.Final} {
		if answer, err := r.do(t, "statements"); err != nil || !answer.(written).More {
			t.Errorf("%+v, %v", answer, err)
		}
		if s := f.state(t, february); s.Status != want {
			t.Errorf("%+v, want %s", s, want)
		}
		f.close(t, february)
	}
}

// restored are counters of an instant before an account was called.
type restored struct{ countersStore }

func (restored) KeyRows(context.Context, account.ID, apikey.ID, counters.Range) ([]usage.Row, error) {
	return nil, nil
}

func (restored) AccountRows(context.Context, account.ID, counters.Range) ([]usage.Row, error) {
	return nil, nil
}

// TestCountersThatHaveLostCallsCreditNobody: the run is an error, and the month isn't equal, until they are back.
func TestCountersThatHaveLostCallsCreditNobody(t *testing.T) {
	r := final(t, keytest.LongStores(t), 2, 1)
	sound := r.billing.counters
	r.billing.counters = restored{sound}
	answer, err := r.do(t, "compare")
	if c, _ := answer.(compared); err == nil || c.Failed != 2 || c.Adjusted != 0 || len(c.Equal) != 0 {
		t.Errorf("%+v, %v", answer, err)
	}
	for _, id := range r.ids(t) {
		if list, err := r.billing.statements.Adjustments(t.Context(), id); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
	}
	r.billing.counters = sound
	if answer, err := r.do(t, "compare"); err != nil || answer.(compared).Adjusted != 1 {
		t.Errorf("when they are back: %+v, %v", answer, err)
	}
}

// TestAMonthThatBecomesFinalLateIsComparedAsLongAsAnother: from then on.
func TestAMonthThatBecomesFinalLateIsComparedAsLongAsAnother(t *testing.T) {
	r, _ := stocked(t, keytest.LongStores(t), 1, 1)
	f := newFleet(t, r, 0, 0, 1)
	r.at = february.Settled().Add(-time.Hour)
	if _, err := r.do(t, "statements"); err != nil {
		t.Fatal(err)
	}
	r.at = february.End().Add(compareFor + 24*time.Hour)
	r.daily(t)
	if answer, err := r.do(t, "statements"); err != nil || !slices.Contains(answer.(written).Final, february.String()) {
		t.Fatalf("%+v, %v", answer, err)
	}
	page, err := r.Control.Keys(t.Context(), r.ids(t)[0], controlQuery)
	if err != nil || len(page.Keys) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	f.now = february.Begin().Add(100 * time.Hour)
	f.tallies[0] = usage.NewTally("since")
	f.decide(f.tallies[0], page.Keys[0], "search", "", "paying", authz.Allowed)
	f.consume(t, f.now, f.recordsOf(f.tallies[0]), false)
	r.at = r.at.Add(time.Hour)
	if answer, err := r.do(t, "compare"); err != nil || answer.(compared).Adjusted != 1 {
		t.Errorf("%+v, %v", answer, err)
	}
}

// reading counts what is asked of the counters.
type reading struct {
	countersStore
	reads int
}

func (c *reading) Read(ctx context.Context, items []usage.Item) (map[usage.Item]usage.Stored, error) {
	c.reads++
	return c.countersStore.Read(ctx, items)
}

// TestANoteIsAskedForAsLongAsAnythingIsKnownOfIt: what would show that it is counted expires, and notes stay for 400 days.
func TestANoteIsAskedForAsLongAsAnythingIsKnownOfIt(t *testing.T) {
	r, _ := stocked(t, keytest.LongStores(t), 1, 1)
	asked := &reading{countersStore: r.billing.counters}
	r.billing.counters = asked
	report := usage.Report{Environment: "env", Sequence: 1, At: february.End().Add(-time.Hour), Entries: []usage.Entry{{
		Subject: usage.Subject{Account: r.ids(t)[0], Key: "key_x", Product: "search"}, Hour: usage.HourOf(february.End().Add(-2 * time.Hour)), Counts: usage.Counts{"c:c:allowed": 1},
	}}}
	if err := r.billing.notes.Miss(t.Context(), february, statements.Missed{ID: "env", At: report.At, Report: reports.Encode(report)}); err != nil {
		t.Fatal(err)
	}
	for age, want := range map[time.Duration]bool{usage.KeepContributions - time.Hour: true, usage.KeepContributions + time.Hour: false} {
		asked.reads = 0
		r.at = report.At.Add(age)
		if answer, err := r.do(t, "statements"); err != nil || answer.(written).Left == 0 {
			t.Errorf("%+v, %v", answer, err)
		}
		if (asked.reads > 0) != want {
			t.Errorf("at an age of %v it is asked for %d times", age, asked.reads)
		}
	}
}

// TestAStateThatCannotBeReadStopsItsOwnMonthAlone: the run is an error, and all other months get their statements and are compared.
func TestAStateThatCannotBeReadStopsItsOwnMonthAlone(t *testing.T) {
	stores := keytest.LongStores(t)
	r, _ := stocked(t, stores, 1, 1)
	r.at = february.Settled().Add(-time.Hour)
	if answer, err := r.do(t, "statements"); err != nil {
		t.Fatalf("%+v, %v", answer, err)
	}
	for _, item := range r.Items(t, r.Tables.Statements) {
		if sk, _ := dynamo.GetS(item, "sk"); sk == february.String() {
			item["v"] = dynamo.S("damaged")
			r.Put(t, r.Tables.Statements, item)
		}
	}
	r.at = (february + 2).Settled()
	r.daily(t)
	answer, err := r.do(t, "statements") // March is begun only from a month before it that can be read
	if w, _ := answer.(written); !errors.Is(err, dynamo.ErrUnreadable) || !slices.Equal(w.Final, []string{(february + 2).String()}) {
		t.Errorf("%+v, %v", answer, err)
	}
	answer, err = r.do(t, "compare")
	if c, _ := answer.(compared); !errors.Is(err, dynamo.ErrUnreadable) || len(c.Equal) == 0 {
		t.Errorf("%+v, %v", answer, err)
	}
}
