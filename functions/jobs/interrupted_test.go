package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/shared/authz"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// stocked is a store with accounts, keys and their calls in February: more accounts than one transaction takes.
func stocked(t testing.TB, stores keytest.Stores, accounts, keys int) (*harness, map[line]int64) {
	t.Helper()
	f := newFleet(t, newHarnessOn(t, stores), accounts, keys, 1)
	f.now = february.Begin().Add(100 * time.Hour)
	for i, k := range f.keys {
		for range 1 + i%3 {
			f.decide(f.tallies[0], k, "search", "", "paying", authz.Allowed)
		}
		f.decide(f.tallies[0], k, "map-display", ".tiles", "free", authz.QPSExceeded)
		if i%50 == 49 || i == len(f.keys)-1 {
			contributions, newest := usage.Coalesce(f.tallies[0].Report(f.now), f.now)
			for _, part := range usage.Batches(contributions, newest, counters.MaxItems) {
				stored, err := f.counters.Read(t.Context(), part.Items())
				if err == nil {
					err = f.counters.Write(t.Context(), usage.Fold(stored, part))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			f.tallies[0] = usage.NewTally(fmt.Sprint("stock", i))
		}
	}
	return f.harness, f.month(february)
}

// TestARunThatIsInterruptedAnywhereIsTakenUp: each call of the store is the last of a run, answered or not. The statement is the same, byte by byte.
func TestARunThatIsInterruptedAnywhereIsTakenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stores := keytest.LongStores(t)
		_, want := stocked(t, stores, 5, 1)
		items := map[string]int{}
		first := ""
		for n := 1; ; n++ {
			// Each time in an empty table of its own, beside the same counters.
			kept, tables := keytest.NewMemory()
			own := keytest.NewStores(kept, tables)
			stop := 0
			faulty := keytest.NewFaults(own.DB, func(string, int) keytest.Fault {
				if stop++; stop > n+1 {
					return keytest.Before
				}
				if stop == n+1 {
					return keytest.After
				}
				return keytest.NoFault
			})
			run := func(db keytest.DB) error {
				r := newHarnessOn(t, stores)
				r.billing.statements, r.billing.notes = statements.New(db, tables.Statements), statements.New(db, tables.Statements)
				r.billing.most = 2
				r.at = february.Settled().Add(time.Hour)
				_, err := r.handle(t.Context(), json.RawMessage(`{"job":"statements"}`))
				return err
			}
			err := run(faulty)
			for range 3 {
				if run(own.DB) == nil {
					break
				}
			}
			s, readErr := statements.New(own.DB, tables.Statements).State(t.Context(), february)
			if readErr != nil || s.Status != statements.Final {
				t.Fatalf("after call %d: %+v, %v", n, s, readErr)
			}
			if first == "" {
				first = s.SHA256
			}
			if s.SHA256 != first || s.Rows != int64(len(want)) {
				t.Errorf("interrupted at call %d: %d rows, want %d; %s, want %s", n, s.Rows, len(want), s.SHA256, first)
			}
			items[s.SHA256]++
			if err == nil {
				break // the run came to its end before the fault
			}
			if n > 500 {
				t.Fatal("no end")
			}
		}
		if len(items) != 1 {
			t.Errorf("%v", items)
		}
	})
}

// TestRunsThatOverlapWriteOneStatement: each run is overtaken by another one before each of its writes.
func TestRunsThatOverlapWriteOneStatement(t *testing.T) {
	stores := keytest.LongStores(t)
	r, want := stocked(t, stores, 12, 1)
	r.at, r.billing.most = february.Settled(), 5
	other := newHarnessOn(t, stores)
	other.at, other.billing.most = r.at, 4
	r.billing.statements = overtakenStatements{r.billing.statements, func() {
		if _, err := other.handle(context.WithoutCancel(t.Context()), json.RawMessage(`{"job":"statements"}`)); err != nil {
			t.Error(err)
		}
	}}
	if _, err := r.handle(t.Context(), json.RawMessage(`{"job":"statements"}`)); err != nil {
		t.Fatal(err)
	}
	f := &fleet{harness: other}
	stated, _ := f.stated(t, february)
	differ(t, "statement", stated, want)
	s := f.state(t, february)
	sha, rows, err := r.billing.statements.Digest(t.Context(), s)
	if err != nil || sha != s.SHA256 || rows != s.Rows {
		t.Errorf("%s, %d rows, %v; want %+v", sha, rows, err, s)
	}
}

