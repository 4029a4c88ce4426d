package quotas_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter"
	"latchkey/shared/limiter/quota"
)

// TestFillingNeverLowersASum, and never leaves one below what is given, whatever is taken and given back in between.
func TestFillingNeverLowersASum(t *testing.T) {
	db, tables := keytest.Engine(t)
	memory, names := keytest.NewMemory()
	for store, on := range map[string]struct {
		store  *quotas.Store
		filler *quotas.Filler
	}{
		"engine": {quotas.New(db, tables.Quotas), quotas.NewFiller(db, tables.Quotas)},
		"memory": {quotas.New(memory, names.Quotas), quotas.NewFiller(memory, names.Quotas)},
	} {
		t.Run(store, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				of := quota.Ask{Name: quota.Name{Scope: string(keytest.KeyID()), Type: "freemium", Group: "tiles"}, Date: today}
				month, day := int64(0), int64(0)
				for range rapid.IntRange(1, 8).Draw(t, "steps") {
					if rapid.Bool().Draw(t, "take") {
						ask := of
						ask.N = rapid.Int64Range(1, 9).Draw(t, "n")
						if _, err := on.store.Write(context.Background(), ask); err != nil {
							t.Fatal(err)
						}
						month, day = month+ask.N, day+ask.N
						continue
					}
					atLeastMonth, atLeastDay := rapid.Int64Range(0, 40).Draw(t, "month"), rapid.Int64Range(0, 20).Draw(t, "day")
					raised, err := on.filler.Fill(context.Background(), of, atLeastMonth, atLeastDay)
					if want := atLeastMonth > month || atLeastDay > day; err != nil || raised != want {
						t.Fatalf("raised: %v, %v; want %v", raised, err, want)
					}
					month, day = max(month, atLeastMonth), max(day, atLeastDay)
				}
				of.DayBound, of.DayMost = true, -1
				if seen, err := on.store.Write(context.Background(), of); err != nil || seen.Month != month || seen.Day != day {
					t.Fatalf("%+v, %v; want %d and %d", seen, err, month, day)
				}
			})
		})
	}
}

// TestFillingBehindAnOutageCountsNothingTwice once environments have answered any call with the table back: the counters, which a refill gives, have what they admitted without it.
func TestFillingBehindAnOutageCountsNothingTwice(t *testing.T) {
	const calls = 300
	memory, names := keytest.NewMemory()
	store, filler := quotas.New(memory, names.Quotas), quotas.NewFiller(memory, names.Quotas)
	of := quota.Ask{Name: quota.Name{Scope: "acc_1", Type: "freemium", Group: "tiles"}, Date: today}
	at := limiter.Now{Wall: today.Add(time.Hour)}
	l := quota.New(0, 8)
	gone := outage{}
	for range calls {
		l.Admit(t.Context(), gone, func() limiter.Now { return at }, []quota.Limit{{Name: of.Name, Day: 1000}}, at)
		at = limiter.Now{Wall: at.Wall.Add(20 * time.Millisecond), Mono: at.Mono + 20*time.Millisecond}
	}
	for range 3 { // replies to other calls
		at = limiter.Now{Wall: at.Wall.Add(time.Minute), Mono: at.Mono + time.Minute}
		if ask, due := l.Due(at); due {
			seen, err := store.Write(t.Context(), ask)
			l.Corrected(ask, seen, err)
		}
	}
	if raised, err := filler.Fill(t.Context(), of, calls, calls); err != nil || raised {
		t.Errorf("raised: %v, %v", raised, err)
	}
	if r := l.Admit(t.Context(), store, func() limiter.Now { return at }, []quota.Limit{{Name: of.Name, Day: calls + 1}}, at); !r.Admit || r.Suspended {
		t.Errorf("%+v: %d calls were made of %d", r, calls, calls+1)
	}
}

// outage is a table that is gone.
type outage struct{}

func (outage) Write(context.Context, quota.Ask) (quota.Seen, error) {
	return quota.Seen{}, errors.New("no such table")
}

// TestFillingTellsWhatItCannotRead: a damaged sum can't be said to be enough.
func TestFillingTellsWhatItCannotRead(t *testing.T) {
	memory, names := keytest.NewMemory()
	damaged := dynamo.Item{"pk": dynamo.S("acc_1#freemium#tiles"), "sk": dynamo.S("2026-11"), "m": dynamo.S("7")}
	if err := keytest.PutRaw(t.Context(), memory, names.Quotas, damaged); err != nil {
		t.Fatal(err)
	}
	ask := quota.Ask{Name: tiles, Date: today}
	if _, err := quotas.NewFiller(memory, names.Quotas).Fill(t.Context(), ask, 5, 5); !errors.Is(err, dynamo.ErrUnreadable) {
		t.Errorf("%v", err)
	}
	dead := quotas.NewFiller(keytest.NewFaults(memory, func(string, int) keytest.Fault { return keytest.Before }), names.Quotas)
	if _, err := dead.Fill(t.Context(), ask, 5, 5); !errors.Is(err, keytest.ErrInjected) {
		t.Errorf("%v", err)
	}
}
