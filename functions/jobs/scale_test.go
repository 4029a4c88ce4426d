package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

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
	read atomic.Int64
	peak atomic.Uint64 // bytes of the heap, with what isn't collected yet
}

func (m *fullMonth) AccountIDs(context.Context) ([]account.ID, error) { return m.ids, nil }

func (m *fullMonth) Keys(_ context.Context, id account.ID, q control.KeyQuery) (page control.KeyPage, err error) {
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

// TestManyAccountsAreOneJobsWork: 10,000 accounts and 100,000 keys in the long form, and as many keys of one account. All rows are written, once, and
// the comparison says equal, in three quarters of the memory that the function has; the short form is a thirtieth of it. What it took is in docs/measurements/usage.md.
func TestManyAccountsAreOneJobsWork(t *testing.T) {
	keytest.OneAtATime(t)
	defer debug.SetGCPercent(debug.SetGCPercent(garbage))
	less, most := 30, uint64(32<<20)
	if keytest.Deep() {
		less, most = 1, 384<<20
	}
	for _, of := range []struct{ accounts, keys int }{{10_000, 10}, {1, 100_000}} {
		accounts, keys := max(1, of.accounts/less), of.keys
		if of.accounts == 1 {
			keys /= less
		}
		t.Run(fmt.Sprintf("%d accounts of %d keys", accounts, keys), func(t *testing.T) {
			r := newHarnessOn(t, keytest.LongStores(t))
			m := &fullMonth{store: r.store, countersStore: r.billing.counters, keys: keys}
			for i := range accounts {
				m.ids = append(m.ids, account.ID(fmt.Sprintf("acc_%026d", i)))
			}
			r.store, r.billing.counters = m, m
			r.at = february.Settled()
			rows := 2 * keys * accounts
			for _, job := range []string{"statements", "compare"} {
				runtime.GC()
				m.peak.Store(0)
				began := time.Now()
				answer, err := r.do(t, job)
				took := time.Since(began)
				w, _ := answer.(written)
				c, _ := answer.(compared)
				if err != nil || job == "statements" && (w.Accounts != accounts || w.Rows != rows || len(w.Final) != 1) ||
					job == "compare" && (len(c.Equal) != 1 || c.Accounts != accounts) {
					t.Fatalf("%+v, %v", answer, err)
				}
				t.Logf("%s: %d accounts, %d keys and %d rows in %v, %d MB at most", job, accounts, keys*accounts, rows, took, m.peak.Load()>>20)
				if m.peak.Load() > most {
					t.Errorf("%s: %d MB of memory, and it may take %d", job, m.peak.Load()>>20, most>>20)
				}
			}
		})
	}
}
