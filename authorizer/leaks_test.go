package main

import (
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// TestEveryLeakIsRefusedWithinTenSeconds: 16 environments call 1,000 keys, over a store that is slow, and a
// quarter of them is frozen meanwhile. A report of all their secrets is written as functions/leaks writes it, 16 items at once: 10 s after its answer
// no environment opens anything to one of them, and none ever did later than 10 s after its own write. Another key works on.
func TestEveryLeakIsRefusedWithinTenSeconds(t *testing.T) {
	keys := 1_000
	if keytest.Race {
		keys = 200
	}
	synctest.Test(t, func(t *testing.T) {
		l := newLeaks(t, keys, func(n uint64, memory *keytest.Memory) policies.Getter {
			return &slowReads{Memory: memory, random: rand.New(rand.NewPCG(n, 22))}
		})
		if got := l.everywhere(); got[200] != keys*len(l.gates) {
			t.Fatalf("before: %v", got)
		}
		ended := make(chan struct{})
		var traffic sync.WaitGroup
		for n, g := range l.gates {
			if n%4 == 3 {
				continue
			}
			traffic.Go(func() { l.traffic(uint64(n), g, ended) }) //nolint:gosec // never negative
		}
		began := time.Now()
		l.end(l.hashes, l.expose)
		answered := time.Now()
		time.Sleep(10 * time.Second)
		close(ended)
		traffic.Wait()
		if got := l.everywhere(); got[401] != keys*len(l.gates) {
			t.Errorf("10 s after the answer: %v", got)
		}
		if l.slowest > 10*time.Second {
			t.Errorf("a secret opened something %v after its report was written", l.slowest)
		}
		if l.slowest <= 0 || l.late == 0 {
			t.Error("no call came between a report and its effect, so nothing was shown")
		}
		if status := l.call(l.gates[0], l.other); status != 200 {
			t.Errorf("another key: %d", status)
		}
		t.Logf("%d keys in %d environments: the report took %v; the last call that a reported secret opened came %v after its write",
			keys, len(l.gates), answered.Sub(began), l.slowest)
	})
}

// leaks is an account with keys of servers, and the environments that they are called in.
type leaks struct {
	*suspensions
	hashes []apikey.Hash
	other  []byte // the call of a key that nobody reports

	mu      sync.Mutex
	written map[apikey.Hash]time.Time // of each report
	slowest time.Duration
	late    int // calls that were let through after a report
}

// newLeaks makes keys, and environments that reach the store as reads says.
func newLeaks(t *testing.T, keys int, reads func(n uint64, memory *keytest.Memory) policies.Getter) *leaks {
	l := &leaks{suspensions: newSuspensions(t, 0), written: map[apikey.Hash]time.Time{}}
	memory := l.stores.DB.(*writerDB).memory
	quick := keytest.NewStores(memory, l.stores.Tables)
	for n := range l.gates {
		l.gates[n] = newGate(config{prefix: apikey.DefaultPrefix, usagePlanKey: "plan-key", metrics: "Latchkey/tests", outageBound: defaultOutageBound}, deps{
			store: policies.New(reads(uint64(n), memory), l.stores.Tables.Gate), reconnect: func() {}, clock: newSystemClock(), catalogue: product.Default(),
			limiter: unlimited{}, recorder: unrecorded{}, out: io.Discard,
		})
	}
	a := l.account()
	before := a
	a.KeyLimit = keys + 1
	if _, err := quick.Control.UpdateAccount(t.Context(), before, a, keytest.Row(a.ID, "account.edit", "")); err != nil {
		t.Fatal(err)
	}
	for n := range keys + 1 {
		s := secret(t, uint64(n)) //nolint:gosec // never negative
		quick.NewKey(t, a, func(k *apikey.Key) {
			k.Usage, k.MissingOrigin = apikey.Backend, apikey.MissingOriginAllow
			k.Current = apikey.StoredSecret{Hash: s.Hash(), Preview: s.Preview(), CreatedAt: keytest.Now}
		})
		if n == keys {
			l.other = tileEvent(s.Reveal())
			break
		}
		l.hashes, l.events = append(l.hashes, s.Hash()), append(l.events, tileEvent(s.Reveal()))
	}
	return l
}

// end writes what ends secrets, 16 at once.
func (l *leaks) end(hashes []apikey.Hash, how func(apikey.Key, apikey.Hash) (apikey.Key, string)) {
	var group sync.WaitGroup
	room := make(chan struct{}, 16)
	for _, h := range hashes {
		room <- struct{}{}
		group.Go(func() {
			defer func() { <-room }()
			ctx := l.t.Context()
			k, _, err := l.stores.Control.FindKeyBySecret(ctx, h)
			if err != nil {
				l.t.Error(err)
				return
			}
			after, action := how(k, h)
			if _, err := l.stores.Control.Commit(ctx, control.Change{Before: &k, After: after, Audit: keytest.Row(k.Account, action, k.ID)}); err != nil {
				l.t.Error(err)
			}
			l.mu.Lock()
			l.written[h] = time.Now()
			l.mu.Unlock()
		})
	}
	group.Wait()
}

// expose changes a key as a signed report does, by the policy that an account has from the start.
func (l *leaks) expose(k apikey.Key, h apikey.Hash) (apikey.Key, string) {
	its := l.account()
	after, ok := k.Expose(h, apikey.LeakReport{By: apikey.ReportedByGitHub}, k.Usage.Reaction(its.Leaks), time.Now())
	if !ok || its.Leaks != (account.LeakPolicy{}) {
		l.t.Error("the report changes nothing")
	}
	return after, "key.expose"
}

// traffic calls keys, some of them all the time, and notes the latest call that a reported secret opened.
func (l *leaks) traffic(seed uint64, g *Gate, ended <-chan struct{}) {
	busy := func(n int) int { return n % 40 }
	l.calls(rand.New(rand.NewPCG(seed, 21)), 8*time.Millisecond, busy, g, ended, func(h apikey.Hash, began time.Time, status int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if at, ended := l.written[h]; status == 200 && ended && began.After(at) {
			l.slowest = max(l.slowest, began.Sub(at))
			l.late++
		}
	})
}

// calls calls keys after pauses of up to so long, every other time one that is called all the time, and tells of each answer.
func (l *leaks) calls(random *rand.Rand, pause time.Duration, busy func(n int) int, g *Gate, ended <-chan struct{},
	answered func(h apikey.Hash, began time.Time, status int),
) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(time.Duration(random.Int64N(int64(pause)))):
		}
		n := random.IntN(len(l.events))
		if random.IntN(2) == 0 {
			n = busy(n)
		}
		began := time.Now()
		answered(l.hashes[n], began, l.call(g, l.events[n]))
	}
}

// everywhere calls each key in each environment, and counts the answers by their status.
func (l *leaks) everywhere() map[int]int {
	var mu sync.Mutex
	got := map[int]int{}
	var all sync.WaitGroup
	for _, g := range l.gates {
		all.Go(func() {
			for _, event := range l.events {
				status := l.call(g, event)
				mu.Lock()
				got[status]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return got
}

// slowReads is the store as an environment reaches it. What the gate does while it can't be read is another promise.
type slowReads struct {
	*keytest.Memory
	mu     sync.Mutex // an account is read beside its key
	random *rand.Rand
}

func (r *slowReads) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	r.mu.Lock()
	there, back := time.Duration(r.random.Int64N(int64(20*time.Millisecond))), time.Duration(r.random.Int64N(int64(20*time.Millisecond)))
	r.mu.Unlock()
	time.Sleep(there)
	out, err := r.Memory.GetItem(ctx, in, o...)
	time.Sleep(back)
	return out, err
}
