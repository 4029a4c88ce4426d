package figures

import (
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// compared counts the calls of the store that the drift job makes for so many accounts with so many keys each.
func compared(t *testing.T, accounts, keys int) int {
	t.Helper()
	db, tables := keytest.NewMemory()
	counting := &keytest.Counting{DB: db}
	store := control.New(counting, tables.Control, tables.Gate)
	for range accounts {
		a := keytest.Account()
		if _, err := store.CreateAccount(t.Context(), a, keytest.Member(a.ID, "owner", account.Owner), keytest.Row(a.ID, "account.create", "")); err != nil {
			t.Fatal(err)
		}
		for range keys {
			k := keytest.Key(a.ID)
			if _, err := store.Commit(t.Context(), control.Change{After: k, Audit: keytest.Row(a.ID, "key.create", k.ID)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := counting.Calls()
	row := func(id account.ID, key apikey.ID) audit.Row { return keytest.Row(id, "gate.repair", key) }
	all := control.Reconciliation{Row: row, Report: func(d control.Drift) { t.Errorf("drift: %+v", d) }, Done: func(control.Place) error { return nil }}
	if err := store.Reconcile(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return counting.Calls() - before
}

func TestTheDriftJobCallsTheStoreForEachKeyAndAccountAsOftenAsComputed(t *testing.T) {
	one := compared(t, 1, 1)
	if got := compared(t, 1, 21) - one; got != 20*driftPerKey {
		t.Errorf("20 keys more are %d calls more, want %d", got, 20*driftPerKey)
	}
	if got := compared(t, 21, 1) - one; got != 20*(driftPerAccount+driftPerKey) {
		t.Errorf("20 accounts of one key more are %d calls more, want %d", got, 20*(driftPerAccount+driftPerKey))
	}
}
