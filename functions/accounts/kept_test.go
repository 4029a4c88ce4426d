package main

import (
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// TestARaisedKeyLimitLetsKeysBeMade: the limit that the account shows is the one that creating a key asks.
func TestARaisedKeyLimitLetsKeysBeMade(t *testing.T) {
	for limit, fits := range map[int]bool{2: false, 3: true} { // the fixture has two keys
		f := fixture(t)
		f.Call(t, "editAccount", "operator", object{"key_limit": 1})
		f.Call(t, "editAccount", "operator", object{"key_limit": limit})
		k := keytest.Key(f.Account)
		k.AccountType, k.BillingType = account.Enterprise, apikey.Evaluation // the fixture's
		_, err := f.Control.Commit(t.Context(), control.Change{After: k, Audit: keytest.Row(f.Account, "key.create", k.ID)})
		if (err == nil) != fits {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}
