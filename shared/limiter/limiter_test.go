package limiter_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/shared/limiter"
	"latchkey/shared/limiter/sim"
)

const ms = time.Millisecond

var errDown = errors.New("store is down")

var t0 = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// harness plays environments against one table, moment by moment.
type harness struct {
	t        *testing.T
	table    *sim.Table
	admitted []time.Duration
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	return &harness{t: t, table: sim.NewTable()}
}

type env struct {
	*limiter.Limiter
	limit int
}

func newEnv(limit int) *env { return &env{Limiter: limiter.New(8), limit: limit} }

func clock(at time.Duration) limiter.Now { return limiter.Now{Wall: t0.Add(at), Mono: time.Hour + at} }

// call makes a call whose store calls take 2 ms, and reports whether it was admitted.
func (w *harness) call(e *env, at time.Duration) limiter.Result {
	w.t.Helper()
	step := e.Decide("k", e.limit, clock(at))
	for !step.Done {
		seen := w.table.Take(step.Ask)
		at += 2 * ms
		step = e.Answer(step.Ask, seen, nil, clock(at))
	}
	if step.Result.Admit {
		w.admitted = append(w.admitted, at)
	}
	return step.Result
}

// begin starts a call that must ask, and returns what it asks.
func (w *harness) begin(e *env, at time.Duration) limiter.Ask {
	w.t.Helper()
	step := e.Decide("k", e.limit, clock(at))
	if step.Done {
		w.t.Fatalf("at %v: decided %+v without asking", at, step.Result)
	}
	return step.Ask
}

func TestLoneCallIsAdmittedWithOneWrite(t *testing.T) {
	w, e := newHarness(t), newEnv(5)
	for i := range 20 {
		if r := w.call(e, time.Duration(i)*3*time.Second); !r.Admit || r.Fallback {
			t.Fatalf("call %d: %+v", i, r)
		}
	}
}

func TestLimitOfZeroAdmitsNothing(t *testing.T) {
	for _, limit := range []int{0, -1} {
		if r := newHarness(t).call(newEnv(limit), 0); r.Admit || r.RetryAfter < 1 {
			t.Errorf("%d: %+v", limit, r)
		}
	}
}

func TestClientThatWaitsRetryAfterIsAdmitted(t *testing.T) {
	for _, limit := range []int{1, 5, 50, 1000} {
		w, e := newHarness(t), newEnv(limit)
		at := time.Duration(0)
		for range 5 {
			r := w.call(e, at)
			for r.Admit {
				at += ms / 10
				r = w.call(e, at)
			}
			if r.RetryAfter < 1 || r.RetryAfter > 2 {
				t.Fatalf("limit %d: %+v", limit, r)
			}
			at += time.Duration(r.RetryAfter) * time.Second
			if r = w.call(e, at); !r.Admit {
				t.Fatalf("limit %d: refused after waiting: %+v", limit, r)
			}
		}
		if over := sim.Over(w.admitted, limit); over > 0 {
			t.Errorf("limit %d: %d over", limit, over)
		}
	}
}

func TestRefusalNeedsNoWriteUntilTheNextWindow(t *testing.T) {
	w, e := newHarness(t), newEnv(1)
	w.call(e, 0)
	w.call(e, ms)
	for at := 2 * ms; at < 999*ms; at += ms {
		if step := e.Decide("k", 1, clock(at)); !step.Done || step.Result.Admit {
			t.Fatalf("at %v: %+v", at, step)
		}
	}
	if ask := w.begin(e, 1010*ms); ask.N != 1 || ask.Create {
		t.Fatalf("%+v", ask)
	}
}

func TestTokenDiesCountedFromBeforeTheRequest(t *testing.T) {
	for limit, life := range map[int]time.Duration{100: 100 * ms, 101: time.Second} {
		w := newHarness(t)
		for _, late := range []time.Duration{-1, 0} {
			e := newEnv(limit)
			w.call(e, 0)
			ask := w.begin(e, 5*time.Second)
			step := e.Answer(ask, w.table.Take(ask), nil, clock(5*time.Second+life+late))
			if admitted := step.Done && step.Result.Admit; admitted != (late < 0) {
				t.Errorf("limit %d, an answer after %v: %+v", limit, life+late, step)
			}
		}
	}
}

