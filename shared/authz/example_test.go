package authz_test

import (
	"fmt"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/origin"
	"latchkey/shared/product"
)

// A denial is a value: the code of the first check that fails. A proposal of the key's owner is decided beside what is
// enforced, so that its effect is known before anybody is refused by it.
func ExampleDecide() {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	policy := authz.Policy{
		Live: true, Products: []product.ID{"map-display"}, Domains: []string{"*.example.com"}, MissingOrigin: apikey.MissingOriginDeny,
		Proposed: &apikey.Proposal{Domains: &[]string{"shop.example.com"}},
	}
	call := func(path, page string) authz.Request {
		from, presence := origin.FromHeaders(page, "")
		return authz.Request{Target: authz.TargetOf(path, product.Default()), Origin: from, Presence: presence, Place: authz.InQuery}
	}
	for _, request := range []authz.Request{
		call("/map/1/tile/3/4/2.png", "https://shop.example.com"),
		call("/map/1/tile/3/4/2.png", "https://www.example.com"),
		call("/map/1/tile/3/4/2.png", "https://example.org"),
		call("/search/2/geocode/Berlin.json", "https://shop.example.com"),
	} {
		d := authz.Decide(now, request, policy)
		fmt.Printf("%s for %s, the proposal: %s\n", d.Code, d.Product, d.Shadow)
	}

	policy.RevokedAt = now.Add(-time.Hour)
	d := authz.Decide(now, call("/map/1/tile/3/4/2.png", "https://shop.example.com"), policy)
	fmt.Println("after a revoke:", d.Code)
	fmt.Println("zero values are allowed:", authz.Decide(now, authz.Request{}, authz.Policy{}).Allowed())
	// Output:
	// allowed for map-display, the proposal: allowed
	// allowed for map-display, the proposal: domain_not_allowed
	// domain_not_allowed for map-display, the proposal: domain_not_allowed
	// product_not_allowed for search, the proposal: product_not_allowed
	// after a revoke: key_revoked
	// zero values are allowed: false
}
