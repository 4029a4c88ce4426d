package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
)

// ending ends a run's time behind so many places.
type ending struct {
	store
	left int
	stop func()
}

func (e *ending) counted(done func(control.Place) error) func(control.Place) error {
	return func(p control.Place) error {
		if e.left--; e.left == 0 {
			e.stop()
		}
		return done(p)
	}
}

func (e *ending) Reconcile(ctx context.Context, r control.Reconciliation) error {
	r.Done = e.counted(r.Done)
	return e.store.Reconcile(context.WithoutCancel(ctx), r)
}

func (e *ending) EachKeyFrom(ctx context.Context, from control.Place, yield func(apikey.Key, error) error, done func(control.Place) error) error {
	return e.store.EachKeyFrom(context.WithoutCancel(ctx), from, yield, e.counted(done))
}

// ended is a run whose time is up behind so many places; 0 for one that has time enough.
func ended(job *rotator, places int, do func(context.Context, *rotator)) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	job.store = &ending{job.store, places, stop}
	do(ctx, job)
}

// installation is accounts with keys, of each of which the gate says something else than the key.
type installation struct {
	*harness
	accounts []account.Account
	keys     []apikey.Key
	orphans  int
}

func newInstallation(t testing.TB, keys ...int) *installation {
	t.Helper()
	i := &installation{harness: newHarnessOn(t, keytest.MemoryStores(t))}
	for _, n := range keys {
		a := i.NewAccount(t)
		i.accounts = append(i.accounts, a)
		for range n {
			k := i.NewKey(t, a)
			i.keys = append(i.keys, k)
			i.differ(k)
		}
	}
	return i
}

func (i *installation) differ(k apikey.Key) {
	p := authz.PoliciesOf(k)[0]
	p.HeaderOnly = !p.HeaderOnly
	if err := keytest.PutRaw(context.Background(), i.DB, i.Tables.Gate, policies.Encode(p)); err != nil {
		i.t.Fatal(err)
	}
}

func (i *installation) orphan(a account.Account) {
	i.orphans++
	if err := keytest.PutRaw(context.Background(), i.DB, i.Tables.Gate, policies.Encode(keytest.Policy(keytest.Key(a.ID)))); err != nil {
		i.t.Fatal(err)
	}
}

// rename moves an account in the list by name.
func (i *installation) rename(n int, name string) {
	before, err := i.Control.Account(context.Background(), i.accounts[n].ID)
	after := before
	after.Name = name
	if err == nil {
		_, err = i.Control.UpdateAccount(context.Background(), before, after, keytest.Row(before.ID, "account.edit", ""))
	}
	if err != nil {
		i.t.Fatal(err)
	}
}

var jobOfDrift = map[bool]event{false: {Job: "drift"}, true: {Job: "drift", Repair: true}}

// onward runs a job and, until nothing is left, what goes on with it.
func (i *installation) onward(t require, e event) drifted {
	for runs := 0; ; runs++ {
		raw, _ := json.Marshal(e)
		got, err := i.well().handle(context.Background(), raw)
		if err != nil || runs > 100 {
			t.Fatalf("%+v, %v", got, err)
		}
		if d := got.(drifted); !d.More {
			return d
		}
		e = event{Job: "resume"}
	}
}

type require interface{ Fatalf(string, ...any) }

// TestHoweverDriftRunsEndEachKeyIsComparedOnce draws runs that end by their time, by a failure or by a kill, and accounts that get
// other names meanwhile, and goes on from where they ended: each difference is counted once, and what is repaired is.
func TestHoweverDriftRunsEndEachKeyIsComparedOnce(t *testing.T) {
	keytest.OneAtATime(t)
	rapid.Check(t, func(rt *rapid.T) {
		i := newInstallation(t, rapid.SliceOfN(rapid.IntRange(0, 4), 1, 4).Draw(rt, "keys")...)
		for range rapid.IntRange(0, 3).Draw(rt, "orphans") {
			i.orphan(i.accounts[0])
		}
		repair := rapid.Bool().Draw(rt, "repair")
		e, whole := jobOfDrift[repair], false
		for range rapid.IntRange(0, 5).Draw(rt, "runs") {
			if whole {
				break
			}
			job := i.well()
			if n := rapid.SampledFrom([]int{0, 0, 0, 1, 3, 6, 10, 20}).Draw(rt, "kill"); n > 0 {
				job, _ = i.dying(n)
			}
			ended(job, rapid.IntRange(1, 6).Draw(rt, "places"), func(ctx context.Context, job *rotator) {
				raw, _ := json.Marshal(e)
				_, _ = job.handle(ctx, raw)
			})
			p, _ := i.Control.Pass(context.Background(), driftJob)
			if whole = !p.Ended.IsZero(); p.UnderWay() {
				e = event{Job: "resume"} // what a kill kept from being begun is begun by the next
			}
			i.rename(rapid.IntRange(0, len(i.accounts)-1).Draw(rt, "account"), rapid.StringMatching("[a-z]{3}").Draw(rt, "name"))
		}
		if !whole {
			i.onward(rt, e)
		}
		got, _ := i.Control.Pass(context.Background(), driftJob)
		want := map[string]int{string(control.DriftDifferent): len(i.keys), string(control.DriftOrphan): i.orphans}
		maps.DeleteFunc(want, func(_ string, n int) bool { return n == 0 })
		switch left := i.Drifts(t, false); {
		case repair && len(left) > 0:
			rt.Fatalf("not repaired: %+v", left)
		case !repair && !maps.Equal(got.Counts, want):
			rt.Fatalf("found %v, want %v", got.Counts, want)
		}
	})
}

