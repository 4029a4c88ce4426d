package control_test

import (
	"errors"
	"testing"

	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// lateStores are in memory, and their indexes are one write late, as DynamoDB's are now and then.
func lateStores() keytest.Stores {
	db, tables := keytest.NewMemory()
	db.LateIndexes = true
	return keytest.NewStores(db, tables)
}

// TestWhatALateIndexListsIsWrittenOnlyIfItStillHolds: the jobs list keys by an index, and what they then write states
// the version that they saw.
func TestWhatALateIndexListsIsWrittenOnlyIfItStillHolds(t *testing.T) {
	s := lateStores()
	a := s.NewAccount(t)
	old := s.NewKey(t, a, func(k *apikey.Key) {
		k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret(string(k.ID) + "/0"), EndsAt: keytest.Now, Reason: "other"}
	})
	page, err := s.Control.Due(t.Context(), keytest.Now, "", 10)
	if err != nil || len(page.Keys) != 0 {
		t.Fatalf("a key that was written a moment ago is listed: %v, %v", page.Keys, err)
	}
	revoked, err := s.Edit(t.Context(), old, "key.revoke", func(k *apikey.Key) { k.RevokedAt = keytest.Now })
	if err != nil {
		t.Fatal(err)
	}
	page, err = s.Control.Due(t.Context(), keytest.Now, "", 10)
	if err != nil || len(page.Keys) != 1 || page.Keys[0].Version != old.Version {
		t.Fatalf("the list isn't one write late: %+v, %v", page, err)
	}
	if _, err = s.Edit(t.Context(), page.Keys[0], "key.rotation_end", func(k *apikey.Key) { k.Outgoing = nil }); !errors.Is(err, dynamo.ErrStale) {
		t.Errorf("what a job writes of a key that has changed since: %v", err)
	}
	s.CheckGate(t, revoked)
	if now, err := s.Control.Key(t.Context(), a.ID, old.ID); err != nil || now.RevokedAt.IsZero() {
		t.Errorf("the key: %+v, %v", now, err)
	}
}

// TestAWriteIsSeenByTheNextRead: of the key, its account, its list and audit trail, and the gate. The memory
// answers a read that isn't strongly consistent from one write ago.
func TestAWriteIsSeenByTheNextRead(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	if got, err := s.Control.Account(t.Context(), a.ID); err != nil || got.Version != a.Version {
		t.Errorf("the account: %+v, %v", got, err)
	}
	k := s.NewKey(t, a)
	for _, name := range []string{"one", "two", "three"} {
		var err error
		if k, err = s.Edit(t.Context(), k, "key.edit", func(k *apikey.Key) { k.Name, k.Disabled = name, !k.Disabled }); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Control.Key(t.Context(), a.ID, k.ID); err != nil || got.Name != name {
			t.Errorf("the key after %s: %q, %v", name, got.Name, err)
		}
		page, err := s.Control.Keys(t.Context(), a.ID, control.KeyQuery{Limit: 10})
		if err != nil || len(page.Keys) != 1 || page.Keys[0].Name != name {
			t.Errorf("the list after %s: %+v, %v", name, page, err)
		}
		if got, found, err := s.Gate.Policy(t.Context(), k.Current.Hash); err != nil || !found || got.Version != k.Version || got.Disabled != k.Disabled {
			t.Errorf("the gate after %s: %+v, %v, %v", name, got, found, err)
		}
		if rows := s.AllAudit(t, a.ID); rows[0].Action != "key.edit" {
			t.Errorf("the audit trail after %s: %+v", name, rows[0])
		}
		if found := s.Drifts(t, false); len(found) != 0 {
			t.Errorf("drift after %s: %+v", name, found)
		}
	}
}

// TestALateIndexOfNamesMovesNoKey: what a list by name says of a key is what its record says, and a key is never at a place of a name that it
// hasn't.
func TestALateIndexOfNamesMovesNoKey(t *testing.T) {
	s := lateStores()
	a := s.NewAccount(t)
	var keys []apikey.Key
	for _, name := range []string{"a", "b", "c", "d"} {
		k := s.NewKey(t, a, func(k *apikey.Key) { k.Name = name })
		k, err := s.Edit(t.Context(), k, "key.edit", func(k *apikey.Key) { k.Disabled = true })
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	for i, change := range []func(k *apikey.Key){
		func(k *apikey.Key) { k.Name = "e" }, func(k *apikey.Key) { k.Disabled = false }, func(k *apikey.Key) { k.DeletedAt = keytest.Now },
	} {
		if _, err := s.Edit(t.Context(), keys[i], "key.edit", change); err != nil {
			t.Fatal(err)
		}
	}
	page, err := s.Control.KeysByName(t.Context(), a.ID, control.NameQuery{Limit: 10})
	if err != nil || len(page.Keys) != 2 || page.Keys[0].ID != keys[1].ID || page.Keys[0].Disabled || page.Keys[1].ID != keys[3].ID {
		t.Errorf("%+v, %v", page.Keys, err)
	}
}
