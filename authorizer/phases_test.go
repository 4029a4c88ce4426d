package main

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
)

// counts holds what a phase of an outage costs.
type counts struct{ reads, errors, stale, reconnects int }

// phase plays a part of a test and returns what it cost.
func (b *harness) phase(t *testing.T, play func()) counts {
	t.Helper()
	of := func() counts {
		m := &b.gate.metrics
		c := counts{b.store.reads + int(b.store.accountReads.Load()), m.storeErrors, m.staleServes, b.reconnects}
		for _, line := range lines(t, b.out) { // what was written already
			if n, ok := line["StoreErrors"].(float64); ok {
				c.errors += int(n)
				c.stale += int(line["StaleServes"].(float64))
			}
		}
		return c
	}
	before := of()
	play()
	after := of()
	return counts{after.reads - before.reads, after.errors - before.errors, after.stale - before.stale, after.reconnects - before.reconnects}
}

func whole(d time.Duration) time.Duration { return d }

// TestAnOutageCostsWhatItsPhaseCosts: two keys in use, one call of each every 250 ms. Pauses aren't shortened here.
func TestAnOutageCostsWhatItsPhaseCosts(t *testing.T) {
	b := newHarness(t)
	b.gate.records.breaker.shorten = whole
	one, two := b.add(t, 1, nil), b.add(t, 2, nil)
	play := func(d time.Duration) func() {
		return func() {
			for end := b.clock.at.mono + d; b.clock.at.mono < end; b.clock.advance(250 * time.Millisecond) {
				for _, key := range []string{one, two} {
					if status := b.status(t, key); status != 200 {
						t.Fatalf("status %d", status)
					}
				}
			}
		}
	}
	b.status(t, "ak_malformed") // so that there is a line
	b.gate.log.flush()
	steady := b.phase(t, play(20*time.Second))
	if want := (counts{reads: 12}); steady != want { // of two keys and their account, every 5 s
		t.Errorf("before: %+v, want %+v", steady, want)
	}

	b.down()
	// All records are 5 s old at once. The first failure makes its secret wait, the second one all: each of the two is
	// tried twice, with a new connection between, and the account's once beside it.
	if got, want := b.phase(t, play(250*time.Millisecond)), (counts{reads: 6, errors: 6, stale: 2, reconnects: 2}); got != want {
		t.Errorf("the first moment: %+v, want %+v", got, want)
	}
	if br := b.gate.records.breaker; !br.open || br.pause != 250*time.Millisecond {
		t.Errorf("the breaker: open %v, pause %v", br.open, br.pause)
	}
	// Then one probe of two attempts each 0.25, 0.5, 1, 2, 2, … s, each of them on a new connection at both.
	before := b.gate.records.breaker.openedAt
	var gaps []time.Duration
	outage := b.phase(t, func() {
		for range 4 * 60 {
			play(250 * time.Millisecond)()
			if at := b.gate.records.breaker.openedAt; at != before {
				gaps = append(gaps, at.since(before))
				before = at
			}
		}
	})
	// A key's own pause may keep it from the probe, which the other one or the account then takes.
	for i, want := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second} {
		if gaps[i] < want || gaps[i] > want+500*time.Millisecond {
			t.Errorf("probe %d after %v, want %v", i+1, gaps[i], want)
		}
	}
	if n := len(gaps); n < 25 || n > 32 || outage.reads != 2*n || outage.errors != outage.reads || outage.reconnects != 2*n || outage.stale != 480 {
		t.Errorf("a minute of outage: %+v with %d probes", outage, n)
	}

	b.up()
	b.clock.advance(2 * time.Second)
	first := b.phase(t, func() {
		b.clock.advance(2 * time.Second) // no secret waits longer
		b.gate.records.breaker.failing[record{hash: secret(t, 2).Hash()}] = failure{at: b.clock.at, pause: longestOwnPause, rest: longestOwnPause}
		b.status(t, one)
	})
	if want := (counts{reads: 2, reconnects: 1}); first != want { // the account's after the key's, which closed the breaker
		t.Errorf("the first success: %+v, want %+v", first, want)
	}
	if br := b.gate.records.breaker; br.open || br.pause != 0 || len(br.failing) != 0 {
		t.Errorf("after the first success: open %v, pause %v, %d secrets wait", br.open, br.pause, len(br.failing))
	}
	if got, want := b.phase(t, func() { b.status(t, two) }), (counts{reads: 1}); got != want {
		t.Errorf("the next key: %+v, want %+v: it waits for nothing", got, want)
	}
	b.clock.advance(5 * time.Second)
	if got := b.phase(t, play(20*time.Second)); got != steady {
		t.Errorf("afterwards: %+v, before: %+v", got, steady)
	}

	b.down() // and the next outage begins like the first
	if got, want := b.phase(t, play(250*time.Millisecond)), (counts{reads: 6, errors: 6, stale: 2, reconnects: 2}); got != want {
		t.Errorf("the next outage: %+v, want %+v", got, want)
	}
	if br := b.gate.records.breaker; br.pause != 250*time.Millisecond {
		t.Errorf("the next outage's first pause is %v", br.pause)
	}
}