// TestRunsWhoseTimeEndsCountWhatTheyRepaired: of runs that end in time nothing is repaired without being counted, at whichever place.
func TestRunsWhoseTimeEndsCountWhatTheyRepaired(t *testing.T) {
	for places := 1; places < 16; places++ {
		i := newInstallation(t, 3, 0, 2)
		i.orphan(i.accounts[1])
		runs, whole := 0, false
		for e := jobOfDrift[true]; !whole && runs < 100; e, runs = (event{Job: "resume"}), runs+1 {
			var got any
			ended(i.well(), places, func(ctx context.Context, job *rotator) {
				raw, _ := json.Marshal(e)
				var err error
				if got, err = job.handle(ctx, raw); err != nil {
					t.Fatal(err)
				}
			})
			if d := got.(drifted); !d.More {
				whole = true
				if d.Repaired != 6 || d.Found[control.DriftDifferent] != 5 || d.Found[control.DriftOrphan] != 1 {
					t.Errorf("by %d places: %+v", places, d)
				}
			}
		}
		// Three accounts, five keys, and of the gate's records as many and the orphan, which went.
		if all := 3 + 5 + 3 + 5 + 1; !whole || runs < all/places-1 {
			t.Errorf("by %d places it took %d runs", places, runs)
		}
	}
}

