package main

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// killed is a run that ends at a call of the store, answered or not, with all that it would have said behind it. reached is false if it makes fewer calls.
func killed(t testing.TB, stores keytest.Stores, r *harness, call int, fault keytest.Fault) (differences float64, reached bool) {
	t.Helper()
	var lock sync.Mutex
	var dead *harness
	said := ""
	dead = newHarnessOn(t, stores.With(func(_ string, at int) keytest.Fault {
		lock.Lock()
		defer lock.Unlock()
		switch {
		case reached:
			return keytest.Before
		case at == call:
			reached, said = true, dead.out.String()
			return fault
		default:
			return keytest.NoFault
		}
	}))
	dead.at = r.at
	_, _ = dead.do(t, "compare")
	if !reached {
		said = dead.out.String()
	}
	dead.out = &keytest.Buffer{}
	_, _ = dead.out.Write([]byte(said))
	return dead.differences(t), reached
}

// differences is the sum of the metric that has been written.
func (r *harness) differences(t testing.TB) (sum float64) {
	t.Helper()
	for _, n := range r.measured(t, "StatementDifferences") {
		sum += n
	}
	return sum
}

// TestWhatAKilledRunHasAdjustedIsTold: a comparison is killed at each call of the store, and again at each of the next run's. The alarm is told of all
// adjustments, no run says that the month is equal while the pass in which they were found is under way, and no account is left out.
func TestWhatAKilledRunHasAdjustedIsTold(t *testing.T) {
	keytest.OneAtATime(t)
	often := 10
	if keytest.Deep() {
		often = 1
	}
	for _, fault := range []keytest.Fault{keytest.Before, keytest.After} {
		for n, more := 1, true; more; n++ {
			for m, again := 0, true; again && (m == 0 || n%often == 0 && fault == keytest.After); m++ { // 0: once
				synctest.Test(t, func(t *testing.T) {
					stores := keytest.LongStores(t)
					r := final(t, stores, 3, 2)
					sum, reached := killed(t, stores, r, n, fault)
					more, again = reached, reached
					if m > 0 && reached {
						second, reached := killed(t, stores, r, m, fault)
						sum, again = sum+second, reached
					}
					pass, err := stores.Control.Pass(t.Context(), "compare")
					if err != nil {
						t.Fatal(err)
					}
					under := pass.UnderWay()
					r.forget()
					answer, err := r.do(t, "compare")
					c, _ := answer.(compared)
					if sum += r.differences(t); err != nil || sum < 2 || under && !slices.Equal(c.Unequal, []string{"2026-02"}) || c.More {
						t.Errorf("killed at call %d, then at %d, under way: %t: %v differences are measured; %+v, %v", n, m, under, sum, c, err)
					}
				})
			}
		}
	}
}

// lastLook are notes that end their run when it has compared all accounts.
type lastLook struct {
	noteStore
	die func()
}

func (l lastLook) Settled(ctx context.Context) (map[string]bool, error) {
	l.die()
	return l.noteStore.Settled(ctx)
}

// TestAnAccountIsNotLeftOutForWhatComesBehindIt, however often that ends a run: it is compared, and the pass is behind it.
func TestAnAccountIsNotLeftOutForWhatComesBehindIt(t *testing.T) {
	stores := keytest.LongStores(t)
	r := final(t, stores, 1, 1)
	for range mostTries + 2 {
		dead := false
		next := newHarnessOn(t, stores.With(func(string, int) keytest.Fault {
			if dead {
				return keytest.Before
			}
			return keytest.NoFault
		}))
		next.at, next.billing.notes = r.at, lastLook{next.billing.notes, func() { dead = true }}
		if answer, err := next.do(t, "compare"); err == nil {
			t.Fatalf("%+v", answer)
		}
	}
	answer, err := r.do(t, "compare")
	if c, _ := answer.(compared); err != nil || c.Failed != 0 || !slices.Equal(c.Unequal, []string{"2026-02"}) {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestWhatAKilledRunHasNotedIsTold: a report that isn't counted is found by a run that is killed at any call of the store.
func TestWhatAKilledRunHasNotedIsTold(t *testing.T) {
	keytest.OneAtATime(t)
	for n, more := 1, true; more; n++ {
		synctest.Test(t, func(t *testing.T) {
			stores := keytest.LongStores(t)
			r := final(t, stores, 1, 0)
			f := newFleet(t, r, 1, 1, 1)
			f.decide(f.tallies[0], f.keys[0], "search", "", "paying", authz.Allowed)
			f.report(t, f.tallies[0], 0)
			r.at = r.at.Add(time.Hour)
			sum, reached := killed(t, stores, r, n, keytest.After)
			more = reached
			r.forget()
			answer, err := r.do(t, "compare")
			c, _ := answer.(compared)
			if sum += r.differences(t); err != nil || sum < 1 || !slices.Equal(c.Unequal, []string{"2026-02"}) {
				t.Errorf("killed at call %d: %v differences are measured; %+v, %v", n, sum, c, err)
			}
		})
	}
}

// together is a control table in which another run begins when this one has read how far the job has come.
type together struct {
	store
	other func()
}

func (b together) Pass(ctx context.Context, job string) (control.Pass, error) {
	p, err := b.store.Pass(ctx, job)
	b.other()
	return p, err
}

// TestOfTwoRunsOneTells what the run before them has adjusted: the other ends before it has told anything.
func TestOfTwoRunsOneTells(t *testing.T) {
	stores := keytest.LongStores(t)
	r := final(t, stores, 1, 0)
	found := control.Pass{
		Job: "compare", Began: r.at, Place: control.Place{Record: february.String()}, Counts: map[string]int{countAdjusting + string(r.ids(t)[0]): untold},
	}
	if _, err := stores.Control.SavePass(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	other := newHarnessOn(t, stores)
	other.at = r.at
	r.forget()
	r.store = together{r.store, func() {
		if answer, err := other.do(t, "compare"); err != nil || other.differences(t) != 1 {
			t.Errorf("%+v, %v: %v told", answer, err, other.differences(t))
		}
	}}
	answer, err := r.do(t, "compare")
	if c, _ := answer.(compared); err != nil || !c.More || r.differences(t) != 0 {
		t.Errorf("%+v, %v: %v told", answer, err, r.differences(t))
	}
}
