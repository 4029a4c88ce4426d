package main

import (
	"fmt"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/keytest"
	"latchkey/shared/origin"
	"latchkey/shared/product"
)

// TestAProposalShowsWhatEnforcingItWouldChange decides the same calls before and after the promotion, and holds the
// number against the difference.
func TestAProposalShowsWhatEnforcingItWouldChange(t *testing.T) {
	since := keytest.Now.Add(-3 * time.Hour)
	inForce := func(k *apikey.Key) {
		k.Usage, k.MissingOrigin = apikey.Frontend, apikey.MissingOriginDeny
		k.Products, k.Domains = []product.ID{"search", "map-display"}, []string{"*.example.com"}
	}
	for name, c := range map[string]struct {
		proposal apikey.Proposal
		want     string
	}{
		"stricter domains":          {apikey.Proposal{Domains: &[]string{"a.example.com"}}, "2 of 4"},
		"the domains in force":      {apikey.Proposal{Domains: &[]string{"*.example.com"}}, "0 of 4"},
		"domains of somebody else":  {apikey.Proposal{Domains: &[]string{"b.test"}}, "4 of 4"},
		"no domains":                {apikey.Proposal{Domains: &[]string{}}, "0 of 4"},
		"fewer products":            {apikey.Proposal{Products: &[]product.ID{"search"}}, "2 of 4"},
		"a product that none asked": {apikey.Proposal{Products: &[]product.ID{"geocoding"}}, "4 of 4"},
		"more products":             {apikey.Proposal{Products: &[]product.ID{"search", "map-display", "routing"}}, "0 of 4"},
		"both":                      {apikey.Proposal{Domains: &[]string{"a.example.com"}, Products: &[]product.ID{"search"}}, "3 of 4"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t)
			c.proposal.Since = since
			k := r.NewKey(t, r.account, inForce, func(k *apikey.Key) { k.CreatedAt, k.Proposed = since, &c.proposal })
			evaluated, refused := r.callAll(t, k)
			p, _ := r.get(t, k, "")["proposed"].(map[string]any)
			got := fmt.Sprint(p["would_refuse"], " of ", p["evaluated"])
			if got != c.want || got != fmt.Sprint(refused, " of ", evaluated) {
				t.Errorf("would refuse %s, want %s; promoting it changes %d of %d", got, c.want, refused, evaluated)
			}
		})
	}
}

// callAll counts calls from two of the key's pages, from somebody else's and from none, to two of its products and to
// one that isn't. It returns how many are allowed now, and how many of those the promoted proposal refuses.
func (r *harness) callAll(t *testing.T, k apikey.Key) (evaluated, refused int) {
	t.Helper()
	promoted := k
	promoted.Proposed = nil
	if k.Proposed.Domains != nil {
		promoted.Domains = *k.Proposed.Domains
	}
	if k.Proposed.Products != nil {
		promoted.Products = *k.Proposed.Products
	}
	at := keytest.Now.Add(-2 * time.Hour)
	for _, page := range []string{"https://a.example.com", "https://b.example.com", "https://evil.test", ""} {
		for _, path := range []string{"/search/2/x", "/map/1/tile/0/0/0.png", "/routing/1/x"} {
			req := authz.Request{Target: authz.TargetOf(path, product.Default()), Place: authz.InQuery}
			req.Origin, req.Presence = origin.FromHeaders(page, "")
			now := authz.Decide(at, req, authz.PoliciesOf(k)[0])
			after := authz.Decide(at, req, authz.PoliciesOf(promoted)[0])
			one := call(k, now.Product, now.Code, at)
			one.Proposed, one.Shadow = k.Proposed.Since, now.Shadow
			r.count(t, 1, one)
			if now.Allowed() {
				evaluated++
				if !after.Allowed() {
					refused++
				}
			}
		}
	}
	return evaluated, refused
}
