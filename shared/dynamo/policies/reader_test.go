package policies_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
)

// answers is a table that answers every read with one item.
type answers struct{ item dynamo.Item }

func (a answers) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return &dynamodb.GetItemOutput{Item: a.item}, nil
}

// TestARecordUnderAnotherSecretsNameIsUnreadable: whatever mixed them up, it opens nothing.
func TestARecordUnderAnotherSecretsNameIsUnreadable(t *testing.T) {
	k := keytest.Key(keytest.AccountID())
	own, other := k.Current.Hash, keytest.StoredSecret("other").Hash
	for name, tt := range map[string]struct {
		spoil func(dynamo.Item)
		found bool
	}{
		"its own name": {func(dynamo.Item) {}, true},
		"another":      {func(item dynamo.Item) { item["pk"] = dynamo.S(other.String()) }, false},
		"cut short":    {func(item dynamo.Item) { item["pk"] = dynamo.S(own.String()[:42]) }, false},
		"longer":       {func(item dynamo.Item) { item["pk"] = dynamo.S(own.String() + "A") }, false},
		"a number":     {func(item dynamo.Item) { item["pk"] = dynamo.N(7) }, false},
		"none":         {func(item dynamo.Item) { delete(item, "pk") }, false},
	} {
		item := policies.Encode(keytest.Policy(k))
		tt.spoil(item)
		p, found, err := policies.New(answers{item}, "gate").Policy(t.Context(), own)
		if found != tt.found || tt.found && p.Hash != own || errors.Is(err, dynamo.ErrUnreadable) == tt.found {
			t.Errorf("%s: found %v, %v", name, found, err)
		}
	}
}

func TestNoRecordIsNoErrorAndAnOutageIsNoAnswer(t *testing.T) {
	db, tables := keytest.NewMemory()
	hash := keytest.StoredSecret("x").Hash
	if _, found, err := policies.New(db, tables.Gate).Policy(t.Context(), hash); found || err != nil {
		t.Errorf("no record: %v, %v", found, err)
	}
	down := keytest.NewFaults(db, func(string, int) keytest.Fault { return keytest.Before })
	if _, found, err := policies.New(down, tables.Gate).Policy(t.Context(), hash); found || err == nil || errors.Is(err, dynamo.ErrUnreadable) {
		t.Errorf("in an outage: %v, %v", found, err)
	}
}

// TestTheReadThatDecidesSeesTheLastWrite: the gate's read is strongly consistent.
func TestTheReadThatDecidesSeesTheLastWrite(t *testing.T) {
	db, tables := keytest.NewMemory()
	k := keytest.Key(keytest.AccountID())
	for version := range int64(3) {
		p := keytest.Policy(k)
		p.Version = version
		if err := keytest.PutRaw(t.Context(), db, tables.Gate, policies.Encode(p)); err != nil {
			t.Fatal(err)
		}
		if got, found, err := policies.New(db, tables.Gate).Policy(t.Context(), p.Hash); err != nil || !found || got.Version != version {
			t.Errorf("after version %d was written: %d, %v, %v", version, got.Version, found, err)
		}
	}
}

// TestAnAccountsRecordIsReadAsASecretsIs: its own alone, as it was written last. An outage and a damaged record are no answer, and none of
// them is an account that isn't suspended.
func TestAnAccountsRecordIsReadAsASecretsIs(t *testing.T) {
	db, tables := keytest.NewMemory()
	r := policies.New(db, tables.Gate)
	if a, found, err := r.Account(t.Context(), "acc_1"); found || err != nil || !reflect.DeepEqual(a, authz.Account{}) {
		t.Errorf("no record: %+v, %v, %v", a, found, err)
	}
	for version := range int64(3) {
		want := authz.Account{ID: "acc_1", Type: account.SelfServe, Version: version, Suspended: version == 1}
		if err := keytest.PutRaw(t.Context(), db, tables.Gate, policies.EncodeAccount(want)); err != nil {
			t.Fatal(err)
		}
		if a, found, err := r.Account(t.Context(), "acc_1"); !found || err != nil || !reflect.DeepEqual(a, want) {
			t.Errorf("version %d: %+v, %v, %v", version, a, found, err)
		}
	}
	if a, found, err := r.Account(t.Context(), "acc_2"); found || err != nil || !reflect.DeepEqual(a, authz.Account{}) {
		t.Errorf("another account: %+v, %v, %v", a, found, err)
	}
	down := keytest.NewFaults(db, func(string, int) keytest.Fault { return keytest.Before })
	if a, found, err := policies.New(down, tables.Gate).Account(t.Context(), "acc_1"); found || !errors.Is(err, keytest.ErrInjected) || errors.Is(err, dynamo.ErrUnreadable) || !reflect.DeepEqual(a, authz.Account{}) {
		t.Errorf("in an outage: %+v, %v, %v", a, found, err)
	}
	good := policies.EncodeAccount(authz.Account{ID: "acc_1", Type: account.SelfServe})
	for name, spoil := range map[string]func(dynamo.Item){
		"of another account": func(item dynamo.Item) { item["acct"], item["pk"] = dynamo.S("acc_2"), dynamo.S("account#acc_2") },
		"of another type":    func(item dynamo.Item) { item["at"] = dynamo.S("other") },
		"without its state":  func(item dynamo.Item) { item["sus"] = dynamo.S("no") },
	} {
		item := maps.Clone(good)
		spoil(item)
		if a, found, err := policies.New(answers{item}, "gate").Account(t.Context(), "acc_1"); found || !errors.Is(err, dynamo.ErrUnreadable) {
			t.Errorf("%s: %+v, %v, %v", name, a, found, err)
		}
	}
}
