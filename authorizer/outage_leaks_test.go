package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
)

// What holds of ended secrets while reads of the store fail.
const (
	obeyedWithin = 10 * time.Second // of the change and of the last moment at which the environment couldn't read
	longestFault = 11 * time.Second
	outageOfAll  = 90 * time.Second // in which stretches of it come and go
)

// TestEndedSecretsAreRefusedOnceTheStoreCanBeRead is the promise while reads fail: each environment's reads fail, hang or are throttled
// for stretches of up to 11 s, at moments of its own, while secrets are reported as leaked or their keys revoked.
//
//   - A call that begins 10 s after the change, and 10 s after the last moment at which its environment couldn't read, is refused.
//   - Until then what is held may act on: an outage stops no key, and a known key gets no 503.
//   - No key is refused before its change: an outage never looks like a bad key.
//   - Once all faults have ended, every environment refuses every ended secret 10 s later.
func TestEndedSecretsAreRefusedOnceTheStoreCanBeRead(t *testing.T) {
	keys, seeds := 1_000, uint64(1)
	switch {
	case keytest.Deep():
		seeds = 10
	case keytest.Race:
		keys = 200
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			o := newOutage(t, seed, keys)
			ended := make(chan struct{})
			var traffic sync.WaitGroup
			for n, g := range o.gates {
				if n%4 == 3 {
					continue // frozen: what it holds is older than the promise afterwards
				}
				traffic.Go(func() { o.traffic(seed<<8+uint64(n), o.reads[n], g, ended) }) //nolint:gosec // never negative
			}
			o.changes(seed)
			time.Sleep(time.Until(o.reads[0].calm.Add(obeyedWithin)))
			close(ended)
			traffic.Wait()
			if got := o.everywhere(); got[401] != len(o.events)*len(o.gates) {
				t.Errorf("10 s after the last fault: %v", got)
			}
			o.judge()
		})
	}
}

// outage is an account whose keys end while its environments can't always read.
type outage struct {
	*leaks
	reads  []*brokenReads // of each gate
	begun  map[apikey.Hash]time.Time
	stale  int           // calls that were let through later than the promise, by an environment that couldn't read
	after  time.Duration // the longest time from the end of a fault to such a call
	failed int           // calls that were answered 503
}

func newOutage(t *testing.T, seed uint64, keys int) *outage {
	o := &outage{begun: map[apikey.Hash]time.Time{}}
	o.leaks = newLeaks(t, keys, func(n uint64, memory *keytest.Memory) policies.Getter {
		r := &brokenReads{slowReads: slowReads{Memory: memory, random: rand.New(rand.NewPCG(n, seed))}}
		o.reads = append(o.reads, r)
		return r
	})
	if got := o.everywhere(); got[200] != keys*len(o.gates) {
		t.Fatalf("before: %v", got)
	}
	calm := time.Now().Add(outageOfAll)
	for n, r := range o.reads {
		r.plan(rand.New(rand.NewPCG(uint64(n), 100+seed)), calm) //nolint:gosec // never negative
	}
	return o
}

// changes ends the keys in ten parts at random moments, each by one report or by revokes.
func (o *outage) changes(seed uint64) {
	random, revoked := rand.New(rand.NewPCG(seed, 23)), false
	for part := range 10 {
		time.Sleep(time.Duration(random.Int64N(int64(outageOfAll / 10))))
		hashes := o.hashes[part*len(o.hashes)/10 : (part+1)*len(o.hashes)/10]
		o.mu.Lock()
		for _, h := range hashes {
			o.begun[h] = time.Now()
		}
		o.mu.Unlock()
		if revoked = !revoked; revoked {
			o.end(hashes, func(k apikey.Key, _ apikey.Hash) (apikey.Key, string) {
				after, err := k.Revoke(true, time.Now())
				if err != nil {
					o.t.Error(err)
				}
				return after, "key.revoke"
			})
			continue
		}
		o.end(hashes, o.expose)
	}
}

// traffic calls keys, some of them all the time, and holds each answer against what is guaranteed.
func (o *outage) traffic(seed uint64, reads *brokenReads, g *Gate, ended <-chan struct{}) {
	busy := func(n int) int { return n - n%25 }
	o.calls(rand.New(rand.NewPCG(seed, 24)), 40*time.Millisecond, busy, g, ended, func(h apikey.Hash, began time.Time, status int) {
		o.hold(reads, h, began, status)
	})
}

// hold holds an answer against what is guaranteed.
func (o *outage) hold(reads *brokenReads, h apikey.Hash, began time.Time, status int) {
	fault := reads.lastFault(began)
	o.mu.Lock()
	defer o.mu.Unlock()
	at, over := o.written[h]
	_, changing := o.begun[h]
	switch {
	case status == 401 && !changing:
		o.t.Error("a key is refused before its change")
	case status == 503:
		o.failed++
	case status != 200 || !over || began.Sub(at) <= obeyedWithin:
	case began.Sub(fault) > obeyedWithin:
		o.t.Errorf("a secret opened something %v after its end, %v after the store could be read again", began.Sub(at), began.Sub(fault))
	default:
		o.stale++
		o.after = max(o.after, began.Sub(fault))
	}
}

// judge logs the counts, and fails where there were no faults to show anything.
func (o *outage) judge() {
	var faults [3]int
	for _, r := range o.reads {
		for kind, n := range r.faults {
			faults[kind] += n
		}
	}
	if o.failed > 0 {
		o.t.Errorf("%d calls of known keys were answered 503", o.failed)
	}
	if o.stale == 0 || faults[0] == 0 || faults[1] == 0 || faults[2] == 0 {
		o.t.Errorf("%d calls were let through without the store, after faults %v: nothing was shown", o.stale, faults)
	}
	o.t.Logf("%d keys in %d environments, %v reads failed, hung and were throttled: an outage let %d calls through later than 10 s, the last one %v after it",
		len(o.events), len(o.gates), faults, o.stale, o.after)
}

// fault is a stretch of time in which no read succeeds.
type fault struct {
	from, to time.Time
	kind     int // fails, hangs or is throttled
}

// brokenReads is the store as an environment reaches it that can't always reach it.
type brokenReads struct {
	slowReads
	stretches []fault
	calm      time.Time // after it no fault comes
	faults    [3]int
}

// plan chooses the stretches until a moment.
func (r *brokenReads) plan(random *rand.Rand, calm time.Time) {
	r.calm = calm
	for at := time.Now(); ; {
		at = at.Add(time.Duration(random.Int64N(int64(15 * time.Second))))
		to := at.Add(time.Duration(random.Int64N(int64(longestFault))))
		if to.After(calm) {
			return
		}
		r.stretches = append(r.stretches, fault{at, to, random.IntN(len(r.faults))})
		at = to
	}
}

// lastFault is the last moment, up to one, at which no read succeeded; long ago if there is none.
func (r *brokenReads) lastFault(now time.Time) (last time.Time) {
	for _, f := range r.stretches {
		switch {
		case now.Before(f.from):
		case now.Before(f.to):
			return now
		default:
			last = f.to
		}
	}
	return last
}

func (r *brokenReads) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	now := time.Now()
	for _, f := range r.stretches {
		if now.Before(f.from) || !now.Before(f.to) {
			continue
		}
		r.mu.Lock()
		r.faults[f.kind]++
		r.mu.Unlock()
		switch f.kind {
		case 0:
			return nil, errDown
		case 1:
			<-ctx.Done()
			return nil, ctx.Err()
		default:
			return nil, &types.ProvisionedThroughputExceededException{}
		}
	}
	return r.slowReads.GetItem(ctx, in, o...)
}
