package main

import (
	"encoding/hex"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
)

func TestTheContractsExamplesAreAcceptedAndAnsweredAsShown(t *testing.T) {
	own := func(t testing.TB, f apitest.Fixture) apikey.Key {
		k, err := f.Control.Key(t.Context(), f.Account, apikey.ID(f.Params["key"]))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	itself := apitest.Own{Body: func(t testing.TB, f apitest.Fixture) map[string]any {
		return map[string]any{"keys": []any{string(own(t, f).ID)}}
	}}
	apitest.Examples(t, fixture, served, map[string]apitest.Own{
		"linkDomain": itself, "unlinkDomain": itself,
		"findKeys.FindKeys": {Body: func(t testing.TB, f apitest.Fixture) map[string]any {
			hash := own(t, f).Current.Hash
			return map[string]any{"secret_sha256": hex.EncodeToString(hash[:])}
		}},
		"findKeys.FindKeysByPreview": {Body: func(t testing.TB, f apitest.Fixture) map[string]any {
			return map[string]any{"preview": own(t, f).Current.Preview}
		}},
		"revokeKey": {Body: func(testing.TB, apitest.Fixture) map[string]any { return map[string]any{"confirm_name": "My key"} }},
	})
}
