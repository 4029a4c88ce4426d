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
			Limits: genAccountLimits(t), Quotas: genQuotas(t),
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
		case *account.Quotas:
			*v = account.Quotas{{Billing: "freemium", Group: "tiles", Month: 5}}
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
	good := policies.EncodeAccount(authz.Account{ID: "acc_1", Type: account.SelfServe, Version: 1, Suspended: true, SuspendedUntil: keytest.Now, Closed: true, Accepted: consent.List{{Product: "search"}}, Limits: account.Limits{{Class: "search", QPS: 5}}, Quotas: account.Quotas{{Billing: "freemium", Group: "tiles", Day: 5}}})
	for name := range good {
		optional := name == "sus" || name == "closed" || name == "until" || name == "con" || name == "lims" || name == "quos"
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
		"a limit of 0": {"lims": listOf(dynamo.Item{"c": dynamo.S("search"), "q": dynamo.N(0)})}, "a limit without a number": {"lims": listOf(dynamo.Item{"c": dynamo.S("search")})},
		"a limit of nothing": {"lims": listOf(dynamo.Item{"q": dynamo.N(5)})}, "a number for a limit": {"lims": &types.AttributeValueMemberL{Value: []types.AttributeValue{dynamo.N(5)}}},
		"a quota without a number": {"quos": listOf(dynamo.Item{"b": dynamo.S("freemium"), "g": dynamo.S("tiles")})}, "a quota below 0": {"quos": listOf(dynamo.Item{"b": dynamo.S("freemium"), "g": dynamo.S("tiles"), "d": dynamo.N(-1)})},
		"a quota of 0": {"quos": listOf(dynamo.Item{"b": dynamo.S("freemium"), "g": dynamo.S("tiles"), "d": dynamo.N(0), "m": dynamo.N(5)})}, "a quota of no group": {"quos": listOf(dynamo.Item{"b": dynamo.S("freemium"), "d": dynamo.N(1)})},
		"a quota of no billing type": {"quos": listOf(dynamo.Item{"g": dynamo.S("tiles"), "d": dynamo.N(1)})}, "a text for a quota": {"quos": listOf(dynamo.Item{"b": dynamo.S("freemium"), "g": dynamo.S("tiles"), "m": dynamo.S("5")})},
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

func listOf(one dynamo.Item) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberM{Value: one}}}
}

func genQuotas(t *rapid.T) (quotas account.Quotas) {
	for _, group := range rapid.SliceOfNDistinct(rapid.StringN(1, 9, 40), 0, 3, rapid.ID).Draw(t, "groups") {
		calls := rapid.Int64Range(0, account.MaxQuota)
		quotas = quotas.With(account.Quota{Billing: rapid.StringN(1, 9, 40).Draw(t, "billing"), Group: group, Day: calls.Draw(t, "day"), Month: calls.Draw(t, "month")})
	}
	return quotas
}
