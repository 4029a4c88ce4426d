package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/authorizer/internal/apigw"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// TestEverySuspensionIsObeyedWithinTenSeconds: 16 environments call 10,000 keys of one account, over a store that is slow, and now
// and then hangs, fails or throttles a read; a quarter of them is frozen between the changes and the check. One write suspends the
// account, and 10 s after its answer no key opens anything. Then a hundred suspends and resumes race, and 10 s after the last
// answer every environment obeys the last of them.
func TestEverySuspensionIsObeyedWithinTenSeconds(t *testing.T) {
	keys, races := 10_000, 6
	switch {
	case keytest.Deep():
		races = 60
	case keytest.Race:
		keys, races = 1_000, 2
	}
	synctest.Test(t, func(t *testing.T) {
		s := newSuspensions(t, keys)
		if got := s.sweep(); got[200] != keys {
			t.Fatalf("before: %v", got)
		}
		s.obeyed(true, func() {
			s.change(0, true)
		})
		if n := s.writes; n != 1 {
			t.Errorf("%d writes suspend %d keys", n, keys)
		}
		lasts := map[bool]int{}
		for race := range races {
			s.obeyed(false, func() {
				var racers sync.WaitGroup
				for n := range 100 {
					racers.Go(func() { s.change(uint64(race*100+n), n%2 == 0) }) //nolint:gosec // never negative
				}
				racers.Wait()
			})
			lasts[s.account().Suspended.Holds(time.Now())]++
		}
		t.Logf("%d keys; the last of 100 was a suspension in %d races of %d; %d reads failed, %d hung, %d were throttled",
			keys, lasts[true], races, s.faults[0], s.faults[1], s.faults[2])
	})
}

// suspensions is an account with many keys, and the environments that they are called in.
type suspensions struct {
	t      *testing.T
	stores keytest.Stores // slow
	id     account.ID
	events [][]byte // one for each key
	gates  []*Gate
	reads  []*flakyReads // of each gate
	mu     sync.Mutex
	writes int // transactions

	faults [3]int // failed, hung, throttled
}

func newSuspensions(t *testing.T, keys int) *suspensions {
	memory, names := keytest.NewMemory()
	quick := keytest.NewStores(memory, names)
	a := quick.NewAccount(t)
	s := &suspensions{t: t, id: a.ID}
	s.stores = keytest.NewStores(&writerDB{memory: memory, of: s}, names)
	for n := range keys {
		k := secret(t, uint64(n)) //nolint:gosec // never negative
		p := authz.Policy{
			Hash: k.Hash(), KeyID: apikey.ID(fmt.Sprintf("key_%d", n)), Account: a.ID, AccountType: a.Type, Version: 1, Live: true,
			Products: []product.ID{"map-display", "search"},
		}
		if err := keytest.PutRaw(t.Context(), memory, names.Gate, policies.Encode(p)); err != nil {
			t.Fatal(err)
		}
		s.events = append(s.events, tileEvent(k.Reveal()))
	}
	for n := range 16 {
		reads := &flakyReads{Memory: memory, of: s, random: rand.New(rand.NewPCG(uint64(n), 17)), fault: n % len(s.faults)}
		s.reads = append(s.reads, reads)
		s.gates = append(s.gates, newGate(config{prefix: apikey.DefaultPrefix, usagePlanKey: "plan-key", metrics: "Latchkey/tests", outageBound: defaultOutageBound}, deps{
			store: policies.New(reads, names.Gate), reconnect: func() {}, clock: newSystemClock(), catalogue: product.Default(),
			limiter: unlimited{}, recorder: unrecorded{}, out: io.Discard,
		}))
	}
	return s
}

// obeyed changes the account while calls go on, and checks that each key obeys what stands 10 s after the last answer.
func (s *suspensions) obeyed(suspended bool, change func()) {
	s.t.Helper()
	ended := make(chan struct{})
	var traffic sync.WaitGroup
	for n, g := range s.gates {
		if n%4 == 3 {
			continue // frozen: what it holds is older than 10 s afterwards
		}
		traffic.Go(func() { s.traffic(uint64(n), g, ended) }) //nolint:gosec // never negative
	}
	change()
	answered := time.Now()
	time.Sleep(9 * time.Second)
	close(ended)
	traffic.Wait() // an environment has one call at a time
	time.Sleep(time.Until(answered.Add(10 * time.Second)))
	for _, r := range s.reads {
		r.due = true
	}
	want := 200
	if s.account().Suspended.Holds(time.Now()) {
		want = 401
	} else if suspended {
		s.t.Error("the account isn't suspended")
	}
	if got := s.sweep(); got[want] != len(s.events) {
		s.t.Errorf("10 s after the last answer %d is right: %v", want, got)
	}
}

