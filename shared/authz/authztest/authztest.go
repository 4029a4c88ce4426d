// Package authztest decides slowly and from the text of the rules, for tests to compare with. It shares no code with
// the decision: it takes a call as texts and reads path, product and origin itself. It answers only "may this call
// pass?", and the gate may never say yes where it says no. Only tests import it.
package authztest

import (
	"slices"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/origin/origintest"
	"latchkey/shared/product"
)

// Call is a call as texts.
type Call struct {
	Place           authz.Place
	Path            string
	Origin, Referer string // headers
	Address         string // the caller's, as the gateway sees it
	Package, Cert   string // headers
	Bundle          string // header
}

// Allows reports whether a call may pass.
func Allows(now time.Time, call Call, p authz.Policy) bool {
	return Usable(now, call.Place, p) && readable(p) && comesFrom(call, p.Networks, p.Apps) && covers(call, p.Products, p.Domains, p.MissingOrigin)
}

// WouldAllow reports whether a call could pass if the proposed restrictions were in force. Without a proposal, and
// where the key itself is refused, there is no such answer.
func WouldAllow(now time.Time, call Call, p authz.Policy) bool {
	if !Usable(now, call.Place, p) || !readable(p) || p.Proposed == nil {
		return false
	}
	products, domains := p.Products, p.Domains
	if p.Proposed.Products != nil {
		products = *p.Proposed.Products
	}
	if p.Proposed.Domains != nil {
		domains = *p.Proposed.Domains
	}
	networks, apps := p.Networks, p.Apps
	if p.Proposed.Networks != nil {
		networks = *p.Proposed.Networks
	}
	if p.Proposed.Apps != nil {
		apps = *p.Proposed.Apps
	}
	return comesFrom(call, networks, apps) && covers(call, products, domains, p.MissingOrigin)
}

// Usable is step 4: the facts of the key and of the secret.
func Usable(now time.Time, place authz.Place, p authz.Policy) bool {
	if now.IsZero() || !p.Live || p.Blocked || p.Exposed || p.Disabled || !p.DeletedAt.IsZero() || !p.RevokedAt.IsZero() {
		return false
	}
	for _, end := range []time.Time{p.ExpiresAt, p.SecretEnds} {
		if !end.IsZero() && !end.After(now) {
			return false
		}
	}
	return place == authz.InHeader || place == authz.InQuery && !p.HeaderOnly
}

// readable reports whether all patterns of a record are: a record with others decides nothing.
func readable(p authz.Policy) bool {
	all := slices.Clone(p.Domains)
	if p.Proposed != nil && p.Proposed.Domains != nil {
		all = append(all, *p.Proposed.Domains...)
	}
	for _, text := range all {
		if !origintest.Canonical(text) {
			return false
		}
	}
	return true
}

func covers(call Call, products []product.ID, domains []string, missing apikey.MissingOrigin) bool {
	match, ok := Target(call.Path)
	if !ok || match.Product == "" || !slices.Contains(products, match.Product) {
		return false
	}
	if len(domains) == 0 {
		return true
	}
	switch caller := origintest.Caller(call.Origin, call.Referer); caller {
	case origintest.Missing:
		return missing == apikey.MissingOriginAllow
	case origintest.Unreadable:
		return false
	default:
		return slices.ContainsFunc(domains, func(text string) bool { return origintest.Covers(text, caller) })
	}
}

// OwnLimit is the key's own limit of a class, 0 for none.
func OwnLimit(limits []apikey.Limit, class product.Class, now time.Time) int {
	i := slices.IndexFunc(limits, func(l apikey.Limit) bool { return l.Class == class })
	if i < 0 {
		return 0
	}
	limit := limits[i].QPS
	if end := limits[i].EndsAt; !end.IsZero() && !end.After(now) {
		limit = limits[i].Then
	}
	if limit < 0 {
		return 0
	}
	return limit
}