func TestTokensDieInAFreezeThatStopsTheMonotonicClock(t *testing.T) {
	w, e := newHarness(t), newEnv(100_000)
	for at := time.Duration(0); at < 2*time.Second; at += ms / 10 {
		w.call(e, at)
	}
	now := clock(2 * time.Second)
	for range 10 {
		if step := e.Decide("k", 100_000, now); !step.Done || !step.Result.Admit {
			t.Fatalf("no tokens were held: %+v", step)
		}
	}
	now.Wall = now.Wall.Add(2 * time.Second)
	if step := e.Decide("k", 100_000, now); step.Done {
		t.Errorf("a token from before the freeze was used: %+v", step)
	}
}

func TestWindowOpensASecondAfterItWasSeenAndNotBefore(t *testing.T) {
	w, e := newHarness(t), newEnv(1)
	first := w.begin(e, 0)
	e.Answer(first, w.table.Take(first), nil, clock(40*ms))
	w.call(e, 50*ms) // short: full
	if step := e.Decide("k", 1, clock(1039*ms)); !step.Done {
		t.Errorf("asked %v too early: %+v", ms, step.Ask)
	}
	if ask := w.begin(e, 1040*ms); ask.Window != first.Window+1 {
		t.Errorf("%+v", ask)
	}
}

func TestLoneCallOnANewEnvironmentIsNotRefusedForWhatWasUsedLongAgo(t *testing.T) {
	w := newHarness(t)
	for i := range 10 {
		if r := w.call(newEnv(1), time.Duration(i)*21*time.Second); !r.Admit {
			t.Fatalf("call %d: %+v", i, r)
		}
	}
}

func TestSecondIsNotBelievedToHavePassedByClocksFiveSecondsWrong(t *testing.T) {
	for _, age := range []time.Duration{0, ms, 500 * ms, 900 * ms} {
		w, behind, ahead := newHarness(t), newEnv(1), newEnv(1)
		now := clock(0)
		now.Wall = now.Wall.Add(-5 * time.Second)
		ask := behind.Decide("k", 1, now).Ask
		behind.Answer(ask, w.table.Take(ask), nil, now)
		now = clock(9*time.Second + age) // the write was 9 s under way
		now.Wall = now.Wall.Add(5 * time.Second)
		step := ahead.Decide("k", 1, now)
		for !step.Done {
			step = ahead.Answer(step.Ask, w.table.Take(step.Ask), nil, now)
		}
		if step.Result.Admit {
			t.Errorf("%v after the last write: %+v", age, step.Result)
		}
	}
}

func TestClockThatRunsAheadOpensNothingEarly(t *testing.T) {
	w, e, ahead := newHarness(t), newEnv(1), newEnv(1)
	w.call(e, 0)
	now := clock(100 * ms)
	now.Wall = now.Wall.Add(5 * time.Second)
	step := ahead.Decide("k", 1, now)
	for !step.Done {
		step = ahead.Answer(step.Ask, w.table.Take(step.Ask), nil, now)
	}
	if step.Result.Admit {
		t.Error("a clock that runs ahead admitted a second call in the same second")
	}
}