// TestEachKindOfAnswerEndsAnOutage: a record, no record and one that can't be read all say that the store is there.
func TestEachKindOfAnswerEndsAnOutage(t *testing.T) {
	for name, answer := range map[string]func(*harness, apikey.Hash){
		"a record":         func(*harness, apikey.Hash) {},
		"no record":        func(b *harness, h apikey.Hash) { delete(b.store.policies, h) },
		"a damaged record": func(b *harness, h apikey.Hash) { b.store.fail = func(apikey.Hash) error { return errUnreadable } },
		"a damaged pattern": func(b *harness, h apikey.Hash) {
			p := b.store.policies[h]
			p.Domains = []string{"*"}
			b.store.policies[h] = p
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newHarness(t)
			keys := []string{b.add(t, 1, nil), b.add(t, 2, nil)}
			b.down()
			for _, key := range keys {
				b.status(t, key)
			}
			if !b.gate.records.breaker.open {
				t.Fatal("two failures don't open the breaker")
			}
			b.up()
			answer(b, secret(t, 1).Hash())
			b.clock.advance(10 * time.Second)
			b.status(t, keys[0])
			if br := b.gate.records.breaker; br.open || len(br.failing) != 0 {
				t.Errorf("open %v, %d secrets wait", br.open, len(br.failing))
			}
			if !b.gate.records.answered || b.gate.metrics.storeErrors != 4 {
				t.Errorf("answered %v, %d errors", b.gate.records.answered, b.gate.metrics.storeErrors)
			}
			b.up()
			for range 20 {
				b.clock.advance(5 * time.Second)
				if status := b.status(t, keys[1]); status != 200 {
					t.Fatalf("afterwards: %d", status)
				}
			}
			if b.reconnects != 3 { // two at the failures, one at the probe
				t.Errorf("%d new connections", b.reconnects)
			}
		})
	}
}

// TestEveryAgeCountsFromBeforeItsRead: of a record, of a secret that isn't known, and of a record that can't be read.
func TestEveryAgeCountsFromBeforeItsRead(t *testing.T) {
	for name, set := range map[string]func(*harness, apikey.Hash){
		"a record":         func(*harness, apikey.Hash) {},
		"no record":        func(b *harness, h apikey.Hash) { delete(b.store.policies, h) },
		"a damaged record": func(b *harness, h apikey.Hash) { b.store.fail = func(apikey.Hash) error { return errUnreadable } },
		"a damaged pattern": func(b *harness, h apikey.Hash) {
			p := b.store.policies[h]
			p.Domains = []string{"*"}
			b.store.policies[h] = p
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newHarness(t)
			key := b.add(t, 1, nil)
			set(b, secret(t, 1).Hash())
			b.store.delay = 900 * time.Millisecond
			b.status(t, key)
			b.store.delay = 0
			b.clock.advance(4100*time.Millisecond - time.Nanosecond)
			b.status(t, key)
			if b.store.reads != 1 {
				t.Fatalf("%d reads before 5 s have passed", b.store.reads)
			}
			b.clock.advance(time.Nanosecond)
			b.status(t, key)
			if b.store.reads != 2 {
				t.Errorf("%d reads 5 s after the first began", b.store.reads)
			}
		})
	}
}

