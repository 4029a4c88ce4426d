package limiter_test

import (
	"strconv"
	"testing"
	"time"

	"latchkey/shared/limiter"
	"latchkey/shared/limiter/sim"
)

// seenFull is an exhausted window whose last writer said how old its base was at least.
func seenFull(limit int, age time.Duration) limiter.Seen {
	return limiter.Seen{Window: 7, Used: int64(limit), Capacity: int64(limit), Age: age, Expires: t0.Add(24 * time.Hour)}
}

// look lets a new environment ask at a moment and learn at another that a window is open and exhausted.
func look(t *testing.T, limit int, age, asked, answered time.Duration) (*env, limiter.Result) {
	t.Helper()
	e := newEnv(limit)
	ask := e.Decide("k", limit, clock(asked)).Ask
	if !ask.Create {
		t.Fatalf("%+v", ask)
	}
	step := e.Answer(ask, seenFull(limit, age), nil, clock(answered))
	if !step.Done || step.Result.Admit {
		t.Fatalf("an exhausted window let a call through, or wasn't believed: %+v", step)
	}
	return e, step.Result
}

// TestTheFirstLookAtAWindowErrsToTheSafeSide: who sees it first knows of its age what its writers said, and never
// that it is older than that. The time of the answer counts, not that of the question.
func TestTheFirstLookAtAWindowErrsToTheSafeSide(t *testing.T) {
	for _, tt := range []struct {
		limit int
		age   time.Duration // as the last writer said
		opens time.Duration // after the answer
	}{
		{1, -time.Second, 1100 * ms}, // it knew less than the first look tells
		{1, -100 * ms, 1100 * ms},
		{1, -100*ms + 1, 1100*ms - 1},
		{1, 0, time.Second},
		{1, 400 * ms, 600 * ms},
		{100, -100 * ms, 1100 * ms},
		{101, -100 * ms, time.Second}, // no wait above a hundred
		{101, 0, time.Second},
		{101, 999 * ms, ms},
	} {
		const asked, answered = 3 * ms, 50 * ms
		e, r := look(t, tt.limit, tt.age, asked, answered)
		want := 1
		if tt.opens > time.Second {
			want = 2
		}
		if r.RetryAfter != want {
			t.Errorf("limit %d, age %v: retry after %d s, want %d", tt.limit, tt.age, r.RetryAfter, want)
		}
		if step := e.Decide("k", tt.limit, clock(answered+tt.opens-1)); !step.Done || step.Result.Admit {
			t.Errorf("limit %d, age %v: asked for the next window before %v", tt.limit, tt.age, tt.opens)
		}
		if step := e.Decide("k", tt.limit, clock(answered+tt.opens)); step.Done || step.Ask.Window != 8 {
			t.Errorf("limit %d, age %v: not asked for the next window at %v: %+v", tt.limit, tt.age, tt.opens, step)
		}
	}
}

