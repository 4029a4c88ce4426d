package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/usage"
)

// limitedFleet is accounts with a key each and a quota of 1,000 calls a month and 100 a day, and one account without.
func limitedFleet(t testing.TB, r *harness, accounts int) (keys []apikey.Key) {
	t.Helper()
	for n := range accounts + 1 {
		a := r.NewAccount(t, func(a *account.Account) {
			if n < accounts {
				a.Quotas = account.Quotas{{Billing: "paying", Group: "other", Day: 100, Month: 1000}}
			}
		})
		keys = append(keys, r.NewKey(t, a))
	}
	return keys
}

// counts puts calls of a time into the counters, and takes them out of the quotas table as the gate does.
func (r *harness) counts(t testing.TB, k apikey.Key, environment string, at time.Time, n int) {
	t.Helper()
	r.countsAs(t, "paying", k, environment, at, n)
}

func (r *harness) countsAs(t testing.TB, billing apikey.BillingType, k apikey.Key, environment string, at time.Time, n int) {
	t.Helper()
	tally := usage.NewTally(environment)
	for range n {
		tally.Count(&usage.Call{
			At: at, Code: authz.Allowed, Class: "search", Billing: billing, Subject: usage.Subject{Account: k.Account, Key: k.ID, Product: "search"},
		})
	}
	store := counters.New(r.DB.(counters.Client), r.Tables.Counters)
	contributions, newest := usage.Coalesce(tally.Report(at), at)
	for _, part := range usage.Batches(contributions, newest, counters.MaxItems) {
		stored, err := store.Read(t.Context(), part.Items())
		if err == nil {
			err = store.Write(t.Context(), usage.Fold(stored, part))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.taken().Write(t.Context(), quota.Ask{Name: nameOf(k), Date: at.Truncate(24 * time.Hour), N: int64(n)}); err != nil {
		t.Fatal(err)
	}
}

func nameOf(k apikey.Key) quota.Name {
	return quota.Name{Scope: string(k.Account), Type: "paying", Group: "other"}
}

func (r *harness) taken() *quotas.Store { return quotas.New(r.DB, r.Tables.Quotas) }

// served takes calls one by one until the quota has none left.
func (r *harness) served(t testing.TB, k apikey.Key, at time.Time) (n int) {
	t.Helper()
	for ; n < 2000; n++ {
		seen, err := r.taken().Write(t.Context(), quota.Ask{
			Name: nameOf(k), Date: at.Truncate(24 * time.Hour), N: 1, DayBound: true, DayMost: 99, MonthBound: true, MonthMost: 999,
		})
		if err != nil {
			t.Fatal(err)
		}
		if !seen.Applied {
			break
		}
	}
	return n
}

// lose empties the quotas table and puts into it what it had at another time.
func (r *harness) lose(t testing.TB, older []dynamo.Item) {
	t.Helper()
	for _, item := range r.Items(t, r.Tables.Quotas) {
		if _, err := r.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
			TableName: &r.Tables.Quotas, Key: dynamo.Item{"pk": item["pk"], "sk": item["sk"]},
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, item := range older {
		r.Put(t, r.Tables.Quotas, item)
	}
}

func (r *harness) quotasRun(t testing.TB, event string) (lookedAt, error) {
	t.Helper()
	answer, err := r.handle(t.Context(), json.RawMessage(event))
	done, _ := answer.(lookedAt)
	return done, err
}

func (r *harness) toldOf(t testing.TB, id account.ID) (n int) {
	t.Helper()
	for _, row := range r.AllAudit(t, id) {
		if row.Action == "account.quota_reached" {
			n++
		}
	}
	return n
}

// TestTheJobTellsWhatTheCounterCouldNot, once, of the periods that run and of those of which calls may still be counted.
func TestTheJobTellsWhatTheCounterCouldNot(t *testing.T) {
	r := newHarness(t)
	keys := limitedFleet(t, r, 3)
	r.counts(t, keys[0], "a", r.at, 85)                   // today: 50 and 80 %
	r.counts(t, keys[1], "b", r.at.AddDate(0, 0, -4), 60) // four days ago: 50 %
	r.counts(t, keys[2], "c", r.at.AddDate(0, 0, -5), 90) // too long ago for the day's
	r.counts(t, keys[3], "d", r.at, 900)                  // no quota
	for n, want := range []int{3, 0} {
		done, err := r.quotasRun(t, `{"job":"quotas"}`)
		if err != nil || done.Told != want || done.Accounts != 4 || done.Raised != 0 {
			t.Errorf("run %d: %+v, %v", n, done, err)
		}
	}
	for i, want := range []int{2, 1, 0, 0} {
		if got := r.toldOf(t, keys[i].Account); got != want {
			t.Errorf("account %d: %d rows, want %d", i, got, want)
		}
	}
}

// TestAQuotaIsNotServedAgainAfterItsTableWasLost, or restored to an older instant: what is left is what the counters leave.
func TestAQuotaIsNotServedAgainAfterItsTableWasLost(t *testing.T) {
	for name, restored := range map[string]bool{"lost": false, "restored": true} {
		t.Run(name, func(t *testing.T) {
			r := newHarnessOn(t, keytest.Open(t))
			keys := limitedFleet(t, r, 3)
			r.counts(t, keys[0], "a", r.at.AddDate(0, 0, -1), 90)
			r.counts(t, keys[0], "b", r.at, 20)
			var older []dynamo.Item
			if restored {
				older = r.Items(t, r.Tables.Quotas)
			}
			r.counts(t, keys[0], "c", r.at, 40)
			r.counts(t, keys[1], "d", r.at, 100)
			r.counts(t, keys[3], "e", r.at, 500) // has no quota
			r.lose(t, older)
			for n, want := range []int{2, 0, 0} {
				if done, err := r.quotasRun(t, `{"job":"quotas","refill":true}`); err != nil || done.Raised != want {
					t.Errorf("run %d: %+v, %v", n, done, err)
				}
			}
			for _, item := range r.Items(t, r.Tables.Quotas) {
				if pk, _ := dynamo.GetS(item, "pk"); pk == string(keys[0].Account)+"#paying#other" {
					month, _ := dynamo.GetN(item, "m")
					today, _ := dynamo.GetN(item, "d"+r.at.UTC().Format("02"))
					if month != 150 || today != 60 {
						t.Errorf("%d calls of the month are taken and %d of the day, want 150 and 60", month, today)
					}
				}
			}
			for i, want := range []int{40, 0, 100} { // of 100 a day
				if got := r.served(t, keys[i], r.at); got != want {
					t.Errorf("account %d is served %d calls more, want %d", i, got, want)
				}
			}
			// Of the month, too: 150 are counted on other days, and 100 of this day are taken.
			for day := range 30 {
				at := r.at.AddDate(0, 0, -day)
				if at.Month() == r.at.Month() && day > 1 {
					r.served(t, keys[0], at)
				}
			}
			if n := len(r.Items(t, r.Tables.Quotas)); n != 3 {
				t.Errorf("%d items, want one for each account that has a quota and calls", n)
			}
			for _, item := range r.Items(t, r.Tables.Quotas) {
				if pk, _ := dynamo.GetS(item, "pk"); pk == string(keys[0].Account)+"#paying#other" {
					if month, _ := dynamo.GetN(item, "m"); month != 1000 {
						t.Errorf("%d of 1,000 calls of the month are taken", month)
					}
				}
			}
		})
	}
}

// TestAKeysCapIsNotServedAgainAfterItsTableWasLost: in all billing types together, of the day alone, and of a deleted key too, which may be restored.
func TestAKeysCapIsNotServedAgainAfterItsTableWasLost(t *testing.T) {
	r := newHarnessOn(t, keytest.Open(t))
	a := r.NewAccount(t)
	capped := func(k *apikey.Key) { k.Caps = apikey.Caps{{Group: "other", Day: 100}} }
	keys := []apikey.Key{
		r.NewKey(t, a, capped), r.NewKey(t, a, capped), r.NewKey(t, a),
		r.NewKey(t, a, capped, func(k *apikey.Key) { k.DeletedAt = r.at }),
	}
	for i, k := range keys {
		r.counts(t, k, fmt.Sprint("a", i), r.at.AddDate(0, 0, -1), 30)
		r.counts(t, k, fmt.Sprint("b", i), r.at, 30+i)
		r.countsAs(t, "evaluation", k, fmt.Sprint("c", i), r.at, 10)
	}
	r.lose(t, nil)
	for n, want := range []int{3, 0} {
		if done, err := r.quotasRun(t, `{"job":"quotas","refill":true}`); err != nil || done.Raised != want {
			t.Errorf("run %d: %+v, %v", n, done, err)
		}
	}
	found := map[string]int64{}
	for _, item := range r.Items(t, r.Tables.Quotas) {
		pk, _ := dynamo.GetS(item, "pk")
		found[pk], _ = dynamo.GetN(item, "d"+r.at.UTC().Format("02"))
	}
	want := map[string]int64{string(keys[0].ID) + "##other": 40, string(keys[1].ID) + "##other": 41, string(keys[3].ID) + "##other": 43}
	if !maps.Equal(found, want) {
		t.Errorf("%v, want %v", found, want)
	}
}

// TestWhatIsTakenBeyondTheCountersStays: tokens in hand, and calls that aren't counted yet.
func TestWhatIsTakenBeyondTheCountersStays(t *testing.T) {
	r := newHarness(t)
	keys := limitedFleet(t, r, 1)
	r.counts(t, keys[0], "a", r.at, 30)
	if _, err := r.taken().Write(t.Context(), quota.Ask{Name: nameOf(keys[0]), Date: r.at.Truncate(24 * time.Hour), N: 25}); err != nil {
		t.Fatal(err)
	}
	if done, err := r.quotasRun(t, `{"job":"quotas","refill":true}`); err != nil || done.Raised != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if got := r.served(t, keys[0], r.at); got != 45 {
		t.Errorf("served %d calls more, want 45", got)
	}
}

// TestARefillThatIsInterruptedAnywhereIsRepeated: each call of the store fails once, answered or not.
func TestARefillThatIsInterruptedAnywhereIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for n := 0; ; n++ {
			if n > 100 {
				t.Fatal("no end")
			}
			stores := keytest.LongStores(t)
			r := newHarnessOn(t, stores)
			keys := limitedFleet(t, r, 2)
			r.counts(t, keys[0], "a", r.at, 60)
			r.counts(t, keys[1], "b", r.at, 90)
			r.lose(t, nil)
			calls, fault := 0, []keytest.Fault{keytest.Before, keytest.After}[n%2]
			faulty := newHarnessOn(t, stores.With(func(string, int) keytest.Fault {
				if calls++; calls == n/2+1 {
					return fault
				}
				return keytest.NoFault
			}))
			_, err := faulty.quotasRun(t, `{"job":"quotas","refill":true}`)
			if err != nil {
				if _, err := r.quotasRun(t, `{"job":"quotas","refill":true}`); err != nil {
					t.Fatal(err)
				}
			}
			if a, b := r.served(t, keys[0], r.at), r.served(t, keys[1], r.at); a != 40 || b != 10 {
				t.Errorf("after call %d: served %d and %d more, want 40 and 10 (%v)", n, a, b, err)
			}
			if a, b := r.toldOf(t, keys[0].Account), r.toldOf(t, keys[1].Account); a != 1 || b != 2 {
				t.Errorf("after call %d: told %d and %d times, want 1 and 2", n, a, b)
			}
			if calls < n/2+1 {
				break
			}
		}
	})
}

