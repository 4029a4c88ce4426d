package main

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
)

// plainCache has the rules of the cache in plain lists, the most recently used first.
type plainCache struct {
	probation, protected, unknown []apikey.Hash
	cost                          map[apikey.Hash]int
	known, strangers              int // bytes
}

func (p *plainCache) bytes(lists ...[]apikey.Hash) (n int) {
	for _, h := range slices.Concat(lists...) {
		n += p.cost[h]
	}
	return n
}

// take removes an entry and tells whether it was there, and whether it was protected.
func (p *plainCache) take(h apikey.Hash) (there, protected bool) {
	for _, l := range []*[]apikey.Hash{&p.probation, &p.protected, &p.unknown} {
		if i := slices.Index(*l, h); i >= 0 {
			*l = slices.Delete(*l, i, i+1)
			return true, l == &p.protected
		}
	}
	return false, false
}

func first(l []apikey.Hash, h apikey.Hash) []apikey.Hash { return slices.Insert(l, 0, h) }

func dropLast(l *[]apikey.Hash) (h apikey.Hash) {
	h = (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return h
}

func (p *plainCache) get(h apikey.Hash) {
	if len(p.protected) > 0 && p.protected[0] == h {
		return // the one used last already
	}
	unknown := slices.Contains(p.unknown, h)
	switch there, _ := p.take(h); {
	case !there:
	case unknown:
		p.unknown = first(p.unknown, h)
	default:
		p.protected = first(p.protected, h)
		for p.bytes(p.protected) > p.known*8/10 && len(p.protected) > 1 {
			p.probation = first(p.probation, dropLast(&p.protected))
		}
	}
}

func (p *plainCache) put(h apikey.Hash, cost int, stranger bool) {
	_, protected := p.take(h)
	p.cost[h] = cost
	switch {
	case stranger:
		p.unknown = first(p.unknown, h)
	case protected:
		p.protected = first(p.protected, h)
	default:
		p.probation = first(p.probation, h)
	}
	for p.bytes(p.unknown) > p.strangers && p.unknown[len(p.unknown)-1] != h {
		dropLast(&p.unknown)
	}
	for p.bytes(p.probation, p.protected) > p.known {
		from := &p.probation
		if len(*from) == 0 || (*from)[len(*from)-1] == h {
			from = &p.protected
		}
		if len(*from) == 0 || (*from)[len(*from)-1] == h {
			return
		}
		dropLast(from)
	}
}

// TestTheCacheForgetsByItsRules: what was used longest ago among those used once, then among those in constant use, which have four
// fifths of the room; strangers in a room of their own; a record that can't be read with the keys.
func TestTheCacheForgetsByItsRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := costOf(&authz.Compiled{})
		known, strangers := 100*(one/10), 5*entryCost // ten keys
		c := newCache(known, strangers)
		p := &plainCache{cost: map[apikey.Hash]int{}, known: known, strangers: strangers}
		for step := range rapid.IntRange(1, 200).Draw(t, "steps") {
			h := hashOf(rapid.IntRange(0, 30).Draw(t, "key"))
			switch what := rapid.IntRange(0, 6).Draw(t, "what"); what {
			case 0:
				c.put(h, moment{}, nil, false)
				p.put(h, entryCost, true)
			case 1:
				c.put(h, moment{}, nil, true)
				p.put(h, entryCost, false)
			case 2, 3:
				policy := &authz.Compiled{}
				policy.Domains = make([]string, what-2)
				c.put(h, moment{}, policy, false)
				p.put(h, costOf(policy), false)
			default:
				if e := c.get(h); e != c.entries[h] {
					t.Fatal("another entry")
				}
				p.get(h)
			}
			for name, pair := range map[string]struct {
				got  *list
				want []apikey.Hash
			}{"probation": {&c.probation, p.probation}, "protected": {&c.protected, p.protected}, "unknown": {&c.unknown, p.unknown}} {
				var got []apikey.Hash
				for e := pair.got.root.next; e != &pair.got.root; e = e.next {
					got = append(got, e.hash)
				}
				if !slices.Equal(got, pair.want) {
					t.Fatalf("step %d, %s: %d entries, want %d, or in another order", step, name, len(got), len(pair.want))
				}
			}
		}
	})
}

