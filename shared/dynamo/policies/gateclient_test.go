package policies_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
)

// TestTheGatesClientReadsWhatFunctionsWrite: they write records by the SDK's client, and the gate reads them by its own.
func TestTheGatesClientReadsWhatFunctionsWrite(t *testing.T) {
	gate, tables := keytest.GateEngine(t)
	functions, _ := keytest.Engine(t)
	r, ctx := policies.New(gate, tables.Gate), t.Context()
	if _, found, err := r.Policy(ctx, keytest.StoredSecret("x").Hash); found || err != nil {
		t.Errorf("no record: %v, %v", found, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		policy := genPolicy(t)
		if err := keytest.PutRaw(ctx, functions, tables.Gate, policies.Encode(policy)); err != nil {
			t.Fatal(err)
		}
		if got, found, err := r.Policy(ctx, policy.Hash); err != nil || !found || !reflect.DeepEqual(got, policy) {
			t.Fatalf("got %+v, %v, %v, want %+v", got, found, err, policy)
		}
		of := authz.Account{ID: keytest.AccountID(), Type: account.SelfServe, Version: 3, Limits: genAccountLimits(t), Quotas: genQuotas(t)}
		if err := keytest.PutRaw(ctx, functions, tables.Gate, policies.EncodeAccount(of)); err != nil {
			t.Fatal(err)
		}
		if got, found, err := r.Account(ctx, of.ID); err != nil || !found || !reflect.DeepEqual(got, of) {
			t.Fatalf("got %+v, %v, %v, want %+v", got, found, err, of)
		}
	})
}
