package apikey_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/consent"
	"latchkey/shared/product"
)

// TestAnExposureIsOpenUntilSomebodyHasSeenToIt: of the secret in force first, of the one that ends as long as it opens something, and of
// none that an owner let work again. A key that has ended has none.
func TestAnExposureIsOpenUntilSomebodyHasSeenToIt(t *testing.T) {
	now := leakedAt
	of := func(place string) apikey.Exposure {
		return apikey.Exposure{At: now.Add(-time.Hour), By: apikey.ReportedByGitHub, Place: place}
	}
	for name, c := range map[string]struct {
		edit func(*apikey.Key)
		want string
	}{
		"of both":                          {func(*apikey.Key) {}, "current"},
		"of the one in force":              {func(k *apikey.Key) { k.Outgoing.Exposed = apikey.Exposure{} }, "current"},
		"without another":                  {func(k *apikey.Key) { k.Outgoing = nil }, "current"},
		"of the one that ends":             {func(k *apikey.Key) { k.Current.Exposed = apikey.Exposure{} }, "outgoing"},
		"in its last moment":               {func(k *apikey.Key) { k.Current.Exposed = apikey.Exposure{}; k.Outgoing.EndsAt = now.Add(1) }, "outgoing"},
		"of one that has ended":            {func(k *apikey.Key) { k.Current.Exposed = apikey.Exposure{}; k.Outgoing.EndsAt = now }, ""},
		"lifted of the one in force":       {func(k *apikey.Key) { k.Current.Exposed.LiftedAt = now }, "outgoing"},
		"lifted of the one that ends":      {func(k *apikey.Key) { k.Outgoing.Exposed.LiftedAt = now }, "current"},
		"lifted of both":                   {func(k *apikey.Key) { k.Current.Exposed.LiftedAt, k.Outgoing.Exposed.LiftedAt = now, now }, ""},
		"of none":                          {func(k *apikey.Key) { k.Current.Exposed, k.Outgoing.Exposed = apikey.Exposure{}, apikey.Exposure{} }, ""},
		"of a deleted key":                 {func(k *apikey.Key) { k.DeletedAt = now }, ""},
		"of a revoked key":                 {func(k *apikey.Key) { k.RevokedAt = now }, ""},
		"of a disabled one, which returns": {func(k *apikey.Key) { k.Disabled = true }, "current"},
		"of an expired one, which returns": {func(k *apikey.Key) { k.ExpiresAt = now }, "current"},
	} {
		k := rotatingKey()
		k.Current.Exposed, k.Outgoing.Exposed = of("current"), of("outgoing")
		c.edit(&k)
		want := apikey.Exposure{}
		if c.want != "" {
			want = of(c.want)
		}
		if got := k.OpenExposure(now); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// TestEachSecretOfAKeyHasItsRole, and the hash that is none has none, though a field of the key be empty.
func TestEachSecretOfAKeyHasItsRole(t *testing.T) {
	k := rotatingKey()
	k.Retired = []apikey.Retired{{Hash: apikey.Hash{7}}, {Hash: ended}}
	empty := apikey.Key{Outgoing: &apikey.Outgoing{}, Retired: []apikey.Retired{{}}}
	for name, c := range map[string]struct {
		k    apikey.Key
		hash apikey.Hash
		want apikey.SecretRole
	}{
		"in force": {k, inForce, "current"}, "ending": {k, ending, "outgoing"}, "ended": {k, ended, "retired"}, "ended before": {k, apikey.Hash{7}, "retired"},
		"of nobody": {k, nobodys, ""}, "none": {k, apikey.Hash{}, ""}, "none, of an empty key": {empty, apikey.Hash{}, ""},
		"ending, of a key without": {apikey.Key{Current: k.Current}, ending, ""},
	} {
		if got := c.k.RoleOf(c.hash); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestSettingABillingTypeKeepsToTheAccounts, in every status of the key, and setting the same is no change.
func TestSettingABillingTypeKeepsToTheAccounts(t *testing.T) {
	now := leakedAt
	for _, edit := range []func(*apikey.Key){func(*apikey.Key) {}, func(k *apikey.Key) { k.RevokedAt = now }, func(k *apikey.Key) { k.DeletedAt = now }} {
		k := rotatingKey()
		k.AccountType, k.BillingType = account.SelfServe, apikey.Freemium
		edit(&k)
		if got, err := k.SetBilling(apikey.Paying, now); !errors.Is(err, apikey.ErrBilling) || !reflect.DeepEqual(got, k) {
			t.Errorf("another type's: %v, %s", err, got.BillingType)
		}
		if got, err := k.SetBilling(apikey.Freemium, now); err != nil || !reflect.DeepEqual(got, k) {
			t.Errorf("the same: %v, version %d", err, got.Version)
		}
		want := k
		want.BillingType, want.Version, want.UpdatedAt = apikey.PayAsYouGrow, k.Version+1, now
		if got, err := k.SetBilling(apikey.PayAsYouGrow, now); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("another: %v, %+v", err, got)
		}
	}
}

// TestTheErrorOfAMappingNamesItsEntry, what it begins at, so that a form can show which one.
func TestTheErrorOfAMappingNamesItsEntry(t *testing.T) {
	for name, c := range map[string]struct {
		to         account.Type
		from, onto apikey.BillingType
		want       error
	}{
		"from nothing":           {account.Enterprise, "gold", apikey.Paying, apikey.ErrUnknownBilling},
		"onto another type's":    {account.Enterprise, apikey.Freemium, apikey.PayAsYouGrow, apikey.ErrBilling},
		"of one type":            {account.SelfServe, apikey.Paying, apikey.PayAsYouGrow, nil},
		"of the other":           {account.Enterprise, apikey.Freemium, apikey.Free, nil},
		"of its own":             {account.Enterprise, apikey.Paying, apikey.Free, nil},
		"onto what is no type's": {account.SelfServe, apikey.Freemium, "gold", apikey.ErrBilling},
	} {
		got, err := apikey.NewTypeChange(c.to, map[apikey.BillingType]apikey.BillingType{c.from: c.onto})
		var entry *apikey.MappingError
		switch {
		case c.want == nil:
			if err != nil || got.To != c.to || got.Billing[c.from] != c.onto {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		case !errors.As(err, &entry) || entry.From != c.from || !errors.Is(err, c.want) || err.Error() != c.want.Error()+`: "`+string(c.from)+`"`:
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := apikey.NewTypeChange("other", nil); !errors.Is(err, apikey.ErrBilling) {
		t.Errorf("to a type that is none: %v", err)
	}
}

// TestADomainIsLinkedReplacedAndUnlinked: what the key has, or lacks, already is no change, a full list takes no other, and a key that has
// ended takes none.
func TestADomainIsLinkedReplacedAndUnlinked(t *testing.T) {
	now := leakedAt
	full := make([]string, apikey.MaxDomains)
	for i := range full {
		full[i] = "d" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + ".example"
	}
	slices.Sort(full)
	over := append(slices.Clone(full), "z.example") // of a release that allowed more
	for name, c := range map[string]struct {
		have   []string
		change func(apikey.Key) (apikey.Key, error)
		want   []string
		err    error
	}{
		"link":                      {[]string{"b.example"}, func(k apikey.Key) (apikey.Key, error) { return k.Link("a.example", now) }, []string{"a.example", "b.example"}, nil},
		"link the first":            {nil, func(k apikey.Key) (apikey.Key, error) { return k.Link("a.example", now) }, []string{"a.example"}, nil},
		"link again":                {[]string{"a.example"}, func(k apikey.Key) (apikey.Key, error) { return k.Link("a.example", now) }, nil, nil},
		"link one too many":         {full, func(k apikey.Key) (apikey.Key, error) { return k.Link("zz.example", now) }, nil, apikey.ErrDomains},
		"link the last that fits":   {full[1:], func(k apikey.Key) (apikey.Key, error) { return k.Link(full[0], now) }, full, nil},
		"link again of a full one":  {full, func(k apikey.Key) (apikey.Key, error) { return k.Link(full[3], now) }, nil, nil},
		"replace":                   {[]string{"a.example", "b.example"}, func(k apikey.Key) (apikey.Key, error) { return k.Replace("a.example", "c.example", now) }, []string{"b.example", "c.example"}, nil},
		"replace what isn't there":  {[]string{"a.example"}, func(k apikey.Key) (apikey.Key, error) { return k.Replace("x.example", "c.example", now) }, nil, nil},
		"replace by what is there":  {[]string{"a.example", "b.example"}, func(k apikey.Key) (apikey.Key, error) { return k.Replace("a.example", "b.example", now) }, []string{"b.example"}, nil},
		"replace of a full one":     {full, func(k apikey.Key) (apikey.Key, error) { return k.Replace(full[0], "zz.example", now) }, append(slices.Clone(full[1:]), "zz.example"), nil},
		"replace of one with more":  {over, func(k apikey.Key) (apikey.Key, error) { return k.Replace("z.example", "zz.example", now) }, append(slices.Clone(full), "zz.example"), nil},
		"unlink":                    {[]string{"a.example", "b.example"}, func(k apikey.Key) (apikey.Key, error) { return k.Unlink("a.example", now) }, []string{"b.example"}, nil},
		"unlink what isn't there":   {[]string{"a.example"}, func(k apikey.Key) (apikey.Key, error) { return k.Unlink("x.example", now) }, nil, nil},
		"unlink of one with more":   {append(slices.Clone(over), "zz.example"), func(k apikey.Key) (apikey.Key, error) { return k.Unlink("zz.example", now) }, over, nil},
		"link of one with more yet": {over, func(k apikey.Key) (apikey.Key, error) { return k.Link("zz.example", now) }, nil, apikey.ErrDomains},
	} {
		k := rotatingKey()
		k.Domains = c.have
		want := k
		if c.want != nil {
			want.Domains, want.Version, want.UpdatedAt = c.want, k.Version+1, now
		}
		had := slices.Clone(c.have)
		if got, err := c.change(k); !errors.Is(err, c.err) || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, version %d, %d domains: %v", name, err, got.Version, len(got.Domains), got.Domains)
		}
		if !slices.Equal(c.have, had) {
			t.Errorf("%s: the key as it was read has %v", name, c.have)
		}
		k.RevokedAt = now
		if got, err := c.change(k); !errors.Is(err, apikey.ErrRevoked) || got.Version != k.Version {
			t.Errorf("%s, of a revoked key: %v", name, err)
		}
	}
}

// TestAProposalInForceTakesItsMembersAlone: each alone, and a product that the key has keeps the consent that it has.
func TestAProposalInForceTakesItsMembersAlone(t *testing.T) {
	given := func(id, since string) consent.Given {
		return consent.Given{Product: id, Paths: []consent.Path{{Prefix: "/" + id + "/", Since: consent.Version(since)}}}
	}
	lists := func(k apikey.Key) [3][]string { return [3][]string{k.Domains, k.Networks, k.Apps} }
	k := rotatingKey()
	k.Domains, k.Networks, k.Apps = []string{"a.example"}, []string{"192.0.2.0/24"}, []string{"ios com.example"}
	k.Products, k.Consents = []product.ID{"map", "search"}, consent.List{given("map", "1-aaaaaaaaaa"), given("search", "1-aaaaaaaaaa")}
	other := []string{"other"}
	for name, c := range map[string]struct {
		p    apikey.Proposal
		want [3][]string
	}{
		"nothing":  {apikey.Proposal{}, lists(k)},
		"domains":  {apikey.Proposal{Domains: &other}, [3][]string{other, k.Networks, k.Apps}},
		"networks": {apikey.Proposal{Networks: &other}, [3][]string{k.Domains, other, k.Apps}},
		"apps":     {apikey.Proposal{Apps: &other}, [3][]string{k.Domains, k.Networks, other}},
	} {
		proposed := k
		proposed.Proposed = &c.p
		got := proposed.Enforced()
		if !reflect.DeepEqual(lists(got), c.want) || got.Proposed != nil || !reflect.DeepEqual(got.Products, k.Products) || !reflect.DeepEqual(got.Consents, k.Consents) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	ids := []product.ID{"map", "route", "plain"}
	proposed := k
	proposed.Proposed = &apikey.Proposal{Products: &ids, Consents: consent.List{given("map", "2-bbbbbbbbbb"), given("route", "2-bbbbbbbbbb")}}
	got := proposed.Enforced()
	if want := (consent.List{given("map", "1-aaaaaaaaaa"), given("route", "2-bbbbbbbbbb")}); !reflect.DeepEqual(got.Consents, want) || !slices.Equal(got.Products, ids) || !reflect.DeepEqual(lists(got), lists(k)) {
		t.Errorf("products: %v with %+v, want %+v", got.Products, got.Consents, want)
	}
	if same := k.Enforced(); !reflect.DeepEqual(same, k) {
		t.Errorf("without a proposal: %+v", same)
	}
}

// TestADeliveredSecretKeepsItsName: one without a name of its own has the one from before names had the stack in them.
func TestADeliveredSecretKeepsItsName(t *testing.T) {
	for d, want := range map[apikey.Delivery]string{
		{}:                               "",
		{Reader: "arn:r"}:                "latchkey/acc_1/key_1",
		{Reader: "arn:r", Name: "own/1"}: "own/1",
		{Name: "own/2"}:                  "own/2",
	} {
		if got := (apikey.Key{ID: "key_1", Account: "acc_1", Delivery: d}).DeliveredAs(); got != want {
			t.Errorf("%+v: %q, want %q", d, got, want)
		}
	}
	before := apikey.Delivery{Reader: "arn:r", Name: "own/1", Version: "v1", RetryAt: leakedAt}
	if got := before.Again("v2"); got != (apikey.Delivery{Reader: "arn:r", Name: "own/1", Due: true, Version: "v2"}) {
		t.Errorf("delivered again: %+v", got)
	}
}

// TestALimitIsFreeUpToTheMostThatWasGranted: each source alone is the most of all, what was lent counts until its end, and what comes back
// then counts at once.
func TestALimitIsFreeUpToTheMostThatWasGranted(t *testing.T) {
	now := leakedAt
	for name, c := range map[string]struct {
		l        apikey.Limit
		byItself int
		want     int
	}{
		"the catalogue's":              {apikey.Limit{}, 9, 9},
		"granted":                      {apikey.Limit{QPS: 3, Granted: 8}, 5, 8},
		"what holds":                   {apikey.Limit{QPS: 7, Granted: 4}, 5, 7},
		"lent":                         {apikey.Limit{QPS: 3, Lent: 20, Then: 4, EndsAt: now.Add(1)}, 5, 20},
		"lent, at its end":             {apikey.Limit{QPS: 30, Lent: 20, Then: 4, EndsAt: now}, 5, 5},
		"what comes back":              {apikey.Limit{QPS: 3, Lent: 2, Then: 12, EndsAt: now.Add(1)}, 5, 12},
		"what has come back":           {apikey.Limit{QPS: 3, Lent: 20, Then: 12, EndsAt: now}, 5, 12},
		"lent for good, which is none": {apikey.Limit{QPS: 3, Lent: 20, Then: 30}, 5, 5},
	} {
		if got := c.l.Free(c.byItself, now); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
