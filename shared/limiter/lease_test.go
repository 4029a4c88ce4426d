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

// TestTheSizesOfALease, as literals: what comes while it lives, within its bounds. Of calls that have only begun four times as many
// are to come as were before the last one.
func TestTheSizesOfALease(t *testing.T) {
	for _, tt := range []struct {
		what               string
		limit, calls, used int
		want, ahead        int64
	}{
		{"the call itself", 1000, 1, 0, 1, 0},
		{"what comes is 24, or 4 more, and 24 in the second after", 1000, 7, 0, 1 + 24 + 4, 24},
		{"24, give or take 4, where more than half of the limit is used", 1000, 7, 600, 1 + 24 - 5, 0},
		{"give or take twice as much where the limit is exhausted", 1000, 7, 1000, 1 + 24 - 10, 0},
		{"a tenth as long where the limit is small, and nothing ahead", 100, 91, 0, 1 + 9 - 3, 0},
		{"never more than the limit", 2, 400, 0, 2, 0},
		{"34 at most", 1000, 100, 600, 34, 0},
		{"64 where the limit is exhausted", 1000, 101, 1000, 64, 0},
		{"a 20th of a second of what is called", 1000, 501, 600, 100, 0},
		{"a 20th where the limit is exhausted", 1000, 501, 1000, 100, 0},
		{"a 32nd of a limit of which less than half is used, and nothing ahead: it won't last a second", 6400, 301, 0, 200, 0},
		{"and 60 where more is", 6400, 301, 3000, 60, 0},
	} {
		l, now := limiter.New(8), clock(0)
		if tt.used > 0 {
			seen := limiter.Seen{Window: 7, Used: int64(tt.used), Capacity: int64(tt.limit)}
			if step := l.Answer(asked(t, l, tt.limit, 1, now), seen, nil, now); tt.used < tt.limit == step.Done {
				t.Fatalf("%s: %+v", tt.what, step)
			}
			now = clock(time.Minute)
		}
		if ask := asked(t, l, tt.limit, tt.calls, now); ask.N != tt.want || ask.Ahead != tt.ahead {
			t.Errorf("%s: %d and %d, want %d and %d", tt.what, ask.N, ask.Ahead, tt.want, tt.ahead)
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
