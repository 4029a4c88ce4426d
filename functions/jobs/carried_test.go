package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage/statement"
)

// without is a control table that doesn't list an account, as one that was restored to an older instant.
type without struct {
	store
	gone account.ID
}

func (w without) AccountIDs(ctx context.Context) ([]account.ID, error) {
	ids, err := w.store.AccountIDs(ctx)
	return slices.DeleteFunc(ids, func(id account.ID) bool { return id == w.gone }), err
}

// standing counts the calls of February in the statement of each later month of an account, and fails unless that is final.
func (f *fleet) standing(t testing.TB, id account.ID, months ...statement.Month) (calls []int64) {
	t.Helper()
	for _, m := range months {
		s := f.state(t, m)
		rows, err := statements.New(f.DB, f.Tables.Statements).Rows(t.Context(), s, id)
		if err != nil || s.Status != statements.Final {
			t.Fatalf("%+v, %v", s, err)
		}
		n := int64(0)
		for _, r := range rows {
			if r.Adjusts == february {
				n += r.Allowed()
			}
		}
		calls = append(calls, n)
	}
	return calls
}

// TestEveryAdjustmentStandsInOneStatement of its account, whatever the month in which it came was closed over: the first that is written of the account from then
// on, be it that the next month's was written before.
func TestEveryAdjustmentStandsInOneStatement(t *testing.T) {
	april, may, june := march+1, march+2, march+3
	write := func(t *testing.T, r *harness, at time.Time) { // an error names who is left
		r.at = at
		r.daily(t)
		_, _ = r.do(t, "statements")
	}
	hiding := func(t *testing.T, r *harness, id account.ID, within func()) {
		sound := r.billing.statements
		r.billing.statements = partly{sound, func(of account.ID) bool { return of == id }}
		within()
		r.billing.statements = sound
	}
	for name, c := range map[string]struct {
		do   func(*testing.T, *fleet, account.ID)
		want []int64 // from March on
	}{
		"closed over nothing": {func(*testing.T, *fleet, account.ID) {}, []int64{1, 0, 0, 0}},
		"closed over the account": {func(t *testing.T, f *fleet, id account.ID) {
			f.close(t, march)
			hiding(t, f.harness, id, func() { write(t, f.harness, march.Settled()) })
		}, []int64{0, 1, 0, 0}},
		"two months closed over the account": {func(t *testing.T, f *fleet, id account.ID) {
			f.close(t, march)
			f.close(t, april)
			hiding(t, f.harness, id, func() { write(t, f.harness, april.Settled()) })
		}, []int64{0, 0, 1, 0}},
		"an account that wasn't listed": {func(t *testing.T, f *fleet, id account.ID) {
			sound := f.store
			f.store = without{sound, id}
			write(t, f.harness, march.Settled())
			f.store = sound
		}, []int64{0, 1, 0, 0}},
		"closed when the next month is written": {func(t *testing.T, f *fleet, id account.ID) {
			if err := f.billing.notes.Miss(t.Context(), march, statements.Missed{ID: "report x", At: march.End()}); err != nil {
				t.Fatal(err)
			}
			write(t, f.harness, april.Settled())
			if f.state(t, march).Status != statements.Open || f.state(t, april).Status != statements.Final {
				t.Fatalf("%+v, %+v", f.state(t, march), f.state(t, april))
			}
			f.close(t, march)
			hiding(t, f.harness, id, func() { write(t, f.harness, april.Settled()) })
		}, []int64{0, 0, 1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			r := final(t, keytest.LongStores(t), 2, 2)
			f, id := &fleet{harness: r}, r.ids(t)[0]
			r.at = march.Begin().AddDate(0, 0, 20)
			if answer, err := r.do(t, "compare"); err != nil || answer.(compared).Adjusted != 2 {
				t.Fatalf("%+v, %v", answer, err)
			}
			c.do(t, f, id)
			for m := march; m <= june; m++ {
				write(t, r, m.Settled())
			}
			write(t, r, june.Settled())
			if got := f.standing(t, id, march, april, may, june); !slices.Equal(got, c.want) {
				t.Errorf("in the statements from March on: %v, want %v", got, c.want)
			}
			if got := f.standing(t, r.ids(t)[1], march, april, may, june); !slices.Equal(got, []int64{1, 0, 0, 0}) {
				t.Errorf("of the other account: %v", got)
			}
		})
	}
}

// TestOfTwoMonthsOneCarriesAnAdjustment: both are written at the same moment.
func TestOfTwoMonthsOneCarriesAnAdjustment(t *testing.T) {
	stores := keytest.LongStores(t)
	r := final(t, stores, 1, 1)
	f, id := &fleet{harness: r}, r.ids(t)[0]
	kept := statements.New(stores.DB, stores.Tables.Statements)
	r.at = march.Begin().AddDate(0, 0, 20)
	if answer, err := r.do(t, "compare"); err != nil || answer.(compared).Adjusted != 1 {
		t.Fatalf("%+v, %v", answer, err)
	}
	f.close(t, march)
	sound := r.billing.statements
	r.billing.statements = partly{sound, func(account.ID) bool { return true }}
	r.at = march.Settled()
	if answer, err := r.do(t, "statements"); err != nil {
		t.Fatalf("%+v, %v", answer, err)
	}
	tables := map[statement.Month]statements.Table{}
	for _, m := range []statement.Month{march + 1, march + 2} {
		rows, carried, err := kept.Standing(t.Context(), m, id)
		if err != nil || len(rows) != 1 {
			t.Fatalf("%v, %v", rows, err)
		}
		table, err := statements.NewTable(statement.Columns(), m, id, rows)
		if err != nil {
			t.Fatal(err)
		}
		tables[m] = table.Carrying(carried)
	}
	saved := 0
	for m, table := range tables {
		s, err := kept.State(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		next := s
		next.Status, next.Columns, next.After, next.Rows = statements.Writing, statement.Columns(), id, 1
		if _, err := kept.Save(t.Context(), s, next, table); err == nil {
			saved++
		}
	}
	if saved != 1 {
		t.Errorf("%d of two months have it", saved)
	}
}
