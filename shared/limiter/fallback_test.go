package limiter_test

import (
	"context"
	"testing"
	"time"

	"latchkey/shared/limiter"
	"latchkey/shared/limiter/sim"
)

// partlyDown is a table in which some items can't be written. It counts the asks for each.
type partlyDown struct {
	*sim.Table
	down map[string]bool
	asks map[string]int
}

func (p *partlyDown) Take(_ context.Context, ask limiter.Ask) (limiter.Seen, error) {
	p.asks[ask.Limit]++
	if p.down[ask.Limit] {
		return limiter.Seen{}, errDown
	}
	return p.Table.Take(ask), nil
}

// TestAFailingItemSuspendsItsOwnBoundAlone: while one item can't be written, the others are kept by leases, and it is
// asked for once a second. The failures of two within ten seconds of each other suspend all, until one is written again.
func TestAFailingItemSuspendsItsOwnBoundAlone(t *testing.T) {
	table := &partlyDown{Table: sim.NewTable(), down: map[string]bool{}, asks: map[string]int{}}
	l, now := limiter.New(8), time.Duration(0)
	// play makes a call of each of the limits every 250 ms for so many seconds, and counts those decided by a local share.
	play := func(seconds int, limits ...string) map[string]int {
		clear(table.asks)
		local := map[string]int{}
		for range 4 * seconds {
			for _, name := range limits {
				if l.Admit(t.Context(), table, func() limiter.Now { return clock(now) }, name, 10).Fallback {
					local[name]++
				}
			}
			now += 250 * ms
		}
		return local
	}
	for _, phase := range []struct {
		what  string
		down  []string
		calls []string
		local map[string]int // of 40 calls
		asks  map[string]int // at most, in 10 s
	}{
		{"all is well", nil, []string{"a", "b", "c"}, map[string]int{}, nil},
		{"one item fails", []string{"a"}, []string{"a", "b", "c"}, map[string]int{"a": 40}, map[string]int{"a": 10}},
		{"two fail, and one between them doesn't", []string{"a", "c"}, []string{"a", "b", "c", "b"}, map[string]int{"a": 40, "c": 40}, map[string]int{"a": 10, "c": 10}},
		{"all is well again", nil, []string{"a", "b", "c"}, map[string]int{}, nil},
	} {
		clear(table.down)
		for _, name := range phase.down {
			table.down[name] = true
		}
		now += 4 * time.Second // whatever rests has rested
		local := play(10, phase.calls...)
		for _, name := range []string{"a", "b", "c"} {
			if local[name] != phase.local[name] {
				t.Errorf("%s: %d calls of %s were decided by a local share, want %d", phase.what, local[name], name, phase.local[name])
			}
			if most := phase.asks[name]; most > 0 && table.asks[name] > most {
				t.Errorf("%s: %d asks for %s, want at most %d", phase.what, table.asks[name], name, most)
			}
		}
	}
}

// TestTheFailuresOfTwoItemsRestAllLimits: an outage costs one ask a second, however many limits are called, and the first
// one that is written ends the rest for all but those that failed themselves.
func TestTheFailuresOfTwoItemsRestAllLimits(t *testing.T) {
	table := &partlyDown{Table: sim.NewTable(), down: map[string]bool{"a": true, "b": true, "c": true, "d": true}, asks: map[string]int{}}
	l, now := limiter.New(8), time.Duration(0)
	call := func(name string) bool {
		return l.Admit(t.Context(), table, func() limiter.Now { return clock(now) }, name, 10).Fallback
	}
	total := func() (n int) {
		for _, asks := range table.asks {
			n += asks
		}
		return n
	}
	call("a")
	call("b")
	if total() != 2 {
		t.Fatalf("two failing items were asked for %d times", total())
	}
	for second := range 10 {
		for range 4 {
			for _, name := range []string{"c", "d", "a", "b"} {
				if !call(name) {
					t.Fatalf("%s was decided by a lease", name)
				}
			}
			now += 250 * ms
		}
		if total() > 3+second {
			t.Fatalf("%d asks in %d s of an outage", total(), second+1)
		}
	}
	clear(table.down)
	now += time.Second
	if call("e") {
		t.Error("the table is back, and not asked")
	}
	now += 3 * time.Second
	for _, name := range []string{"a", "b", "c", "d"} {
		if call(name) {
			t.Errorf("the table is back for 4 s, and not asked for %s", name)
		}
	}
	table.down["a"] = true
	now += 4 * time.Second // whatever lease there is has ended
	if !call("a") || call("e") {
		t.Error("behind an outage the failure of one item rests another")
	}
}

