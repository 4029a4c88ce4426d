package authz_test

import (
	"testing"
	"time"
	"unsafe"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/origin"
	"latchkey/shared/product"
)

func rotatedKey() apikey.Key {
	return apikey.Key{
		ID: "key_1", Account: "acc_1", Version: 7, Products: []product.ID{"map-display"},
		Current:  apikey.StoredSecret{Hash: apikey.Hash{1}},
		Outgoing: &apikey.Outgoing{StoredSecret: apikey.StoredSecret{Hash: apikey.Hash{2}}, EndsAt: in},
		Retired:  []apikey.Retired{{Hash: apikey.Hash{3}, EndedAt: ago}, {Hash: apikey.Hash{4}}},
	}
}

func codesOf(key apikey.Key, at time.Time) map[byte]authz.Code {
	codes := map[byte]authz.Code{}
	for _, p := range authz.PoliciesOf(key) {
		codes[p.Hash[0]] = authz.Decide(at, tileRequest(), p).Code
	}
	return codes
}

func TestPoliciesOfLetsBothSecretsWorkDuringGraceAndNoOther(t *testing.T) {
	want := map[byte]authz.Code{1: authz.Allowed, 2: authz.Allowed, 3: authz.SecretExpired, 4: authz.SecretExpired}
	for hash, code := range codesOf(rotatedKey(), now) {
		if code != want[hash] {
			t.Errorf("secret %d: %s", hash, code)
		}
	}
	if code := codesOf(rotatedKey(), in)[2]; code != authz.SecretExpired {
		t.Errorf("at the end of its grace the outgoing secret is %s", code)
	}
	unending := rotatedKey()
	unending.Outgoing.EndsAt = time.Time{}
	if code := codesOf(unending, now)[2]; code != authz.SecretExpired {
		t.Errorf("an outgoing secret without an end is %s", code)
	}
}

func TestDecideDeniesRevokedKeyDuringGrace(t *testing.T) {
	key := rotatedKey()
	key.RevokedAt = ago
	for hash, code := range codesOf(key, now) {
		if code != authz.KeyRevoked {
			t.Errorf("secret %d of a revoked key: %s", hash, code)
		}
	}
}

func TestPoliciesOfCarriesEveryFactOfTheKey(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(*apikey.Key)
		code authz.Code
	}{
		"deleted":  {func(k *apikey.Key) { k.DeletedAt = ago }, authz.KeyDeleted},
		"blocked":  {func(k *apikey.Key) { k.Blocked = &apikey.Block{} }, authz.KeyBlocked},
		"disabled": {func(k *apikey.Key) { k.Disabled = true }, authz.KeyDisabled},
		"expired":  {func(k *apikey.Key) { k.ExpiresAt = now }, authz.KeyExpired},
		"header":   {func(k *apikey.Key) { k.HeaderOnly = true }, authz.KeyNotInHeader},
		"product":  {func(k *apikey.Key) { k.Products = nil }, authz.ProductNotAllowed},
		"consent":  {func(k *apikey.Key) { k.Consents = consent.List{{Product: "map-display"}} }, authz.PathNotGranted},
		"domain":   {func(k *apikey.Key) { k.Domains = []string{"other.example"} }, authz.DomainNotAllowed},
	} {
		key := rotatedKey()
		tt.edit(&key)
		codes := codesOf(key, now)
		if codes[1] != tt.code || codes[2] != tt.code {
			t.Errorf("%s: current %s, outgoing %s", name, codes[1], codes[2])
		}
	}
}

// TestEachRecordNamesTheKeysBillingType, retired secrets' too: what they ask for is counted under it.
func TestEachRecordNamesTheKeysBillingType(t *testing.T) {
	key := rotatedKey()
	key.BillingType = apikey.PayAsYouGrow
	for i, p := range authz.PoliciesOf(key) {
		if p.BillingType != apikey.PayAsYouGrow {
			t.Errorf("record %d: %q", i, p.BillingType)
		}
	}
}

