package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
	"latchkey/shared/rotation"
)

func times(short, long int) int {
	if keytest.Deep() {
		return long
	}
	return short
}

// crash ends a process at its n-th call of the store or of Secrets Manager: that call is done and its answer lost, and
// nothing is done after it. reached says whether there were so many calls.
type crash struct {
	mu      sync.Mutex
	left    int
	reached bool
}

func (c *crash) fault() keytest.Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left--
	switch {
	case c.left > 0:
		return keytest.NoFault
	case c.left == 0:
		c.reached = true
		return keytest.After
	default:
		return keytest.Before
	}
}

// dying is an environment that crashes at its n-th call.
func (r *harness) dying(n int) (*rotator, *crash) {
	c := &crash{left: n}
	stores := r.With(func(string, int) keytest.Fault { return c.fault() })
	return r.run(stores, faulty{r.secrets, func(string) keytest.Fault { return c.fault() }}), c
}

func TestACrashAfterAnyCallLosesNothing(t *testing.T) {
	for name, prepare := range map[string]func(*harness, apikey.Key){
		"first delivery": func(*harness, apikey.Key) {},
		"second delivery": func(r *harness, _ apikey.Key) {
			r.rotation()
			r.clock.Advance(31 * day)
		},
		"after a cancel": func(r *harness, k apikey.Key) {
			r.rotation()
			r.clock.Advance(31 * day)
			r.rotation()
			if _, err := r.Edit(context.Background(), r.key(k), "key.rotation_cancel", func(k *apikey.Key) {
				*k, _ = rotation.Cancel(*k, r.clock.Now())
			}); err != nil {
				r.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				r := newHarness(t)
				k := r.dueKey(r.NewAccount(t))
				prepare(r, k)
				job, c := r.dying(n)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				_, _ = job.rotation(ctx, event{})
				cancel()
				r.check(k)
				r.rotation()
				r.settled(k)
				if !c.reached {
					if n < 8 {
						t.Fatalf("only %d calls", n)
					}
					t.Logf("%d calls", n-1)
					return
				}
			}
		})
	}
}

func TestLostAnswersAndOverlappingRunsAndPeopleLeaveOneOrTwoKnownSecrets(t *testing.T) {
	for seed := range uint64(times(12, 400)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { storm(t, seed) })
	}
}

// storm lets two runs of the job overlap again and again, while three people rotate and one of them cancels, ends or
// edits, all over a connection that loses a fifth of the answers.
func storm(t *testing.T, seed uint64) {
	r := newHarness(t)
	a := r.NewAccount(t)
	keys := []apikey.Key{r.dueKey(a), r.dueKey(a), r.dueKey(a)}
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 2))
	lossy := func() keytest.Fault {
		mu.Lock()
		defer mu.Unlock()
		switch x := random.Float64(); {
		case x < .2:
			return keytest.After
		case x < .25:
			return keytest.Before
		case x < .3:
			return keytest.Conflict
		default:
			return keytest.NoFault
		}
	}
	for round := range 4 {
		stores := r.With(func(string, int) keytest.Fault { return lossy() })
		client := faulty{r.secrets, func(string) keytest.Fault { return lossy() }}
		jobs := []*rotator{r.run(stores, client), r.run(stores, client)}
		var wg sync.WaitGroup
		for _, job := range jobs {
			wg.Go(func() { _, _ = job.rotation(context.Background(), event{}) })
		}
		for person := range uint64(3) {
			draw := rand.New(rand.NewPCG(seed, uint64(round)*10+person))
			wg.Go(func() { r.person(keys[draw.IntN(len(keys))], stores, draw, &mu) })
		}
		wg.Wait()
		for _, k := range keys {
			r.check(k)
		}
		r.clock.Advance(time.Duration(random.Int64N(int64(35 * day))))
		for _, k := range keys {
			r.check(k)
		}
	}
	r.rotation()
	r.rotation() // what a cancel or a manual rotation left is settled by the first
	for _, k := range keys {
		r.check(k)
		if k = r.key(k); rotation.DeliveryDue(k) {
			t.Errorf("a delivery is due: %+v", k.Delivery)
		}
	}
}

// person does one thing over the lossy connection. A person whose answer is lost has a way out at once: cancel, and
// rotate again.
func (r *harness) person(k apikey.Key, stores keytest.Stores, draw *rand.Rand, mu *sync.Mutex) {
	ctx := context.Background()
	k, err := r.Control.Key(ctx, k.Account, k.ID)
	if err != nil {
		return
	}
	lossy := *r
	lossy.Stores = stores
	switch draw.IntN(4) {
	case 0, 1:
		secret, err := apikey.DefaultPrefix.Generate(keytest.Random(draw.Uint64()))
		if err != nil {
			return
		}
		mu.Lock()
		r.given[secret.Hash()] = true // or its answer was lost, which the person knows
		mu.Unlock()
		grace, _ := rotation.ParseGrace(nil, rotation.Other)
		after, err := rotation.Rotate(k, apikey.StoredSecret{Hash: secret.Hash(), Preview: secret.Preview()}, grace, rotation.Other, r.clock.Now())
		if err == nil {
			_, err = lossy.Edit(ctx, k, "key.rotate", func(k *apikey.Key) { *k = after })
		}
		if errors.Is(err, dynamo.ErrUnknown) {
			r.wayOut(k)
		}
	case 2:
		_, _ = lossy.Edit(ctx, k, "key.rotation_cancel", func(k *apikey.Key) { *k, _ = rotation.Cancel(*k, r.clock.Now()) })
	default:
		_, _ = lossy.Edit(ctx, k, "key.rotation_end", func(k *apikey.Key) { *k, _ = rotation.End(*k, r.clock.Now()) })
	}
}

// wayOut cancels what runs; it must never be that neither a rotation nor a cancel is possible.
func (r *harness) wayOut(k apikey.Key) {
	k, err := r.Control.Key(context.Background(), k.Account, k.ID)
	if err != nil {
		r.t.Error(err)
		return
	}
	grace, _ := rotation.ParseGrace(nil, rotation.Other)
	_, cancelled := rotation.Cancel(k, r.clock.Now())
	_, rotated := rotation.Rotate(k, apikey.StoredSecret{Hash: apikey.Hash{1}}, grace, rotation.Other, r.clock.Now())
	if cancelled != nil && rotated != nil {
		r.t.Errorf("no way out: %v, %v", cancelled, rotated)
	}
}

func TestOverlappingRunsGiveOneSecret(t *testing.T) {
	r := newHarness(t)
	a := r.NewAccount(t)
	var keys []apikey.Key
	for range 10 {
		keys = append(keys, r.dueKey(a))
	}
	var wg sync.WaitGroup
	rotated := make([]int, 4)
	for i := range rotated {
		job := r.well()
		wg.Go(func() {
			s, err := job.rotation(context.Background(), event{})
			if err != nil {
				t.Error(err)
			}
			rotated[i] = s.Rotated
		})
	}
	wg.Wait()
	total := 0
	for _, n := range rotated {
		total += n
	}
	if total != len(keys) {
		t.Errorf("%d rotations of %d keys", total, len(keys))
	}
	for _, k := range keys {
		r.settled(k)
	}
}
