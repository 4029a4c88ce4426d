package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// final is a store in which the statement of February is final, and the last accounts have a call more since.
func final(t testing.TB, stores keytest.Stores, accounts, changed int) *harness {
	t.Helper()
	r, _ := stocked(t, stores, accounts, 1)
	r.at = february.Settled()
	if answer, err := r.do(t, "statements"); err != nil {
		t.Fatalf("%+v, %v", answer, err)
	}
	f := newFleet(t, r, 0, 0, 1)
	f.now = february.Begin().Add(100 * time.Hour)
	f.tallies[0] = usage.NewTally("since")
	for _, id := range r.ids(t)[accounts-changed:] {
		page, err := stores.Control.Keys(t.Context(), id, controlQuery)
		if err != nil || len(page.Keys) != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
		f.decide(f.tallies[0], page.Keys[0], "search", "", "paying", authz.Allowed)
	}
	f.consume(t, f.now, f.recordsOf(f.tallies[0]), false)
	return r
}

// seen are statements that note of which accounts the rows are read.
type seen struct {
	statementStore
	lock sync.Mutex
	ids  []account.ID
	then func(account.ID)
}

func (s *seen) Rows(ctx context.Context, state statements.State, id account.ID) ([]statement.Row, error) {
	s.lock.Lock()
	s.ids = append(s.ids, id)
	s.lock.Unlock()
	if s.then != nil {
		s.then(id)
	}
	return s.statementStore.Rows(ctx, state, id)
}

// TestAComparisonThatHasNoTimeLeftIsTakenUp by the next run, behind the last account that was compared: none is always left. Only the run that has compared the
// last one says whether the month is equal; the one behind it begins again.
func TestAComparisonThatHasNoTimeLeftIsTakenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stores := keytest.LongStores(t)
		const accounts = 3*comparedAtOnce + 5
		r := final(t, stores, accounts, 1)
		for pass, want := range []func(compared) bool{
			func(c compared) bool { return slices.Equal(c.Unequal, []string{"2026-02"}) && c.Adjusted == 1 },
			func(c compared) bool { return slices.Equal(c.Equal, []string{"2026-02"}) && c.Adjusted == 0 },
		} {
			looked, runs := &seen{statementStore: r.billing.statements, then: func(account.ID) { time.Sleep(time.Second) }}, 0
			for more := true; more; runs++ {
				next := newHarnessOn(t, stores)
				next.at, next.billing.statements = r.at, looked
				ctx, cancel := context.WithTimeout(t.Context(), margin+time.Second)
				answer, err := next.handle(ctx, []byte(`{"job":"compare"}`))
				cancel()
				c, _ := answer.(compared)
				if more = c.More; err != nil || runs > 10 || c.Accounts == 0 || more == want(c) {
					t.Fatalf("pass %d, run %d: %+v, %v", pass, runs, c, err)
				}
				if strings.Contains(next.out.String(), "StatementDifferences") == (more || pass == 0 && c.Adjusted == 0) {
					t.Errorf("pass %d, run %d measures: %s", pass, runs, next.out)
				}
			}
			slices.Sort(looked.ids)
			if !slices.Equal(looked.ids, r.ids(t)) || runs < 3 {
				t.Errorf("pass %d: in %d runs %d accounts are compared, and there are %d", pass, runs, len(looked.ids), accounts)
			}
		}
	})
}

// TestAComparisonThatIsInterruptedAnywhereIsTakenUp: each call of the store is the last of a run, answered or not. What is found is adjusted once.
func TestAComparisonThatIsInterruptedAnywhereIsTakenUp(t *testing.T) {
	keytest.OneAtATime(t)
	for _, fault := range []keytest.Fault{keytest.Before, keytest.After} {
		calls := 0
		for n, reached := 1, true; reached; n++ {
			synctest.Test(t, func(t *testing.T) {
				stores := keytest.LongStores(t)
				r := final(t, stores, 3, 1)
				reached = false
				cut := newHarnessOn(t, stores.With(func(_ string, at int) keytest.Fault {
					switch reached = reached || at >= n; {
					case at > n:
						return keytest.Before
					case at == n:
						return fault
					default:
						return keytest.NoFault
					}
				}))
				cut.at = r.at
				_, _ = cut.do(t, "compare")
				equal := false
				for range 2 { // a pass that the first run has not ended, and one more
					answer, err := r.do(t, "compare")
					c, _ := answer.(compared)
					if equal = slices.Equal(c.Equal, []string{"2026-02"}); err != nil || c.More {
						t.Errorf("cut off at call %d: %+v, %v", n, answer, err)
					}
				}
				stated, counted := (&fleet{harness: r}).stated(t, february)
				differ(t, fmt.Sprintf("cut off at call %d", n), stated, counted)
				list, err := r.billing.statements.Adjustments(t.Context(), r.ids(t)[2])
				if err != nil || len(list) != 1 || !equal {
					t.Errorf("cut off at call %d: %d adjustments, %v; equal: %t", n, len(list), err, equal)
				}
			})
			calls = n
		}
		if calls < 15 {
			t.Errorf("a run makes %d calls", calls)
		}
	}
}

