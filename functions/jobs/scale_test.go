package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// fullMonth is accounts and keys that are made as they are read, and their counters: each key has the same calls on each day of the month, under two
// billing types. It also looks how much memory is in use meanwhile.
type fullMonth struct {
	store
	countersStore
	ids  []account.ID
	keys int // of each account
	wait func()
	read atomic.Int64
	peak atomic.Uint64 // bytes of the heap, with what isn't collected yet
}

func (m *fullMonth) AccountIDs(context.Context) ([]account.ID, error) {
	for range 1 + len(m.ids)/100 {
		m.wait()
	}
	return m.ids, nil
}

func (m *fullMonth) Keys(_ context.Context, id account.ID, q control.KeyQuery) (page control.KeyPage, err error) {
	m.wait()
	begin := 0
	if q.After != "" {
		_, _ = fmt.Sscanf(string(q.After[len(q.After)-6:]), "%d", &begin)
		begin++
	}
	end := min(m.keys, begin+100)
	for i := begin; i < end; i++ {
		page.Keys = append(page.Keys, apikey.Key{ID: apikey.ID(fmt.Sprintf("key_%s%06d", id[4:24], i)), Account: id})
	}
	if end < m.keys {
		page.Next = page.Keys[len(page.Keys)-1].ID
	}
	return page, nil
}

func (m *fullMonth) rows(in counters.Range, k apikey.ID, n int64) (rows []usage.Row) {
	m.wait()
	if m.read.Add(1)%500 == 0 {
		m.look()
	}
	for day := range february.End().AddDate(0, 0, -1).Day() {
		rows = append(rows, usage.Row{Start: in.From.AddDate(0, 0, day), Key: k, Product: "search", Counts: usage.Counts{
			"c:c:allowed": 5 * n, "b::paying:allowed": 3 * n, "b::free:allowed": 2 * n,
		}})
	}
	return rows
}

func (m *fullMonth) KeyRows(_ context.Context, _ account.ID, k apikey.ID, in counters.Range) ([]usage.Row, error) {
	return m.rows(in, k, 1), nil
}

func (m *fullMonth) AccountRows(_ context.Context, _ account.ID, in counters.Range) ([]usage.Row, error) {
	return m.rows(in, "", int64(m.keys)), nil
}

func (m *fullMonth) look() {
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	for {
		before := m.peak.Load()
		if now.HeapInuse <= before || m.peak.CompareAndSwap(before, now.HeapInuse) {
			return
		}
	}
}

// aCall is the time of a call of the store in the test's own clock: twice what docs/measurements/usage.md reckons with.
const aCall = 10 * time.Millisecond

// slow is a table of which each call takes its time.
type slow struct {
	keytest.DB
	wait func()
}

func (s slow) GetItem(ctx context.Context, in *dynamodb.GetItemInput, of ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	s.wait()
	return s.DB.GetItem(ctx, in, of...)
}

func (s slow) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, of ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	s.wait()
	return s.DB.BatchGetItem(ctx, in, of...)
}

func (s slow) PutItem(ctx context.Context, in *dynamodb.PutItemInput, of ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	s.wait()
	return s.DB.PutItem(ctx, in, of...)
}

func (s slow) Query(ctx context.Context, in *dynamodb.QueryInput, of ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	s.wait()
	return s.DB.Query(ctx, in, of...)
}

func (s slow) Scan(ctx context.Context, in *dynamodb.ScanInput, of ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	s.wait()
	return s.DB.Scan(ctx, in, of...)
}

func (s slow) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, of ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	s.wait()
	return s.DB.TransactWriteItems(ctx, in, of...)
}

// declared reads the function's memory and time from the template.
func declared(t testing.TB) (memory uint64, timeout time.Duration) {
	t.Helper()
	raw, err := os.ReadFile("../../template.yaml")
	found := regexp.MustCompile(`(?s)\n  JobsFunction:\n.*?MemorySize: (\d+)\n +Timeout: (\d+)\n`).FindSubmatch(raw)
	if err != nil || len(found) != 3 {
		t.Fatalf("%v: the template says nothing of JobsFunction", err)
	}
	megabytes, _ := strconv.Atoi(string(found[1]))
	seconds, _ := strconv.Atoi(string(found[2]))
	return uint64(megabytes) << 20, time.Duration(seconds) * time.Second //nolint:gosec // small
}

// TestManyAccountsAreOneJobsWork: 10,000 accounts and 100,000 keys in the long form, and as many keys of one account. All rows are written, once, and
// the comparison says equal, in three quarters of the memory that the function has, and in half of its time where each call of the store takes 10 ms and the processor nothing: the other half is
// for that. The clock is the test's own, so how busy the machine is doesn't matter. The short form is a thirtieth of it all. What it took is in docs/measurements/usage.md.
func TestManyAccountsAreOneJobsWork(t *testing.T) {
	keytest.OneAtATime(t)
	defer debug.SetGCPercent(debug.SetGCPercent(garbage))
	memory, timeout := declared(t)
	less, most := 30, uint64(32<<20)
	if keytest.Deep() {
		less, most = 1, memory*3/4
	}
	for _, of := range []struct{ accounts, keys int }{{10_000, 10}, {1, 100_000}} {
		accounts, keys := max(1, of.accounts/less), of.keys
		if of.accounts == 1 {
			keys /= less
		}
		t.Run(fmt.Sprintf("%d accounts of %d keys", accounts, keys), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { manyAccounts(t, accounts, keys, most, timeout/2/time.Duration(less)) })
		})
	}
}

func manyAccounts(t *testing.T, accounts, keys int, memory uint64, most time.Duration) {
	calls := atomic.Int64{}
	wait := func() {
		calls.Add(1)
		time.Sleep(aCall)
	}
	stores := keytest.LongStores(t)
	r := newHarnessOn(t, keytest.NewStores(slow{stores.DB, wait}, stores.Tables))
	m := &fullMonth{store: r.store, countersStore: r.billing.counters, keys: keys, wait: wait}
	for i := range accounts {
		m.ids = append(m.ids, account.ID(fmt.Sprintf("acc_%026d", i)))
	}
	r.store, r.billing.counters = m, m
	r.at = february.Settled()
	rows := 2 * keys * accounts
	for _, job := range []string{"statements", "compare"} {
		runtime.GC()
		m.peak.Store(0)
		calls.Store(0)
		began := time.Now()
		answer, err := r.do(t, job)
		took := time.Since(began)
		w, _ := answer.(written)
		c, _ := answer.(compared)
		if err != nil || job == "statements" && (w.Accounts != accounts || w.Rows != rows || len(w.Final) != 1) ||
			job == "compare" && (len(c.Equal) != 1 || c.Accounts != accounts) {
			t.Fatalf("%+v, %v", answer, err)
		}
		t.Logf("%s: %d accounts, %d keys and %d rows in %d calls and %v of them, %d MB at most", job, accounts, keys*accounts, rows, calls.Load(), took, m.peak.Load()>>20)
		if m.peak.Load() > memory {
			t.Errorf("%s: %d MB of memory, and it may take %d", job, m.peak.Load()>>20, memory>>20)
		}
		if took > most || calls.Load() < int64(accounts*keys) {
			t.Errorf("%s: %v for %d calls of the store, and it may take %v", job, took, calls.Load(), most)
		}
	}
}
