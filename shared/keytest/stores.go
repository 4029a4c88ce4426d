package keytest

import (
	"context"
	"errors"
	"maps"
	"os"
	"reflect"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/policies"
)

// Stores is a DynamoDB with the project's tables, and the stores on it.
type Stores struct {
	DB      DB
	Tables  dynamo.Tables
	Control *control.Store
	Gate    *policies.Reader
}

// MemoryStores is in memory and reads in pages of three, so that nobody gets away with reading one page.
func MemoryStores(testing.TB) Stores {
	db, tables := NewMemory()
	db.PageSize = 3
	return NewStores(db, tables)
}

// LongStores is in memory and reads in pages as long as they are asked for, for lists that have to be long.
func LongStores(testing.TB) Stores {
	db, tables := NewMemory()
	return NewStores(db, tables)
}

// Open gives empty stores: in memory, or on the real engine with LATCHKEY_STORE=engine. Handler tests stand on it; what
// needs one of the two says so by MemoryStores or EngineStores.
func Open(t testing.TB) Stores {
	t.Helper()
	switch choice := os.Getenv("LATCHKEY_STORE"); choice {
	case "", "memory":
		return MemoryStores(t)
	case "engine":
		return EngineStores(t)
	default:
		t.Fatalf("LATCHKEY_STORE is %q, want memory or engine", choice)
		return Stores{}
	}
}

// EngineStores is on the real engine, in tables of its own.
func EngineStores(t testing.TB) Stores {
	t.Helper()
	db, tables := Engine(t)
	return NewStores(db, tables)
}

// NewStores puts the stores on a DynamoDB.
func NewStores(db DB, tables dynamo.Tables) Stores {
	return Stores{
		DB: db, Tables: tables,
		Control: control.New(db, tables.Control, tables.Gate), Gate: policies.New(db, tables.Gate),
	}
}

// With is the same data behind a connection with faults.
func (s Stores) With(choose func(call string, n int) Fault) Stores {
	return NewStores(NewFaults(s.DB, choose), s.Tables)
}

// NewAccount writes an open account whose owner is the person "owner".
func (s Stores) NewAccount(t testing.TB, options ...func(*account.Account)) account.Account {
	t.Helper()
	a := Account(options...)
	a, err := s.Control.CreateAccount(t.Context(), a, Member(a.ID, "owner", account.Owner), Row(a.ID, "account.create", ""))
	if err != nil {
		t.Fatalf("creating an account: %v", err)
	}
	return a
}

// NewOperator writes an operator: the first one, or one that an admin among those who are there adds.
func (s Stores) NewOperator(t testing.TB, o control.Operator) {
	t.Helper()
	row := Row("", "operator.add", "")
	err := s.Control.AddFirstOperator(t.Context(), o, row)
	if errors.Is(err, dynamo.ErrExists) {
		var there control.OperatorPage
		there, err = s.Control.Operators(t.Context(), "", 0)
		for _, admin := range there.Operators {
			if admin.Rank == account.Admin {
				err = s.Control.AddOperator(t.Context(), o, admin.Subject, row)
				break
			}
		}
	}
	if err != nil {
		t.Fatalf("adding an operator: %v", err)
	}
}

// NewKey writes an active key.
func (s Stores) NewKey(t testing.TB, a account.Account, options ...func(*apikey.Key)) apikey.Key {
	t.Helper()
	k := Key(a.ID, append([]func(*apikey.Key){func(k *apikey.Key) { k.AccountType = a.Type }}, options...)...)
	k, err := s.Control.Commit(t.Context(), control.Change{After: k, Audit: Row(a.ID, "key.create", k.ID)})
	if err != nil {
		t.Fatalf("creating a key: %v", err)
	}
	return k
}

// CloseAccount closes an account as its owner, the person "owner".
func (s Stores) CloseAccount(ctx context.Context, id account.ID) (account.Account, error) {
	a, err := s.Control.Account(ctx, id)
	if err != nil {
		return a, err
	}
	row := func(action string, key apikey.ID) audit.Row { return Row(id, action, key) }
	return s.Control.Close(ctx, a, Now, row)
}

// Edit commits a change to a key.
func (s Stores) Edit(ctx context.Context, before apikey.Key, action string, change func(*apikey.Key)) (apikey.Key, error) {
	after := before
	change(&after)
	return s.Control.Commit(ctx, control.Change{Before: &before, After: after, Audit: Row(before.Account, action, before.ID)})
}

// AllAudit reads all audit rows of an account, the newest first.
func (s Stores) AllAudit(t testing.TB, id account.ID) (rows []audit.Row) {
	t.Helper()
	for after := ""; ; {
		page, err := s.Control.AuditOfAccount(context.Background(), id, after, 50)
		if err != nil {
			t.Fatalf("reading the audit rows: %v", err)
		}
		rows = append(rows, page.Rows...)
		if after = page.Next; after == "" {
			return rows
		}
	}
}

// CheckGate fails the test unless the gate says of a key's secrets exactly what the key says.
func (s Stores) CheckGate(t testing.TB, k apikey.Key) {
	t.Helper()
	for _, want := range authz.PoliciesOf(k) {
		got, found, err := s.Gate.Policy(context.Background(), want.Hash)
		if err != nil || !found {
			t.Fatalf("policy record of %s: found %v, %v", k.ID, found, err)
		}
		if !reflect.DeepEqual(policies.Encode(got), policies.Encode(want)) {
			t.Fatalf("policy record of %s:\n got %+v\nwant %+v", k.ID, got, want)
		}
	}
}

// Drifts compares both tables and returns the differences.
func (s Stores) Drifts(t testing.TB, repair bool) (found []control.Drift) {
	t.Helper()
	row := func(id account.ID, key apikey.ID) audit.Row { return Row(id, "gate.repair", key) }
	err := s.Control.Reconcile(context.Background(), control.Reconciliation{
		Repair: repair, Row: row, Report: func(d control.Drift) { found = append(found, d) }, Done: func(control.Place) error { return nil },
	})
	if err != nil {
		t.Fatalf("reconciling: %v", err)
	}
	return found
}

// IndexNames notes that all keys have their places by name, as the comparison of the tables does once it has gone by all of them.
func (s Stores) IndexNames(t testing.TB) {
	t.Helper()
	p, err := s.Control.Pass(context.Background(), control.DriftJob)
	if err == nil {
		p.Began, p.Ended, p.Named = Now, Now, true
		_, err = s.Control.SavePass(context.Background(), p)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// NewKeys puts n copies of a key into its account, each made after the one before, and returns the ID of the last. They are
// items of the table and nothing more, for lists that have to be long.
func (s Stores) NewKeys(t testing.TB, k apikey.Key, n int) (last apikey.ID) {
	t.Helper()
	for _, item := range s.Items(t, s.Tables.Control) {
		if sk, _ := dynamo.GetS(item, "sk"); sk != "KEY#"+string(k.ID) {
			continue
		}
		for range n {
			last = KeyID()
			next := maps.Clone(item)
			next["sk"], next["id"] = dynamo.S("KEY#"+string(last)), dynamo.S(string(last))
			k.ID = last
			next["nsk"] = dynamo.S(k.PlaceByName())
			s.Put(t, s.Tables.Control, next)
		}
	}
	return last
}
