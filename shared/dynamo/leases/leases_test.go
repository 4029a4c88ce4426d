package leases_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"pgregory.net/rapid"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter"
)

func stores(t *testing.T) map[string]*leases.Store {
	db, tables := keytest.Engine(t)
	gate, its := keytest.GateEngine(t)
	memory, names := keytest.NewMemory()
	return map[string]*leases.Store{"engine": leases.New(db, tables.Leases), "gate's client": leases.New(gate, its.Leases), "memory": leases.New(memory, names.Leases)}
}

// model implements the promise of limiter.Store in a few lines.
type model struct {
	window, used, ahead, capacity, age int64
	expires                            time.Time
}

func (m *model) take(a limiter.Ask) limiter.Seen {
	seen := limiter.Seen{Window: m.window, Used: m.used, Ahead: m.ahead, Capacity: m.capacity, Age: time.Duration(m.age) * time.Microsecond, Expires: m.expires}
	seen.Applied = a.Create && m.window == 0 || !a.Create && m.window != 0 && (m.window == a.Window || m.window == a.Window-1)
	if !seen.Applied {
		return seen
	}
	if m.window != a.Window {
		m.window, m.used, m.ahead, m.capacity = a.Window, m.ahead, 0, a.Capacity
	}
	m.used, m.ahead, m.age, m.expires = m.used+a.N, m.ahead+a.Ahead, a.Age.Microseconds(), a.Expires
	return seen
}

func TestTakeIsTheModelsWrite(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			runs := 0
			rapid.Check(t, func(t *rapid.T) {
				runs++
				limit := keytest.KeyID()
				m := &model{}
				for range rapid.IntRange(1, 12).Draw(t, "asks") {
					ask := limiter.Ask{
						Limit: string(limit) + "#search", Window: 100 + rapid.Int64Range(0, 3).Draw(t, "window"),
						N: rapid.Int64Range(0, 50).Draw(t, "n"), Ahead: rapid.Int64Range(0, 2).Draw(t, "ahead"), Capacity: rapid.Int64Range(1, 1000).Draw(t, "capacity"),
						Age:    time.Duration(rapid.Int64Range(-1e6, 1e6).Draw(t, "age")) * time.Microsecond,
						Create: rapid.Bool().Draw(t, "create"), Expires: keytest.Now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "expires")) * time.Second),
					}
					got, err := s.Take(context.Background(), ask)
					if want := m.take(ask); err != nil || got != want {
						t.Fatalf("%+v: got %+v, %v, want %+v", ask, got, err, want)
					}
				}
			})
		})
	}
}

func TestItemForgetsWindowsThatAreOver(t *testing.T) {
	memory, names := keytest.NewMemory()
	s := leases.New(memory, names.Leases)
	for window := int64(1); window < 20; window++ {
		if seen, err := s.Take(t.Context(), limiter.Ask{Limit: "k", Window: window, N: 1, Capacity: 5, Create: window == 1, Expires: keytest.Now}); err != nil || !seen.Applied {
			t.Fatalf("%+v, %v", seen, err)
		}
	}
	out, err := memory.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &names.Leases, ConsistentRead: aws.Bool(true), Key: dynamo.Item{"pk": dynamo.S("k"), "sk": dynamo.N(0)},
	})
	if err != nil || len(out.Item) != 7 {
		t.Fatalf("%d attributes, %v: %v", len(out.Item), err, out.Item)
	}
}

func TestConcurrentTakesNeverGrantASlotTwice(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Take(t.Context(), limiter.Ask{Limit: "k#c", Window: 7, N: 3, Capacity: 9, Create: true, Expires: keytest.Now}); err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			slots := make([]int64, 16)
			for i := range slots {
				group.Go(func() {
					seen, err := s.Take(context.Background(), limiter.Ask{Limit: "k#c", Window: 7, N: 2, Capacity: 9, Expires: keytest.Now})
					if err != nil || !seen.Applied {
						t.Errorf("%+v, %v", seen, err)
					}
					slots[i] = seen.Used
				})
			}
			group.Wait()
			begins := map[int64]bool{}
			for _, at := range slots {
				if begins[at] || at < 3 || at > 33 || at%2 == 0 {
					t.Fatalf("slots begin at %v", slots)
				}
				begins[at] = true
			}
		})
	}
}

