package policies_test

import (
	"encoding/json"
	"errors"
	"math"
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
	"latchkey/shared/product"
)

func genTime(t *rapid.T, label string) time.Time {
	if rapid.Bool().Draw(t, label+" set") {
		return time.UnixMilli(rapid.Int64Range(-1e12, 253402300799999).Draw(t, label)).UTC()
	}
	return time.Time{}
}

func genTexts[T ~string](t *rapid.T, label string) []T {
	list := rapid.SliceOfN(rapid.StringN(0, 8, 32), 0, 4).Draw(t, label)
	if len(list) == 0 {
		return nil
	}
	out := make([]T, len(list))
	for i := range list {
		out[i] = T(list[i])
	}
	return out
}

func genConsents(t *rapid.T, label string) (list consent.List) {
	for range rapid.IntRange(0, 2).Draw(t, label) {
		g := consent.Given{Product: rapid.StringN(1, 8, 32).Draw(t, "product"), Narrow: rapid.Bool().Draw(t, "narrow")}
		for range rapid.IntRange(0, 3).Draw(t, "paths") {
			g.Paths = append(g.Paths, consent.Path{
				Since:  consent.Version(rapid.StringMatching(`[1-9][0-9]{0,3}-[0-9a-f]{10}`).Draw(t, "since")),
				Prefix: rapid.StringMatching(`(/[a-z0-9._-]{1,9}){1,3}/`).Draw(t, "path"),
			})
		}
		list = append(list, g)
	}
	return list
}

func genPolicy(t *rapid.T) authz.Policy {
	p := authz.Policy{
		KeyID: apikey.ID(rapid.StringN(1, 9, 40).Draw(t, "kid")), Account: account.ID(rapid.StringN(1, 9, 40).Draw(t, "acct")),
		AccountType: rapid.SampledFrom([]account.Type{account.Enterprise, account.SelfServe}).Draw(t, "type"),
		BillingType: rapid.SampledFrom([]apikey.BillingType{"", apikey.Freemium, apikey.Paying, "of_a_later_release"}).Draw(t, "billing"), Version: rapid.Int64().Draw(t, "ver"),
		Live: rapid.Bool().Draw(t, "live"), Outgoing: rapid.Bool().Draw(t, "out"), Blocked: rapid.Bool().Draw(t, "blk"),
		Disabled: rapid.Bool().Draw(t, "dis"), HeaderOnly: rapid.Bool().Draw(t, "hdr"), Exposed: rapid.Bool().Draw(t, "xpo"),
		SecretEnds: genTime(t, "ends"), ExpiresAt: genTime(t, "exp"), DeletedAt: genTime(t, "del"), RevokedAt: genTime(t, "rev"),
		Products: genTexts[product.ID](t, "products"), Domains: genTexts[string](t, "domains"),
		Networks: genTexts[string](t, "networks"), Apps: genTexts[string](t, "apps"),
		Consents:      genConsents(t, "consents"),
		MissingOrigin: apikey.MissingOrigin(rapid.String().Draw(t, "missing")),
	}
	copy(p.Hash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	for range rapid.IntRange(0, 3).Draw(t, "limits") {
		p.Limits = append(p.Limits, apikey.Limit{
			Class: product.Class(rapid.String().Draw(t, "class")), QPS: rapid.IntRange(0, math.MaxInt32).Draw(t, "qps"),
			EndsAt: genTime(t, "limit"), Then: rapid.IntRange(0, math.MaxInt32).Draw(t, "then"),
		})
	}
	for _, group := range genTexts[product.Group](t, "groups") {
		p.Caps = append(p.Caps, apikey.Cap{Group: group, Day: rapid.Int64Range(1, apikey.MaxCap).Draw(t, "cap")})
	}
	if rapid.Bool().Draw(t, "proposed") {
		p.Proposed = &apikey.Proposal{Since: genTime(t, "since"), Consents: genConsents(t, "proposed consents")}
		if rapid.Bool().Draw(t, "proposes domains") {
			d := append([]string{}, genTexts[string](t, "pd")...)
			p.Proposed.Domains = &d
		}
		if rapid.Bool().Draw(t, "proposes networks") {
			d := append([]string{}, genTexts[string](t, "pn")...)
			p.Proposed.Networks = &d
		}
		if rapid.Bool().Draw(t, "proposes apps") {
			d := append([]string{}, genTexts[string](t, "pa")...)
			p.Proposed.Apps = &d
		}
		if rapid.Bool().Draw(t, "proposes products") {
			d := append([]product.ID{}, genTexts[product.ID](t, "pp")...)
			p.Proposed.Products = &d
		}
	}
	return p
}

func TestPolicySurvivesItsRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genPolicy(t)
		got, err := policies.Decode(policies.Encode(p))
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, p)
		}
	})
}