// TestAnAccountThatNoRunCanFinishStopsNoOther: a run that compares it ends there and then, whatever it does. After a few runs the others are compared, the
// account is named, and the run is an error.
func TestAnAccountThatNoRunCanFinishStopsNoOther(t *testing.T) {
	stores := keytest.LongStores(t)
	r := final(t, stores, comparedAtOnce+4, 1)
	ids := r.ids(t)
	bad := ids[comparedAtOnce/2]
	for run := 1; ; run++ {
		var lock sync.Mutex
		dead := false
		next := newHarnessOn(t, stores.With(func(string, int) keytest.Fault {
			lock.Lock()
			defer lock.Unlock()
			if dead {
				return keytest.Before
			}
			return keytest.NoFault
		}))
		looked := &seen{statementStore: next.billing.statements, then: func(id account.ID) {
			lock.Lock()
			defer lock.Unlock()
			dead = dead || id == bad
		}}
		next.at, next.billing.statements = r.at, looked
		answer, err := next.do(t, "compare")
		c, _ := answer.(compared)
		if dead {
			if run > 2+mostTries { // some at once, one by one, and each that begins with it
				t.Fatalf("run %d still compares it, after %d others: %v", run, len(looked.ids), err)
			}
			continue
		}
		if err == nil || c.Failed != 1 || c.Adjusted != 1 || !strings.Contains(next.out.String(), string(bad)) || len(c.Equal) != 0 || c.More {
			t.Errorf("run %d: %+v, %v", run, c, err)
		}
		break
	}
}

// TestAFinalStatementIsComparedWithTheReportsThatAreThere, and with what was set aside since: what isn't counted is noted and told once, and the month
// isn't called equal while it isn't. A report that is counted after all is an adjustment, and the month is equal then.
func TestAFinalStatementIsComparedWithTheReportsThatAreThere(t *testing.T) {
	for name, arrives := range map[string]func(*testing.T, *fleet){
		"a report":  func(t *testing.T, f *fleet) { f.report(t, f.tallies[0], 0) },
		"set aside": func(t *testing.T, f *fleet) { f.setAside(t, f.tallies[0]) },
	} {
		f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 1)
		if w := f.job(t, "statements", february.Settled()).(written); len(w.Final) != 1 {
			t.Fatalf("%+v", w)
		}
		f.decide(f.tallies[0], f.keys[0], "search", "", "paying", authz.Allowed)
		records := f.recordsOf(f.tallies[0])
		f.now = february.Settled().Add(time.Hour)
		arrives(t, f)
		for run := range 2 {
			f.forget()
			c := f.job(t, "compare", february.Settled().Add(time.Duration(2+run)*time.Hour)).(compared)
			told := strings.Contains(f.out.String(), `"StatementDifferences":1`)
			if len(c.Unequal) != 1 || len(c.Equal) != 0 || c.Uncounted != 1 || c.Adjusted != 0 || told != (run == 0) {
				t.Errorf("%s, run %d: %+v, told: %t", name, run, c, told)
			}
		}
		f.consume(t, f.now, records, false)
		for run, want := range []string{"[] [2026-02]", "[2026-02] []"} {
			c := f.job(t, "compare", february.Settled().Add(time.Duration(4+run)*time.Hour)).(compared)
			if got := fmt.Sprint(c.Equal, " ", c.Unequal); got != want || c.Uncounted != 0 {
				t.Errorf("%s is counted, run %d: %+v, want %s", name, run, c, want)
			}
		}
	}
}

// reads are counters that count how often what each environment has contributed is read, and fail for one of them.
type reads struct {
	countersStore
	of   map[string]int
	fail string
}

func (r *reads) Read(ctx context.Context, items []usage.Item) (map[usage.Item]usage.Stored, error) {
	for _, item := range items {
		if r.of[item.Environment]++; item.Environment == r.fail {
			return nil, errMute
		}
	}
	return r.countersStore.Read(ctx, items)
}

// looks are the runs' numbers of what is left and noted, with what they read; each once.
func (f *fleet) looks(t *testing.T, fail string, noted int) {
	t.Helper()
	for run := range 2 {
		looked := &reads{f.billing.counters, map[string]int{}, fail}
		f.billing.counters, f.at = looked, february.Settled()
		answer, err := f.do(t, "statements")
		f.billing.counters = looked.countersStore
		if w, _ := answer.(written); errors.Is(err, errMute) != (fail != "") || w.Left != 3 || len(w.Final) != 0 {
			t.Errorf("run %d: %+v, %v", run, w, err)
		}
		if got := fmt.Sprint(looked.of); got != "map[env0.0:1 env1.0:1 env2.0:1]" {
			t.Errorf("run %d reads %s", run, got)
		}
		n := 0
		err = f.billing.notes.EachMissing(t.Context(), february, func(statements.Missed) error { n++; return nil })
		if err != nil || n != noted {
			t.Errorf("run %d: %d are noted, want %d, %v", run, n, noted, err)
		}
	}
}

// TestWhatKeepsAMonthOpenIsLookedAtOnceInARun, be it a record that was set aside, the note of it, or a report.
func TestWhatKeepsAMonthOpenIsLookedAtOnceInARun(t *testing.T) {
	f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 3)
	for i, tally := range f.tallies {
		f.decide(tally, f.keys[0], "search", "", "paying", authz.Allowed)
		if i < 2 {
			f.setAside(t, tally)
		} else {
			f.report(t, tally, 0)
		}
	}
	f.looks(t, "", 3)
}

// TestWhatCannotBeAskedOfOneRecordStopsNoOther: the others that were set aside are looked at and noted.
func TestWhatCannotBeAskedOfOneRecordStopsNoOther(t *testing.T) {
	f := newFleet(t, newHarnessOn(t, keytest.LongStores(t)), 1, 1, 3)
	for _, tally := range f.tallies {
		f.decide(tally, f.keys[0], "search", "", "paying", authz.Allowed)
		f.setAside(t, tally)
	}
	f.looks(t, "env0.0", 2)
}
