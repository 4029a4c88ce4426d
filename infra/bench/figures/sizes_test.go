package figures

import (
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
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

// What is refused by its estimate is never shorter in the table than what is taken.
func TestNoRecordIsLongerThanItsEstimate(t *testing.T) {
	id := keytest.Account().ID
	for name, of := range map[string]func(*apikey.Key){
		"nothing":       func(*apikey.Key) {},
		"short domains": func(k *apikey.Key) { k.Domains = names(100, 15) },
		"long domains":  func(k *apikey.Key) { k.Domains = names(100, 253) },
		"networks":      func(k *apikey.Key) { k.Networks = names(50, 18) },
		"apps":          func(k *apikey.Key) { k.Apps = names(50, 120) },
		"proposed domains": func(k *apikey.Key) {
			list := names(100, 15)
			k.Proposed = &apikey.Proposal{Since: keytest.Now, Domains: &list}
		},
		"proposed apps": func(k *apikey.Key) {
			list := names(50, 30)
			k.Proposed = &apikey.Proposal{Since: keytest.Now, Apps: &list}
		},
		"all times": func(k *apikey.Key) {
			k.ExpiresAt, k.DeletedAt, k.RevokedAt, k.AccountType = keytest.Now, keytest.Now, keytest.Now, account.Enterprise
		},
	} {
		k := keytest.Key(id, of)
		if is, most := recordSize(k), authz.RecordSize(k); is > most {
			t.Errorf("%s: %d bytes, by the estimate %d", name, is, most)
		}
	}
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