func TestEveryFieldOfAPolicyIsInTheRecord(t *testing.T) {
	kind := reflect.TypeFor[authz.Policy]()
	base := policies.Encode(authz.Policy{})
	for i := range kind.NumField() {
		var p authz.Policy
		field := reflect.ValueOf(&p).Elem().Field(i)
		switch v := field.Addr().Interface().(type) {
		case *time.Time:
			*v = keytest.Now
		case *[]apikey.Limit:
			*v = []apikey.Limit{{Class: "search"}}
		case *apikey.Caps:
			*v = apikey.Caps{{Group: "tiles", Day: 5}}
		case **apikey.Proposal:
			*v = &apikey.Proposal{}
		case *apikey.Hash:
			v[0] = 1
		case *[]product.ID:
			*v = []product.ID{"search"}
		case *consent.List:
			*v = consent.List{{Product: "search"}}
		case *[]string:
			*v = []string{"example.com"}
		default:
			switch field.Kind() {
			case reflect.Bool:
				field.SetBool(true)
			case reflect.String:
				field.SetString("x")
			case reflect.Int64:
				field.SetInt(7)
			default:
				t.Fatalf("teach this test, and the codec, the type of %s", kind.Field(i).Name)
			}
		}
		if reflect.DeepEqual(policies.Encode(p), base) {
			t.Errorf("%s isn't written", kind.Field(i).Name)
		}
	}
}

