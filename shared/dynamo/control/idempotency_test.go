package control_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

func remembered(change func(*control.Idempotency)) *control.Idempotency {
	i := &control.Idempotency{Operation: "create", Subject: keytest.Subject("owner"), Key: "k", BodyHash: "body", At: keytest.Now}
	if change != nil {
		change(i)
	}
	return i
}

// TestARequestIsKnownByAllThatMakesItOne: what differs in any of these is another request.
func TestARequestIsKnownByAllThatMakesItOne(t *testing.T) {
	s := keytest.MemoryStores(t)
	a, b := s.NewAccount(t), s.NewAccount(t)
	create := func(id account.ID, i *control.Idempotency) error {
		k := keytest.Key(id)
		_, err := s.Control.Commit(t.Context(), control.Change{After: k, Audit: keytest.Row(id, "key.create", k.ID), Idempotency: i})
		return err
	}
	if err := create(a.ID, remembered(nil)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		account account.ID
		change  func(*control.Idempotency)
		replay  bool
	}{
		"nothing":          {a.ID, nil, true},
		"the body":         {a.ID, func(i *control.Idempotency) { i.BodyHash = "other" }, true}, // for the caller to compare
		"the last second":  {a.ID, func(i *control.Idempotency) { i.At = keytest.Now.Add(24*time.Hour - time.Second) }, true},
		"the account":      {b.ID, nil, false},
		"the operation":    {a.ID, func(i *control.Idempotency) { i.Operation = "rotate" }, false},
		"the person":       {a.ID, func(i *control.Idempotency) { i.Subject.ID = "dev" }, false},
		"the issuer":       {a.ID, func(i *control.Idempotency) { i.Subject.Issuer = "https://other.example" }, false},
		"the key":          {a.ID, func(i *control.Idempotency) { i.Key = "K" }, false},
		"a key and person": {a.ID, func(i *control.Idempotency) { i.Key, i.Subject.ID = "r#k", "owne" }, false},
	} {
		i := remembered(c.change)
		_, err := s.Control.Remembered(t.Context(), c.account, i.Operation, i.Subject, i.Key, i.At)
		if (err == nil) != c.replay || err != nil && !errors.Is(err, dynamo.ErrNotFound) {
			t.Errorf("another in %s: looking it up gives %v", name, err)
		}
		if err := create(c.account, i); errors.Is(err, dynamo.ErrReplay) != c.replay || !c.replay && err != nil {
			t.Errorf("another in %s: writing it gives %v", name, err)
		}
	}
	next := remembered(func(i *control.Idempotency) { i.At = keytest.Now.Add(24 * time.Hour) })
	if err := create(a.ID, next); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

// TestAReplayIsFoundBeforeAnyOtherRuleRefuses: of two at the same moment only the write finds the second, and by then
// the first may have changed whatever a rule looks at.
func TestAReplayIsFoundBeforeAnyOtherRuleRefuses(t *testing.T) {
	for name, then := range map[string]func(keytest.Stores, account.Account, apikey.Key) error{
		"full": func(s keytest.Stores, a account.Account, _ apikey.Key) error {
			full := a
			full.KeyLimit = 1
			_, err := s.Control.UpdateAccount(t.Context(), a, full, keytest.Row(a.ID, "account.edit", ""))
			return err
		},
		"closing": func(s keytest.Stores, a account.Account, _ apikey.Key) error {
			closing := a
			closing.Closing = true
			_, err := s.Control.UpdateAccount(t.Context(), a, closing, keytest.Row(a.ID, "account.edit", ""))
			return err
		},
		"retyping": func(s keytest.Stores, a account.Account, _ apikey.Key) error {
			retyping := a
			retyping.PendingType = account.SelfServe
			_, err := s.Control.UpdateAccount(t.Context(), a, retyping, keytest.Row(a.ID, "account.edit", ""))
			return err
		},
		"changed": func(s keytest.Stores, _ account.Account, k apikey.Key) error {
			_, err := s.Edit(t.Context(), k, "key.edit", func(k *apikey.Key) { k.Name = "Other" })
			return err
		},
		"revoked": func(s keytest.Stores, _ account.Account, k apikey.Key) error {
			_, err := s.Edit(t.Context(), k, "key.revoke", func(k *apikey.Key) { k.RevokedAt = keytest.Now })
			return err
		},
		"deleted": func(s keytest.Stores, _ account.Account, k apikey.Key) error {
			_, err := s.Edit(t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now })
			return err
		},
		"purged": func(s keytest.Stores, _ account.Account, k apikey.Key) error {
			k, err := s.Edit(t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now })
			if err == nil {
				err = s.Control.Purge(t.Context(), k, keytest.Row(k.Account, "key.purge", k.ID))
			}
			return err
		},
	} {
		s := keytest.MemoryStores(t)
		a := s.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
		k := keytest.Key(a.ID)
		k.AccountType, k.BillingType = account.Enterprise, apikey.Paying
		create := control.Change{After: k, Idempotency: remembered(nil)}
		edit := control.Change{Before: &k, After: k, Idempotency: remembered(func(i *control.Idempotency) { i.Operation = "rotate" })}
		ask, _ := request(t, s)
		ask.Account, ask.KeyID = a.ID, k.ID
		submit := func() error {
			return s.Control.SubmitRequest(t.Context(), ask, remembered(func(i *control.Idempotency) { i.Operation = "qps" }), keytest.Row(a.ID, "qps.submit", k.ID))
		}
		made := func(c control.Change) error {
			c.Audit = keytest.Row(a.ID, "key.change", k.ID)
			_, err := s.Control.Commit(t.Context(), c)
			return err
		}
		if err := errors.Join(made(create), made(edit), submit()); err != nil {
			t.Fatal(err)
		}
		k.Version = 2
		if err := then(s, a, k); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		k.Version = 1
		before := s.Dump(t)
		for i, err := range []error{made(create), made(edit), submit()} {
			var replay *control.Replay
			want := []string{fmt.Sprint(k.ID, 1), fmt.Sprint(k.ID, 2), fmt.Sprint(ask.ID, 1)}[i]
			if !errors.As(err, &replay) || fmt.Sprint(replay.First.Resource, replay.First.Version) != want {
				t.Errorf("%s: repeating request %d gives %v", name, i, err)
			}
		}
		if items := keytest.Written(before, s.Dump(t)); len(items) > 0 {
			t.Errorf("%s: replays wrote %v", name, items)
		}
	}
}
