package main

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/keytest"
)

func hashOf(n int) apikey.Hash {
	var h apikey.Hash
	binary.LittleEndian.PutUint64(h[:], uint64(n)*0x9e3779b97f4a7c15) //nolint:gosec // only spread over the hash
	return h
}

func strangers() int {
	if keytest.Deep() {
		return 1_000_000
	}
	return 60_000
}

func TestMadeUpKeysNeitherGrowMemoryNorPushOutGoodKeys(t *testing.T) {
	b := newHarness(t)
	var good []string
	for n := range uint64(100) {
		good = append(good, b.add(t, n, nil))
		b.status(t, good[n])
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, reads := heap(), b.store.reads
	for n := range strangers() {
		if _, code := b.gate.records.lookup(t.Context(), b.gate.clock.now(), hashOf(n)); code != authz.KeyUnknown {
			t.Fatal(code)
		}
	}
	if got := b.store.reads - reads; got != strangers() {
		t.Errorf("%d reads for %d strangers", got, strangers())
	}
	if grown := int64(heap()) - int64(before); grown > 2*unknownBytes { //nolint:gosec // a heap fits
		t.Errorf("memory grew by %d bytes", grown)
	}
	if c := b.gate.records.cache; c.unknown.bytes > unknownBytes || len(c.entries) > unknownBytes/entryCost+100 {
		t.Errorf("%d bytes, %d entries", c.unknown.bytes, len(c.entries))
	}
	reads = b.store.reads
	for _, key := range good {
		if status := b.status(t, key); status != 200 {
			t.Fatal(status)
		}
	}
	if b.store.reads != reads {
		t.Errorf("%d good keys were pushed out", b.store.reads-reads)
	}
}

func TestAWalkOverManyKeysDoesNotPushOutThoseInUse(t *testing.T) {
	c := newCache(1000*costOf(&authz.Compiled{}), 1000*entryCost)
	for range 2 {
		for n := range 500 {
			if c.get(hashOf(n)) == nil {
				c.put(hashOf(n), moment{}, &authz.Compiled{}, false)
			}
		}
	}
	for n := 1000; n < 20_000; n++ {
		c.put(hashOf(n), moment{}, &authz.Compiled{}, false)
	}
	for n := range 500 {
		if c.get(hashOf(n)) == nil {
			t.Fatalf("key %d in constant use was pushed out", n)
		}
	}
}

func TestCacheStaysWithinItsBytesAndConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known, unknown := 20*costOf(&authz.Compiled{}), 10*entryCost
		c := newCache(known, unknown)
		steps := rapid.IntRange(1, 300).Draw(t, "steps")
		for range steps {
			hash := hashOf(rapid.IntRange(0, 60).Draw(t, "key"))
			var put *entry
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				c.get(hash)
			case 1:
				put = c.put(hash, moment{}, nil, false)
			case 2:
				put = c.put(hash, moment{}, nil, true)
			case 3:
				var p authz.Compiled
				p.Account = account.ID(fmt.Sprint("acc_", rapid.IntRange(0, 5).Draw(t, "account")))
				p.Domains = make([]string, rapid.IntRange(0, 30).Draw(t, "domains"))
				put = c.put(hash, moment{}, &p, false)
			case 4:
				for _, a := range c.accounts { // all alike, so that any of them will do
					c.keep(a, moment{}, authz.Account{Accepted: make(consent.List, rapid.IntRange(0, 100).Draw(t, "accepted"))}, false)
				}
			}
			if put != nil && c.entries[hash] != put {
				t.Fatal("what was put is gone")
			}
			count := 0
			for _, l := range []*list{&c.probation, &c.protected, &c.unknown} {
				sum := 0
				for e := l.root.next; e != &l.root; e = e.next {
					if e.in != l || c.entries[e.hash] != e {
						t.Fatal("an entry is in the wrong list")
					}
					count, sum = count+1, sum+costOf(e.policy) // of what it holds now, however often it was read
				}
				if sum != l.bytes {
					t.Fatalf("list counts %d bytes, holds %d", l.bytes, sum)
				}
			}
			if count != len(c.entries) {
				t.Fatalf("%d in lists, %d in the map", count, len(c.entries))
			}
			accepted := 0
			for _, a := range c.accounts {
				accepted += authz.ConsentCost(a.record.Accepted)
			}
			if accepted != c.accepted {
				t.Fatalf("it counts %d bytes of what accounts have accepted, and holds %d", c.accepted, accepted)
			}
			// Each budget holds by itself, but that an entry which is larger stays until the next one comes.
			if over := c.unknown.bytes > unknown; put != nil && over && c.unknown.last() != put {
				t.Fatalf("%d bytes of unknown secrets", c.unknown.bytes)
			}
			alone := put != nil && c.probation.bytes+c.protected.bytes == put.cost
			if all := c.probation.bytes + c.protected.bytes + accepted; put != nil && all > known && !alone {
				t.Fatalf("%d bytes of known secrets, %d of them accepted", all, accepted)
			}
		}
	})
}

// What a flood of made-up keys does to a good one: alone, after a million of them, and with one of them before each call.
// Each call of the good key is timed by itself.
func BenchmarkGoodKeyInAFloodOfUnknownOnes(b *testing.B) {
	for _, flood := range []struct {
		name           string
		before, during int
	}{{"alone", 0, 0}, {"after a million", 1_000_000, 0}, {"after a million, among more", 1_000_000, 1}} {
		b.Run(flood.name, func(b *testing.B) {
			g := newHarness(b)
			payload := tileEvent(g.add(b, 1, nil))
			ctx, n := b.Context(), 0
			unknown := func() {
				n++
				g.gate.records.lookup(ctx, g.gate.clock.now(), hashOf(n))
			}
			for range flood.before {
				unknown()
			}
			var took []time.Duration
			for b.Loop() {
				for range flood.during {
					unknown()
				}
				began := time.Now()
				if _, err := g.gate.Invoke(time.Time{}, payload); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2]), "ns/p50")
			b.ReportMetric(float64(took[len(took)*99/100]), "ns/p99")
			b.ReportMetric(float64(g.gate.records.cache.unknown.bytes)/1e6, "MB-unknown")
		})
	}
}
