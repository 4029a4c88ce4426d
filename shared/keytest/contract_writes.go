package keytest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/policies"
)

func idempotent(k apikey.Key, value string, at time.Time) control.Change {
	return control.Change{After: k, Audit: Row(k.Account, "key.create", k.ID), Idempotency: &control.Idempotency{
		Operation: "create", Subject: Subject("owner"), Key: value, BodyHash: "body", At: at,
	}}
}

func idempotencyReplay(t *testing.T, s Stores) {
	a, b := s.NewAccount(t), s.NewAccount(t)
	first, err := s.Control.Commit(t.Context(), idempotent(Key(a.ID), "same", Now))
	must(t, err)
	_, err = s.Control.Commit(t.Context(), idempotent(Key(a.ID), "same", Now.Add(23*time.Hour)))
	var replay *control.Replay
	if !errors.As(err, &replay) || !errors.Is(err, dynamo.ErrReplay) {
		t.Fatalf("got error %v", err)
	}
	want := control.Idempotency{
		Operation: "create", Subject: Subject("owner"), Key: "same", BodyHash: "body", At: Now, Resource: string(first.ID), Version: 1,
	}
	if replay.First != want {
		t.Fatalf("got %+v, want %+v", replay.First, want)
	}
	got, err := s.Control.Remembered(t.Context(), a.ID, "create", Subject("owner"), "same", Now)
	must(t, err)
	if got != want {
		t.Fatalf("remembered %+v, want %+v", got, want)
	}
	// Another account, another person and another operation are independent; so is the next day.
	_, err = s.Control.Commit(t.Context(), idempotent(Key(b.ID), "same", Now))
	must(t, err)
	other := idempotent(Key(a.ID), "same", Now)
	other.Idempotency.Subject = Subject("dev")
	_, err = s.Control.Commit(t.Context(), other)
	must(t, err)
	_, err = s.Control.Remembered(t.Context(), a.ID, "create", Subject("owner"), "same", Now.Add(24*time.Hour))
	wantErr(t, err, dynamo.ErrNotFound)
	_, err = s.Control.Commit(t.Context(), idempotent(Key(a.ID), "same", Now.Add(24*time.Hour)))
	must(t, err)
}

func idempotencyRace(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	create := func(int) error {
		_, err := s.Control.Commit(context.Background(), idempotent(Key(a.ID), "same", Now))
		return err
	}
	if n := race(t, 5, create, dynamo.ErrReplay); n != 1 {
		t.Fatalf("%d keys were created", n)
	}
}