// TestARefillFromCountersThatCannotBeReadIsAnError: they would say too little. The other accounts are filled.
func TestARefillFromCountersThatCannotBeReadIsAnError(t *testing.T) {
	r := newHarness(t)
	keys := limitedFleet(t, r, 2)
	r.counts(t, keys[0], "a", r.at, 60)
	r.counts(t, keys[1], "b", r.at, 90)
	spoil(t, r.Stores, keys[0].Account)
	r.lose(t, nil)
	// One after the other, so that it is known whose counters they are.
	raised := 0
	for _, k := range keys {
		n, err := r.refill(t.Context(), k.Account, r.at.Truncate(24*time.Hour))
		if raised += n; errors.Is(err, dynamo.ErrUnreadable) != (k.ID == keys[0].ID) {
			t.Errorf("%s: %v", k.Account, err)
		}
	}
	if got := r.served(t, keys[1], r.at); raised != 1 || got != 10 {
		t.Errorf("%d raised, and served %d calls more", raised, got)
	}
	if done, err := r.quotasRun(t, `{"job":"quotas","refill":true}`); err == nil || done.Failed == 0 {
		t.Errorf("%+v, %v", done, err)
	}
}

// TestARefillOfCapsThatCannotBeReadIsAnError: of a key, or of its counters. The other keys' caps are filled.
func TestARefillOfCapsThatCannotBeReadIsAnError(t *testing.T) {
	for name, table := range map[string]func(*harness) string{
		"key":      func(r *harness) string { return r.Tables.Control },
		"counters": func(r *harness) string { return r.Tables.Counters },
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t)
			a := r.NewAccount(t)
			capped := func(k *apikey.Key) { k.Caps = apikey.Caps{{Group: "other", Day: 100}} }
			keys := []apikey.Key{r.NewKey(t, a, capped), r.NewKey(t, a, capped)}
			for i, k := range keys {
				r.counts(t, k, fmt.Sprint("a", i), r.at, 40)
			}
			r.lose(t, nil)
			for _, item := range r.Items(t, table(r)) {
				pk, _ := dynamo.GetS(item, "pk")
				sk, _ := dynamo.GetS(item, "sk")
				switch {
				case table(r) == r.Tables.Control && sk == "KEY#"+string(keys[0].ID):
					item["v"] = dynamo.N(99)
				case strings.Contains(pk, string(keys[0].ID)) && strings.HasPrefix(sk, "D#"):
					item["v"] = dynamo.S("damaged")
				default:
					continue
				}
				r.Put(t, table(r), item)
			}
			done, err := r.quotasRun(t, `{"job":"quotas","refill":true}`)
			if err == nil || done.Failed != 1 || len(r.Items(t, r.Tables.Quotas)) != 1 {
				t.Errorf("%+v, %v, %d filled", done, err, len(r.Items(t, r.Tables.Quotas)))
			}
		})
	}
}

// TestOnlyTheJobOfQuotasRefills: a setting that a job doesn't know isn't ignored.
func TestOnlyTheJobOfQuotasRefills(t *testing.T) {
	r := newHarness(t)
	for _, job := range []string{"compare", "statements", "suffixes", "catalogue"} {
		if _, err := r.handle(context.Background(), json.RawMessage(fmt.Sprintf(`{"job":%q,"refill":true}`, job))); !errors.Is(err, errJob) {
			t.Errorf("%s: %v", job, err)
		}
	}
}
