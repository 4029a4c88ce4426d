package limiter_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/shared/limiter"
	"latchkey/shared/limiter/sim"
)

func TestStoreThatFailsLeavesALocalShareAndIsFoundAgain(t *testing.T) {
	w, e := newHarness(t), newEnv(80)
	w.call(e, 0)
	ask := w.begin(e, 2*time.Second)
	step := e.Answer(ask, limiter.Seen{}, errors.New("down"), clock(2*time.Second+300*ms))
	if !step.Done || !step.Result.Admit || !step.Result.Fallback {
		t.Fatalf("%+v", step)
	}
	admitted := 1
	for at := 2310 * ms; at < 2990*ms; at += ms {
		step = e.Decide("k", 80, clock(at))
		if !step.Done || !step.Result.Fallback || !step.Result.Admit && step.Result.RetryAfter != 1 {
			t.Fatalf("at %v: %+v", at, step)
		}
		if step.Result.Admit {
			admitted++
		}
	}
	if admitted != 10 {
		t.Errorf("%d calls by itself in a second, want an eighth of the limit", admitted)
	}
	if r := w.call(e, 3310*ms); !r.Admit || r.Fallback {
		t.Errorf("the store is back: %+v", r)
	}
}

func TestForgottenLimitIsLearntAgain(t *testing.T) {
	w := newHarness(t)
	e := &env{Limiter: limiter.New(2), limit: 1}
	w.call(e, 0)
	for i := range 1000 {
		e.Decide(fmt.Sprint(i), 1, clock(ms))
	}
	if r := w.call(e, 10*ms); r.Admit {
		t.Error("a forgotten limit was admitted twice")
	}
	if r := w.call(e, 1200*ms); !r.Admit {
		t.Errorf("%+v", r)
	}
}

func TestHeldTokenCostsNoAllocation(t *testing.T) {
	w, e := newHarness(t), newEnv(100_000)
	for at := time.Duration(0); at < 2*time.Second; at += ms / 10 {
		w.call(e, at)
	}
	now := clock(2 * time.Second)
	if allocs := testing.AllocsPerRun(20, func() { e.Decide("k", 100_000, now) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

type failing struct{}

func (failing) Take(context.Context, limiter.Ask) (limiter.Seen, error) {
	return limiter.Seen{}, errors.New("down")
}

type working struct{ *sim.Table }

func (w working) Take(_ context.Context, ask limiter.Ask) (limiter.Seen, error) {
	return w.Table.Take(ask), nil
}

func TestAdmitAsksTheStoreUntilItKnows(t *testing.T) {
	store := working{sim.NewTable()}
	at := func() limiter.Now { return clock(0) }
	for i, want := range []bool{true, false} {
		// The second environment must first learn which window is open.
		if r := limiter.New(1).Admit(t.Context(), store, at, "k", 1); r.Admit != want {
			t.Errorf("environment %d: %+v", i, r)
		}
	}
	if r := limiter.New(1).Admit(t.Context(), failing{}, at, "k", 1); !r.Admit || !r.Fallback {
		t.Errorf("%+v", r)
	}
}

func BenchmarkHeldToken(b *testing.B) {
	e := limiter.New(8)
	table := sim.NewTable()
	at := time.Duration(0)
	for b.Loop() {
		at += 10 * time.Microsecond
		step := e.Decide("key_01#map-display", 1_000_000, clock(at))
		for !step.Done {
			step = e.Answer(step.Ask, table.Take(step.Ask), nil, clock(at))
		}
	}
}
