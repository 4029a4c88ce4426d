package limiter_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"latchkey/shared/limiter"
	"latchkey/shared/limiter/sim"
)

// TestBothBoundsHoldWhateverFails: a key's limit and its account's at once, over keys and environments, with faults and with
// numbers that change in the middle. Neither is passed in any interval, and both refuse calls.
func TestBothBoundsHoldWhateverFails(t *testing.T) {
	n := seeds(200)
	closest, refused := [limiter.MaxBounds]int{-1_000_000, -1_000_000}, [limiter.MaxBounds]int{}
	for seed := range n {
		c := randomConfig(uint64(seed))
		rnd := rand.New(rand.NewPCG(uint64(seed), 19))
		c.Keys = []int{1, 2, 6, 6, 20}[rnd.IntN(5)]
		c.Account = max(1, c.Limit*[]int{1, 2, 4, 8, 24}[rnd.IntN(5)]/4)
		if rnd.IntN(4) == 0 {
			c.AccountChange = []int{1, 5, 50, 100, 150}[rnd.IntN(5)]
		}
		if c.Keys > 2 { // some keys' limits, and the account's, are used up
			c.Load = min(c.Load*float64(c.Keys)/2, 1000/float64(c.Limit))
		}
		out := sim.Run(c)
		worst := [limiter.MaxBounds]int{-1_000_000, sim.Over(out.Admitted, max(c.Account, c.AccountChange))}
		for _, of := range out.OfKeys {
			worst[0] = max(worst[0], sim.Over(of, max(c.Limit, c.Change)))
		}
		for i, whose := range []string{"a key's", "the account's"} {
			if worst[i] > 0 {
				t.Fatalf("seed %d: %d calls over %s bound: %+v", seed, worst[i], whose, c)
			}
			closest[i] = max(closest[i], worst[i])
			refused[i] += out.Refused[i]
		}
	}
	t.Logf("%d runs, the closest %d calls below the keys' bound and %d below the account's; %v refused by them", n, -closest[0], -closest[1], refused)
	if closest[0] < -2 || closest[1] < -2 || refused[0] < 10*n || refused[1] < 10*n {
		t.Error("the runs never come near the bounds, so they show nothing")
	}
}

// TestTwoLimitsAtOnceCostFewWrites: at most 0.08 for each call that is admitted in a minute, at 1,000 a second of one key or of four under
// the keys' limits and the account's, and what they allow is served. Where keys share four fifths of a limit, more is said.
func TestTwoLimitsAtOnceCostFewWrites(t *testing.T) {
	for _, tt := range []struct {
		what             string
		keys, key, total int
		load             float64 // calls a second
		allowed          float64 // of them, a second
		writes           float64
	}{
		{"far below both", 1, 10_000, 20_000, 1000, 1000, 0.03},
		{"below both", 1, 1250, 1250, 1000, 1000, 0.08},
		{"both exhausted", 1, 1000, 1000, 2000, 1000, 0.08},
		{"the account's exhausted", 1, 2000, 1000, 2000, 1000, 0.08},
		{"the key's exhausted", 1, 1000, 2000, 2000, 1000, 0.08},
		{"four keys far below both", 4, 10_000, 20_000, 1000, 1000, 0.08},
		{"four keys at a quarter of their limits", 4, 1000, 4000, 1000, 1000, 0.08},
		{"four keys at half the account's", 4, 2000, 2000, 1000, 1000, 0.08},
		{"four keys at four fifths of the account's", 4, 1250, 1250, 1000, 1000, 0.09},
		{"the account's exhausted by four keys", 4, 2000, 1000, 2000, 1000, 0.08},
		{"four times the calls, the account's exhausted", 4, 2000, 4000, 8000, 4000, 0.08},
		{"four keys exhausted", 4, 1000, 10_000, 8000, 4000, 0.08},
	} {
		for _, envs := range []int{1, 16} {
			c := sim.Config{
				Seed: 1, Envs: envs, Keys: tt.keys, Limit: tt.key, Account: tt.total, Load: tt.load / float64(tt.key), Length: time.Minute, Life: lifetime,
				Faults: sim.Faults{Skew: 5 * time.Second},
			}
			out := sim.Run(c)
			served := float64(len(out.Admitted)) / (tt.allowed * 60)
			perCall := float64(out.Writes) / float64(len(out.Admitted))
			t.Logf("%s, %d environments: %.3f served, %.3f writes a call", tt.what, envs, served, perCall)
			if perCall > tt.writes || served < 0.95 {
				t.Errorf("%s, %d environments: %.3f served, %.3f writes a call", tt.what, envs, served, perCall)
			}
		}
	}
}

