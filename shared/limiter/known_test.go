package limiter_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/limiter"
)

// TestADeletedItemIsMadeAgain: the table deletes what nobody used for a day, also what an environment still remembers.
func TestADeletedItemIsMadeAgain(t *testing.T) {
	for _, later := range []time.Duration{500 * ms, 25 * time.Hour} { // in the window that it knows, and long after
		w, e := newHarness(t), newEnv(10)
		w.call(e, 0)
		ask := w.begin(e, later)
		if ask.Create {
			t.Fatalf("%+v", ask)
		}
		step := e.Answer(ask, limiter.Seen{}, nil, clock(later+2*ms))
		if step.Done || !step.Ask.Create || step.Ask.Window != t0.Add(later).Unix() {
			t.Fatalf("%v later, of an item that is gone: %+v", later, step)
		}
		if step = e.Answer(step.Ask, limiter.Seen{Applied: true}, nil, clock(later+4*ms)); !step.Done || !step.Result.Admit {
			t.Errorf("%v later: %+v", later, step)
		}
	}
}

// TestWhatIsUsedUpIsAskedForOnce: for its own limit or for the window's, whichever is less; and a limit that was raised is
// asked for again, as far as the window goes.
func TestWhatIsUsedUpIsAskedForOnce(t *testing.T) {
	for _, tt := range []struct {
		limit, raised  int
		used, capacity int64
		refused, again bool
	}{
		{10, 10, 10, 100, true, false}, // its own limit is used up, the window isn't
		{10, 50, 10, 100, true, true},
		{10, 10, 100, 100, true, false},
		{10, 50, 100, 100, true, false},
		{100, 100, 10, 10, true, false}, // a window of the limit before
		{100, 1000, 10, 10, true, false},
		{10, 10, 9, 100, false, false},
		{100, 100, 9, 10, false, false},
	} {
		e := newEnv(tt.limit)
		ask := e.Decide("k", tt.limit, clock(0)).Ask
		seen := limiter.Seen{Window: 7, Used: tt.used, Capacity: tt.capacity, Expires: t0.Add(24 * time.Hour)}
		step := e.Answer(ask, seen, nil, clock(2*ms))
		if step.Done != tt.refused || step.Result.Admit {
			t.Errorf("%+v: %+v", tt, step)
		}
		if !tt.refused {
			continue
		}
		if next := e.Decide("k", tt.raised, clock(10*ms)); next.Done == tt.again {
			t.Errorf("%+v: the next call: %+v", tt, next)
		}
	}
}

// TestACallWithoutTheStoreSaysWhatHolds: an admitted one has nothing to wait for, a refused one a second.
func TestACallWithoutTheStoreSaysWhatHolds(t *testing.T) {
	e := newEnv(8)
	for i, want := range []limiter.Result{
		{Admit: true, Fallback: true}, {Fallback: true, RetryAfter: 1},
	} {
		step := e.Decide("k", 8, clock(0))
		if !step.Done {
			step = e.Answer(step.Ask, limiter.Seen{}, errDown, clock(0))
		}
		if !step.Done || step.Result != want {
			t.Errorf("call %d: %+v, want %+v", i, step.Result, want)
		}
	}
}

// TestAShareFollowsTheSecondsOfAnyHistory compares what an environment admits without the store with a plain list of the
// calls that it was granted: as many as in this second or the one before it, an eighth of the limit at least, the limit at
// most.
func TestAShareFollowsTheSecondsOfAnyHistory(t *testing.T) {
	stale := 0
	rapid.Check(t, func(t *rapid.T) {
		const limit = 1000 // which is never used up here
		e := newEnv(limit)
		granted := map[int64]int{}
		second, window, last := int64(0), int64(100), int64(-1)
		for range rapid.IntRange(1, 6).Draw(t, "good seconds") {
			second += rapid.SampledFrom([]int64{1, 1, 2, 3, 60}).Draw(t, "seconds later")
			window++
			for range rapid.IntRange(100, 300).Draw(t, "calls") {
				at := clock(time.Duration(second)*time.Second + 500*ms)
				step := e.Decide("k", limit, at)
				if !step.Done {
					step = e.Answer(step.Ask, limiter.Seen{Applied: true, Window: step.Ask.Window - 1}, nil, at)
				}
				if !step.Done || !step.Result.Admit {
					t.Fatalf("second %d: %+v", second, step)
				}
				granted[second]++
			}
			if last >= 0 && second > last+1 && granted[last] > granted[second] {
				stale++
			}
			last = second
		}
		want, admitted := max(limit/8, granted[second], granted[second-1]), 0
		at := clock(time.Duration(second)*time.Second + 999*ms)
		at.Wall = at.Wall.Add(time.Hour) // no token of its leases lives
		for range 2 * limit {
			step := e.Decide("k", limit, at)
			if !step.Done {
				step = e.Answer(step.Ask, limiter.Seen{}, errDown, at)
			}
			if step.Result.Admit {
				admitted++
			}
		}
		if admitted != want {
			t.Fatalf("%d are admitted, want %d: %v", admitted, want, granted)
		}
	})
	if stale == 0 {
		t.Error("no busy second lay further back")
	}
}

// TestAWriteImprovesWhatIsKnownOfItsWindow, as a refused one does: the better of the two bounds holds.
func TestAWriteImprovesWhatIsKnownOfItsWindow(t *testing.T) {
	for _, tt := range []struct{ first, later, opens time.Duration }{
		{300 * ms, -100 * ms, 700 * ms}, {-100 * ms, 300 * ms, 710 * ms}, {300 * ms, 300 * ms, 700 * ms},
	} {
		e := newEnv(10)
		ask := e.Decide("k", 10, clock(0)).Ask
		step := e.Answer(ask, limiter.Seen{Window: 7, Used: 3, Capacity: 10, Age: tt.first, Expires: t0.Add(24 * time.Hour)}, nil, clock(0))
		if step.Done || step.Ask.Window != 7 {
			t.Fatalf("%+v", step)
		}
		written := limiter.Seen{Applied: true, Window: 7, Used: 10, Capacity: 10, Age: tt.later, Expires: t0.Add(24 * time.Hour)}
		if step = e.Answer(step.Ask, written, nil, clock(10*ms)); !step.Done || step.Result.Admit { // others had it all
			t.Fatalf("%+v", step)
		}
		if step = e.Decide("k", 10, clock(tt.opens-1)); !step.Done {
			t.Errorf("%v, then %v: asked before %v", tt.first, tt.later, tt.opens)
		}
		if step = e.Decide("k", 10, clock(tt.opens)); step.Done || step.Ask.Window != 8 {
			t.Errorf("%v, then %v: not asked at %v", tt.first, tt.later, tt.opens)
		}
	}
}
