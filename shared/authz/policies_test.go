package authz_test

import (
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
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

func TestMemoryCostGrowsWithWhatAPolicyHolds(t *testing.T) {
	small, err := authz.Compile(livePolicy())
	if err != nil {
		t.Fatal(err)
	}
	p := livePolicy()
	for range 100 {
		p.Domains = append(p.Domains, "a-rather-long-name.example.com")
	}
	big, err := authz.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	if got := big.MemoryCost() - small.MemoryCost(); got < 100*2*len("a-rather-long-name.example.com") {
		t.Errorf("100 domains cost %d bytes", got)
	}
}