// TestSixKeysUnderOneAccountAreAdmittedItsLimit, and no more than that.
func TestSixKeysUnderOneAccountAreAdmittedItsLimit(t *testing.T) {
	c := sim.Config{Seed: 1, Envs: 4, Keys: 6, Limit: 5, Account: 5, Load: 12, Length: 20 * time.Second, Life: lifetime}
	out := sim.Run(c)
	if over := sim.Over(out.Admitted, 5); over > 0 || len(out.Admitted) < 4*20 {
		t.Errorf("%d are admitted in 20 s, %d over the bound", len(out.Admitted), over)
	}
}

// pair is an environment with a key's limit and its account's, and a table that can fail for one of them.
type pair struct {
	*limiter.Limiter
	table  *sim.Table
	key    limiter.Bound
	all    limiter.Bound
	fail   string         // the limit whose writes fail
	writes map[string]int // of each limit
	takes  time.Duration  // a write does
	at     time.Duration
}

func newPair(key, all int) *pair {
	return &pair{
		Limiter: limiter.New(8), table: sim.NewTable(), key: limiter.Bound{Name: "k", Limit: key}, all: limiter.Bound{Name: "a", Limit: all},
		writes: map[string]int{}, takes: ms,
	}
}

func (p *pair) call() limiter.Result { return p.under(p.key, p.all) }

func (p *pair) under(bounds ...limiter.Bound) limiter.Result {
	c := limiter.NewCall(bounds...)
	step := p.Begin(&c, clock(p.at))
	for !step.Done {
		p.writes[step.Ask.Limit]++
		p.at += p.takes
		seen, err := limiter.Seen{}, errDown
		if p.fail != step.Ask.Limit {
			seen, err = p.table.Take(step.Ask), nil
		}
		step = p.Continue(&c, step.Ask, seen, err, clock(p.at))
	}
	return step.Result
}

// TestWhatAKeysLimitRefusesIsNoDemandOnTheAccounts: it costs no write of the account's, and doesn't make its leases larger.
func TestWhatAKeysLimitRefusesIsNoDemandOnTheAccounts(t *testing.T) {
	p := newPair(5, 1000)
	for range 10 { // seconds
		for range 1000 {
			if r := p.call(); !r.Admit && r.By != 0 {
				t.Fatalf("refused by the account's limit: %+v", r)
			}
			p.at += ms
		}
	}
	if p.writes["a"] > 12*5 {
		t.Errorf("%d writes of the account's limit, for 5 calls a second in 10 s", p.writes["a"])
	}
	c := limiter.NewCall(limiter.Bound{Name: "other", Limit: 1000}, p.all)
	p.at += 2 * time.Second // nothing of the account's is in hand
	step := p.Begin(&c, clock(p.at))
	step = p.Continue(&c, step.Ask, p.table.Take(step.Ask), nil, clock(p.at))
	if step.Done || step.Ask.Limit != "a" || step.Ask.N > 5 {
		t.Errorf("after 1,000 calls a second of which 5 pass the key's limit, the account is asked for %+v", step)
	}
}

// TestAnExhaustedLimitRefusesWithoutAWriteForAny: whichever it is, and the answer names it.
func TestAnExhaustedLimitRefusesWithoutAWriteForAny(t *testing.T) {
	for by, p := range []*pair{newPair(1, 5), newPair(5, 1), newPair(1, 1)} {
		if r := p.call(); !r.Admit {
			t.Fatalf("%d: %+v", by, r)
		}
		p.call() // learns it, and may ask
		before := fmt.Sprint(p.writes)
		for range 100 {
			r := p.call()
			if r.Admit || r.RetryAfter < 1 || by < 2 && r.By != by {
				t.Fatalf("%d: %+v", by, r)
			}
			p.at += 5 * ms // what the other limit gave dies
		}
		if after := fmt.Sprint(p.writes); after != before {
			t.Errorf("%d: refusals wrote: %s, before %s", by, after, before)
		}
	}
}

// TestTheLimitThatRefusesForLongestIsNamed: who waits for less is refused again.
func TestTheLimitThatRefusesForLongestIsNamed(t *testing.T) {
	for by, first := range []limiter.Bound{{Name: "a", Limit: 1}, {Name: "k", Limit: 1}} {
		p := newPair(1, 1)
		p.under(first)
		p.at += 500 * ms
		p.under([]limiter.Bound{p.key, p.all}[by])
		for p.at < 2*time.Second {
			r := p.call()
			if r.Admit {
				break
			}
			if r.By != by {
				t.Errorf("limit %d is exhausted for longer, %d is named at %v: %+v", by, r.By, p.at, r)
				break
			}
			p.at += 100 * ms
		}
	}
}