// TestALaterLookOnlyImprovesWhatIsKnown: a writer who knew less makes no window younger.
func TestALaterLookOnlyImprovesWhatIsKnown(t *testing.T) {
	for _, tt := range []struct{ first, later, opens time.Duration }{
		{300 * ms, -100 * ms, 700 * ms}, {-100 * ms, 300 * ms, 710 * ms}, {300 * ms, 300 * ms, 700 * ms},
	} {
		e := newEnv(10)
		ask := e.Decide("k", 10, clock(0)).Ask
		seen := limiter.Seen{Window: 7, Used: 3, Capacity: 10, Age: tt.first, Expires: t0.Add(24 * time.Hour)}
		step := e.Answer(ask, seen, nil, clock(0)) // not exhausted: it asks for some of it
		if step.Done || step.Ask.Window != 7 || step.Ask.Create {
			t.Fatalf("%+v", step)
		}
		if step = e.Answer(step.Ask, seenFull(10, tt.later), nil, clock(10*ms)); !step.Done {
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

// TestAgesAreRoundedDown: the table holds whole microseconds, and an age is what is certain.
func TestAgesAreRoundedDown(t *testing.T) {
	for _, tt := range []struct{ after, age time.Duration }{
		{0, 0}, {1, 0}, {999, 0}, {1000, time.Microsecond}, {1999, time.Microsecond}, {500*ms + 1, 500 * ms}, {500*ms - 1, 500*ms - time.Microsecond},
	} {
		w, e := newHarness(t), newEnv(10)
		w.call(e, 0) // its window opened by 2 ms
		if ask := w.begin(e, 2*ms+tt.after); ask.Age != tt.age || ask.Create {
			t.Errorf("%v after it opened: age %v, want %v", tt.after, ask.Age, tt.age)
		}
	}
	// An age below zero: tokens of the window before live on.
	for _, tt := range []struct{ at, age time.Duration }{
		{1010 * ms, -42 * ms}, {1010*ms + 1, -42 * ms}, {1010*ms - 1, -42*ms - time.Microsecond}, {1010*ms - 999, -42*ms - time.Microsecond},
	} {
		w, e := newHarness(t), newEnv(2)
		w.call(e, 0)
		w.call(e, 950*ms) // exhausted, seen at 952 ms
		if ask := w.begin(e, tt.at); ask.Age != tt.age {
			t.Errorf("at %v: age %v, want %v", tt.at, ask.Age, tt.age)
		}
	}
}

// TestAWindowOpensASecondAfterItsBaseToTheNanosecond, and not before.
func TestAWindowOpensASecondAfterItsBaseToTheNanosecond(t *testing.T) {
	w, e := newHarness(t), newEnv(1)
	w.call(e, 0) // opened by 2 ms
	if r := w.call(e, 5*ms); r.Admit {
		t.Fatal("two calls in a window of one")
	}
	for _, at := range []time.Duration{6 * ms, 1002*ms - 1} {
		if step := e.Decide("k", 1, clock(at)); !step.Done || step.Result.RetryAfter != 1 {
			t.Errorf("at %v: %+v", at, step)
		}
	}
	if ask := w.begin(e, 1002*ms); ask.Window != t0.Unix()+1 {
		t.Errorf("%+v", ask)
	}
}

// TestRetryAfterIsRoundedUp: a client that waits that long finds the next window open.
func TestRetryAfterIsRoundedUp(t *testing.T) {
	for _, tt := range []struct {
		age  time.Duration
		want int
	}{{-100 * ms, 2}, {-1, 2}, {0, 1}, {1, 1}, {999 * ms, 1}} {
		e, r := look(t, 1, tt.age, 0, 0)
		if r.RetryAfter != tt.want {
			t.Errorf("a window that opens in %v: retry after %d s", time.Second-tt.age, r.RetryAfter)
		}
		if step := e.Decide("k", 1, clock(time.Duration(r.RetryAfter)*time.Second)); step.Done {
			t.Errorf("age %v: refused after the wait: %+v", tt.age, step.Result)
		}
	}
}

// TestAnItemIsLongIdleOnlyAfterTwentySeconds: by the wall clocks of its last writer and of its reader, to the nanosecond.
func TestAnItemIsLongIdleOnlyAfterTwentySeconds(t *testing.T) {
	for idle, believed := range map[time.Duration]bool{0: false, 19 * time.Second: false, 20 * time.Second: false, 20*time.Second + 1: true} {
		e := newEnv(1)
		seen := seenFull(1, -100*ms)
		seen.Expires = t0.Add(-idle).Add(24 * time.Hour)
		step := e.Answer(e.Decide("k", 1, clock(0)).Ask, seen, nil, clock(0))
		if step.Done == believed {
			t.Errorf("idle for %v: %+v", idle, step)
		}
	}
	e := newEnv(1)
	seen := seenFull(1, -100*ms)
	seen.Expires = time.Time{} // an item without the time says nothing
	if step := e.Answer(e.Decide("k", 1, clock(0)).Ask, seen, nil, clock(0)); !step.Done || step.Result.Admit {
		t.Errorf("%+v", step)
	}
}

// TestTheFirstWindowIsNamedByTheWallClockAndNeverZero, which would stand for no item.
func TestTheFirstWindowIsNamedByTheWallClockAndNeverZero(t *testing.T) {
	for wall, want := range map[time.Time]int64{t0: t0.Unix(), time.Unix(1, 0): 1, time.Unix(0, 0): 1, time.Unix(-5, 0): 1} {
		ask := newEnv(1).Decide("k", 1, limiter.Now{Wall: wall, Mono: time.Hour}).Ask
		if ask.Window != want || !ask.Create || !ask.Expires.Equal(wall.Add(24*time.Hour)) || ask.N != 1 || ask.Capacity != 1 {
			t.Errorf("at %v: %+v", wall, ask)
		}
	}
}

// TestOneThatFailsOnRestsLongerEachTime: 1, 2 and then 4 s, and 1 s again behind a success.
func TestOneThatFailsOnRestsLongerEachTime(t *testing.T) {
	w, e := newHarness(t), newEnv(1)
	at := time.Duration(0)
	for _, seconds := range []int{1, 2, 4, 4, 0, 1, 2} {
		rest := time.Duration(seconds) * time.Second
		ask := w.begin(e, at)
		if rest == 0 {
			e.Answer(ask, w.table.Take(ask), nil, clock(at))
			at += 10 * time.Second // its token is too old
			continue
		}
		e.Answer(ask, limiter.Seen{}, errDown, clock(at))
		at += rest
		if step := e.Decide("k", 1, clock(at-1)); !step.Done || !step.Result.Fallback {
			t.Errorf("asked for before %v were over: %+v", rest, step)
		}
	}
}

// TestAFailureIsFollowedByASecondOfPause: to the nanosecond, for its own limit, after the next one that fails for all limits of
// the environment, and not after a success.
func TestAFailureIsFollowedByASecondOfPause(t *testing.T) {
	w, e := newHarness(t), newEnv(1)
	ask := w.begin(e, 0)
	if step := e.Answer(ask, limiter.Seen{}, errDown, clock(300*ms)); !step.Done || !step.Result.Fallback || !step.Result.Admit {
		t.Fatalf("%+v", step)
	}
	rests := func(name string, from time.Duration) {
		t.Helper()
		for _, at := range []time.Duration{from, from + time.Second - 1} {
			if step := e.Decide(name, 1, clock(at)); !step.Done || !step.Result.Fallback {
				t.Errorf("%s at %v: %+v", name, at, step)
			}
		}
	}
	rests("k", 300*ms)
	other := e.Decide("other", 1, clock(300*ms))
	if other.Done {
		t.Fatalf("another limit, after one failure: %+v", other)
	}
	if step := e.Answer(other.Ask, limiter.Seen{}, errDown, clock(400*ms)); !step.Done || !step.Result.Fallback {
		t.Fatalf("%+v", step)
	}
	for _, name := range []string{"k", "other", "third"} {
		rests(name, 400*ms)
	}
	ask = w.begin(e, 1400*ms)
	if step := e.Answer(ask, w.table.Take(ask), nil, clock(1402*ms)); !step.Done || !step.Result.Admit || step.Result.Fallback {
		t.Fatalf("%+v", step)
	}
	if step := e.Decide("third", 1, clock(1403*ms)); step.Done {
		t.Errorf("after a success: %+v", step)
	}
}

// TestWithoutTheStoreASecondHoldsAnEighthOfTheLimitOrWhatWasGrantedBefore.
func TestWithoutTheStoreASecondHoldsAnEighthOfTheLimitOrWhatWasGrantedBefore(t *testing.T) {
	down := func(e *env, at time.Duration) (admitted int) {
		for range 3 * e.limit {
			step := e.Decide("k", e.limit, clock(at))
			if !step.Done {
				step = e.Answer(step.Ask, limiter.Seen{}, errDown, clock(at))
			}
			if step.Result.Admit {
				admitted++
			} else if step.Result.RetryAfter != 1 {
				t.Fatalf("%+v", step)
			}
		}
		return admitted
	}
	for limit, want := range map[int]int{1: 1, 7: 1, 8: 1, 15: 1, 16: 2, 800: 100} {
		e := newEnv(limit)
		for second := range 3 {
			for _, at := range []time.Duration{0, time.Second - 1} {
				want := want
				if at > 0 {
					want = 0 // it is the same second
				}
				if got := down(e, time.Duration(second)*time.Second+at); got != want {
					t.Errorf("limit %d, second %d: %d admitted, want %d", limit, second, got, want)
				}
			}
		}
	}
	// Five of eight were granted in the last good second: that is its share in the next ones, and never more than the limit.
	w, e := newHarness(t), newEnv(8)
	for range 5 {
		w.call(e, 0)
	}
	for second, want := range []int{5, 5, 5} {
		if got := down(e, time.Duration(second+1)*time.Second); got != want {
			t.Errorf("%d s later: %d admitted, want %d", second+1, got, want)
		}
	}
}

// TestAShareIsOfTheLastSecondsAlone: what was granted long ago says nothing of what an environment gets in an outage now.
func TestAShareIsOfTheLastSecondsAlone(t *testing.T) {
	const limit, eighth, busy = 80, 10, 40
	for gap, want := range map[time.Duration]int{time.Second: busy, 2 * time.Second: eighth, 3 * time.Second: eighth, time.Hour: eighth} {
		w, e := newHarness(t), newEnv(limit)
		for range busy {
			w.call(e, 0)
		}
		if r := w.call(e, gap+500*ms); !r.Admit || r.Fallback { // the last call that the store answered
			t.Fatalf("%+v", r)
		}
		admitted := 0
		for range 3 * limit {
			step := e.Decide("k", limit, clock(gap+900*ms))
			if !step.Done {
				step = e.Answer(step.Ask, limiter.Seen{}, errDown, clock(gap+900*ms))
			}
			if step.Result.Admit && step.Result.Fallback {
				admitted++
			}
		}
		if admitted != want {
			t.Errorf("a busy second %v before: %d are admitted, want %d", gap, admitted, want)
		}
	}
}

// TestWhatIsGivenBackIsNoPartOfAShare: another limit refused those calls, so they weren't granted.
func TestWhatIsGivenBackIsNoPartOfAShare(t *testing.T) {
	const limit, eighth, busy = 80, 10, 40
	for back, want := range map[int]int{0: busy, 10: busy - 10, busy - 1: eighth, busy: eighth} {
		w, e := newHarness(t), newEnv(limit)
		for n := range busy {
			if r := w.call(e, 0); n < back {
				e.GiveBack("k", r, clock(2*ms))
			}
		}
		admitted := 0
		for range 3 * limit {
			step := e.Decide("k", limit, clock(time.Second))
			if !step.Done {
				step = e.Answer(step.Ask, limiter.Seen{}, errDown, clock(time.Second))
			}
			if step.Result.Admit && step.Result.Fallback {
				admitted++
			}
		}
		if admitted != want {
			t.Errorf("%d of %d calls were given back: %d are admitted, want %d", back, busy, admitted, want)
		}
	}
}

// TestWhatIsGivenBackInAnOutageIsAdmittedAgain: calls that another limit refused take nothing of what an environment admits by itself.
func TestWhatIsGivenBackInAnOutageIsAdmittedAgain(t *testing.T) {
	const limit, eighth = 80, 10
	for _, back := range []int{0, 1, 4, eighth} {
		e := newEnv(limit)
		admitted := func() (list []limiter.Result) {
			for range 2 * limit {
				step := e.Decide("k", limit, clock(0))
				if !step.Done {
					step = e.Answer(step.Ask, limiter.Seen{}, errDown, clock(0))
				}
				if step.Result.Admit {
					list = append(list, step.Result)
				}
			}
			return list
		}
		first := admitted()
		if len(first) != eighth {
			t.Fatalf("%d are admitted, want %d", len(first), eighth)
		}
		for _, r := range first[:back] {
			e.GiveBack("k", r, clock(0))
		}
		if again := len(admitted()); again != back {
			t.Errorf("%d were given back, and %d more are admitted", back, again)
		}
	}
}

// TestASecondWithoutTheStoreNeverHoldsMoreThanTheLimitOfThatMoment: a limit may be changed in an outage, or just before.
func TestASecondWithoutTheStoreNeverHoldsMoreThanTheLimitOfThatMoment(t *testing.T) {
	for _, before := range []int{1, 8, 40, 100} {
		for _, now := range []int{1, 2, 8, 40, 100} {
			w, e := newHarness(t), newEnv(before)
			for range before {
				w.call(e, 0)
			}
			for second := 1; second <= 3; second++ {
				admitted := 0
				for range 3 * max(before, now) {
					step := e.Decide("k", now, clock(time.Duration(second)*time.Second))
					if !step.Done {
						step = e.Answer(step.Ask, limiter.Seen{}, errDown, clock(time.Duration(second)*time.Second))
					}
					if step.Result.Admit {
						admitted++
					}
				}
				none := admitted == 0 && second > 1 // in the first the window of before may still be open, and empty
				if none || admitted > now {
					t.Errorf("%d calls a second before, now %d: %d are admitted in second %d", before, now, admitted, second)
				}
			}
		}
	}
}

// TestTokensOfASmallWindowLiveShortWhateverLimitTheirHolderKnows: the window's capacity says which guarantee it has.
func TestTokensOfASmallWindowLiveShortWhateverLimitTheirHolderKnows(t *testing.T) {
	for late, alive := range map[time.Duration]bool{100*ms - 1: true, 100 * ms: false} {
		e := newEnv(200)
		ask := e.Decide("k", 200, clock(0)).Ask
		small := limiter.Seen{Window: 7, Capacity: 50, Age: 0, Expires: t0.Add(24 * time.Hour)}
		ask = e.Answer(ask, small, nil, clock(0)).Ask
		small.Applied = true
		if step := e.Answer(ask, small, nil, clock(late)); (step.Done && step.Result.Admit) != alive {
			t.Errorf("an answer after %v: %+v", late, step)
		}
	}
}

// TestOfManyLimitsTheLastAreRemembered: so many and no more, however many came before them.
func TestOfManyLimitsTheLastAreRemembered(t *testing.T) {
	const most, all = 3, 12
	for asked := range all {
		e, table := limiter.New(most), sim.NewTable()
		known := func(n int) bool {
			step := e.Decide(strconv.Itoa(n), 10, clock(0))
			created := step.Ask.Create
			for !step.Done {
				step = e.Answer(step.Ask, table.Take(step.Ask), nil, clock(0))
			}
			return !created
		}
		for n := range all {
			if known(n) {
				t.Fatalf("limit %d is known before its first call", n)
			}
		}
		if got := known(asked); got != (asked >= all-most) {
			t.Errorf("of %d limits, number %d is remembered: %v", all, asked, got)
		}
	}
}

// TestTheLimitUsedLongestAgoIsForgottenFirst: forgetting one in use would cost a store call each time.
func TestTheLimitUsedLongestAgoIsForgottenFirst(t *testing.T) {
	e, table := limiter.New(2), sim.NewTable()
	call := func(name string) limiter.Ask {
		step := e.Decide(name, 10, clock(0))
		first := step.Ask
		for !step.Done {
			step = e.Answer(step.Ask, table.Take(step.Ask), nil, clock(0))
		}
		return first
	}
	for _, name := range []string{"a", "b", "a", "c"} {
		call(name)
	}
	if ask := call("a"); ask.Create {
		t.Error("the limit in use was forgotten")
	}
	if ask := call("b"); !ask.Create {
		t.Error("the other one wasn't")
	}
}

// TestAnExhaustedWindowThatIsSeenFirstMayHaveGrantedUntilNow: its age says nothing about when its last token went.
func TestAnExhaustedWindowThatIsSeenFirstMayHaveGrantedUntilNow(t *testing.T) {
	e, _ := look(t, 1, 950*ms, 0, 10*ms)
	if ask := e.Decide("k", 1, clock(60*ms)).Ask; ask.Window != 8 || ask.Age != -50*ms {
		t.Errorf("%+v", ask)
	}
}