func TestDamagedRecordIsUnreadableAndNeverAPolicy(t *testing.T) {
	k := keytest.Key(keytest.AccountID(), func(k *apikey.Key) {
		k.Domains, k.Networks, k.Apps = []string{"example.com"}, []string{"192.0.2.0/24"}, []string{"ios com.example.app"}
		k.Limits = []apikey.Limit{{Class: "search", QPS: 3, EndsAt: keytest.Now, Then: 1}}
		k.Caps = apikey.Caps{{Group: "tiles", Day: 5}}
		k.Proposed = &apikey.Proposal{Domains: &[]string{"a.example"}, Since: keytest.Now}
		k.RevokedAt, k.DeletedAt, k.ExpiresAt, k.Disabled, k.HeaderOnly = keytest.Now, keytest.Now, keytest.Now, true, true
		k.Blocked = &apikey.Block{}
	})
	wrong := []types.AttributeValue{
		&types.AttributeValueMemberNULL{Value: true}, dynamo.N(1), dynamo.S("x"), &types.AttributeValueMemberN{Value: "1e99"},
		&types.AttributeValueMemberL{Value: []types.AttributeValue{nil}}, &types.AttributeValueMemberM{}, &types.AttributeValueMemberBOOL{},
		&types.AttributeValueMemberN{Value: "9223372036854775807"}, (*types.AttributeValueMemberS)(nil), (*types.AttributeValueMemberL)(nil),
		(*types.AttributeValueMemberM)(nil), (*types.AttributeValueMemberN)(nil), (*types.AttributeValueMemberBOOL)(nil),
	}
	for name, right := range policies.Encode(keytest.Policy(k)) {
		for _, bad := range wrong {
			if reflect.TypeOf(bad) == reflect.TypeOf(right) && !reflect.ValueOf(bad).IsNil() && name != "v" {
				continue // of the right type: may be a value
			}
			item := policies.Encode(keytest.Policy(k))
			item[name] = bad
			if reflect.DeepEqual(bad, right) {
				continue
			}
			p, err := policies.Decode(item)
			if !errors.Is(err, dynamo.ErrUnreadable) || !reflect.DeepEqual(p, authz.Policy{}) {
				t.Errorf("%s = %#v: %+v, %v", name, bad, p, err)
			}
		}
	}
	for _, name := range []string{"pk", "v", "kid", "acct", "at", "ver", "mo"} {
		item := policies.Encode(keytest.Policy(k))
		delete(item, name)
		if _, err := policies.Decode(item); !errors.Is(err, dynamo.ErrUnreadable) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if p, err := policies.Decode(dynamo.Item{}); !errors.Is(err, dynamo.ErrUnreadable) || p.Live {
		t.Errorf("empty: %+v, %v", p, err)
	}
}

// TestACapThatIsNoneIsDamage: read all the same, it would refuse every call or none.
func TestACapThatIsNoneIsDamage(t *testing.T) {
	for name, damaged := range map[string]dynamo.Item{
		"0": {"g": dynamo.S("tiles"), "d": dynamo.N(0)}, "less": {"g": dynamo.S("tiles"), "d": dynamo.N(-1)}, "no number": {"g": dynamo.S("tiles")},
		"no group": {"d": dynamo.N(5)}, "a text": {"g": dynamo.S("tiles"), "d": dynamo.S("5")},
	} {
		item := policies.Encode(keytest.Policy(keytest.Key(keytest.AccountID(), func(k *apikey.Key) { k.Caps = apikey.Caps{{Group: "tiles", Day: 5}} })))
		item["caps"] = listOf(damaged)
		if p, err := policies.Decode(item); !errors.Is(err, dynamo.ErrUnreadable) || p.Live {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// Read all the same, such a record would have no default limit: every call would be over it.
func TestARecordOfAnUnknownAccountTypeIsUnreadable(t *testing.T) {
	for _, kind := range []string{"", "x", "Enterprise", "self_serve ", "self-serve"} {
		item := policies.Encode(keytest.Policy(keytest.Key(keytest.AccountID())))
		item["at"] = dynamo.S(kind)
		if p, err := policies.Decode(item); !errors.Is(err, dynamo.ErrUnreadable) || p.Live {
			t.Errorf("%q: %+v, %v", kind, p, err)
		}
	}
}

// FuzzDecode feeds items of any shape: what is read is what would be written again, and nothing panics.
func FuzzDecode(f *testing.F) {
	k := keytest.Key(keytest.AccountID(), func(k *apikey.Key) {
		k.Limits = []apikey.Limit{{Class: "search", QPS: 3, EndsAt: keytest.Now, Then: 1}}
		k.Proposed = &apikey.Proposal{Domains: &[]string{"a.example"}, Since: keytest.Now}
	})
	f.Add(toJSON(policies.Encode(keytest.Policy(k))))
	f.Add([]byte(`{"v":{"N":"1"},"pk":{"S":""},"lims":{"L":[{"M":{"q":{"N":"-1"}}}]},"prop":{"M":{"d":{"L":[{"L":[]}]}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var raw map[string]any
		if json.Unmarshal(data, &raw) != nil {
			return
		}
		item := dynamo.Item{}
		for name, v := range raw {
			item[name] = fromJSON(v)
		}
		p, err := policies.Decode(item)
		if err != nil {
			if !errors.Is(err, dynamo.ErrUnreadable) || !reflect.DeepEqual(p, authz.Policy{}) {
				t.Fatalf("%+v, %v", p, err)
			}
			return
		}
		if product.Default().DefaultQPS("search", p.AccountType) == 0 {
			t.Fatalf("account type %q has no default limit", p.AccountType)
		}
		again, err := policies.Decode(policies.Encode(p))
		if err != nil || !reflect.DeepEqual(policies.Encode(again), policies.Encode(p)) {
			t.Fatalf("%+v\n%+v, %v", p, again, err)
		}
	})
}

func toJSON(item dynamo.Item) []byte {
	out := map[string]any{}
	for name, v := range item {
		out[name] = valueToJSON(v)
	}
	data, _ := json.Marshal(out)
	return data
}

func valueToJSON(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, e := range v.Value {
			list = append(list, valueToJSON(e))
		}
		return map[string]any{"L": list}
	case *types.AttributeValueMemberM:
		m := map[string]any{}
		for name, e := range v.Value {
			m[name] = valueToJSON(e)
		}
		return map[string]any{"M": m}
	}
	return nil
}

func fromJSON(v any) types.AttributeValue {
	typed, _ := v.(map[string]any)
	for kind, v := range typed {
		switch v := v.(type) {
		case string:
			if kind == "N" {
				return &types.AttributeValueMemberN{Value: v}
			}
			return dynamo.S(v)
		case bool:
			return dynamo.Bool(v)
		case []any:
			list := make([]types.AttributeValue, len(v))
			for i := range v {
				list[i] = fromJSON(v[i])
			}
			return &types.AttributeValueMemberL{Value: list}
		case map[string]any:
			m := dynamo.Item{}
			for name, e := range v {
				m[name] = fromJSON(e)
			}
			return &types.AttributeValueMemberM{Value: m}
		}
	}
	return nil
}

// TestConsentsThatCannotBeReadOpenNothing: a key without them has what its products covered first.
func TestConsentsThatCannotBeReadOpenNothing(t *testing.T) {
	given := func(change func(dynamo.Item)) types.AttributeValue {
		paths := &types.AttributeValueMemberL{Value: []types.AttributeValue{dynamo.S("1-a/search/")}}
		m := dynamo.Item{"p": dynamo.S("search"), "c": paths}
		change(m)
		return &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberM{Value: m}}}
	}
	texts := func(list ...string) func(dynamo.Item) {
		return func(m dynamo.Item) {
			l := &types.AttributeValueMemberL{}
			for _, text := range list {
				l.Value = append(l.Value, dynamo.S(text))
			}
			m["c"] = l
		}
	}
	for name, tt := range map[string]struct {
		value types.AttributeValue
		good  bool
	}{
		"one path":             {given(func(dynamo.Item) {}), true},
		"none":                 {given(texts()), true},
		"no list":              {dynamo.S("search"), false},
		"no map in it":         {&types.AttributeValueMemberL{Value: []types.AttributeValue{dynamo.S("x")}}, false},
		"no product":           {given(func(m dynamo.Item) { delete(m, "p") }), false},
		"an empty product":     {given(func(m dynamo.Item) { m["p"] = dynamo.S("") }), false},
		"no paths":             {given(func(m dynamo.Item) { delete(m, "c") }), false},
		"paths that are none":  {given(func(m dynamo.Item) { m["c"] = dynamo.S("1-a/search/") }), false},
		"a path of no version": {given(texts("/search/")), false},
		"a version alone":      {given(texts("1-a")), false},
		"every path":           {given(texts("1-a/")), false},
		"a cut prefix":         {given(texts("1-a/sear")), false},
	} {
		for attribute, of := range map[string]func(dynamo.Item, types.AttributeValue){
			"con": func(item dynamo.Item, v types.AttributeValue) { item["con"] = v },
			"prop": func(item dynamo.Item, v types.AttributeValue) {
				item["prop"] = &types.AttributeValueMemberM{Value: dynamo.Item{"c": v}}
			},
		} {
			item := policies.Encode(keytest.Policy(keytest.Key(keytest.AccountID())))
			of(item, tt.value)
			if _, err := policies.Decode(item); (err == nil) != tt.good || err != nil && !errors.Is(err, dynamo.ErrUnreadable) {
				t.Errorf("%s, %s: %v", attribute, name, err)
			}
		}
	}
}

// TestAGateThatKnowsNoConsentsRefusesAKeyThatItWouldOpenTooWide, and reads all others.
func TestAGateThatKnowsNoConsentsRefusesAKeyThatItWouldOpenTooWide(t *testing.T) {
	for narrow, want := range map[bool]int64{false: 1, true: 2} {
		k := keytest.Key(keytest.AccountID(), func(k *apikey.Key) { k.Consents = consent.List{{Product: "search", Narrow: narrow}} })
		if v, _ := dynamo.GetN(policies.Encode(keytest.Policy(k)), "v"); v != want {
			t.Errorf("narrow %v: format %d, want %d", narrow, v, want)
		}
	}
}

// TestAGateThatKnowsNoNetworksAppsAndCapsRefusesAKeyThatHasThem, and reads all others: it would let everybody in, or as often as they like.
func TestAGateThatKnowsNoNetworksAppsAndCapsRefusesAKeyThatHasThem(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(*apikey.Key)
		want int64
	}{
		"neither":  {func(*apikey.Key) {}, 1},
		"networks": {func(k *apikey.Key) { k.Networks = []string{"192.0.2.0/24"} }, 3},
		"apps":     {func(k *apikey.Key) { k.Apps = []string{"ios com.example.app"} }, 3},
		"caps":     {func(k *apikey.Key) { k.Caps = apikey.Caps{{Group: "tiles", Day: 5}} }, 3},
		"networks, narrow": {func(k *apikey.Key) {
			k.Networks, k.Consents = []string{"192.0.2.0/24"}, consent.List{{Product: "search", Narrow: true}}
		}, 3},
		"both are proposed": {func(k *apikey.Key) {
			k.Proposed = &apikey.Proposal{Networks: &[]string{"192.0.2.0/24"}, Apps: &[]string{"ios com.example.app"}}
		}, 1},
	} {
		item := policies.Encode(keytest.Policy(keytest.Key(keytest.AccountID(), tt.edit)))
		if v, _ := dynamo.GetN(item, "v"); v != tt.want {
			t.Errorf("%s: format %d, want %d", name, v, tt.want)
		}
		delete(item, "nets")
		delete(item, "apps")
		delete(item, "caps")
		if _, err := policies.Decode(item); (err == nil) != (tt.want < 3) {
			t.Errorf("%s, without the lists: %v", name, err)
		}
	}
}

// TestAGateThatKnowsNoExposureRefusesTheSecretThatItWouldOpen, with whatever else the record has, and reads all other records.
func TestAGateThatKnowsNoExposureRefusesTheSecretThatItWouldOpen(t *testing.T) {
	for _, narrow := range []bool{false, true} {
		k := keytest.Key(keytest.AccountID(), func(k *apikey.Key) {
			k.Consents = consent.List{{Product: "search", Narrow: narrow}}
			k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret("old"), EndsAt: keytest.Now.AddDate(0, 0, 1)}
		})
		exposed, ok := k.Expose(k.Current.Hash, apikey.LeakReport{By: apikey.ReportedByOperator}, account.LeakRefuse, keytest.Now)
		if !ok {
			t.Fatal("the report changes nothing")
		}
		before, after := authz.PoliciesOf(k), authz.PoliciesOf(exposed)
		after[1].Version = before[1].Version
		if v, _ := dynamo.GetN(policies.Encode(after[0]), "v"); v != 3 {
			t.Errorf("narrow %v: the record of a refused secret has format %d", narrow, v)
		}
		if !reflect.DeepEqual(policies.Encode(after[1]), policies.Encode(before[1])) {
			t.Errorf("narrow %v: the record of the other secret has changed", narrow)
		}
	}
}
