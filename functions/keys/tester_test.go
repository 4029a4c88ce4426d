package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

func TestTesterAnswersWhatTheGateWould(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, map[string]any{"usage": "frontend", "domains": []string{"*.example.com"}})
	cases := []struct {
		name       string
		body       map[string]any
		code, rule any
	}{
		{"own page", map[string]any{"origin": "https://shop.example.com"}, "allowed", "*.example.com"},
		{"foreign page", map[string]any{"origin": "https://evil.test"}, "domain_not_allowed", "no_pattern"},
		{"a tile", map[string]any{"referer": "https://shop.example.com/a?b"}, "allowed", "*.example.com"},
		{"neither", map[string]any{"origin": nil}, "origin_missing", "missing_denied"},
		{"another product", map[string]any{"origin": "https://shop.example.com", "path": "/routing/1/x"}, "product_not_allowed", "routing"},
		{"no product at all", map[string]any{"origin": "https://shop.example.com", "path": "/nowhere/1"}, "product_not_allowed", "no_product"},
		{"a foreign page for another product", map[string]any{"origin": "https://evil.test", "path": "/routing/1/x"}, "product_not_allowed", "routing"},
		{"a question mark in the path", map[string]any{"origin": "https://shop.example.com", "path": "/search/2/a%3Fb"}, "allowed", "*.example.com"},
		{"a crooked path", map[string]any{"origin": "https://shop.example.com", "path": "/search/../routing/"}, "path_not_canonical", "path_not_canonical"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := r.post(t, 200, "viewer", k, "test", c.body).JSON(t)
			if got["code"] != c.code || got["rule"] != c.rule || got["allowed"] != (c.code == "allowed") {
				t.Errorf("%v", got)
			}
		})
	}
}

// TestTesterRefusesWhatIsNoPath: the gate never sees a query or a fragment, so there is no answer that it would give.
func TestTesterRefusesWhatIsNoPath(t *testing.T) {
	r := newHarness(t)
	k := r.create(t, nil)
	for _, path := range []string{"", "search/2/x", "/search/2/x?q=a", "/search/2/x?", "/search/2/x#top", "?", "https://products.example/search/2/x"} {
		got := r.Do(t, apitest.Call{As: "viewer", Method: "POST", Path: r.path(k) + "/test", Body: map[string]any{"path": path}})
		if got.Problem() != "422 invalid [/path]" || !strings.Contains(string(got.Body), `"not_a_path"`) {
			t.Errorf("%q: %s %s", path, got.Problem(), got.Body)
		}
	}
}

// TestTesterTakesTheSampleOfTheKeysFirstAPI also skips what the catalogue no longer has.
func TestTesterTakesTheSampleOfTheKeysFirstAPI(t *testing.T) {
	r := newHarness(t)
	routing, _ := product.Default().Product("routing")
	for _, c := range []struct {
		products []product.ID
		path     string
		code     authz.Code
	}{
		{[]product.ID{"gone", "maps-sdk-web", "routing", "search"}, routing.SamplePath, authz.Allowed},
		{[]product.ID{"maps-sdk-web"}, "/", authz.ProductNotAllowed},
	} {
		k := r.NewKey(t, r.account, func(k *apikey.Key) { k.Products, k.Domains = c.products, nil })
		if got := r.Want(t, 200, apitest.Call{As: "viewer", Method: "POST", Path: "/v1/accounts/" + string(r.account.ID) + "/keys/" + string(k.ID) + "/test"}).JSON(t); got["path"] != c.path || got["code"] != string(c.code) {
			t.Errorf("%v: %v", c.products, got)
		}
	}
}