func TestAnOutageIsAnErrorAndADamagedItemToo(t *testing.T) {
	memory, names := keytest.NewMemory()
	dead := leases.New(keytest.NewFaults(memory, func(string, int) keytest.Fault { return keytest.Before }), names.Leases)
	if _, err := dead.Take(t.Context(), limiter.Ask{Limit: "k", Window: 1, Create: true}); !errors.Is(err, keytest.ErrInjected) {
		t.Fatal(err)
	}
	if err := keytest.PutRaw(t.Context(), memory, names.Leases, dynamo.Item{"pk": dynamo.S("k"), "sk": dynamo.N(0), "w": dynamo.S("7")}); err != nil {
		t.Fatal(err)
	}
	if _, err := leases.New(memory, names.Leases).Take(t.Context(), limiter.Ask{Limit: "k", Window: 7}); !errors.Is(err, dynamo.ErrUnreadable) {
		t.Fatal(err)
	}
}

func TestCountsOfAnHourAreExactAndOfThatHour(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			hour := keytest.Now.Truncate(time.Hour)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if _, err := s.Count(context.Background(), "person#a", hour); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			for what, c := range map[string]struct {
				name string
				hour time.Time
				want int64
			}{
				"the same":       {"person#a", hour, 9},
				"another hour":   {"person#a", hour.Add(time.Hour), 1},
				"another person": {"person#b", hour, 1},
			} {
				if n, err := s.Count(context.Background(), c.name, c.hour); err != nil || n != c.want {
					t.Errorf("%s: %d, %v, want %d", what, n, err, c.want)
				}
			}
		})
	}
}

// TestAnItemWithoutAnyOfItsNumbersIsUnreadable, whether a window is joined or follows; its end alone may be missing.
func TestAnItemWithoutAnyOfItsNumbersIsUnreadable(t *testing.T) {
	memory, names := keytest.NewMemory()
	s := leases.New(memory, names.Leases)
	for _, missing := range []string{"w", "age", "u7", "c7", "ttl"} {
		for _, create := range []bool{false, true} {
			for _, window := range []int64{7, 8, 20} { // the last doesn't follow
				if missing == "w" && !create || missing == "ttl" {
					continue
				}
				item := dynamo.Item{"pk": dynamo.S("k"), "sk": dynamo.N(0), "w": dynamo.N(7), "age": dynamo.N(1), "u7": dynamo.N(3), "c7": dynamo.N(9), "ttl": dynamo.N(1)}
				delete(item, missing)
				if err := keytest.PutRaw(t.Context(), memory, names.Leases, item); err != nil {
					t.Fatal(err)
				}
				seen, err := s.Take(t.Context(), limiter.Ask{Limit: "k", Window: window, N: 1, Capacity: 5, Create: create, Expires: keytest.Now})
				if !errors.Is(err, dynamo.ErrUnreadable) || seen != (limiter.Seen{}) {
					t.Errorf("without %s, window %d, create %v: %+v, %v", missing, window, create, seen, err)
				}
			}
		}
	}
	item := dynamo.Item{"pk": dynamo.S("k"), "sk": dynamo.N(0), "w": dynamo.N(7), "age": dynamo.N(1), "u7": dynamo.N(3), "c7": dynamo.N(9)}
	if err := keytest.PutRaw(t.Context(), memory, names.Leases, item); err != nil {
		t.Fatal(err)
	}
	want := limiter.Seen{Applied: true, Window: 7, Used: 3, Capacity: 9, Age: time.Microsecond}
	if seen, err := s.Take(t.Context(), limiter.Ask{Limit: "k", Window: 7, N: 1, Capacity: 5, Expires: keytest.Now}); err != nil || seen != want {
		t.Errorf("without an end: %+v, %v, want %+v", seen, err, want)
	}
}

// TestACountThatFailsIsNoCount: nor is one that can't be read. A count of nothing would let everything pass.
func TestACountThatFailsIsNoCount(t *testing.T) {
	memory, names := keytest.NewMemory()
	hour := keytest.Now.Truncate(time.Hour)
	for _, fault := range []keytest.Fault{keytest.Before, keytest.After} {
		s := leases.New(keytest.NewFaults(memory, func(string, int) keytest.Fault { return fault }), names.Leases)
		if n, err := s.Count(t.Context(), "person#a", hour); !errors.Is(err, keytest.ErrInjected) || n != 0 {
			t.Errorf("%d, %v", n, err)
		}
	}
	if n, err := leases.New(nothing{memory}, names.Leases).Count(t.Context(), "person#a", hour); !errors.Is(err, dynamo.ErrUnreadable) || n != 0 {
		t.Errorf("an answer without a count: %d, %v", n, err)
	}
}

// nothing answers without attributes.
type nothing struct{ *keytest.Memory }

func (n nothing) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if _, err := n.Memory.UpdateItem(ctx, in, o...); err != nil {
		return nil, err
	}
	return &dynamodb.UpdateItemOutput{}, nil
}
