package main

import (
	"errors"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
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
