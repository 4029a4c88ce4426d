package control_test

import (
	"errors"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

const noType = account.Type("")

// inTransition is an account of a type that is getting another, or none (""), with a key of a type and of its first billing type.
func inTransition(t *testing.T, is, getting, key account.Type, stored func(*apikey.Key)) (keytest.Stores, apikey.Key) {
	t.Helper()
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t, func(a *account.Account) { a.Type = key })
	k := s.NewKey(t, a, func(k *apikey.Key) { k.BillingType = apikey.BillingTypes(key)[0] })
	if stored != nil {
		var err error
		if k, err = s.Edit(t.Context(), k, "key.edit", stored); err != nil {
			t.Fatal(err)
		}
	}
	for _, item := range s.Items(t, s.Tables.Control) {
		if kind, _ := dynamo.GetS(item, "kind"); kind != "account" {
			continue
		}
		item["account_type"] = dynamo.S(string(is))
		if getting != noType {
			item["pending_type"] = dynamo.S(string(getting))
		}
		s.Put(t, s.Tables.Control, item)
	}
	return s, k
}

// TestWhatWaitsForAChangeOfType: until it is done no key is created or restored, and no billing type set, whichever of both types the key has. What
// stops a key, or says nothing of its type, goes on. A key follows to the type that its account is getting, and to no other.
func TestWhatWaitsForAChangeOfType(t *testing.T) {
	waits := func(is, getting, key account.Type) error {
		switch {
		case getting != noType:
			return account.ErrTypeChanging
		case is != key:
			return dynamo.ErrStale
		default:
			return nil
		}
	}
	goesOn := func(account.Type, account.Type, account.Type) error { return nil }
	follows := func(is, getting, key account.Type) error {
		if to := other(key); to == getting || to == is && getting == noType {
			return nil
		}
		return dynamo.ErrStale
	}
	deleted := func(k *apikey.Key) { k.DeletedAt = keytest.Now }
	retype := func(k *apikey.Key) { *k, _ = k.Retype(apikey.TypeChange{To: other(k.AccountType)}, keytest.Now) }
	for name, c := range map[string]struct {
		stored, change func(*apikey.Key)
		want           func(is, getting, key account.Type) error
	}{
		"creating another":     {nil, nil, waits},
		"restoring it":         {deleted, func(k *apikey.Key) { *k, _ = k.Restore(keytest.Now) }, waits},
		"its billing type":     {nil, func(k *apikey.Key) { k.BillingType = apikey.BillingTypes(k.AccountType)[1] }, waits},
		"its name":             {nil, func(k *apikey.Key) { k.Name = "Other" }, goesOn},
		"disabling it":         {nil, func(k *apikey.Key) { k.Disabled = true }, goesOn},
		"revoking it":          {nil, func(k *apikey.Key) { k.RevokedAt = keytest.Now }, goesOn},
		"deleting it":          {nil, deleted, goesOn},
		"its following":        {nil, retype, follows},
		"its following, ended": {deleted, retype, follows},
	} {
		for _, is := range []account.Type{account.Enterprise, account.SelfServe} {
			for _, getting := range []account.Type{noType, account.Enterprise, account.SelfServe} {
				for _, key := range []account.Type{account.Enterprise, account.SelfServe} {
					s, k := inTransition(t, is, getting, key, c.stored)
					var err error
					if c.change == nil {
						made := keytest.Key(k.Account, func(k *apikey.Key) { k.AccountType, k.BillingType = key, apikey.BillingTypes(key)[0] })
						_, err = s.Control.Commit(t.Context(), control.Change{After: made, Audit: keytest.Row(k.Account, "key.create", made.ID)})
					} else {
						_, err = s.Edit(t.Context(), k, "key.edit", c.change)
					}
					if want := c.want(is, getting, key); !errors.Is(err, want) || want == nil && err != nil {
						t.Errorf("%s, a key of %s in an account of %s that is getting %q: %v, want %v", name, key, is, getting, err, want)
					}
				}
			}
		}
	}
}

// other is the type that isn't this one.
func other(of account.Type) account.Type {
	if of == account.Enterprise {
		return account.SelfServe
	}
	return account.Enterprise
}
