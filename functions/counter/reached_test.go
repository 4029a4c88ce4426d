package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/thresholds"
	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// limited is a consumer on stores in which the account has quotas: 100 calls a day and 220 a month. Nobody knows when they were set, or it is said.
func limited(t testing.TB, stores keytest.Stores, set ...account.QuotaTime) *harness {
	t.Helper()
	a := keytest.Account(func(a *account.Account) {
		a.ID, a.Type = acct, account.SelfServe
		a.Quotas = account.Quotas{{Billing: "freemium", Group: "other", Day: 100, Month: 220}}
		a.QuotaTimes = set
	})
	if _, err := stores.Control.CreateAccount(t.Context(), a, keytest.Member(acct, "owner", account.Owner), keytest.Row(acct, "account.create", "")); err != nil {
		t.Fatal(err)
	}
	return telling(t, stores)
}

func telling(t testing.TB, stores keytest.Stores) *harness {
	r := on(stores.DB, stores.Tables.Counters)
	r.quotas = &thresholds.Teller{
		Store: stores.Control, Rows: counters.New(stores.DB.(counters.Client), stores.Tables.Counters),
		Quotas:   quotas.NewReader(stores.DB.(quotas.BatchClient), stores.Tables.Quotas),
		Products: product.Default(),
		Source:   env.Source{Now: r.now, Rand: &locked{r: keytest.RandomOf(t)}},
	}
	return r
}

// locked lets several draw from one source.
type locked struct {
	lock sync.Mutex
	r    interface{ Read([]byte) (int, error) }
}

func (l *locked) Read(p []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.r.Read(p)
}

// spent is the stream record of an environment that has counted calls under the quotas by now, of the last days too.
func spent(sequence, environment string, allowed, refused int, days ...int) json.RawMessage {
	tally := usage.NewTally(environment)
	count := func(n int, code authz.Code) {
		for range n {
			for _, day := range append(days, 0) {
				c := call(1, keytest.Now.AddDate(0, 0, -day))
				c.Code, c.Billing, c.Class = code, "freemium", "search"
				tally.Count(&c)
			}
		}
	}
	count(allowed, authz.Allowed)
	count(refused, authz.QuotaExceeded)
	return keytest.StreamRecord(sequence, "INSERT", reports.Encode(tally.Report(keytest.Now)[0]))
}

// take has calls of some days ago be taken out of the quotas, as the gate takes them.
func take(t testing.TB, stores keytest.Stores, n int64, daysAgo int) {
	t.Helper()
	of := quota.Name{Scope: string(acct), Type: "freemium", Group: "other"}
	date := keytest.Now.AddDate(0, 0, -daysAgo).Truncate(24 * time.Hour)
	if _, err := quotas.New(stores.DB, stores.Tables.Quotas).Write(t.Context(), quota.Ask{Name: of, Date: date, N: n}); err != nil {
		t.Fatal(err)
	}
}

// events are the rows that tell of quotas, by what they are of, in short: "2026-11-21 80" is 1.
func events(t testing.TB, stores keytest.Stores) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, row := range stores.AllAudit(t, acct) {
		if row.Action == "account.quota_reached" {
			said := map[string]string{}
			for _, c := range row.Changes {
				said[c.Field] = c.After
			}
			if row.Actor.Role != account.RoleSystem || said["billing_type"] != `"freemium"` || said["group"] != `"other"` || said["used"] == "" || said["quota"] == "" {
				t.Errorf("%+v", row)
			}
			var period string
			_ = json.Unmarshal([]byte(said["period"]), &period)
			found[period+" "+said["threshold"]]++
		}
	}
	return found
}

var (
	today     = keytest.Now.Format(time.DateOnly)
	thisMonth = keytest.Now.Format("2006-01")
)

func wantEvents(t testing.TB, stores keytest.Stores, want ...string) {
	t.Helper()
	got := events(t, stores)
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("told of %v, want %v", got, want)
	}
	for of, n := range got {
		if n != 1 {
			t.Errorf("%s is told %d times", of, n)
		}
	}
}

