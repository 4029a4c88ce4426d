package main

import (
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// TestARepeatedCreateIsReplayedWhateverHasChangedSince: the record of the first request is looked at before any other
// rule.
func TestARepeatedCreateIsReplayedWhateverHasChangedSince(t *testing.T) {
	for name, then := range map[string]func(*harness, apikey.Key) error{
		"nothing": func(*harness, apikey.Key) error { return nil },
		"the account is full": func(r *harness, _ apikey.Key) error {
			return r.changeAccount(t, func(a *account.Account) { a.KeyLimit = 1 })
		},
		"the account's type is changing": func(r *harness, _ apikey.Key) error {
			return r.changeAccount(t, func(a *account.Account) { a.PendingType = account.Enterprise })
		},
		"the account is closing": func(r *harness, _ apikey.Key) error {
			return r.changeAccount(t, func(a *account.Account) { a.Closing = true })
		},
		"the expiry has passed": func(r *harness, _ apikey.Key) error { r.Clock.Advance(2 * time.Hour); return nil },
		"the key is renamed": func(r *harness, k apikey.Key) error {
			_, err := r.Edit(t.Context(), k, "key.edit", func(k *apikey.Key) { k.Name = "Other" })
			return err
		},
		"the key is revoked": func(r *harness, k apikey.Key) error {
			_, err := r.Edit(t.Context(), k, "key.revoke", func(k *apikey.Key) { k.RevokedAt = keytest.Now })
			return err
		},
		"the key is deleted": func(r *harness, k apikey.Key) error {
			_, err := r.Edit(t.Context(), k, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now })
			return err
		},
		"the last second": func(r *harness, _ apikey.Key) error { r.Clock.Advance(24*time.Hour - time.Second); return nil },
	} {
		r := newHarness(t)
		body := creating("expires_at", keytest.Now.Add(time.Hour))
		call := apitest.Call{As: "developer", Method: "POST", Path: r.keys(), Body: body, Headers: map[string]string{"Idempotency-Key": "k"}}
		id := apikey.ID(r.Want(t, 201, call).JSON(t)["id"].(string))
		k, err := r.Control.Key(t.Context(), r.account.ID, id)
		if err == nil {
			err = then(r, k)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := r.Dump(t)
		got := r.Do(t, call)
		if got.Status != 201 || got.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s: %s", name, got.Problem())
			continue
		}
		if doc := got.JSON(t); doc["id"] != string(id) || doc["secret"] != nil || doc["secret_unavailable"] != true {
			t.Errorf("%s: %v", name, doc)
		}
		other := call
		other.Body = creating("name", "Other")
		if got := r.Do(t, other); got.Problem() != "422 idempotency_key_reused []" {
			t.Errorf("%s: another body: %s", name, got.Problem())
		}
		if items := keytest.Written(before, r.Dump(t)); len(items) > 0 {
			t.Errorf("%s: a replay wrote %v", name, items)
		}
	}
}

func (r *harness) changeAccount(t *testing.T, change func(*account.Account)) error {
	after := r.account
	change(&after)
	_, err := r.Control.UpdateAccount(t.Context(), r.account, after, keytest.Row(r.account.ID, "account.edit", ""))
	return err
}

// TestTheSameKeyIsAnotherRequestFromAnotherPersonOrInAnotherAccountOrDay: each makes a key of its own.
func TestTheSameKeyIsAnotherRequestFromAnotherPersonOrInAnotherAccountOrDay(t *testing.T) {
	r := newHarness(t)
	other := r.NewAccount(t) // its owner is "owner" too
	ids := map[any]string{}
	create := func(name, as string, id account.ID) {
		t.Helper()
		doc := r.Want(t, 201, apitest.Call{
			As: as, Method: "POST", Path: "/v1/accounts/" + string(id) + "/keys", Body: creating("name", "n"),
			Headers: map[string]string{"Idempotency-Key": "k"},
		}).JSON(t)
		if doc["secret"] == nil || ids[doc["id"]] != "" {
			t.Errorf("%s replays %s", name, ids[doc["id"]])
		}
		ids[doc["id"]] = name
	}
	create("the first", "owner", r.account.ID)
	create("another person", "developer", r.account.ID)
	create("another account", "owner", other.ID)
	r.Clock.Advance(24 * time.Hour)
	create("the next day", "owner", r.account.ID)
}

func TestAnIdempotencyKeyHas1To255VisibleCharacters(t *testing.T) {
	r := newHarness(t)
	long := make([]byte, 256)
	for i := range long {
		long[i] = 'x'
	}
	for key, status := range map[string]int{
		"!": 201, "~": 201, string(long[:255]): 201, string(long): 400, "a b": 400, "a\x7f": 400, "é": 400, "a\tb": 400,
	} {
		r.Want(t, status, apitest.Call{
			As: "owner", Method: "POST", Path: r.keys(), Body: creating("name", "n"), Headers: map[string]string{"Idempotency-Key": key},
		})
	}
}
