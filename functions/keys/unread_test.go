package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/dynamo"
)

// TestACountOfKeysThatCantBeReadIsNoLimit: it is said to be unreadable, and not that the account has too many keys.
func TestACountOfKeysThatCantBeReadIsNoLimit(t *testing.T) {
	for _, attribute := range []string{"num", "cap"} {
		r := newHarness(t)
		for _, item := range r.Items(t, r.Tables.Control) {
			if sk, _ := dynamo.GetS(item, "sk"); sk == "GUARD#keys" {
				item[attribute] = dynamo.S("many")
				r.Put(t, r.Tables.Control, item)
			}
		}
		body := map[string]any{"name": "My key", "usage": "backend", "products": []string{"search"}}
		if got := r.Do(t, apitest.Call{As: "developer", Method: "POST", Path: r.keys(), Body: body}); got.Problem() != "409 record_unreadable []" {
			t.Errorf("%s: %s", attribute, got.Body)
		}
	}
}