// TestARecordServesInAnOutageUpToFifteenMinutesAfterItWasRead: to the nanosecond, and though the attempts take time.
func TestARecordServesInAnOutageUpToFifteenMinutesAfterItWasRead(t *testing.T) {
	for _, tt := range []struct {
		age    time.Duration
		status int
	}{{15 * time.Minute, 200}, {15*time.Minute + 1, 503}} {
		for _, open := range []bool{false, true} {
			b := newHarness(t)
			key := b.add(t, 1, nil)
			b.status(t, key)
			b.down()
			b.clock.advance(tt.age)
			if open { // no attempt is made
				br := b.gate.records.breaker
				br.open, br.openedAt, br.rest = true, b.clock.at, time.Second
			}
			reads := b.store.reads
			if status := b.status(t, key); status != tt.status || (b.store.reads == reads) != open {
				t.Errorf("%v old, breaker open %v: %d after %d reads", tt.age, open, status, b.store.reads-reads)
			}
		}
	}
	b := newHarness(t)
	key := b.add(t, 1, nil)
	b.status(t, key)
	b.clock.advance(time.Minute)
	b.status(t, b.add(t, 2, nil)) // its account is read again, and young enough
	b.down()
	b.store.delay = 300 * time.Millisecond
	b.clock.advance(14*time.Minute - 599*time.Millisecond)
	if status := b.status(t, key); status != 503 {
		t.Errorf("a record that is over when the attempts have failed: %d", status)
	}
}

// TestASecretsPauseDoublesUpToFourSecondsAndIsForgottenAfterASuccess.
func TestASecretsPauseDoublesUpToFourSecondsAndIsForgottenAfterASuccess(t *testing.T) {
	of, now := record{hash: secret(t, 1).Hash()}, newManualClock()
	b := newBreaker(whole)
	for round := range 2 {
		for i, millis := range []int{250, 500, 1000, 2000, 4000, 4000} {
			want := time.Duration(millis) * time.Millisecond
			b.failed(of, now.at)
			if b.open {
				t.Fatal("one secret opens the breaker")
			}
			now.advance(want - 1)
			if b.allows(of, now.at) {
				t.Errorf("round %d, failure %d: asked before %v", round, i, want)
			}
			if !b.allows(record{hash: secret(t, 2).Hash()}, now.at) {
				t.Error("another secret has to wait, too")
			}
			now.advance(1)
			if !b.allows(of, now.at) {
				t.Errorf("round %d, failure %d: not asked after %v", round, i, want)
			}
		}
		b.succeeded(of)
	}
}

// TestAFailureOfLongAgoOpensNothing: two failures open the breaker only within 10 s.
func TestAFailureOfLongAgoOpensNothing(t *testing.T) {
	for after, open := range map[time.Duration]bool{10 * time.Second: true, 10*time.Second + 1: false} {
		b, now := newBreaker(whole), newManualClock()
		b.failed(record{hash: secret(t, 1).Hash()}, now.at)
		now.advance(after)
		b.failed(record{hash: secret(t, 2).Hash()}, now.at)
		if b.open != open {
			t.Errorf("%v later: open %v", after, b.open)
		}
	}
}

// TestPausesAreShortenedByUpToAQuarterAndNeverMadeLonger: at random, so that environments don't probe in step.
func TestPausesAreShortenedByUpToAQuarterAndNeverMadeLonger(t *testing.T) {
	shorten := newHarness(t).gate.records.breaker.shorten
	shortest, longest := time.Hour, time.Duration(0)
	for range 10_000 {
		d := shorten(4 * time.Second)
		shortest, longest = min(shortest, d), max(longest, d)
	}
	if shortest <= 3*time.Second-1 || longest > 4*time.Second || longest-shortest < 900*time.Millisecond {
		t.Errorf("4 s become %v to %v", shortest, longest)
	}
}