func auditPages(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	k := s.NewKey(t, a)
	var err error
	for range 4 {
		s.NewKey(t, a)
		if k, err = s.Edit(t.Context(), k, "key.edit", func(k *apikey.Key) { k.Name += "x" }); err != nil {
			t.Fatal(err)
		}
	}
	rows := s.AllAudit(t, a.ID)
	if len(rows) != 10 {
		t.Fatalf("%d rows, want 10", len(rows))
	}
	for i := 1; i < len(rows); i++ {
		if rows[i-1].ID <= rows[i].ID {
			t.Fatal("rows aren't newest first")
		}
	}
	var ofKey []string
	for after := ""; ; {
		page, err := s.Control.AuditOfKey(t.Context(), a.ID, k.ID, after, 2)
		must(t, err)
		for _, row := range page.Rows {
			ofKey = append(ofKey, row.Action)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if want := []string{"key.edit", "key.edit", "key.edit", "key.edit", "key.create"}; !reflect.DeepEqual(ofKey, want) {
		t.Fatalf("rows of the key: %q", ofKey)
	}
	row := RowIn(a.ID, "key.edit", k.ID, "name", "before", "after")
	_, err = s.Control.Commit(t.Context(), control.Change{Before: &k, After: k, Audit: row})
	must(t, err)
	if got := s.AllAudit(t, a.ID)[0]; !reflect.DeepEqual(got, row) {
		t.Fatalf("got %+v, want %+v", got, row)
	}
}

func lostAnswers(t *testing.T, s Stores) {
	a := s.NewAccount(t, func(a *account.Account) { a.KeyLimit = 2 })
	// The first answer is lost, the repetition finds the change made.
	once := s.With(OnCall("TransactWriteItems", 1, After))
	k, err := once.Control.Commit(t.Context(), idempotent(Key(a.ID), "v", Now))
	must(t, err)
	// Every answer is lost, the audit row tells.
	always := s.With(func(call string, _ int) Fault {
		if call == "TransactWriteItems" {
			return After
		}
		return NoFault
	})
	edited, err := always.Edit(t.Context(), k, "key.edit", func(k *apikey.Key) { k.Name = "edited" })
	must(t, err)
	got, err := s.Control.Key(t.Context(), a.ID, k.ID)
	must(t, err)
	if !reflect.DeepEqual(got, edited) {
		t.Fatalf("got %+v, want %+v", got, edited)
	}
	// A refusal whose answer is lost stays a refusal.
	_, err = s.With(OnCall("TransactWriteItems", 1, After)).Edit(t.Context(), k, "key.edit", func(k *apikey.Key) { k.Name = "late" })
	wantErr(t, err, dynamo.ErrStale)
	s.NewKey(t, a) // the guard counted one create, once
	if rows := s.AllAudit(t, a.ID); len(rows) != 4 {
		t.Fatalf("%d audit rows, want 4", len(rows))
	}
}

func nothingArrives(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	dead := s.With(func(call string, _ int) Fault {
		if call == "TransactWriteItems" {
			return Before
		}
		return NoFault
	})
	k := Key(a.ID)
	_, err := dead.Control.Commit(t.Context(), control.Change{After: k, Audit: Row(a.ID, "key.create", k.ID)})
	wantErr(t, err, dynamo.ErrUnknown)
	_, err = s.Control.Key(t.Context(), a.ID, k.ID)
	wantErr(t, err, dynamo.ErrNotFound)
}

func conflictsRetried(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	busy := s.With(func(_ string, n int) Fault {
		if n < 3 {
			return Conflict
		}
		return NoFault
	})
	k := Key(a.ID)
	k, err := busy.Control.Commit(t.Context(), control.Change{After: k, Audit: Row(a.ID, "key.create", k.ID)})
	must(t, err)
	s.CheckGate(t, k)
}

// conflictsAreNotStale: of writes without an audit row, one that meets another transaction each time isn't refused as of another version,
// which would say that somebody has written it.
func conflictsAreNotStale(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	k := s.NewKey(t, a)
	must(t, drop(t.Context(), s, Policy(k).Hash))
	unbilled := policies.Encode(Policy(k))
	delete(unbilled, policies.BillingType)
	must(t, PutRaw(t.Context(), s.DB, s.Tables.Gate, unbilled))
	for name, write := range map[string]func(context.Context, *control.Store) error{
		"deployed": func(ctx context.Context, c *control.Store) error {
			return c.Deployed(ctx, control.Announced{}, control.Announced{Version: "v1"})
		},
		"pass": func(ctx context.Context, c *control.Store) error {
			_, err := c.SavePass(ctx, control.Pass{Job: "conflict", Began: Now})
			return err
		},
		"drift": func(ctx context.Context, c *control.Store) error {
			return c.Reconcile(ctx, control.Reconciliation{Report: func(control.Drift) {}, Done: func(control.Place) error { return nil }})
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		always := s.With(func(call string, _ int) Fault {
			if call == "TransactWriteItems" {
				cancel() // nobody waits for another try
			}
			return Conflict
		})
		if err := write(ctx, always.Control); !errors.Is(err, dynamo.ErrConflict) || errors.Is(err, dynamo.ErrStale) {
			t.Errorf("%s, in conflict: %v", name, err)
		}
		if err := write(t.Context(), s.With(OnCall("TransactWriteItems", 1, Conflict)).Control); err != nil {
			t.Errorf("%s, after one conflict: %v", name, err)
		}
	}
}
