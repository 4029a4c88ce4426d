package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// distant is a store that answers after some milliseconds, so that those who ask at the same moment come between each other's read
// and write.
type distant struct {
	keytest.DB
	most   time.Duration
	writes *atomic.Int32
}

func (d distant) GetItem(ctx context.Context, in *dynamodb.GetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	time.Sleep(rand.N(d.most))
	return d.DB.GetItem(ctx, in, o...)
}

func (d distant) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	time.Sleep(rand.N(d.most))
	d.writes.Add(1)
	return d.DB.TransactWriteItems(ctx, in, o...)
}

// suspensionRace are the answers to requests that were sent at the same moment.
type suspensionRace struct {
	*harness
	mu      sync.Mutex
	took    map[float64]any // what is suspended, by the version that an answer shows
	refused []apitest.Call
	waits   time.Duration
}

// TestAHundredSuspendsAndResumesAtOnceObeyTheLast: ten admins send a hundred requests in one moment. Each is answered 200 and done, or 503
// with a time after which to try again and nothing of it done; who tries again gets through. What the account and the gate have in the end is what
// the answer with the highest version says, and of one version all answers say the same.
func TestAHundredSuspendsAndResumesAtOnceObeyTheLast(t *testing.T) {
	for name, most := range map[string]time.Duration{"a store at hand": 10 * time.Millisecond, "a slow store": 400 * time.Millisecond} {
		t.Run(name, func(t *testing.T) { hundredAtOnce(t, most) })
	}
}

func hundredAtOnce(t *testing.T, most time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		s := keytest.MemoryStores(t)
		var writes atomic.Int32
		a := apitest.New(t, keytest.NewStores(distant{s.DB, most, &writes}, s.Tables))
		writes.Store(0) // the account's own
		r := &harness{API: a, account: a.NewAccount(t)}
		r.handler = newHandler(a.Control, sessions.New(a.DB, a.Tables.Sessions), a.Source, apitest.Texts, product.Default(), apitest.NoUse{}, settings{perPerson: 3})
		r.handler.routes(a.Mux)
		var calls []apitest.Call
		for admin := range 10 {
			sub := fmt.Sprint("admin-", admin)
			r.NewOperator(t, control.Operator{Subject: keytest.Subject(sub), AddedAt: "2026-11-21T12:00:00Z"})
			for n := range 10 {
				call := apitest.Call{As: sub, Method: "POST", Path: operatorPath(r) + "/resume", Body: object{}}
				if (admin+n)%2 == 0 {
					call.Path, call.Body = operatorPath(r)+"/suspend", object{"reason": fmt.Sprintf("Reason %d of %d.", n, admin)}
				}
				calls = append(calls, call)
			}
		}
		race := &suspensionRace{harness: r, took: map[float64]any{}}
		for round := 0; len(calls) > 0; round++ {
			if round == 20 {
				t.Fatalf("%d requests are still refused after %d rounds", len(calls), round)
			}
			race.send(t, calls)
			t.Logf("round %d: %d of %d refused", round, len(race.refused), len(calls))
			time.Sleep(race.waits)
			t.Logf("%d versions by %d writes", len(race.took), writes.Load())
			calls, race.refused = race.refused, nil
			race.holds(t)
		}
	})
}

func (r *suspensionRace) send(t *testing.T, calls []apitest.Call) {
	var all sync.WaitGroup
	for _, call := range calls {
		all.Go(func() {
			got := r.Do(t, call)
			r.mu.Lock()
			defer r.mu.Unlock()
			switch got.Status {
			case 200:
				doc := got.JSON(t)
				version := doc["version"].(float64)
				if before, ok := r.took[version]; ok && !reflect.DeepEqual(before, doc["suspended"]) {
					t.Errorf("version %v is %v and %v", version, before, doc["suspended"])
				}
				r.took[version] = doc["suspended"]
			case 503:
				seconds, err := strconv.Atoi(got.Header.Get("Retry-After"))
				if err != nil || seconds < 1 {
					t.Errorf("refused without a time: %v", got.Header)
				}
				r.waits = time.Duration(seconds) * time.Second
				r.refused = append(r.refused, call)
			default:
				t.Errorf("%s: %d %s", call.Path, got.Status, got.Body)
			}
		})
	}
	all.Wait()
}

// holds compares what is stored with what was answered.
func (r *suspensionRace) holds(t *testing.T) {
	var last float64
	for version := range r.took {
		last = max(last, version)
	}
	doc := r.Want(t, 200, apitest.Call{As: "admin-0", Method: "GET", Path: r.path("")}).JSON(t)
	if doc["version"] != last || !reflect.DeepEqual(doc["suspended"], r.took[last]) {
		t.Errorf("version %v is stored, with %v; answered was %v with %v", doc["version"], doc["suspended"], last, r.took[last])
	}
	if got := r.gateSays(t).Suspended; got != (r.took[last] != nil) {
		t.Errorf("suspended at the gate: %t; answered last: %v", got, r.took[last])
	}
}
