package apikey_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
)

var ruled = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// expiring is a time so many days from the tests' now.
func expiring(days int) time.Time { return ruled.AddDate(0, 0, days) }

// TestAnAccountsRulesBindWhatIsNewOrChanged, and leave what stands.
func TestAnAccountsRulesBindWhatIsNewOrChanged(t *testing.T) {
	open := apikey.Key{Usage: apikey.Frontend}
	with := func(change func(*apikey.Key)) apikey.Key {
		k := open
		change(&k)
		return k
	}
	onPage := with(func(k *apikey.Key) { k.Domains = []string{"example.com"} })
	fromNetwork := with(func(k *apikey.Key) { k.Networks = []string{"192.0.2.0/24"} })
	inApp := with(func(k *apikey.Key) { k.Apps = []string{"ios com.example.app"} })
	server := with(func(k *apikey.Key) { k.Usage = apikey.Backend })
	proposed := with(func(k *apikey.Key) { k.Proposed = &apikey.Proposal{Domains: &[]string{"example.com"}} })
	until := func(at time.Time) apikey.Key {
		return with(func(k *apikey.Key) { k.Usage, k.ExpiresAt = apikey.Mobile, at })
	}
	restricted, year := account.Rules{FrontendRestricted: true}, account.Rules{LifetimeDays: 365}
	for name, c := range map[string]struct {
		rules  account.Rules
		before *apikey.Key
		after  apikey.Key
		want   error
	}{
		"no rule, a new key without anything":              {account.Rules{}, nil, open, nil},
		"a new key of a page that is open":                 {restricted, nil, open, apikey.ErrUnrestricted},
		"a new key of a page with a domain":                {restricted, nil, onPage, nil},
		"a new key of a page with a network":               {restricted, nil, fromNetwork, nil},
		"a new key of a page with an app":                  {restricted, nil, inApp, nil},
		"a proposal refuses nobody":                        {restricted, nil, proposed, apikey.ErrUnrestricted},
		"a new key of a server":                            {restricted, nil, server, nil},
		"the last domain is taken away":                    {restricted, &onPage, open, apikey.ErrUnrestricted},
		"the last domain gives way to a network":           {restricted, &onPage, fromNetwork, nil},
		"the key of a server becomes one of a page":        {restricted, &server, open, apikey.ErrUnrestricted},
		"a key that was open is renamed":                   {restricted, &open, with(func(k *apikey.Key) { k.Name = "Other" }), nil},
		"a key that was open is restricted":                {restricted, &open, onPage, nil},
		"a new key without an end":                         {year, nil, until(time.Time{}), apikey.ErrLifetime},
		"a new key that ends on the last day":              {year, nil, until(expiring(365)), nil},
		"a new key that ends a millisecond later":          {year, nil, until(expiring(365).Add(time.Millisecond)), apikey.ErrLifetime},
		"the end is taken away":                            {year, ptr(until(expiring(9))), until(time.Time{}), apikey.ErrLifetime},
		"the end is moved too far away":                    {year, ptr(until(expiring(9))), until(expiring(366)), apikey.ErrLifetime},
		"the end is moved as far as it goes":               {year, ptr(until(expiring(9))), until(expiring(365)), nil},
		"a key that never ended is renamed":                {year, ptr(until(time.Time{})), until(time.Time{}), nil},
		"a key that ends too late gets a nearer end":       {year, ptr(until(expiring(900))), until(expiring(300)), nil},
		"a key that ends too late gets another such end":   {year, ptr(until(expiring(900))), until(expiring(800)), apikey.ErrLifetime},
		"a key that ends too late keeps its end":           {year, ptr(until(expiring(900))), until(expiring(900)), nil},
		"an older key, counted from now and not from then": {year, nil, with(func(k *apikey.Key) { k.Usage, k.CreatedAt, k.ExpiresAt = apikey.Mobile, expiring(-3000), expiring(200) }), nil},
	} {
		var want []error
		if c.want != nil {
			want = []error{c.want}
		}
		if got := c.after.Breaks(c.rules, c.before, ruled); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func ptr(k apikey.Key) *apikey.Key { return &k }

// TestWhatKeepsTheStrictestRulesKeepsAll, so that such a change needs no look at the account's.
func TestWhatKeepsTheStrictestRulesKeepsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) apikey.Key {
			k := apikey.Key{Usage: rapid.SampledFrom([]apikey.ClientKind{apikey.Frontend, apikey.Backend, apikey.Mobile}).Draw(t, name+" usage")}
			if rapid.Bool().Draw(t, name+" domains") {
				k.Domains = []string{"example.com"}
			}
			if days := rapid.IntRange(0, 4000).Draw(t, name+" days"); days > 0 {
				k.ExpiresAt = expiring(days)
			}
			return k
		}
		after := draw("after")
		var before *apikey.Key
		if rapid.Bool().Draw(t, "edited") {
			before = ptr(draw("before"))
		}
		rules := account.Rules{FrontendRestricted: rapid.Bool().Draw(t, "restricted"), LifetimeDays: rapid.IntRange(0, account.MaxLifetime).Draw(t, "lifetime")}
		strict := after.Breaks(account.StrictestRules, before, ruled)
		for _, err := range after.Breaks(rules, before, ruled) {
			if !slices.ContainsFunc(strict, func(e error) bool { return errors.Is(e, err) }) {
				t.Fatalf("%v is no breach of the strictest rules: %v", err, strict)
			}
		}
	})
}
