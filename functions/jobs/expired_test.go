package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// TestNoMonthEndsBecauseWhatItWaitsForHasExpired: a record that was set aside and never counted is noted while its month runs, for as long as the month
// may wait; only an admin ends that.
func TestNoMonthEndsBecauseWhatItWaitsForHasExpired(t *testing.T) {
	f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
	f.decide(f.tallies[0], f.keys[0], "search", "", "paying", authz.Allowed)
	f.setAside(t, f.tallies[0])
	f.job(t, "statements", began.Add(time.Minute))
	expired := 0
	for _, item := range f.Items(t, f.Tables.Counters) {
		if item["why"] == nil {
			continue
		}
		expired++
		key := dynamo.Item{"pk": item["pk"], "sk": item["sk"]}
		if _, err := f.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &f.Tables.Counters, Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	f.at = february.Settled()
	f.daily(t)
	if w := f.job(t, "statements", february.Settled()).(written); expired != 1 || w.Left != 1 || len(w.Waiting) != 1 {
		t.Errorf("%d expired: %+v", expired, w)
	}
	notes := 0
	for _, item := range f.Items(t, f.Tables.Statements) {
		if pk, _ := dynamo.GetS(item, "pk"); strings.HasPrefix(pk, "MISSING#") {
			notes++
			if ttl, _ := dynamo.GetN(item, "ttl"); time.Unix(ttl, 0).Before(february.End().AddDate(1, 0, 0)) {
				t.Errorf("the note expires at %v", time.Unix(ttl, 0))
			}
		}
	}
	if notes != 1 {
		t.Errorf("%d notes", notes)
	}
	f.close(t, february)
	if w := f.job(t, "statements", february.Settled()).(written); len(w.Final) != 1 {
		t.Errorf("closed: %+v", w)
	}
}

// TestACloseDoesNotWaitForWhatCannotBeAsked, as it doesn't for what is left: be it the notes of what is missing, or of what is counted. The run says so.
func TestACloseDoesNotWaitForWhatCannotBeAsked(t *testing.T) {
	for name, mute := range map[string]func(noteStore) noteStore{
		"what is missing": func(n noteStore) noteStore { return mute{n} },
		"what is counted": func(n noteStore) noteStore { return forgetful{n} },
	} {
		f := oneReport(t)
		f.billing.notes = mute(f.billing.notes)
		f.at = february.Settled()
		if answer, err := f.do(t, "statements"); !errors.Is(err, errMute) || len(answer.(written).Final) != 0 {
			t.Errorf("%s: %+v, %v", name, answer, err)
		}
		f.close(t, february)
		answer, err := f.do(t, "statements")
		if w, _ := answer.(written); !errors.Is(err, errMute) || len(w.Final) != 1 {
			t.Errorf("%s: %+v, %v", name, answer, err)
		}
	}
}

var errMute = errors.New("no answer")

// mute are notes whose lists of what is missing can't be read, and forgetful ones whose list of what is counted can't.
type (
	mute      struct{ noteStore }
	forgetful struct{ noteStore }
)

func (mute) EachMissing(context.Context, statement.Month, func(statements.Missed) error) error {
	return errMute
}

func (forgetful) Settled(context.Context) (map[string]bool, error) { return nil, errMute }

// TestAccountsThatAreLeftMakeRoomWhenTheyCanBeWritten: a fault of all leaves as many as there may be; when it has passed they are tried first, so that
// one that stays bad behind them holds up nobody.
func TestAccountsThatAreLeftMakeRoomWhenTheyCanBeWritten(t *testing.T) {
	r, _ := stocked(t, keytest.LongStores(t), mostLeft+3, 1)
	ids := r.ids(t)
	bad := ids[mostLeft+1]
	sound := r.billing.statements
	r.billing.statements = partly{sound, func(account.ID) bool { return true }}
	r.at = february.Settled()
	f := &fleet{harness: r}
	if answer, err := r.do(t, "statements"); err == nil || len(f.state(t, february).Left) != mostLeft {
		t.Fatalf("%+v, %v: %d are left", answer, err, len(f.state(t, february).Left))
	}
	r.billing.statements = partly{sound, func(id account.ID) bool { return id == bad }}
	answer, err := r.do(t, "statements")
	w, _ := answer.(written)
	if s := f.state(t, february); err == nil || w.Accounts != len(ids)-1 || !slices.Equal(s.Left, []account.ID{bad}) || s.After != ids[len(ids)-1] {
		t.Errorf("%+v, %v: %v are left", answer, err, s.Left)
	}
}

// partly are statements in which the adjustments of some accounts can't be read.
type partly struct {
	statementStore
	bad func(account.ID) bool
}

func (f partly) Adjustments(ctx context.Context, id account.ID) ([]statements.Adjustment, error) {
	if f.bad(id) {
		return nil, dynamo.ErrUnreadable
	}
	return f.statementStore.Adjustments(ctx, id)
}

func (f partly) Standing(ctx context.Context, m statement.Month, id account.ID) ([]statement.Row, statements.Carried, error) {
	if f.bad(id) {
		return nil, statements.Carried{}, dynamo.ErrUnreadable
	}
	return f.statementStore.Standing(ctx, m, id)
}

// TestNoStatementIsMadeOfDaysThatHaveExpired, not even of a month that an admin has closed; one that is final isn't compared with them.
func TestNoStatementIsMadeOfDaysThatHaveExpired(t *testing.T) {
	whole := february.Begin().Add(usage.KeepDays)
	for name, c := range map[string]struct {
		at    time.Time
		final bool
	}{"on the last day": {whole, true}, "behind it": {whole.Add(time.Second), false}} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
			f.decide(f.tallies[0], f.keys[0], "search", "", "paying", authz.Allowed)
			f.setAside(t, f.tallies[0])
			f.daily(t)
			f.job(t, "statements", february.Settled())
			f.close(t, february)
			w := f.job(t, "statements", c.at).(written)
			if got := f.state(t, february).Status == statements.Final; got != c.final || len(w.Waiting) > 0 || w.Left > 0 {
				t.Errorf("final: %t, %+v", got, w)
			}
			for range 2 { // of what is final the days expire now
				if c := f.job(t, "compare", whole.Add(24*time.Hour)).(compared); slices.Contains(c.Equal, february.String()) || len(c.Unequal) > 0 {
					t.Errorf("%+v", c)
				}
			}
		})
	}
}

// TestAMonthThatIsLostWaitsUntilAnAdminGivesItUp: the alarm of months that wait doesn't end because its days have expired, be it open or partly written.
func TestAMonthThatIsLostWaitsUntilAnAdminGivesItUp(t *testing.T) {
	for name, status := range map[string]statements.Status{"open": statements.Open, "writing": statements.Writing} {
		f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
		f.job(t, "statements", began)
		s := f.state(t, february)
		next := s
		next.Status = status
		if _, err := f.billing.statements.Save(t.Context(), s, next); err != nil {
			t.Fatal(err)
		}
		f.at = february.Begin().Add(usage.KeepDays + time.Second)
		for _, waiting := range []bool{true, true, false} {
			f.forget()
			if !waiting {
				f.close(t, february)
			}
			answer, err := f.do(t, "statements")
			w, _ := answer.(written)
			if err != nil || slices.Contains(w.Waiting, february.String()) != waiting || !slices.Equal(f.measured(t, "StatementsWaiting"), []float64{float64(len(w.Waiting))}) {
				t.Errorf("%s: %+v, %v, want waiting: %t", name, w, err, waiting)
			}
			if got := f.state(t, february).Status; got != status {
				t.Errorf("%s: it is %v", name, got)
			}
		}
	}
}
