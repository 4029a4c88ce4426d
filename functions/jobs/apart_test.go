package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// crowded is a set of counters in which each key of one account has called as many classes as it says.
type crowded struct {
	countersStore
	id            account.ID
	keys, classes int
}

func (c crowded) counts(times int) usage.Counts {
	counts := usage.Counts{"c:c:allowed": int64(c.classes * times)}
	for i := range c.classes {
		counts[usage.Dimension(fmt.Sprintf("b:c%d:paying:allowed", i))] = int64(times)
	}
	return counts
}

func (c crowded) KeyRows(ctx context.Context, id account.ID, k apikey.ID, in counters.Range) ([]usage.Row, error) {
	if id != c.id {
		return c.countersStore.KeyRows(ctx, id, k, in)
	}
	rows, err := c.countersStore.KeyRows(ctx, id, k, in)
	return append(rows, usage.Row{Start: in.From, Key: k, Product: "search", Counts: c.counts(1)}), err
}

func (c crowded) AccountRows(ctx context.Context, id account.ID, in counters.Range) ([]usage.Row, error) {
	if id != c.id {
		return c.countersStore.AccountRows(ctx, id, in)
	}
	rows, err := c.countersStore.AccountRows(ctx, id, in)
	return append(rows, usage.Row{Start: in.From, Product: "search", Counts: c.counts(c.keys)}), err
}

func (r *harness) do(t testing.TB, job string) (any, error) {
	t.Helper()
	return r.handle(t.Context(), json.RawMessage(`{"job":"`+job+`"}`))
}

