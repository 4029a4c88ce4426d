package limiter_test

import (
	"testing"
	"time"

	"latchkey/shared/limiter"
)

// asked is the ask of the last of so many calls at one moment, of which none is answered.
func asked(t *testing.T, l *limiter.Limiter, limit, calls int, now limiter.Now) limiter.Ask {
	t.Helper()
	var step limiter.Step
	for range calls {
		if step = l.Decide("k", limit, now); step.Done {
			t.Fatalf("decided %+v without asking", step.Result)
		}
	}
	return step.Ask
}

// TestTheSizesOfALease, as literals: what is sure to come while it lives, within its bounds.
func TestTheSizesOfALease(t *testing.T) {
	for _, tt := range []struct {
		what         string
		limit, calls int
		full         bool
		want         int64
	}{
		{"the call itself", 1000, 1, false, 1},
		{"what comes is 25, give or take 5", 1000, 25, false, 1 + 25 - 5},
		{"give or take twice as much where the limit is exhausted", 1000, 25, true, 1 + 25 - 10},
		{"a tenth as long where the limit is small", 100, 90, false, 1 + 9 - 3},
		{"never more than the limit", 2, 400, false, 2},
		{"34 at most", 1000, 400, false, 34},
		{"64 where the limit is exhausted", 1000, 400, true, 64},
		{"a 20th of a second of what is called", 1000, 2000, false, 100},
		{"a 20th where the limit is exhausted", 1000, 2000, true, 100},
		{"a 32nd of a limit of which a quarter is used", 3200, 800, false, 100},
		{"and 40 where more is", 3200, 801, false, 40},
	} {
		l, now := limiter.New(8), clock(0)
		if tt.full {
			seen := limiter.Seen{Window: 7, Used: int64(tt.limit), Capacity: int64(tt.limit)}
			if step := l.Answer(asked(t, l, tt.limit, 1, now), seen, nil, now); !step.Done || step.Result.Admit {
				t.Fatalf("%s: %+v", tt.what, step)
			}
			now = clock(time.Minute)
		}
		if got := asked(t, l, tt.limit, tt.calls, now).N; got != tt.want {
			t.Errorf("%s: %d, want %d", tt.what, got, tt.want)
		}
	}
}

// TestAClockThatGoesBackMakesNoDemand: nobody called more because of it.
func TestAClockThatGoesBackMakesNoDemand(t *testing.T) {
	steady, back := limiter.New(8), limiter.New(8)
	asked(t, steady, 1000, 10, clock(10*time.Second))
	asked(t, back, 1000, 10, clock(10*time.Second))
	if want, got := asked(t, steady, 1000, 1, clock(10*time.Second)).N, asked(t, back, 1000, 1, clock(0)).N; got != want {
		t.Errorf("%d tokens, want %d", got, want)
	}
}

func TestALimitOfNothingIsNeverAskedFor(t *testing.T) {
	for _, limit := range []int{0, -1} {
		if step := limiter.New(8).Decide("k", limit, clock(0)); !step.Done || step.Result.Admit || step.Result.RetryAfter != 1 {
			t.Errorf("%d: %+v", limit, step)
		}
	}
}

// TestAStoreThatFailedIsAskedAgainAfterASecond, and not a moment before.
func TestAStoreThatFailedIsAskedAgainAfterASecond(t *testing.T) {
	for after, asks := range map[time.Duration]bool{time.Second - 1: false, time.Second: true} {
		l := limiter.New(8)
		l.Answer(asked(t, l, 10, 1, clock(0)), limiter.Seen{}, errDown, clock(0))
		if step := l.Decide("k", 10, clock(after)); step.Done == asks || step.Result.Fallback == asks {
			t.Errorf("%v after the failure: %+v", after, step)
		}
		l.Answer(asked(t, l, 10, 1, clock(time.Minute)), limiter.Seen{}, errDown, clock(time.Minute))
		other := l.Decide("other", 10, clock(time.Minute))
		l.Answer(other.Ask, limiter.Seen{}, errDown, clock(time.Minute)) // the second one: all rest
		if step := l.Decide("third", 10, clock(time.Minute+after)); step.Done == asks {
			t.Errorf("%v after the failure of two: %+v", after, step)
		}
	}
}

// TestAnExhaustedLimitIsNotAskedForAgain before its window is over, though it was used to the last token and no further.
func TestAnExhaustedLimitIsNotAskedForAgain(t *testing.T) {
	w, e := newHarness(t), newEnv(1)
	if r := w.call(e, 0); !r.Admit {
		t.Fatalf("%+v", r)
	}
	for at := 10 * ms; at < 990*ms; at += 10 * ms {
		if step := e.Decide("k", 1, clock(at)); !step.Done || step.Result.Admit {
			t.Fatalf("at %v: %+v", at, step)
		}
	}
}

// TestACallAsksThreeTimesAtMost: a table that is always somewhere else is no reason to let a call wait for ever.
func TestACallAsksThreeTimesAtMost(t *testing.T) {
	l := limiter.New(8)
	step := l.Decide("k", 10, clock(0))
	asks := 0
	for ; !step.Done && asks < 20; asks++ {
		step = l.Answer(step.Ask, limiter.Seen{Window: step.Ask.Window + 5, Capacity: 10}, nil, clock(0))
	}
	if asks != 3 || step.Result.Admit {
		t.Errorf("%d asks, %+v", asks, step)
	}
}

// TestAnAnswerThatComesTooLateIsNoReasonToRefuse while there may be more; where there is nothing left, it is none to ask again.
func TestAnAnswerThatComesTooLateIsNoReasonToRefuse(t *testing.T) {
	for used, again := range map[int64]bool{0: true, 1: false} {
		l := limiter.New(8)
		ask := asked(t, l, 1, 1, clock(0))
		step := l.Answer(ask, limiter.Seen{Applied: true, Window: ask.Window, Used: used, Capacity: 1}, nil, clock(150*ms))
		if step.Done == again || step.Result.Admit {
			t.Errorf("%d used of 1, 150 ms late: %+v", used, step)
		}
	}
}

// TestALimitThatNobodyUsedForLongOpensAtOnce, exhausted as it was: who asks now needn't wait for calls that are long over.
func TestALimitThatNobodyUsedForLongOpensAtOnce(t *testing.T) {
	for idle, opens := range map[time.Duration]bool{20 * time.Second: false, 20*time.Second + 1: true} {
		for _, limit := range []int{10, 1000} {
			l, now := limiter.New(8), clock(time.Hour)
			seen := limiter.Seen{Window: 7, Used: int64(limit), Capacity: int64(limit), Expires: now.Wall.Add(24*time.Hour - idle)}
			step := l.Answer(asked(t, l, limit, 1, now), seen, nil, now)
			if step.Done == opens || opens && (step.Ask.Window != 8 || step.Ask.Age != 0) {
				t.Errorf("%d, unused for %v: %+v", limit, idle, step)
			}
		}
	}
}

// TestWhatRemainsIsTheLimitWithoutTheCallsThatWereAdmitted, as long as one environment has a limit for itself, whatever it leased.
func TestWhatRemainsIsTheLimitWithoutTheCallsThatWereAdmitted(t *testing.T) {
	for _, limit := range []int{5, 1000} {
		w, e := newHarness(t), newEnv(limit)
		for n := 1; n <= limit; n++ {
			if r := w.call(e, ms*time.Duration(n)/10); !r.Admit || r.Remaining != limit-n {
				t.Fatalf("call %d of %d: %+v", n, limit, r)
			}
		}
	}
}