// TestReachedQuotasAreToldOnce, each part as the counters reach it: 50 and 80 %, and the whole with the first call that is refused for it.
func TestReachedQuotasAreToldOnce(t *testing.T) {
	stores := keytest.Open(t)
	r := limited(t, stores)
	take(t, stores, 100, 0)
	var want []string
	for n, step := range []struct {
		allowed, refused int
		more             []string
	}{
		{49, 0, nil},
		{50, 0, []string{today + " 50"}},
		{79, 0, nil},
		{80, 0, []string{today + " 80"}},
		{100, 0, nil},
		{100, 1, []string{today + " 100"}},
		{100, 20, nil},
	} {
		for range 2 { // each delivery twice, the second by a function that has just begun
			if from := telling(t, stores).invoke(t, spent(fmt.Sprint(n), "one", step.allowed, step.refused)); from != "" {
				t.Fatal(from)
			}
		}
		want = append(want, step.more...)
		wantEvents(t, stores, want...)
	}
	// The late calls of the day before bring the month near its quota, and are told with their own day.
	r.invoke(t, spent("9", "two", 100, 0, 1))
	yesterday := keytest.Now.AddDate(0, 0, -1).Format(time.DateOnly)
	wantEvents(t, stores, append(want, yesterday+" 50", yesterday+" 80", thisMonth+" 50", thisMonth+" 80")...)
}

// TestLateCallsReachNoNumberOfToday: they are of a day that was over when it was set. Their month isn't.
func TestLateCallsReachNoNumberOfToday(t *testing.T) {
	stores := keytest.Open(t)
	take(t, stores, 220, 1)
	r := limited(t, stores, account.QuotaTime{Billing: "freemium", Group: "other", Since: keytest.Now, Day: keytest.Now, Month: keytest.Now})
	if from := r.invoke(t, spent("1", "one", 200, 1, 1)); from != "" {
		t.Fatal(from)
	}
	wantEvents(t, stores, thisMonth+" 50", thisMonth+" 80", thisMonth+" 100")
}

// TestReachedQuotasAreToldOnceByManyConsumers, with lost answers, repeated batches in any order, and runs that end anywhere: what they have
// counted is told, and counted once.
func TestReachedQuotasAreToldOnceByManyConsumers(t *testing.T) {
	seeds := uint64(6)
	if keytest.Deep() {
		seeds = 300
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			stores := keytest.LongStores(t)
			limited(t, stores)
			take(t, stores, 100, 0)
			rnd := rand.New(rand.NewPCG(seed, 3))
			var records []json.RawMessage
			for i := range 12 {
				records = append(records, spent(fmt.Sprint(i), fmt.Sprint("e", i), 8, i/11))
			}
			faulty := stores.With(keytest.AtRandom(seed, 0.02, 0.05, 0.05))
			var group sync.WaitGroup
			for range 3 {
				order := rnd.Perm(len(records))
				shaky := telling(t, faulty)
				group.Go(func() {
					for _, i := range order {
						_, _ = shaky.Invoke(t.Context(), keytest.StreamEvent(records[i]))
					}
				})
			}
			group.Wait()
			// What the stream does with a batch that a run was cut off in: it comes again.
			for _, one := range records {
				for telling(t, faulty).invoke(t, one) != "" {
				}
			}
			if got := events(t, stores); got[today+" 50"] > 1 || got[today+" 80"] > 1 || got[today+" 100"] > 1 || len(got) > 3 {
				t.Errorf("seed %d: %v", seed, got)
			}
			last := telling(t, stores)
			last.invoke(t, records[rnd.IntN(len(records))])
			wantEvents(t, stores, today+" 50", today+" 80", today+" 100")
			if n := last.count(t, 1); n != 96 {
				t.Errorf("seed %d: %d calls are counted, want 96", seed, n)
			}
		})
	}
	t.Logf("%d histories of 3 consumers", seeds)
}

// TestEachThresholdIsToldOnceWhereverARunEnds: each call of the store, of the counters and of what is told, is the last of a run or fails alone, answered or not. A
// batch whose run ended comes again; what a run couldn't tell, and answered for all the same, the job quotas tells within the hour.
func TestEachThresholdIsToldOnceWhereverARunEnds(t *testing.T) {
	keytest.OneAtATime(t)
	places := 0
	for _, ends := range []bool{true, false} {
		for _, fault := range []keytest.Fault{keytest.Before, keytest.After} {
			for n, reached := 1, true; reached; n++ {
				synctest.Test(t, func(t *testing.T) { reached = cutOff(t, ends, fault, n) })
				places++
			}
		}
	}
	t.Logf("%d places at which a run ended or failed", places)
	if places < 30 {
		t.Error("the runs make too few calls to show anything")
	}
}

