package quotas_test

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
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/limiter/quota/sim"
)

var (
	today = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	tiles = quota.Name{Scope: "acc_1", Type: "freemium", Group: "tiles"}
)

func stores(t *testing.T) map[string]*quotas.Store {
	db, tables := keytest.Engine(t)
	gate, its := keytest.GateEngine(t)
	memory, names := keytest.NewMemory()
	return map[string]*quotas.Store{"engine": quotas.New(db, tables.Quotas), "gate's client": quotas.New(gate, its.Quotas), "memory": quotas.New(memory, names.Quotas)}
}

// TestAWriteIsTheModelsWrite: what the simulation assumes of the table, the table does.
func TestAWriteIsTheModelsWrite(t *testing.T) {
	for store, s := range stores(t) {
		t.Run(store, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				model := sim.NewTable()
				of := quota.Name{Scope: string(keytest.KeyID()), Type: rapid.SampledFrom([]string{"", "freemium"}).Draw(t, "type"), Group: "tiles"}
				bounds := rapid.IntRange(0, 3).Draw(t, "bounds")
				for range rapid.IntRange(1, 10).Draw(t, "asks") {
					ask := quota.Ask{
						Name: of, Date: today.AddDate(0, 0, rapid.IntRange(0, 2).Draw(t, "day")), N: rapid.Int64Range(1, 50).Draw(t, "n"),
						DayBound: bounds&1 != 0, MonthBound: bounds&2 != 0,
						DayMost: rapid.Int64Range(-5, 100).Draw(t, "day most"), MonthMost: rapid.Int64Range(-5, 200).Draw(t, "month most"),
					}
					if rapid.IntRange(0, 3).Draw(t, "correction") == 0 {
						ask.Stamp, ask.Slot = rapid.Int64Range(1, 3).Draw(t, "stamp"), rapid.IntRange(0, 1).Draw(t, "slot")
						ask.N = rapid.Int64Range(-9, 9).Draw(t, "corrected")
					}
					got, err := s.Write(context.Background(), ask)
					want, _ := model.Write(context.Background(), ask)
					if err != nil || got != want {
						t.Fatalf("%+v: got %+v, %v, want %+v", ask, got, err, want)
					}
				}
			})
		})
	}
}

// TestTwoEnvironmentsShareAQuota, on the real engine too: together they admit what it allows, and what one gives back the
// other one takes.
func TestTwoEnvironmentsShareAQuota(t *testing.T) {
	for store, s := range stores(t) {
		t.Run(store, func(t *testing.T) {
			limits := []quota.Limit{{Name: tiles, Day: 640, Month: 10_000}}
			environments := []*quota.Limiter{quota.New(1, 8), quota.New(2, 8)}
			at := today.Add(12 * time.Hour)
			call := func(l *quota.Limiter) bool {
				at = at.Add(10 * time.Millisecond)
				now := limiter.Now{Wall: at, Mono: at.Sub(today)}
				r := l.Admit(t.Context(), s, func() limiter.Now { return now }, limits, now)
				if r.Suspended {
					t.Fatal("suspended")
				}
				return r.Admit
			}
			admitted := 0
			for i := range 200 {
				if call(environments[i%2]) {
					admitted++
				}
			}
			for _, ask := range environments[0].Close(limiter.Now{Wall: at, Mono: at.Sub(today)}) {
				for range 2 { // once, however often it is asked
					if _, err := s.Write(t.Context(), ask); err != nil {
						t.Fatal(err)
					}
				}
			}
			for range 1000 {
				if call(environments[1]) {
					admitted++
				}
			}
			if admitted != 640 {
				t.Errorf("%d admitted of 640", admitted)
			}
		})
	}
}

// TestConcurrentWritesNeverPassTheBound, corrections among them.
func TestConcurrentWritesNeverPassTheBound(t *testing.T) {
	for store, s := range stores(t) {
		t.Run(store, func(t *testing.T) {
			var group sync.WaitGroup
			var mu sync.Mutex
			applied := 0
			for i := range 24 {
				group.Go(func() {
					if i%4 == 3 {
						if _, err := s.Write(context.Background(), quota.Ask{Name: tiles, Date: today, N: 1, Stamp: int64(i), Slot: i % quota.Slots}); err != nil {
							t.Error(err)
						}
						return
					}
					seen, err := s.Write(context.Background(), quota.Ask{Name: tiles, Date: today, N: 5, DayBound: true, DayMost: 45})
					if err != nil {
						t.Error(err)
					}
					if seen.Applied {
						mu.Lock()
						applied++
						mu.Unlock()
					}
				})
			}
			group.Wait()
			seen, err := s.Write(t.Context(), quota.Ask{Name: tiles, Date: today, N: 1})
			if err != nil || seen.Day > 50+6 || seen.Day != seen.Month || seen.Day < int64(5*applied+2) || seen.Day > int64(5*applied+6) {
				t.Errorf("%d writes of 5, and %+v, %v", applied, seen, err)
			}
		})
	}
}