type overtakenStatements struct {
	statementStore
	first func()
}

func (o overtakenStatements) Save(ctx context.Context, before, after statements.State, tables ...statements.Table) (statements.State, error) {
	o.first()
	return o.statementStore.Save(ctx, before, after, tables...)
}

// TestARunThatHasNoTimeLeftIsTakenUp by the next one, which needn't begin again.
func TestARunThatHasNoTimeLeftIsTakenUp(t *testing.T) {
	stores := keytest.LongStores(t)
	r, want := stocked(t, stores, 13, 1)
	r.at, r.billing.most = february.Settled(), 4
	ctx, cancel := context.WithCancel(t.Context())
	r.billing.statements = overtakenStatements{r.billing.statements, func() {
		if s, err := r.billing.statements.(overtakenStatements).State(context.WithoutCancel(ctx), february); err == nil && s.After != "" {
			cancel()
		}
	}}
	answer, err := r.handle(ctx, json.RawMessage(`{"job":"statements"}`))
	w, _ := answer.(written)
	if err == nil && !w.More {
		t.Fatalf("%+v, %v", answer, err)
	}
	next := newHarnessOn(t, stores)
	next.at = r.at
	answer, err = next.handle(t.Context(), json.RawMessage(`{"job":"statements"}`))
	w, _ = answer.(written)
	if err != nil || len(w.Final) != 1 || w.Accounts >= 13 {
		t.Fatalf("%+v, %v", answer, err)
	}
	stated, _ := (&fleet{harness: next}).stated(t, february)
	differ(t, "statement", stated, want)
}

// TestCountersThatCannotBeReadStopTheMonth, and no other, until an admin closes it over them.
func TestCountersThatCannotBeReadStopTheMonth(t *testing.T) {
	stores := keytest.LongStores(t)
	r, _ := stocked(t, stores, 3, 1)
	ids, err := r.Control.AccountIDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spoil(t, stores, ids[1])
	r.at = february.Settled()
	if answer, err := r.handle(t.Context(), json.RawMessage(`{"job":"statements"}`)); err == nil {
		t.Errorf("%+v", answer)
	}
	f := &fleet{harness: r}
	if s := f.state(t, february); s.Status == statements.Final {
		t.Errorf("%+v", s)
	}
	f.close(t, february)
	if _, err := r.handle(t.Context(), json.RawMessage(`{"job":"statements"}`)); err != nil {
		t.Error(err)
	}
	if s := f.state(t, february); s.Status != statements.Final {
		t.Errorf("%+v", s)
	}
}

// TestWhatIsStoredOfAFinalStatementIsWatched: an item that somebody has changed fails the comparison.
func TestWhatIsStoredOfAFinalStatementIsWatched(t *testing.T) {
	stores := keytest.LongStores(t)
	r, _ := stocked(t, stores, 2, 1)
	r.at = february.Settled()
	if _, err := r.handle(t.Context(), json.RawMessage(`{"job":"statements"}`)); err != nil {
		t.Fatal(err)
	}
	for _, item := range stores.Items(t, stores.Tables.Statements) {
		if item["z"] != nil {
			item["z"] = packed([]byte("2026-02,changed\n"))
			stores.Put(t, stores.Tables.Statements, item)
			break
		}
	}
	if answer, err := r.handle(t.Context(), json.RawMessage(`{"job":"compare"}`)); !errors.Is(err, errAltered) {
		t.Errorf("%+v, %v", answer, err)
	}
}

// The alarms are evaluated in infra/contract, on what is kept here.
func TestTheJobsMeasureWhatTheirAlarmsAreFor(t *testing.T) {
	stores := keytest.LongStores(t)
	r, _ := stocked(t, stores, 2, 1)
	if err := r.billing.notes.Miss(t.Context(), february, statements.Missed{ID: "report x", At: keytest.Now}); err != nil {
		t.Fatal(err)
	}
	do := func(job string) {
		r.at = keytest.Now
		r.forget()
		r.source.Now = func() time.Time { return february.Settled() }
		if _, err := r.handle(t.Context(), json.RawMessage(`{"job":"`+job+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
	do("statements")
	keytest.KeepMetrics(t, "StatementsWaiting", atTestTime(r.out.String()))
	(&fleet{harness: r}).close(t, february)
	do("statements")
	more, _ := stocked(t, stores, 1, 1)
	_ = more
	do("compare")
	keytest.KeepMetrics(t, "StatementsDiffer", atTestTime(r.out.String()))
}