// TestWhatTheCacheCountsIsWhatItTakes: of keys, each with an account of its own. What it counts too low would let it outgrow the
// function's memory; what it counts far too high would forget keys in use.
func TestWhatTheCacheCountsIsWhatItTakes(t *testing.T) {
	const keys = 5000
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc) //nolint:gosec // a heap fits
	}
	for _, domains := range []int{0, 10} {
		c := newCache(knownBytes, unknownBytes)
		before := heap()
		for n := range keys {
			p := authz.Policy{Hash: hashOf(n), Live: true, KeyID: apikey.ID(fmt.Sprintf("key_%026d", n)), Account: account.ID(fmt.Sprintf("acc_%026d", n))}
			for d := range domains {
				p.Domains = append(p.Domains, fmt.Sprintf("shop%d.example.com", d))
			}
			compiled, err := authz.Compile(p)
			if err != nil {
				t.Fatal(err)
			}
			c.put(p.Hash, moment{}, &compiled, false).account.record = authz.Account{ID: p.Account, Type: account.Enterprise}
		}
		took, counted := heap()-before, c.probation.bytes+c.protected.bytes
		if counted < took || counted > 3*took {
			t.Errorf("with %d domains a key is counted as %d bytes and takes %d", domains, counted/keys, took/keys)
		}
		runtime.KeepAlive(c)
	}
}

// TestASuccessOpensTheWayForAllAtOnce: once the store has answered, no record waits for the rest of the breaker's pause; and while the
// breaker is closed, one record's success ends no other record's own pause.
func TestASuccessOpensTheWayForAllAtOnce(t *testing.T) {
	one, two, three := record{hash: hashOf(1)}, record{hash: hashOf(2)}, record{account: "acc_1"}
	b, now := newBreaker(whole), newManualClock()
	b.failed(one, now.at)
	b.failed(three, now.at)
	if !b.open || b.allows(two, now.at) {
		t.Fatal("two failures must make all wait")
	}
	now.advance(firstPause - 1)
	if b.allows(two, now.at) {
		t.Error("asked before the pause was over")
	}
	now.advance(1)
	if !b.allows(two, now.at) {
		t.Error("not asked when the pause was over")
	}
	b.failed(two, now.at)                 // the probe
	b.succeeded(record{account: "acc_2"}) // of a call that was under way
	for _, r := range []record{one, two, three} {
		if !b.allows(r, now.at) {
			t.Errorf("%+v waits after a success", r)
		}
	}
	b.failed(one, now.at)
	b.succeeded(two)
	if b.allows(one, now.at) || !b.allows(two, now.at) || !b.allows(three, now.at) {
		t.Error("another record's success ended the pause of one that fails alone, or its failure is others'")
	}
}

// TestRecordsOfAccountsFailApart: the pause of one is no other's, nor a key's of the same account.
func TestRecordsOfAccountsFailApart(t *testing.T) {
	b, now := newBreaker(whole), newManualClock()
	b.failed(record{account: "acc_1"}, now.at)
	for _, r := range []record{{account: "acc_2"}, {hash: hashOf(1)}, {}} {
		if !b.allows(r, now.at) {
			t.Errorf("%+v waits for acc_1", r)
		}
	}
	now.advance(firstPause / 2)
	b.failed(record{account: "acc_1"}, now.at)
	if b.open {
		t.Error("one account opened the breaker")
	}
	now.advance(2*firstPause - time.Nanosecond)
	if b.allows(record{account: "acc_1"}, now.at) {
		t.Error("its pause hasn't doubled")
	}
}