// TestAQuotaIsStoredAsItAlwaysWas: environments of two releases share the items while one replaces the other, and DynamoDB deletes
// by ttl, which counts seconds: 40 days after the month.
func TestAQuotaIsStoredAsItAlwaysWas(t *testing.T) {
	memory, names := keytest.NewMemory()
	s := quotas.New(memory, names.Quotas)
	stored := dynamo.Item{
		"pk": dynamo.S("acc_1#freemium#tiles"), "sk": dynamo.S("2026-11"), "m": dynamo.N(900), "d28": dynamo.N(100), "d29": dynamo.N(30),
		"ttl": dynamo.N(1),
	}
	if err := keytest.PutRaw(t.Context(), memory, names.Quotas, stored); err != nil {
		t.Fatal(err)
	}
	seen, err := s.Write(t.Context(), quota.Ask{Name: tiles, Date: today, N: 4, DayBound: true, DayMost: 30, MonthBound: true, MonthMost: 900})
	if want := (quota.Seen{Applied: true, Day: 30, Month: 900}); err != nil || seen != want {
		t.Fatalf("read as %+v, %v, want %+v", seen, err, want)
	}
	if _, err := s.Write(t.Context(), quota.Ask{Name: tiles, Date: today, N: -3, Stamp: 1795996800000000000, Slot: 5}); err != nil {
		t.Fatal(err)
	}
	get := func(sk string) dynamo.Item {
		got, err := memory.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: &names.Quotas, ConsistentRead: aws.Bool(true), Key: dynamo.Item{"pk": stored["pk"], "sk": dynamo.S(sk)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return got.Item
	}
	item := get("2026-11")
	if len(item) != 7 {
		t.Errorf("%v", item)
	}
	for attribute, want := range map[string]int64{"m": 901, "d28": 100, "d29": 31, "k5": 1795996800000000000, "ttl": time.Date(2027, 1, 10, 0, 0, 0, 0, time.UTC).Unix()} {
		if n, ok := dynamo.GetN(item, attribute); !ok || n != want {
			t.Errorf("%s is %d, want %d", attribute, n, want)
		}
	}
	if key := (quota.Name{Scope: "key_1", Group: "tiles"}); true {
		if _, err := s.Write(t.Context(), quota.Ask{Name: key, Date: today.AddDate(0, 1, 0), N: 4}); err != nil {
			t.Fatal(err)
		}
		stored["pk"] = dynamo.S("key_1##tiles")
		if december := get("2026-12"); len(december) != 5 {
			t.Errorf("a key's item: %v", december)
		}
	}
}

func TestAnOutageIsAnErrorAndADamagedItemToo(t *testing.T) {
	memory, names := keytest.NewMemory()
	dead := quotas.New(keytest.NewFaults(memory, func(string, int) keytest.Fault { return keytest.Before }), names.Quotas)
	for _, stamp := range []int64{0, 1} {
		if _, err := dead.Write(t.Context(), quota.Ask{Name: tiles, Date: today, N: 1, Stamp: stamp}); !errors.Is(err, keytest.ErrInjected) {
			t.Errorf("%d: %v", stamp, err)
		}
	}
	for _, damaged := range []dynamo.Item{{"m": dynamo.S("7")}, {"m": dynamo.N(1), "d29": dynamo.S("x")}} {
		damaged["pk"], damaged["sk"] = dynamo.S("acc_1#freemium#tiles"), dynamo.S("2026-11")
		if err := keytest.PutRaw(t.Context(), memory, names.Quotas, damaged); err != nil {
			t.Fatal(err)
		}
		seen, err := quotas.New(memory, names.Quotas).Write(t.Context(), quota.Ask{Name: tiles, Date: today, N: 1, MonthBound: true, MonthMost: 5, DayBound: true, DayMost: 5})
		if err == nil || seen.Applied {
			t.Errorf("%v: %+v, %v", damaged, seen, err)
		}
	}
}

// TestACorrectionIsMadeOnceHoweverLateItComesAgain, by its stamp.
func TestACorrectionIsMadeOnceHoweverLateItComesAgain(t *testing.T) {
	for store, s := range stores(t) {
		for _, stamp := range []int64{5, 5, 7, 5, 6} {
			if _, err := s.Write(t.Context(), quota.Ask{Name: tiles, Date: today, N: 5, Stamp: stamp, Slot: 2}); err != nil {
				t.Fatal(err)
			}
		}
		if seen, err := s.Write(t.Context(), quota.Ask{Name: tiles, Date: today, N: 1}); err != nil || seen.Day != 10 || seen.Month != 10 {
			t.Errorf("%s: two corrections of 5 count %+v, %v", store, seen, err)
		}
	}
}