// TestAFailureOfLongAgoIsForgotten: it neither makes the next one, of another item, a failure of all, nor its own item's rest longer.
// Nor does an outage after which nothing was called.
func TestAFailureOfLongAgoIsForgotten(t *testing.T) {
	for _, tt := range []struct {
		name    string
		failed  []string
		between time.Duration
		frozen  time.Duration // between, in which the monotonic clock stands still
		all     bool          // c rests too when b has failed
	}{
		{"one item, 9 s ago", []string{"a"}, 9 * time.Second, 0, true},
		{"one item, 10 s ago", []string{"a"}, 10 * time.Second, 0, true},
		{"one item, more than 10 s ago", []string{"a"}, 10*time.Second + 1, 0, false},
		{"one item, half an hour ago", []string{"a"}, 30 * time.Minute, 0, false},
		{"all, half an hour ago", []string{"a", "b"}, 30 * time.Minute, 0, false},
		{"one item, before half an hour of freeze", []string{"a"}, time.Second, 30 * time.Minute, false},
		{"all, before half an hour of freeze", []string{"a", "b"}, 3 * time.Second, 30 * time.Minute, false},
	} {
		table := &partlyDown{Table: sim.NewTable(), down: map[string]bool{"a": true, "b": true}, asks: map[string]int{}}
		l, now, frozen := limiter.New(8), time.Minute, time.Duration(0)
		call := func(name string) bool {
			at := clock(now)
			at.Wall = at.Wall.Add(frozen)
			return l.Admit(t.Context(), table, func() limiter.Now { return at }, name, 10).Fallback
		}
		for _, name := range tt.failed {
			call(name)
		}
		now, frozen = now+tt.between, tt.frozen
		if !call("b") || call("c") != tt.all {
			t.Errorf("%s: c rests: %t", tt.name, !tt.all)
		}
	}
	table := &partlyDown{Table: sim.NewTable(), down: map[string]bool{"a": true}, asks: map[string]int{}}
	l := limiter.New(8)
	for _, now := range []time.Duration{0, time.Second, 3 * time.Second, 30 * time.Minute, 30*time.Minute + time.Second} {
		l.Admit(t.Context(), table, func() limiter.Now { return clock(now) }, "a", 10)
	}
	if table.asks["a"] != 5 {
		t.Errorf("asked %d times for one that failed 30 min ago, and a second ago, want 5", table.asks["a"])
	}
}

// TestTwoItemsThatFailOnSuspendNoOther for long, however often they are called: both rest while others are asked for.
func TestTwoItemsThatFailOnSuspendNoOther(t *testing.T) {
	table := &partlyDown{Table: sim.NewTable(), down: map[string]bool{"a": true, "b": true}, asks: map[string]int{}}
	l := limiter.New(8)
	calls, local := 0, 0
	for now := time.Duration(0); now < time.Minute; now += 10 * ms {
		call := func(name string) bool {
			return l.Admit(t.Context(), table, func() limiter.Now { return clock(now) }, name, 100).Fallback
		}
		call("a")
		call("b")
		if now%(20*ms) == 0 {
			calls++
			if call("c") {
				local++
			}
		}
	}
	if local > calls*2/5 {
		t.Errorf("%d of %d calls of one whose item can be written were decided by a local share", local, calls)
	}
}

// TestAnItemThatFailsOnLeavesTheAskThatEndsTheRestToOthers: one item fails on and is called all the time, another failed once.
// The busy one would take each ask that finds out whether the table is back, and fail it, for as long as it fails.
func TestAnItemThatFailsOnLeavesTheAskThatEndsTheRestToOthers(t *testing.T) {
	for _, others := range [][]string{{"b"}, {"b", "c"}, {"c"}} {
		for every := 50 * ms; every <= time.Second; every += 50 * ms {
			table := &partlyDown{Table: sim.NewTable(), down: map[string]bool{"a": true, "b": true}, asks: map[string]int{}}
			l := limiter.New(8)
			leased := map[string]bool{}
			for now := time.Duration(0); now < 6*time.Second; now += 10 * ms {
				call := func(name string) bool {
					return !l.Admit(t.Context(), table, func() limiter.Now { return clock(now) }, name, 10).Fallback
				}
				call("a")
				if now == 500*ms {
					call("b")
					table.down["b"] = false
				}
				if now > 500*ms && now%every == 0 {
					for _, name := range others {
						leased[name] = leased[name] || call(name)
					}
				}
			}
			for _, name := range others {
				if !leased[name] {
					t.Errorf("called every %v beside one that fails, %s of %v has no lease after 5 s", every, name, others)
				}
			}
		}
	}
}

// TestOneFailingItemNeverSuspendsAnother, however often it fails and whether or not anything else is called meanwhile: it
// takes the failures of two items to rest all.
func TestOneFailingItemNeverSuspendsAnother(t *testing.T) {
	for failures := 1; failures <= 5; failures++ {
		table := &partlyDown{Table: sim.NewTable(), down: map[string]bool{"a": true}, asks: map[string]int{}}
		l, now := limiter.New(8), time.Duration(0)
		for range failures {
			now += 4 * time.Second
			if !l.Admit(t.Context(), table, func() limiter.Now { return clock(now) }, "a", 10).Fallback {
				t.Fatal("the item that fails was decided by a lease")
			}
		}
		if table.asks["a"] != failures {
			t.Fatalf("%d asks, want %d", table.asks["a"], failures)
		}
		if l.Admit(t.Context(), table, func() limiter.Now { return clock(now) }, "b", 10).Fallback {
			t.Errorf("after %d failures of one item another is decided by a local share", failures)
		}
	}
}
