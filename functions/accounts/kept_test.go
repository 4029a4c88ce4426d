package main

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
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
		for range 2 {
			if _, err := r.CloseAccount(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		open(201)
		open(409)
	}
}

// TestARemovalSaysWhetherItLeftSomething: one call withdraws so many invitations, and the next goes on. A release before
// invitations were bounded has left such accounts.
func TestARemovalSaysWhetherItLeftSomething(t *testing.T) {
	const atOnce = 200
	for _, made := range []int{atOnce, atOnce + 1} {
		r := newHarness(t)
		r.Member(t, r.account.ID, "mallory", account.Owner)
		r.invite(t, "mallory", object{"role": "viewer"})
		text := func(item dynamo.Item, name string) string { s, _ := dynamo.GetS(item, name); return s }
		first := slices.DeleteFunc(r.items(t), func(item dynamo.Item) bool { return text(item, "kind") != "invitation" })
		for n := range made - 1 {
			id, hash := keytest.NewID("inv_"), apikey.Hash{byte(n), byte(n >> 8)}.String()
			for _, item := range first { // by its account, and by its token
				other := maps.Clone(item)
				other["id"], other["token_hash"] = dynamo.S(id), dynamo.S(hash)
				if text(item, "pk") == "A#"+string(r.account.ID) {
					other["sk"] = dynamo.S("INVITE#" + id)
				} else {
					other["pk"] = dynamo.S("I#" + hash)
				}
				if err := keytest.PutRaw(t.Context(), r.DB, r.Tables.Control, other); err != nil {
					t.Fatal(err)
				}
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