// TestTesterNamesWhatDecided walks through what can refuse a call before its origin is looked at.
func TestTesterNamesWhatDecided(t *testing.T) {
	at := keytest.Now
	good := map[string]any{"path": "/search/2/x"}
	for code, c := range map[authz.Code]struct {
		with func(*apikey.Key)
		rule string
	}{
		authz.Allowed:           {func(*apikey.Key) {}, "unrestricted"},
		authz.KeyDeleted:        {func(k *apikey.Key) { k.DeletedAt = at }, "deleted"},
		authz.KeyRevoked:        {func(k *apikey.Key) { k.RevokedAt = at }, "revoked"},
		authz.KeyBlocked:        {func(k *apikey.Key) { k.Blocked = &apikey.Block{Reason: "abuse", At: at} }, "blocked"},
		authz.KeyDisabled:       {func(k *apikey.Key) { k.Disabled = true }, "disabled"},
		authz.KeyExpired:        {func(k *apikey.Key) { k.ExpiresAt = at }, "expired"},
		authz.KeyNotInHeader:    {func(k *apikey.Key) { k.HeaderOnly = true }, "header_only"},
		authz.ProductNotAllowed: {func(k *apikey.Key) { k.Products = []product.ID{"routing"} }, "search"},
	} {
		t.Run(string(code), func(t *testing.T) {
			r := newHarness(t)
			key := r.NewKey(t, r.account, func(k *apikey.Key) { k.Products, k.Domains = []product.ID{"search"}, nil }, c.with)
			got := r.post(t, 200, "viewer", map[string]any{"id": string(key.ID)}, "test", good).JSON(t)
			if got["code"] != string(code) || got["rule"] != c.rule {
				t.Errorf("%v, want %s by %s", got, code, c.rule)
			}
		})
	}
}

// TestEveryDecisionHasARule: null wouldn't tell the caller what to fix. Where a status of keys is the reason,
// the rule is that status.
func TestEveryDecisionHasARule(t *testing.T) {
	named := map[authz.Code]string{authz.KeyNotInHeader: "header_only", authz.ProductNotAllowed: "no_product"}
	for _, status := range apikey.Statuses {
		named[authz.Code("key_"+status)] = string(status)
		named[authz.Code("account_"+status)] = string(status)
	}
	for _, c := range authz.Codes {
		want := string(c.Code)
		if name, ok := named[c.Code]; ok {
			want = name
		}
		if got := ruleOf(authz.Decision{Code: c.Code}); got != want {
			t.Errorf("%s: %q, want %q", c.Code, got, want)
		}
	}
}

// TestTesterAnswersForTheTimeThatIsAsked: the end of a key is over at the end itself, and the secret that a rotation
// brings goes on past the grace of the one before.
func TestTesterAnswersForTheTimeThatIsAsked(t *testing.T) {
	r := newHarness(t)
	end := keytest.Now.Add(48 * time.Hour)
	rotating := func(k *apikey.Key) {
		secret := k.Current
		secret.Hash[0]++
		k.Outgoing = &apikey.Outgoing{StoredSecret: secret, EndsAt: keytest.Now.Add(24 * time.Hour)}
	}
	for name, with := range map[string]func(*apikey.Key){"alone": func(*apikey.Key) {}, "in a rotation": rotating} {
		key := r.NewKey(t, r.account, with, func(k *apikey.Key) {
			k.Products, k.Domains, k.ExpiresAt = []product.ID{"search"}, nil, end
		})
		for after, want := range map[time.Duration]string{
			0: "allowed unrestricted", 24 * time.Hour: "allowed unrestricted", 25 * time.Hour: "allowed unrestricted",
			48*time.Hour - time.Millisecond: "allowed unrestricted", 48 * time.Hour: "key_expired expired", 72 * time.Hour: "key_expired expired",
		} {
			at := keytest.Now.Add(after).Format(time.RFC3339Nano)
			got := r.post(t, 200, "viewer", map[string]any{"id": string(key.ID)}, "test", map[string]any{"at": at}).JSON(t)
			if answer := fmt.Sprint(got["code"], " ", got["rule"]); answer != want {
				t.Errorf("%s, after %v: %s, want %s", name, after, answer, want)
			}
		}
	}
}