// cutOff has a consumer take a batch that brings a day, the day before and their month to all of their thresholds, with a fault in the n-th call of the store,
// which is the run's last one if it ends there. It looks at what is told once all has been taken up, and reports whether there was such a call.
func cutOff(t *testing.T, ends bool, fault keytest.Fault, n int) (reached bool) {
	stores := keytest.LongStores(t)
	limited(t, stores)
	take(t, stores, 100, 0)
	take(t, stores, 100, 1)
	batch, yesterday := []json.RawMessage{spent("1", "one", 100, 2, 1), spent("2", "two", 100, 2)}, keytest.Now.AddDate(0, 0, -1) // the first is of yesterday
	faulty := keytest.NewFaults(stores.DB, func(_ string, at int) keytest.Fault {
		switch reached = reached || at >= n; {
		case at == n:
			return fault
		case at > n && ends:
			return keytest.Before
		default:
			return keytest.NoFault
		}
	})
	answer, err := telling(t, keytest.NewStores(faulty, stores.Tables)).Invoke(t.Context(), keytest.StreamEvent(batch...))
	next := telling(t, stores)
	if ends || err != nil || firstFailure(t, answer) != "" {
		next.invoke(t, batch...) // it comes again
	} else if _, err := next.quotas.Tell(t.Context(), acct, []time.Time{yesterday.Truncate(24 * time.Hour), keytest.Now.Truncate(24 * time.Hour)}); err != nil { // the job does
		t.Error(err)
	}
	day := yesterday.Format(time.DateOnly)
	wantEvents(t, stores, today+" 50", today+" 80", today+" 100", day+" 50", day+" 80", day+" 100", thisMonth+" 50", thisMonth+" 80")
	if got := next.count(t, 1); got != 100 {
		t.Errorf("call %d, %d, ends %t: %d calls are counted", n, fault, ends, got)
	}
	return reached
}

// deaf is a control table that can't be read or written.
type deaf struct{ err error }

func (d deaf) Account(context.Context, account.ID) (account.Account, error) {
	return account.Account{}, d.err
}

func (d deaf) ReachThreshold(context.Context, account.ID, usage.Threshold, audit.Row) error {
	return d.err
}

func (d deaf) Announced(context.Context) (control.Announced, error) {
	return control.Announced{}, d.err
}

// TestCountingDoesNotWaitForWhatIsTold: while the control table can't be reached, calls are counted and no batch comes again. What was reached is
// told with the account's next report.
func TestCountingDoesNotWaitForWhatIsTold(t *testing.T) {
	stores := keytest.Open(t)
	r := limited(t, stores)
	alone := telling(t, stores)
	alone.quotas = &thresholds.Teller{Store: deaf{errors.New("down")}, Rows: alone.store, Products: product.Default()}
	if from := alone.invoke(t, spent("1", "one", 90, 0)); from != "" {
		t.Errorf("the batch comes again from %s", from)
	}
	if n := r.count(t, 1); n != 90 {
		t.Errorf("%d calls are counted", n)
	}
	wantEvents(t, stores)
	r.invoke(t, spent("2", "two", 1, 0))
	wantEvents(t, stores, today+" 50", today+" 80")
}

// TestARunThatIsCutOffBehindTheCountingTellsLater: the batch comes again, and has nothing more to count.
func TestARunThatIsCutOffBehindTheCountingTellsLater(t *testing.T) {
	stores := keytest.Open(t)
	r := limited(t, stores)
	batch := spent("1", "one", 90, 0)
	cut := on(stores.DB, stores.Tables.Counters) // it counts, and ends before it tells
	cut.invoke(t, batch)
	wantEvents(t, stores)
	r.invoke(t, batch)
	wantEvents(t, stores, today+" 50", today+" 80")
	if n := r.count(t, 1); n != 90 {
		t.Errorf("%d calls are counted", n)
	}
}
