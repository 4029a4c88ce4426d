package main

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// TestTheKeyLimitThatIsSetIsTheOneThatCreatingAKeyAsks, raised or lowered, from whatever it was.
func TestTheKeyLimitThatIsSetIsTheOneThatCreatingAKeyAsks(t *testing.T) {
	const has = 2 // keys of the fixture
	limits := []int{1, has, has + 1, account.DefaultKeyLimit, account.DefaultKeyLimit + 1}
	for _, was := range limits {
		for _, limit := range limits {
			f := fixture(t)
			f.Call(t, "editAccount", "operator", object{"key_limit": was})
			f.Call(t, "editAccount", "operator", object{"key_limit": limit})
			k := keytest.Key(f.Account)
			k.AccountType, k.BillingType = account.Enterprise, apikey.Evaluation // the fixture's
			_, err := f.Control.Commit(t.Context(), control.Change{After: k, Audit: keytest.Row(f.Account, "key.create", k.ID)})
			if fits := limit > has; fits != (err == nil) || !fits && !errors.Is(err, account.ErrKeyLimit) {
				t.Errorf("a limit of %d, before %d: %v", limit, was, err)
			}
		}
	}
}

// TestAnAccountTakesItsPlaceUntilItIsClosed, and gives it back once, whatever happens to it while it closes.
func TestAnAccountTakesItsPlaceUntilItIsClosed(t *testing.T) {
	const may = 3 // accounts of one person, by the harness
	r := newHarness(t)
	open := func(status int) account.ID {
		t.Helper()
		id, _ := r.Want(t, status, apitest.Call{As: "busy", Method: "POST", Path: "/v1/accounts", Body: object{"name": "One"}}).JSON(t)["id"].(string)
		return account.ID(id)
	}
	var opened []account.ID
	for range may {
		opened = append(opened, open(201))
	}
	open(409)
	for _, id := range opened[:2] {
		for n := range 3 { // it begins to close, and is changed twice before it is closed
			before, err := r.Control.Account(t.Context(), id)
			after := before
			after.Closing, after.KeyLimit = true, 50+n
			if err == nil {
				_, err = r.Control.UpdateAccount(t.Context(), before, after, keytest.Row(id, "account.edit", ""))
			}
			if err != nil {
				t.Fatal(err)
			}
			open(409)
		}
		row := func(action string, key apikey.ID) audit.Row { return keytest.Row(id, action, key) }
		for range 2 {
			if _, err := r.Control.Close(t.Context(), id, r.Clock.Now(), row); err != nil {
				t.Fatal(err)
			}
		}
		open(201)
		open(409)
	}
}

// TestARemovalSaysWhetherItLeftSomething: one call withdraws so many invitations, and the next goes on.
func TestARemovalSaysWhetherItLeftSomething(t *testing.T) {
	const atOnce = 200
	for _, made := range []int{atOnce, atOnce + 1} {
		r := newHarness(t)
		r.Member(t, r.account.ID, "mallory", account.Owner)
		for n := range made {
			i := control.Invitation{
				ID: keytest.NewID("inv_"), Account: r.account.ID, Role: account.Viewer, TokenHash: sha256.Sum256([]byte{byte(n), byte(n >> 8)}),
				By: keytest.Subject("mallory"), CreatedAt: r.Clock.Now(), ExpiresAt: r.Clock.Now().Add(time.Hour),
			}
			if err := r.Control.Invite(t.Context(), i, keytest.Row(r.account.ID, "invitation.create", "")); err != nil {
				t.Fatal(err)
			}
		}
		for left := made; left > 0; left -= atOnce {
			doc := r.remove(t, "owner", "mallory").JSON(t)
			if got := len(doc["invitations"].([]any)); got != min(left, atOnce) || doc["more"] != (left > atOnce) {
				t.Errorf("of %d left: %d withdrawn, more: %v", left, got, doc["more"])
			}
		}
	}
}