func (s *suspensions) traffic(seed uint64, g *Gate, ended <-chan struct{}) {
	random := rand.New(rand.NewPCG(seed, 18))
	for {
		select {
		case <-ended:
			return
		case <-time.After(rand.N(200 * time.Millisecond)):
			s.call(g, s.events[random.IntN(len(s.events))])
		}
	}
}

// sweep calls each key once, each always in the same environment, and counts the answers by their status.
func (s *suspensions) sweep() map[int]int {
	var mu sync.Mutex
	got := map[int]int{}
	var all sync.WaitGroup
	for n, g := range s.gates {
		all.Go(func() {
			for k := n; k < len(s.events); k += len(s.gates) {
				status := s.call(g, s.events[k])
				mu.Lock()
				got[status]++
				mu.Unlock()
				time.Sleep(time.Millisecond)
			}
		})
	}
	all.Wait()
	return got
}

func (s *suspensions) call(g *Gate, event []byte) (status int) {
	answer, err := g.Invoke(time.Time{}, event)
	defer g.AfterReply()
	switch {
	case errors.Is(err, apigw.ErrUnauthorized):
		return 401
	case err != nil:
		return 503
	case bytes.Contains(answer, []byte(`"Allow"`)):
		return 200
	default:
		return 403
	}
}

func (s *suspensions) account() account.Account {
	a, err := s.stores.Control.Account(s.t.Context(), s.id)
	if err != nil {
		s.t.Error(err)
	}
	return a
}

// change suspends the account or resumes it, as the management API does: where the account has changed since it was
// read, it decides again.
func (s *suspensions) change(seed uint64, suspend bool) {
	random := rand.New(rand.NewPCG(seed, 19))
	for {
		time.Sleep(time.Duration(random.Int64N(int64(2 * time.Second))))
		before := s.account()
		after, err := before.Resume()
		if suspend {
			after, err = before.Suspend(fmt.Sprint("Reason ", seed), time.Time{}, "operator", time.Now())
		}
		if err == nil && !after.Same(before) {
			_, err = s.stores.Control.UpdateAccount(s.t.Context(), before, after, keytest.Row(s.id, "account.suspend", ""))
		}
		if errors.Is(err, dynamo.ErrStale) {
			continue
		}
		if err != nil {
			s.t.Error(err)
		}
		return
	}
}

// writerDB is the store as the management API reaches it. Another call than these would be a second write, and panics.
type writerDB struct {
	keytest.DB
	memory *keytest.Memory
	of     *suspensions
}

func (d *writerDB) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	time.Sleep(rand.N(10 * time.Millisecond))
	return d.memory.GetItem(ctx, in, o...)
}

func (d *writerDB) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	time.Sleep(rand.N(10 * time.Millisecond))
	return d.memory.Query(ctx, in, o...)
}

func (d *writerDB) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	time.Sleep(rand.N(20 * time.Millisecond))
	out, err := d.memory.TransactWriteItems(ctx, in, o...)
	d.of.mu.Lock()
	d.of.writes++
	d.of.mu.Unlock()
	time.Sleep(rand.N(20 * time.Millisecond))
	return out, err
}

// flakyReads is the store as an environment reaches it. No two attempts in a row fail: what the gate does while the store
// can't be read is another promise.
type flakyReads struct {
	*keytest.Memory
	of *suspensions

	mu     sync.Mutex // an account is read beside its key
	random *rand.Rand
	failed bool // the last attempt
	due    bool // the next read of the account fails, in this environment's way
	fault  int
}

func (f *flakyReads) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	f.mu.Lock()
	fault := f.random.IntN(60)
	there, back := time.Duration(f.random.Int64N(int64(3*time.Millisecond))), time.Duration(f.random.Int64N(int64(3*time.Millisecond)))
	if f.due && policies.IsAccount(in.Key) {
		f.due, f.failed, fault = false, false, f.fault
	}
	f.failed = !f.failed && fault < len(f.of.faults)
	failed := f.failed
	f.mu.Unlock()
	time.Sleep(there)
	if !failed {
		out, err := f.Memory.GetItem(ctx, in, o...)
		time.Sleep(back)
		return out, err
	}
	f.of.mu.Lock()
	f.of.faults[fault]++
	f.of.mu.Unlock()
	switch fault {
	case 0:
		return nil, errDown
	case 1:
		<-ctx.Done()
		return nil, ctx.Err()
	default:
		return nil, &types.ProvisionedThroughputExceededException{}
	}
}