// TestMemoryCostCountsEverythingThatAPolicyHolds: caches are bounded by it, so what it leaves out takes memory that
// nobody counts.
func TestMemoryCostCountsEverythingThatAPolicyHolds(t *testing.T) {
	const name = "a-rather-long-name.example.com"
	ids, domains := []product.ID{"a-rather-long-product"}, []string{name}
	cost := func(edit func(*authz.Policy)) int {
		p := livePolicy()
		p.Products = nil
		edit(&p)
		c, err := authz.Compile(p)
		if err != nil {
			t.Fatal(err)
		}
		return c.MemoryCost()
	}
	empty := cost(func(*authz.Policy) {})
	if empty < int(unsafe.Sizeof(authz.Compiled{})) {
		t.Errorf("an empty policy costs %d bytes, its struct alone takes %d", empty, unsafe.Sizeof(authz.Compiled{}))
	}
	consented := cost(func(p *authz.Policy) { p.Consents = consent.List{{Product: "map-display"}} })
	proposal := cost(func(p *authz.Policy) { p.Proposed = &apikey.Proposal{} })
	const header = int(unsafe.Sizeof(""))
	pattern := int(unsafe.Sizeof(origin.Pattern{}))
	for _, tt := range []struct {
		what        string
		from, least int
		edit        func(*authz.Policy)
	}{
		{"a product", empty, header + len(ids[0]), func(p *authz.Policy) { p.Products = ids }},
		{"a domain with its pattern", empty, header + pattern + 2*len(name), func(p *authz.Policy) { p.Domains = domains }},
		{"a limit", empty, int(unsafe.Sizeof(apikey.Limit{})), func(p *authz.Policy) { p.Limits = make([]apikey.Limit, 1) }},
		{"a cap", empty, int(unsafe.Sizeof(apikey.Cap{})) + len("tiles"), func(p *authz.Policy) { p.Caps = apikey.Caps{{Group: "tiles", Day: 1}} }},
		{"a consent", empty, int(unsafe.Sizeof(consent.Given{})) + len("map-display"), func(p *authz.Policy) { p.Consents = consent.List{{Product: "map-display"}} }},
		{"a coverage", consented, int(unsafe.Sizeof(consent.Path{})) + len("/map/") + len("3-8c1d22ef01"), func(p *authz.Policy) {
			p.Consents = consent.List{{Product: "map-display", Paths: []consent.Path{{Prefix: "/map/", Since: "3-8c1d22ef01"}}}}
		}},
		{"a proposal", empty, int(unsafe.Sizeof(apikey.Proposal{})), func(p *authz.Policy) { p.Proposed = &apikey.Proposal{} }},
		{"a proposed product", proposal, header + len(ids[0]), func(p *authz.Policy) { p.Proposed = &apikey.Proposal{Products: &ids} }},
		{"a proposed domain", proposal, header + pattern + 2*len(name), func(p *authz.Policy) { p.Proposed = &apikey.Proposal{Domains: &domains} }},
	} {
		one := cost(tt.edit) - tt.from
		if one < tt.least || one > 3*tt.least {
			t.Errorf("%s costs %d bytes, it takes about %d", tt.what, one, tt.least)
		}
	}
	for n := range 5 {
		many := cost(func(p *authz.Policy) {
			for range n {
				p.Products, p.Domains, p.Limits = append(p.Products, ids...), append(p.Domains, name), append(p.Limits, apikey.Limit{})
			}
		})
		one := cost(func(p *authz.Policy) { p.Products, p.Domains, p.Limits = ids, domains, make([]apikey.Limit, 1) }) - empty
		if many != empty+n*one {
			t.Errorf("%d of each cost %d bytes, want %d", n, many-empty, n*one)
		}
	}
}

// TestARetiredSecretsRecordHoldsNoMoreThanItsState: nothing of what the key allows, which can't matter any more.
func TestARetiredSecretsRecordHoldsNoMoreThanItsState(t *testing.T) {
	key := rotatedKey()
	key.Domains, key.MissingOrigin = []string{"a.example"}, apikey.MissingOriginAllow
	key.Consents = consent.List{{Product: "search"}}
	key.Limits, key.Proposed = []apikey.Limit{{Class: "search", QPS: 1}}, &apikey.Proposal{}
	key.Caps = apikey.Caps{{Group: "tiles", Day: 5}}
	for _, p := range authz.PoliciesOf(key)[2:] {
		if p.Products != nil || p.Consents != nil || p.Domains != nil || p.Limits != nil || p.Caps != nil || p.Proposed != nil || p.MissingOrigin != apikey.MissingOriginDeny {
			t.Errorf("%+v", p)
		}
	}
}

// TestBothSecretsOfAKeyHaveItsCaps: they share what is left of them.
func TestBothSecretsOfAKeyHaveItsCaps(t *testing.T) {
	key := rotatedKey()
	key.Caps = apikey.Caps{{Group: "tiles", Day: 5}}
	for _, p := range authz.PoliciesOf(key)[:2] {
		if p.Caps.Of("tiles") != 5 {
			t.Errorf("%+v", p)
		}
	}
}

// TestTheLimitsOfAnAccountCostMemory, and its quotas: as many as the catalogue has classes, in each of the records that a gate keeps.
func TestTheLimitsOfAnAccountCostMemory(t *testing.T) {
	none := authz.Account{}
	many := authz.Account{Limits: account.Limits{{Class: "map-display.tiles", QPS: 5}, {Class: "search", QPS: 5}}}
	quotas := authz.Account{Quotas: account.Quotas{{Billing: "freemium", Group: "other", Day: 1}, {Billing: "freemium", Group: "tiles", Day: 1}}}
	if least := none.MemoryCost() + 2*48 + len("freemiumotherfreemiumtiles"); quotas.MemoryCost() < least {
		t.Errorf("%d bytes, want %d at least", quotas.MemoryCost(), least)
	}
	if least := none.MemoryCost() + 2*24 + len("map-display.tilessearch"); many.MemoryCost() < least {
		t.Errorf("%d bytes, want %d at least", many.MemoryCost(), least)
	}
}

// TestTheGateKnowsAnAccountsLimits and quotas, of a suspended and of a closed account too.
func TestTheGateKnowsAnAccountsLimits(t *testing.T) {
	a := account.Account{ID: "acc_1", Type: account.SelfServe, Version: 3, Limits: account.Limits{{Class: "search", QPS: 5}}}
	a.Quotas = account.Quotas{{Billing: "freemium", Group: "other", Day: 7}}
	for _, closing := range []bool{false, true} {
		a.Closing = closing
		if got := authz.AccountOf(a); got.Limits.Of("search") != 5 || got.Limits.Of("routing") != 0 || got.Quotas.Of("freemium", "other").Day != 7 {
			t.Errorf("closing %v: %+v", closing, got)
		}
	}
}
