package figures

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// No change of a key makes a longer record: functions/keys refuses what authz.RecordSize finds longer than authz.MaxRecord.
func TestTheLargestRecordIsTheLargestThatAChangeMayMake(t *testing.T) {
	id := keytest.Account().ID
	largest := largestKey(id)
	longer := largest
	longer.Domains = names(len(largest.Domains)+1, len(largest.Domains[0]))
	if is, more := authz.RecordSize(largest), authz.RecordSize(longer); is > authz.MaxRecord || more <= authz.MaxRecord {
		t.Errorf("%d domains: %d bytes, with one more %d; the bound is %d", len(largest.Domains), is, more, authz.MaxRecord)
	}
	limited := largest // limits and caps may come later, and aren't asked whether they fit
	for _, p := range product.Default().Products() {
		for _, class := range p.Classes {
			limited.Limits = append(limited.Limits, apikey.Limit{Class: class.ID, QPS: class.MaxQPS, EndsAt: keytest.Now, Then: 1})
		}
	}
	limited.Caps = apikey.Caps{{Group: "tiles", Day: 1_000_000}}
	for name, k := range map[string]apikey.Key{"largest": largest, "with all limits": limited} {
		if n := recordSize(k); n > authz.MaxRecord || ReadUnits(n) != 4 {
			t.Errorf("%s: %d bytes, %d units", name, n, ReadUnits(n))
		}
	}
}

// TestNoRecordIsLongerThanItsEstimate: what is refused by its estimate is never shorter in the table than what is taken, whatever lists a key and its
// proposal have, of the longest of its secrets' records.
func TestNoRecordIsLongerThanItsEstimate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := keytest.Key(keytest.Account().ID)
		texts := rapid.Custom(func(rt *rapid.T) []string { // long ones, of which each must count, and none or many short ones, which have the most around them
			one := strings.Repeat("x", rapid.SampledFrom([]int{1, 15, 253}).Draw(rt, "length"))
			return slices.Repeat([]string{one}, rapid.SampledFrom([]int{0, 1, 60}).Draw(rt, "entries"))
		})
		proposed := func(name string) *[]string {
			if rapid.Bool().Draw(rt, name+" proposed") {
				return new(texts.Draw(rt, name))
			}
			return nil
		}
		k.Domains, k.Networks, k.Apps = texts.Draw(rt, "domains"), texts.Draw(rt, "networks"), texts.Draw(rt, "apps")
		k.Products, k.Consents = products(texts.Draw(rt, "products")), consents(texts.Draw(rt, "consents"))
		for _, class := range rapid.SliceOfN(rapid.SampledFrom(classes()), 0, 10).Draw(rt, "limits") {
			k.Limits = append(k.Limits, apikey.Limit{Class: class, QPS: 10_000, EndsAt: keytest.Now, Then: 9_999, Granted: 9_999, Lent: 10_000})
			k.Caps = append(k.Caps, apikey.Cap{Group: "tiles", Day: apikey.MaxCap, Since: keytest.Now})
		}
		if rapid.Bool().Draw(rt, "times") {
			k.ExpiresAt, k.DeletedAt, k.RevokedAt, k.AccountType = keytest.Now, keytest.Now, keytest.Now, account.Enterprise
			k.Disabled, k.HeaderOnly, k.Blocked = true, true, &apikey.Block{}
		}
		if rapid.Bool().Draw(rt, "outgoing") {
			k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret("outgoing"), EndsAt: keytest.Now}
		}
		if rapid.Bool().Draw(rt, "proposal") {
			k.Proposed = &apikey.Proposal{Since: keytest.Now, Domains: proposed("domains"), Networks: proposed("networks"), Apps: proposed("apps")}
			if list := proposed("products"); list != nil {
				k.Proposed.Products, k.Proposed.Consents = new(products(*list)), consents(texts.Draw(rt, "proposed consents"))
			}
		}
		most := authz.RecordSize(k)
		for i, p := range authz.PoliciesOf(k) {
			if is := ItemSize(policies.Encode(p)); is > most {
				rt.Errorf("record %d: %d bytes, by the estimate %d", i, is, most)
			}
		}
	})
}

func products(names []string) (list []product.ID) {
	for _, name := range names {
		list = append(list, product.ID(name))
	}
	return list
}

func consents(names []string) (list consent.List) {
	for _, name := range names {
		list = append(list, consent.Given{Product: name, Paths: []consent.Path{{Prefix: "/" + name + "/", Since: "3-8c1d22ef01"}}})
	}
	return list
}

func classes() (list []product.Class) {
	for _, p := range product.Default().Products() {
		for _, class := range p.Classes {
			list = append(list, class.ID)
		}
	}
	return list
}

// The cache charges for an entry, its account and the compiled policy: a record's bytes in the table are a fraction of that.
func TestAKeyIsChargedInMemoryAsTheCacheDoes(t *testing.T) {
	s, err := Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k := keytest.Key(keytest.Account().ID)
	k.Domains = names(3, 20)
	held, err := authz.Compile(authz.PoliciesOf(k)[0])
	if err != nil {
		t.Fatal(err)
	}
	each := Code["authorizer.entryCost"] + Code["authorizer.accountCost"] + float64(held.MemoryCost())
	near(t, "keys in memory", keysInMemory(s), Code["authorizer.knownBytes"]/each, 1e-9)
}