// TestTheBreakerRemembersFewSecrets: a flood of made-up keys in an outage costs no memory.
func TestTheBreakerRemembersFewSecrets(t *testing.T) {
	b, now := newBreaker(whole), newManualClock()
	for n := range 1000 {
		b.failed(record{hash: hashOf(n)}, now.at)
		if len(b.failing) > 64 {
			t.Fatalf("%d secrets are remembered", len(b.failing))
		}
		if n > 0 && b.allows(record{hash: hashOf(2000)}, now.at) {
			t.Fatal("the breaker closed")
		}
	}
}

// TestBudgetsOfReads: what a hanging store may take of a call, in each phase of an outage.
func TestBudgetsOfReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(t)
		b.gate.records.breaker.shorten = whole
		keys := []string{b.add(t, 1, nil), b.add(t, 2, nil)}
		b.gate.clock = newSystemClock()
		b.gate.records.clock, b.store.clock = b.gate.clock, nil
		for _, key := range keys {
			b.status(t, key)
		}
		store := &hanging{}
		b.gate.records.store = store
		time.Sleep(6 * time.Second)
		call := func(n int, want ...time.Duration) {
			t.Helper()
			before, reconnects := len(store.waits), b.reconnects
			b.gate.records.cache.accounts["acc_1"].readAt = b.gate.clock.now() // TestBudgetsOfTheReadOfAnAccount has its share
			b.status(t, keys[n])
			got := store.waits[before:]
			for i := range max(len(got), len(want)) {
				if len(got) != len(want) || got[i] != want[i] {
					t.Errorf("attempts of %v, want %v", got, want)
					break
				}
			}
			if len(want) > 0 && b.reconnects != reconnects+1 {
				t.Errorf("%d new connections", b.reconnects-reconnects)
			}
		}
		const ms = time.Millisecond
		call(0, 400*ms, 600*ms) // together a second, the second one on a new connection
		call(0)                 // this secret waits
		call(1, 400*ms, 600*ms) // the second failure: all wait
		call(0)
		call(1)
		time.Sleep(500 * ms)
		call(0, 500*ms) // a probe: one attempt, on a new connection
		call(1)
		b.gate.records.store = b.store
		time.Sleep(4 * time.Second)
		reads := b.store.reads
		call(0)
		call(1)
		if b.store.reads != reads+2 || b.gate.records.breaker.open {
			t.Errorf("afterwards: %d reads", b.store.reads-reads)
		}
		b.gate.records.store = store
		time.Sleep(6 * time.Second)
		call(0, 400*ms, 600*ms) // as in the beginning
	})
}

var errUnreadable = fmt.Errorf("decoding: %w", dynamo.ErrUnreadable)

// TestNothingOfAnOutageIsLeft: whatever happened in it, what is asked after the first success is what a gate asks that
// never saw one.
func TestNothingOfAnOutageIsLeft(t *testing.T) {
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 9))
		b, calm := newHarness(t), newHarness(t)
		var keys []string
		for n := range uint64(4) {
			keys = append(keys, b.add(t, n, nil))
			calm.add(t, n, nil)
			b.status(t, keys[n])
		}
		b.down()
		for range 100 {
			b.status(t, keys[random.IntN(4)])
			b.clock.advance(time.Duration(random.Int64N(int64(2 * time.Second))))
		}
		b.up()
		b.clock.advance(5 * time.Second)
		calm.clock.at = b.clock.at
		for _, key := range keys {
			b.status(t, key)
			calm.status(t, key)
		}
		reconnects := b.reconnects
		for range 200 {
			step, key := time.Duration(random.Int64N(int64(time.Second))), keys[random.IntN(4)]
			for _, x := range []*harness{b, calm} {
				x.clock.advance(step)
				before := x.store.reads
				x.status(t, key)
				x.gate.metrics.storeReads = x.store.reads - before
			}
			if b.gate.metrics.storeReads != calm.gate.metrics.storeReads || b.reconnects != reconnects {
				t.Fatalf("seed %d: %d reads, want %d; %d new connections", seed, b.gate.metrics.storeReads, calm.gate.metrics.storeReads, b.reconnects-reconnects)
			}
		}
		if b.gate.metrics.decisions.of(authz.Unavailable) != 0 {
			t.Fatal("a known key was refused")
		}
	}
}