func (r *harness) ids(t testing.TB) []account.ID {
	t.Helper()
	ids, err := r.Control.AccountIDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// TestOneAccountStopsNoOther: one has more rows than a transaction holds, which are written all the same; of one the counters can't be read. The
// others have their final rows at the first run, the run names the one that it lacks, and a later one writes it: the file is what it
// would have been.
func TestOneAccountStopsNoOther(t *testing.T) {
	keytest.OneAtATime(t)
	stores := keytest.LongStores(t)
	r, _ := stocked(t, stores, 9, 2)
	ids := r.ids(t)
	large, bad := ids[1], ids[3]
	each := statements.MostParts*1000/2 + 1
	r.billing.counters = crowded{r.billing.counters, large, 2, each}
	r.at, r.billing.most = february.Settled(), 4
	sound := spoil(t, stores, bad)
	f := &fleet{harness: r}
	for range 2 {
		answer, err := r.do(t, "statements")
		w, _ := answer.(written)
		if !errors.Is(err, dynamo.ErrUnreadable) || !strings.Contains(err.Error(), string(bad)) || !slices.Equal(w.LeftOut, []account.ID{bad}) {
			t.Errorf("%+v, %v", answer, err)
		}
		s := f.state(t, february)
		for _, id := range ids {
			if s.Has(id) == (id == bad) || s.Status != statements.Writing {
				t.Errorf("%s in %+v: %t", id, s, s.Has(id))
			}
		}
	}
	stores.Put(t, stores.Tables.Counters, sound)
	answer, err := r.do(t, "statements")
	if w, _ := answer.(written); err != nil || len(w.Final) != 1 || w.Accounts != 1 {
		t.Errorf("%+v, %v", answer, err)
	}
	s := f.state(t, february)
	rows, err := r.billing.statements.Rows(t.Context(), s, large)
	if err != nil || len(rows) != 2*each+4 || len(s.Left) != 0 {
		t.Errorf("%d rows of the large account, want %d, %v; %v are left", len(rows), 2*each+4, err, s.Left)
	}
}

// TestAMonthIsClosedOverAnAccountThatCannotBeMade: it is final without it. The comparison names the account until it can be read, and what it
// lacks is an adjustment then; meanwhile it stops no other account's.
func TestAMonthIsClosedOverAnAccountThatCannotBeMade(t *testing.T) {
	stores := keytest.LongStores(t)
	r, _ := stocked(t, stores, 4, 1)
	ids := r.ids(t)
	sound := r.billing.statements
	r.billing.statements = partly{sound, func(id account.ID) bool { return id == ids[0] }}
	r.at = february.Settled()
	if answer, err := r.do(t, "statements"); err == nil {
		t.Errorf("%+v", answer)
	}
	f := &fleet{harness: r}
	f.close(t, february)
	if answer, err := r.do(t, "statements"); err != nil {
		t.Errorf("%+v, %v", answer, err)
	}
	if s := f.state(t, february); s.Status != statements.Final || !slices.Equal(s.Left, ids[:1]) {
		t.Errorf("%+v", s)
	}
	r.billing.counters = crowded{r.billing.counters, ids[2], 1, 2_500}
	for n, want := range []int{1, 0} { // what an account has since is adjusted once, in as many items as it takes
		answer, err := r.do(t, "compare")
		if c, _ := answer.(compared); err == nil || c.Failed != 1 || c.Adjusted != want || len(c.Equal) != 0 || c.Accounts != 4 {
			t.Errorf("run %d: %+v, %v", n, answer, err)
		}
	}
	list, err := r.billing.statements.Adjustments(t.Context(), ids[2])
	if err != nil || len(list) < 3 {
		t.Errorf("%d adjustments, %v", len(list), err)
	}
	r.billing.statements = sound
	for n, want := range []int{1, 0} {
		answer, err := r.do(t, "compare")
		if c, _ := answer.(compared); err != nil || c.Adjusted != want || len(c.Equal) != 1-want {
			t.Errorf("run %d: %+v, %v", n, answer, err)
		}
	}
	stated, counted := f.stated(t, february)
	differ(t, "statement, adjustments and counters", stated, counted)
}

// TestATypeOrAKeyThatIsCountedOtherwiseIsAdjusted, although as many calls are counted as before. A key that is purged meanwhile is no difference.
func TestATypeOrAKeyThatIsCountedOtherwiseIsAdjusted(t *testing.T) {
	stores := keytest.LongStores(t)
	r, _ := stocked(t, stores, 3, 2)
	ids := r.ids(t)
	r.at = february.Settled()
	if answer, err := r.do(t, "statements"); err != nil {
		t.Fatalf("%+v, %v", answer, err)
	}
	f := &fleet{harness: r}
	before, _ := f.stated(t, february)
	swapped, purged := map[apikey.ID]apikey.ID{}, apikey.ID("")
	for _, id := range ids {
		_, keys, err := r.reader().AccountKeys(t.Context(), february, id)
		if err != nil || len(keys) != 2 {
			t.Fatalf("%v, %v", keys, err)
		}
		if id == ids[0] {
			swapped = map[apikey.ID]apikey.ID{keys[0]: keys[1], keys[1]: keys[0]}
		}
		purged = keys[0]
	}
	r.billing.counters, r.store = recounted{r.billing.counters, swapped, ids[1]}, purging{r.store, purged}
	for n, want := range []int{2, 0} {
		answer, err := r.do(t, "compare")
		if c, _ := answer.(compared); err != nil || c.Adjusted != want {
			t.Errorf("run %d: %+v, %v", n, answer, err)
		}
	}
	stated, counted := f.stated(t, february)
	for at, n := range before {
		if at.Account == ids[2] && stated[at] != n { // what was said of the purged key stays said
			t.Errorf("%+v: %d, was %d", at, stated[at], n)
		}
	}
	for _, of := range []map[line]int64{stated, counted} {
		maps.DeleteFunc(of, func(at line, _ int64) bool { return at.Account == ids[2] })
	}
	differ(t, "statement, adjustments and counters", stated, counted)
}

// recounted is a set of counters in which two keys have each other's calls, and another account's calls have another type.
type recounted struct {
	countersStore
	swapped map[apikey.ID]apikey.ID
	retyped account.ID
}

func (c recounted) rows(id account.ID, rows []usage.Row) []usage.Row {
	for i, row := range rows {
		if id == c.retyped {
			rows[i].Counts = usage.Counts{}
			for d, n := range row.Counts {
				rows[i].Counts[usage.Dimension(strings.Replace(string(d), ":paying:", ":evaluation:", 1))] = n
			}
		}
	}
	return rows
}

func (c recounted) AccountRows(ctx context.Context, id account.ID, in counters.Range) ([]usage.Row, error) {
	rows, err := c.countersStore.AccountRows(ctx, id, in)
	return c.rows(id, rows), err
}

func (c recounted) KeyRows(ctx context.Context, id account.ID, k apikey.ID, in counters.Range) ([]usage.Row, error) {
	rows, err := c.countersStore.KeyRows(ctx, id, cmp.Or(c.swapped[k], k), in)
	for i := range rows {
		rows[i].Key = k
	}
	return c.rows(id, rows), err
}

// purging is a store from which a key is gone.
type purging struct {
	store
	gone apikey.ID
}

func (p purging) Keys(ctx context.Context, id account.ID, want control.KeyQuery) (control.KeyPage, error) {
	page, err := p.store.Keys(ctx, id, want)
	page.Keys = slices.DeleteFunc(page.Keys, func(k apikey.Key) bool { return k.ID == p.gone })
	return page, err
}
