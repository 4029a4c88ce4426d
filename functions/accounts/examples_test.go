package main

import (
	"encoding/hex"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// edited is a self-serve account with an audit row that says where a change came from, and what was before.
func edited(t testing.TB) apitest.Fixture {
	f := populated(t)
	f.Call(t, "editAccount", "operator", map[string]any{"type": "self_serve"})
	a, err := f.Control.Account(t.Context(), f.Account)
	if err == nil {
		row := keytest.Row(f.Account, "account.edit", "")
		row.Actor.Role, row.Source, row.Changes = "owner", "203.0.113.24", []audit.Change{{Field: "name", Before: `"Before"`, After: `"After"`}}
		_, err = f.Control.UpdateAccount(t.Context(), a, a, row)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTheContractsExamplesAreAcceptedAndAnsweredAsShown(t *testing.T) {
	apitest.Examples(t, edited, served, map[string]apitest.Own{
		"editAccount.EditAccountType": {As: "operator"},
		"closeAccount": {Body: func(t testing.TB, f apitest.Fixture) map[string]any {
			a, err := f.Control.Account(t.Context(), f.Account)
			if err != nil {
				t.Fatal(err)
			}
			return map[string]any{"confirm_name": a.Name}
		}},
		"acceptProduct": {Body: func(testing.TB, apitest.Fixture) map[string]any {
			return map[string]any{"version": string(product.Default().Version())}
		}},
		"showInvitation": {As: "stranger", Body: invited}, "acceptInvitation": {As: "stranger", Body: invited},
		"findAnyKeys": {Body: func(t testing.TB, f apitest.Fixture) map[string]any {
			k, err := f.Control.Key(t.Context(), f.Account, apikey.ID(f.Params["key"]))
			if err != nil {
				t.Fatal(err)
			}
			return map[string]any{"secret_sha256": hex.EncodeToString(k.Current.Hash[:])}
		}},
	})
}

func invited(t testing.TB, f apitest.Fixture) map[string]any {
	return map[string]any{"token": f.Call(t, "createInvitation", "", map[string]any{"role": "viewer"}).JSON(t)["token"]}
}