func TestGrantsUpToTheEndOfAWindowDelayTheOneAfterNext(t *testing.T) {
	// c and d get tokens of the first window just before b opens the second, and their answers are late.
	w := newHarness(t)
	a, b, c, d := newEnv(4), newEnv(4), newEnv(4), newEnv(4)
	w.call(a, 0)
	w.call(b, 5*ms)
	learn := func(e *env, at time.Duration) limiter.Ask {
		ask := w.begin(e, at)
		step := e.Answer(ask, w.table.Take(ask), nil, clock(at+ms))
		if step.Done {
			t.Fatalf("%+v", step)
		}
		return step.Ask
	}
	late := []limiter.Ask{learn(c, 1010*ms), learn(d, 1010*ms)}
	seen := []limiter.Seen{w.table.Take(late[0]), w.table.Take(late[1])}
	w.call(b, 1012*ms)
	for i, e := range []*env{c, d} {
		if step := e.Answer(late[i], seen[i], nil, clock(1105*ms)); !step.Done || !step.Result.Admit {
			t.Fatalf("%+v", step)
		}
		w.admitted = append(w.admitted, 1105*ms)
	}
	for at := 1110 * ms; at < 4*time.Second; at += ms {
		w.call(b, at)
	}
	if over := sim.Over(w.admitted, 4); over > 0 {
		t.Errorf("%d calls over: %v", over, w.admitted)
	}
}

func TestAgeClaimsNoMoreThanIsKnown(t *testing.T) {
	w, e := newHarness(t), newEnv(2)
	w.call(e, 0)
	open := w.begin(e, 1500*ms)
	if open.Age != -100*ms {
		t.Errorf("the window before may have granted until now, but the age is %v", open.Age)
	}
	e.Answer(open, w.table.Take(open), nil, clock(1510*ms))
	// The second window opened by 1.510 s, so the third may open from 2.610 s.
	w.call(e, 2*time.Second)
	w.call(e, 2*time.Second+5*ms)
	if step := e.Decide("k", 2, clock(2609*ms)); !step.Done {
		t.Errorf("asked too early: %+v", step.Ask)
	}
	// The second was seen exhausted at 2.002 s, so it delays nothing; how late the third opens counts.
	third := w.begin(e, 2650*ms)
	if third.Age != 40*ms {
		t.Errorf("the third window opens 40 ms late, the age is %v", third.Age)
	}
	e.Answer(third, w.table.Take(third), nil, clock(2652*ms))
	if fourth := w.begin(e, 3700*ms); fourth.Age != -100*ms {
		t.Errorf("the third window was not exhausted, but the age is %v", fourth.Age)
	}
}

func TestExhaustionCountsWhenItWasSeen(t *testing.T) {
	w, e := newHarness(t), newEnv(2)
	w.call(e, 0)
	w.call(e, 950*ms) // exhausted, seen at 0.952 s: its tokens live until 1.052 s
	second := w.begin(e, 1010*ms)
	if second.Age != -42*ms {
		t.Errorf("age %v", second.Age)
	}
	e.Answer(second, w.table.Take(second), nil, clock(1012*ms))
	w.call(e, 1013*ms)
	if step := e.Decide("k", 2, clock(2051*ms)); !step.Done {
		t.Errorf("asked too early: %+v", step.Ask)
	}
	w.begin(e, 2052*ms)
}

func TestWindowHoldsWhatItsOpenerSaidWhateverLimitTheOthersKnow(t *testing.T) {
	w, small, large := newHarness(t), newEnv(5), newEnv(50)
	w.call(small, 0)
	for at := 5 * ms; at < 900*ms; at += 5 * ms {
		w.call(large, at)
	}
	if len(w.admitted) != 5 {
		t.Errorf("%d calls in a window of 5", len(w.admitted))
	}
	w, small, large = newHarness(t), newEnv(2), newEnv(5)
	w.call(large, 0)
	for at := 5 * ms; at < 900*ms; at += 5 * ms {
		w.call(small, at)
	}
	if len(w.admitted) != 2 {
		t.Errorf("%d calls under a limit of 2", len(w.admitted))
	}
	if open := w.begin(small, 1300*ms); open.Age != -100*ms {
		t.Errorf("a window of 5 with 2 used passes for exhausted: age %v", open.Age)
	}
}

func TestWindowOfAHundredIsNotExhaustedAtSixty(t *testing.T) {
	w, e := newHarness(t), newEnv(100)
	for i := range 60 {
		w.call(e, time.Duration(i)*10*ms)
	}
	if open := w.begin(e, 1900*ms); open.Age != -100*ms {
		t.Errorf("age %v", open.Age)
	}
}