// TestDriftIsToldBeforeThePassIsDone: the alarm doesn't wait for a pass of many runs.
func TestDriftIsToldBeforeThePassIsDone(t *testing.T) {
	i := newInstallation(t, 3)
	ended(i.well(), 3, func(ctx context.Context, job *rotator) {
		if got, err := job.drift(ctx, false); err != nil || !got.More || got.Found[control.DriftDifferent] != 2 {
			t.Errorf("%+v, %v", got, err)
		}
	})
	if !strings.Contains(i.out.String(), `"GateDrift":2`) {
		t.Error(i.out)
	}
	if got := i.onward(t, event{Job: "resume"}); got.Found[control.DriftDifferent] != 3 {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(i.out.String(), `"GateDrift":3`) {
		t.Error(i.out)
	}
	if got := i.job(`{"job":"resume"}`).(drifted); got.More || got.Began != "" {
		t.Errorf("nothing is under way: %+v", got)
	}
}

// TestARepairBeginsAtTheBeginningAndIsGoneOnWith: what a comparison had passed by is repaired as well, and the daily run doesn't
// turn a repair into a mere comparison.
func TestARepairBeginsAtTheBeginningAndIsGoneOnWith(t *testing.T) {
	i := newInstallation(t, 4)
	for n, e := range []event{{Job: "drift"}, {Job: "drift", Repair: true}, {Job: "drift"}} {
		ended(i.well(), 3, func(ctx context.Context, job *rotator) {
			raw, _ := json.Marshal(e)
			got, err := job.handle(ctx, raw)
			if d := got.(drifted); err != nil || d.Repaired != []int{0, 2, 4}[n] {
				t.Errorf("run %d: %+v, %v", n, d, err)
			}
		})
	}
	if i.onward(t, event{Job: "resume"}); len(i.Drifts(t, false)) > 0 {
		t.Error("not repaired")
	}
}

// TestAnOvertakenRunEndsWithoutAWord: what two runs do at once is counted by one of them.
func TestAnOvertakenRunEndsWithoutAWord(t *testing.T) {
	i := newInstallation(t, 3)
	ended(i.well(), 0, func(ctx context.Context, job *rotator) {
		job.store.(*ending).left, job.store.(*ending).stop = 2, func() {
			i.job(`{"job":"drift","repair":true}`) // somebody else, meanwhile
		}
		before := len(i.out.String())
		got, err := job.drift(ctx, false)
		if said := i.out.String()[before:]; err != nil || !got.More || strings.Count(said, `"GateDrift":`) != 1 {
			t.Errorf("%+v, %v: %s", got, err, said)
		}
	})
	p, err := i.Control.Pass(t.Context(), driftJob)
	if err != nil || p.UnderWay() || p.Mode != driftRepair || p.Counts[repaired] != 3 {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestAPassThatTakesTooLongIsAnErrorOfEachRun, for both jobs: the alarm hears of it, and the run goes on all the same.
func TestAPassThatTakesTooLongIsAnErrorOfEachRun(t *testing.T) {
	for name, run := range map[string]func(context.Context, *rotator) error{
		"drift":   func(ctx context.Context, job *rotator) error { _, err := job.drift(ctx, false); return err },
		"keyring": func(ctx context.Context, job *rotator) error { _, err := job.keyring(ctx, false); return err },
	} {
		i := newInstallation(t, 9)
		v := newRingSecret(t, i.clock)
		var place control.Place
		for n, late := range []time.Duration{0, slowPass, time.Second} {
			i.clock.Advance(late)
			ended(i.ringJob(v), 2, func(ctx context.Context, job *rotator) {
				if err := run(ctx, job); errors.Is(err, errSlowPass) != (n == 2) || err != nil && n < 2 {
					t.Errorf("%s, run %d: %v", name, n, err)
				}
			})
			p, err := i.Control.Pass(t.Context(), name)
			if err != nil || !p.UnderWay() || p.Place == place {
				t.Errorf("%s, run %d: %+v, %v", name, n, p, err)
			}
			place = p.Place
		}
		if err := run(t.Context(), i.ringJob(v)); err != nil {
			t.Errorf("%s: the last run: %v", name, err)
		}
	}
}

// TestAKilledRunDoesNoMoreThanSoManyAgain: a run that is killed without a word has saved its place not long before.
func TestAKilledRunDoesNoMoreThanSoManyAgain(t *testing.T) {
	r := newHarnessOn(t, keytest.LongStores(t))
	r.NewKeys(t, r.NewKey(t, r.NewAccount(t)), saveEvery+50)
	v := newRingSecret(t, r.clock)
	before := &reading{store: r.ringJob(v).store}
	job := r.ringJob(v)
	job.store = before
	before.dies = saveEvery + 30
	if _, err := job.keyring(t.Context(), false); !errors.Is(err, keytest.ErrInjected) {
		t.Fatal(err)
	}
	after := &reading{store: r.ringJob(v).store}
	job = r.ringJob(v)
	job.store = after
	if s, err := job.keyring(t.Context(), false); err != nil || s.More {
		t.Fatalf("%+v, %v", s, err)
	}
	if all := saveEvery + 51; before.keys+after.keys < all || before.keys+after.keys > all+saveEvery || after.keys > 100 {
		t.Errorf("%d keys before the kill, %d after it", before.keys, after.keys)
	}
}

// reading counts keys, and saves nothing any more once it has seen so many.
type reading struct {
	store
	keys, dies int
}

func (s *reading) EachKeyFrom(ctx context.Context, from control.Place, yield func(apikey.Key, error) error, done func(control.Place) error) error {
	return s.store.EachKeyFrom(ctx, from, func(k apikey.Key, err error) error {
		if s.keys++; s.keys == s.dies {
			return keytest.ErrInjected
		}
		return yield(k, err)
	}, done)
}

func (s *reading) SavePass(ctx context.Context, p control.Pass) (control.Pass, error) {
	if s.dies > 0 && s.keys >= s.dies {
		return p, keytest.ErrInjected
	}
	return s.store.SavePass(ctx, p)
}

// TestAPassIsSavedOnceInSoManyPlaces, however long it is: a save at each place would be a write more for each key.
func TestAPassIsSavedOnceInSoManyPlaces(t *testing.T) {
	saves := &savesCounted{}
	p := &pass{store: saves, now: keytest.NewClock().Now, closed: func() bool { return false }}
	for place := range 3*saveEvery + 1 {
		if err := p.done(t.Context(), control.Place{}); err != nil || saves.count != (place+1)/saveEvery {
			t.Fatalf("behind %d places: %d saves, %v", place+1, saves.count, err)
		}
	}
}

type savesCounted struct {
	passes
	count int
}

func (s *savesCounted) SavePass(_ context.Context, p control.Pass) (control.Pass, error) {
	s.count++
	return p, nil
}
