package policies_test

import (
	"errors"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
)

func TestAnAccountSurvivesItsRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := authz.Account{
			ID:   account.ID(rapid.StringN(1, 9, 40).Draw(t, "id")),
			Type: rapid.SampledFrom([]account.Type{account.Enterprise, account.SelfServe}).Draw(t, "type"), Version: rapid.Int64().Draw(t, "ver"),
			Suspended: rapid.Bool().Draw(t, "suspended"), SuspendedUntil: genTime(t, "until"), Closed: rapid.Bool().Draw(t, "closed"), Accepted: genConsents(t, "accepted"),
			Limits: genAccountLimits(t),
		}
		item := policies.EncodeAccount(a)
		if got, err := policies.DecodeAccount(item); err != nil || !reflect.DeepEqual(got, a) || !policies.IsAccount(item) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, a)
		}
		if policies.IsAccount(policies.Encode(authz.Policy{Hash: apikey.Hash{1}})) {
			t.Fatal("a policy record is taken for an account's")
		}
	})
}

func TestEveryFieldOfAnAccountIsInTheRecord(t *testing.T) {
	base := policies.EncodeAccount(authz.Account{})
	for i := range reflect.TypeFor[authz.Account]().NumField() {
		var a authz.Account
		field := reflect.ValueOf(&a).Elem().Field(i)
		switch v := field.Addr().Interface().(type) {
		case *time.Time:
			*v = keytest.Now
		case *bool:
			*v = true
		case *int64:
			*v = 7
		case *account.Limits:
			*v = account.Limits{{Class: "search", QPS: 5}}
		case *consent.List:
			*v = consent.List{{Product: "search"}}
		default:
			field.SetString("x")
		}
		if reflect.DeepEqual(policies.EncodeAccount(a), base) {
			t.Errorf("%s isn't written", reflect.TypeFor[authz.Account]().Field(i).Name)
		}
	}
}

// TestADamagedAccountRecordIsUnreadable: no part of it may be missing or of another kind, since it says whether calls pass.
func TestADamagedAccountRecordIsUnreadable(t *testing.T) {
	good := policies.EncodeAccount(authz.Account{ID: "acc_1", Type: account.SelfServe, Version: 1, Suspended: true, SuspendedUntil: keytest.Now, Closed: true, Accepted: consent.List{{Product: "search"}}, Limits: account.Limits{{Class: "search", QPS: 5}}})
	for name := range good {
		optional := name == "sus" || name == "closed" || name == "until" || name == "con" || name == "lims"
		for what, damage := range map[string]func(dynamo.Item){
			"missing":         func(i dynamo.Item) { delete(i, name) },
			"of another kind": func(i dynamo.Item) { i[name] = &types.AttributeValueMemberNULL{Value: true} },
		} {
			item := maps.Clone(good)
			damage(item)
			if _, err := policies.DecodeAccount(item); !errors.Is(err, dynamo.ErrUnreadable) && !(optional && what == "missing") {
				t.Errorf("%s %s: %v", name, what, err)
			}
		}
	}
	for name, value := range map[string]dynamo.Item{
		"a later format": {"v": dynamo.N(2)}, "another type": {"at": dynamo.S("other")}, "another account": {"acct": dynamo.S("acc_2")}, "no account": {"acct": dynamo.S("")},
		"a limit of 0": {"lims": accountLimits(dynamo.Item{"c": dynamo.S("search"), "q": dynamo.N(0)})}, "a limit without a number": {"lims": accountLimits(dynamo.Item{"c": dynamo.S("search")})},
		"a limit of nothing": {"lims": accountLimits(dynamo.Item{"q": dynamo.N(5)})}, "a number for a limit": {"lims": &types.AttributeValueMemberL{Value: []types.AttributeValue{dynamo.N(5)}}},
	} {
		item := maps.Clone(good)
		maps.Copy(item, value)
		if _, err := policies.DecodeAccount(item); !errors.Is(err, dynamo.ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func genAccountLimits(t *rapid.T) (limits account.Limits) {
	for _, class := range rapid.SliceOfNDistinct(rapid.StringN(1, 9, 40), 0, 3, rapid.ID).Draw(t, "limited classes") {
		limits = limits.With(class, rapid.IntRange(1, 20_000).Draw(t, "qps"))
	}
	return limits
}

func accountLimits(one dynamo.Item) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberM{Value: one}}}
}
