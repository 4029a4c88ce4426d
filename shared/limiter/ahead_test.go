package limiter

import (
	"math/rand/v2"
	"testing"
	"time"
)

// oneItem is the lease table, with what the guarantee's proof speaks of: when windows opened and were last granted from.
type oneItem struct {
	window, used, ahead, capacity int64
	age                           time.Duration
	opened, granted               map[int64]time.Duration
	sizes                         map[int64]int64
}

func (i *oneItem) take(ask Ask, at time.Duration) Seen {
	seen := Seen{Window: i.window, Used: i.used, Ahead: i.ahead, Capacity: i.capacity, Age: i.age}
	if ask.Create != (i.window == 0) || !ask.Create && i.window != ask.Window && i.window != ask.Window-1 {
		return seen
	}
	seen.Applied = true
	if i.window != ask.Window {
		i.window, i.used, i.ahead, i.capacity = ask.Window, i.ahead, 0, ask.Capacity
		i.opened[i.window], i.sizes[i.window] = at, ask.Capacity
	}
	if i.used < i.capacity {
		i.granted[i.window] = at
	}
	i.used, i.ahead, i.age = i.used+ask.N, i.ahead+ask.Ahead, ask.Age
	return seen
}

// holder is an environment, and the windows of which its tokens are.
type holder struct {
	*Limiter
	hand, ahead int64
}

// use is a call that was admitted, and the window of its token.
type use struct {
	window int64
	at     time.Duration
}

// call makes a call whose store call takes a while, and says what it used.
func (h *holder) call(item *oneItem, limit int, at, takes time.Duration) (u use, admitted bool) {
	clock := func() Now { return Now{Mono: at, Wall: time.Unix(1e9, 0).Add(at)} }
	s := h.states.get("k")
	held := s.ahead
	follow := func() { // the tokens of the window after are in hand now
		if held > 0 && s.ahead == 0 {
			h.hand = h.ahead
		}
		held = s.ahead
	}
	step := h.Decide("k", limit, clock())
	follow()
	for !step.Done {
		ask := step.Ask
		at += takes
		seen := item.take(ask, at)
		at += takes
		step = h.Answer(ask, seen, nil, clock())
		if seen.Applied {
			h.hand = ask.Window
		}
		if follow(); seen.Applied && ask.Ahead > 0 {
			h.ahead = ask.Window + 1
		}
	}
	return use{h.hand, at}, step.Result.Admit
}

// TestTokensAreOfAWindowThatMayBeOpen: every token, taken ahead or not, is used no earlier than its window may open and no later than the
// second window after it may; and a window gives no more than it holds. From these three the guarantee follows, whatever the calls.
func TestTokensAreOfAWindowThatMayBeOpen(t *testing.T) {
	ahead := 0
	for seed := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, 29))
		pick := func(of ...int) int { return of[rnd.IntN(len(of))] }
		limit := pick(101, 101, 200, 1000)
		item := &oneItem{opened: map[int64]time.Duration{}, granted: map[int64]time.Duration{}, sizes: map[int64]int64{}}
		environments := make([]holder, pick(1, 2, 3, 6, 12, 24))
		for i := range environments {
			environments[i].Limiter = New(8)
		}
		var uses []use
		flood, at := pick(20, 40, 80), time.Duration(0)
		for step := range 120 {
			at += time.Duration(pick(2, 10, 50, 100, 300, 500, 900, 990, 1000, 1010)) * time.Millisecond / time.Duration(pick(1, 4, 16))
			calls := pick(1, 2, 5)
			if step > flood {
				calls = pick(1, 5, 40, 120)
			}
			h := &environments[rnd.IntN(len(environments))]
			for range calls {
				if u, admitted := h.call(item, limit, at, time.Duration(pick(0, 1, 20))*time.Millisecond); admitted {
					uses = append(uses, u)
					at = u.at
				}
			}
		}
		ahead += checkWindows(t, seed, item, uses)
	}
	if ahead < 10_000 {
		t.Errorf("%d tokens were used before anybody opened their window, so this shows little", ahead)
	}
}

// checkWindows computes from the whole run when each window might open, and holds every use against it. It returns how many tokens
// were used before their window was opened.
func checkWindows(t *testing.T, seed uint64, item *oneItem, uses []use) (ahead int) {
	t.Helper()
	first := item.window
	for w := range item.opened {
		first = min(first, w)
	}
	may := map[int64]time.Duration{first: item.opened[first]}
	for w := first; w <= item.window+2; w++ {
		may[w+1] = window + max(item.granted[w-1], may[w])
	}
	used := map[int64]int64{}
	for _, u := range uses {
		used[u.window]++
		if u.at < may[u.window] || u.at >= may[u.window+2] {
			t.Fatalf("seed %d: a token of window %d, which may open at %v and the second after it at %v, was used at %v", seed, u.window, may[u.window], may[u.window+2], u.at)
		}
		if opened, is := item.opened[u.window]; !is || u.at < opened {
			ahead++
		}
	}
	for w, n := range used {
		if size, is := item.sizes[w]; is && n > size {
			t.Fatalf("seed %d: window %d of %d gave %d", seed, w, size, n)
		}
	}
	return ahead
}

// TestAWindowStartsWithWhatWasTakenAheadOfIt: the environment that opens it gets what is left.
func TestAWindowStartsWithWhatWasTakenAheadOfIt(t *testing.T) {
	for ahead, want := range map[int64]int64{0: 1, 100: 1, 101: 0} {
		l, now := New(8), Now{Wall: time.Unix(1e9, 0), Mono: time.Hour}
		l.Answer(l.Decide("k", 101, now).Ask, Seen{Window: 7, Used: 1, Capacity: 101, Age: time.Minute}, nil, now)
		ask := l.Decide("k", 101, now).Ask
		step := l.Answer(ask, Seen{Applied: true, Window: 7, Used: 1, Ahead: ahead, Capacity: 101, Age: time.Minute}, nil, now)
		if ask.Window != 8 || step.Result.Admit != (want > 0) || l.states.get("k").used != ahead+ask.N {
			t.Errorf("%d of 101 taken ahead: asked for window %d, %+v", ahead, ask.Window, step.Result)
		}
	}
}

// TestAheadIsAQuarterOfAWindowAtMost over all environments, so that one which doesn't know of it, of the release before, opens a window that
// has enough left; and none of a limit whose tokens live short.
func TestAheadIsAQuarterOfAWindowAtMost(t *testing.T) {
	for _, tt := range []struct{ limit, capacity, used, ahead, want int64 }{
		{1000, 1000, 0, 0, 24},
		{1000, 1000, 0, 240, 10},
		{1000, 1000, 0, 251, 0},
		{1000, 1000, 999, 0, 24},
		{1000, 1000, 1000, 0, 0}, // no grant, which would hold back the window after the next
		{1000, 100, 0, 0, 0},
		{100, 100, 0, 0, 0},
	} {
		l, now := New(8), Now{Wall: time.Unix(1e9, 0), Mono: time.Hour}
		var ask Ask
		for range 7 {
			ask = l.Decide("k", int(tt.limit), now).Ask
		}
		l.Answer(ask, Seen{Applied: true, Window: ask.Window, Used: tt.used, Ahead: tt.ahead, Capacity: tt.capacity, Age: 0}, nil, now)
		if got := l.states.get("k").ahead; got != tt.want {
			t.Errorf("%+v: %d of %d", tt, got, ask.Ahead)
		}
	}
}