// TestWhatAKeyGaveForARefusedCallStaysInHand: another call has it without a write, as long as it lives.
func TestWhatAKeyGaveForARefusedCallStaysInHand(t *testing.T) {
	p := newPair(2, 1)
	p.under(limiter.Bound{Name: "other", Limit: 9}, p.all) // all that the account has
	if r := p.under(p.key, limiter.Bound{Name: "b", Limit: 9}); !r.Admit {
		t.Fatalf("%+v", r)
	}
	p.at += 50 * ms
	other := newPair(2, 1) // another environment, which doesn't know that the account is exhausted
	other.table, other.at = p.table, p.at
	if r := other.call(); r.Admit || r.By != 1 {
		t.Fatalf("%+v", r)
	}
	writes := other.writes["k"]
	if r := other.under(other.key); !r.Admit || other.writes["k"] != writes {
		t.Errorf("%+v with %d more writes", r, other.writes["k"]-writes)
	}
}

// TestAKeysTokenThatDiedWhileTheAccountWasAskedAdmitsNothing: the key is asked again, and the account's token is in hand still.
func TestAKeysTokenThatDiedWhileTheAccountWasAskedAdmitsNothing(t *testing.T) {
	for takes, want := range map[time.Duration]map[string]int{40 * ms: {"k": 1, "a": 1}, 60 * ms: {"k": 2, "a": 1}} {
		p := newPair(50, 5000)
		p.takes = takes
		if r := p.call(); !r.Admit || fmt.Sprint(p.writes) != fmt.Sprint(want) {
			t.Errorf("writes of %v: %+v after %v, want %v", takes, r, p.writes, want)
		}
	}
}

// TestACallEndsHoweverSlowTheTableIs: one of which the answers always come too late is refused after a few.
func TestACallEndsHoweverSlowTheTableIs(t *testing.T) {
	p := newPair(50, 50)
	p.takes = 80 * ms
	if r := p.call(); r.Admit || r.RetryAfter < 1 || p.writes["k"]+p.writes["a"] > 9 {
		t.Errorf("%+v after %v", r, p.writes)
	}
}

// TestALimitThatFailsSuspendsItsOwnBoundAlone: the other one holds as ever, and the call is told as degraded.
func TestALimitThatFailsSuspendsItsOwnBoundAlone(t *testing.T) {
	for _, fails := range []string{"k", "a"} {
		p := newPair(100, 100)
		p.fail = fails
		if fails == "k" {
			p.all.Limit = 5
		} else {
			p.key.Limit = 5
		}
		admitted := []time.Duration{}
		for p.at < 10*time.Second {
			if r := p.call(); r.Admit {
				if !r.Fallback {
					t.Fatalf("%s fails, and it isn't told: %+v", fails, r)
				}
				admitted = append(admitted, p.at)
			}
			p.at += 10 * ms
		}
		if over := sim.Over(admitted, 5); over > 0 || len(admitted) < 4*10 {
			t.Errorf("%s fails: %d are admitted in 10 s, %d over the other's bound", fails, len(admitted), over)
		}
		if n := p.writes[fails]; n != 4 { // at 0, 1, 3 and 7 s
			t.Errorf("%s fails: asked %d times in 10 s, want 4", fails, n)
		}
	}
}

// TestAnAskThatWasntMadeIsNoFailure: the local share decides on the call, and the next one asks.
func TestAnAskThatWasntMadeIsNoFailure(t *testing.T) {
	l := limiter.New(8)
	step := l.Decide("k", 10, clock(0))
	err := fmt.Errorf("no time: %w", limiter.ErrNotAsked)
	if step = l.Answer(step.Ask, limiter.Seen{}, err, clock(0)); !step.Done || !step.Result.Admit || !step.Result.Fallback {
		t.Fatalf("%+v", step)
	}
	if step = l.Decide("k", 10, clock(0)); step.Done || errors.Is(errDown, limiter.ErrNotAsked) {
		t.Errorf("the next call: %+v", step)
	}
}

// TestACallUnderNoLimitIsRefused: it is a mistake, and the zero Call admits nothing.
func TestACallUnderNoLimitIsRefused(t *testing.T) {
	var c limiter.Call
	if step := limiter.New(8).Begin(&c, clock(0)); !step.Done || step.Result.Admit || step.Result.RetryAfter < 1 {
		t.Errorf("%+v", step)
	}
}

func TestHeldTokensOfTwoLimitsCostNoAllocation(t *testing.T) {
	p := newPair(100_000, 200_000)
	for p.at < 2*time.Second {
		p.call()
		p.at += ms / 10
	}
	writes := fmt.Sprint(p.writes)
	now := clock(p.at)
	if allocs := testing.AllocsPerRun(20, func() {
		c := limiter.NewCall(p.key, p.all)
		if step := p.Begin(&c, now); !step.Done || !step.Result.Admit {
			t.Fatalf("%+v, %s", step, writes)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
