package authztest

import (
	"strings"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// Facts is a policy as a fuzzer can set it: every bit and every text of it.
type Facts struct {
	Bits           uint32
	Expires, Ends  int64  // nanoseconds from now
	Products       string // lists, with commas
	Domains        string
	ProposedDomain string
	ProposedProds  string
	Limit, Then    int
}

// The bits of Facts that say what is there.
const (
	Live = 1 << iota
	Blocked
	Disabled
	HeaderOnly
	Revoked
	Deleted
	Expires
	SecretEnds
	HasDomains
	AllowMissing
	OddMissing
	Proposes
	ProposesDomains
	ProposesProducts
	HasLimit
	LimitEnds
	OtherLimit
	Outgoing
	Exposed
)

// Policy makes the policy.
func (f Facts) Policy(now time.Time) authz.Policy {
	has := func(bit uint32) bool { return f.Bits&bit != 0 }
	when := func(bit uint32, offset int64) time.Time {
		if !has(bit) {
			return time.Time{}
		}
		return now.Add(time.Duration(offset))
	}
	p := authz.Policy{
		KeyID: "key_1", Account: "acc_1", AccountType: account.SelfServe, Version: 1,
		Live: has(Live), Blocked: has(Blocked), Disabled: has(Disabled), HeaderOnly: has(HeaderOnly), Outgoing: has(Outgoing), Exposed: has(Exposed),
		RevokedAt: when(Revoked, f.Ends), DeletedAt: when(Deleted, f.Ends),
		ExpiresAt: when(Expires, f.Expires), SecretEnds: when(SecretEnds, f.Ends),
		Products: list[product.ID](f.Products), MissingOrigin: apikey.MissingOriginDeny,
	}
	if has(HasDomains) {
		p.Domains = list[string](f.Domains)
	}
	if has(AllowMissing) {
		p.MissingOrigin = apikey.MissingOriginAllow
	}
	if has(OddMissing) {
		p.MissingOrigin = apikey.MissingOrigin(f.Domains)
	}
	if has(Proposes) {
		p.Proposed = &apikey.Proposal{Since: now}
		if has(ProposesDomains) {
			domains := list[string](f.ProposedDomain)
			p.Proposed.Domains = &domains
		}
		if has(ProposesProducts) {
			products := list[product.ID](f.ProposedProds)
			p.Proposed.Products = &products
		}
	}
	if has(OtherLimit) {
		p.Limits = append(p.Limits, apikey.Limit{Class: "search", QPS: f.Then, EndsAt: when(LimitEnds, f.Ends), Then: f.Limit})
	}
	if has(HasLimit) {
		p.Limits = append(p.Limits, apikey.Limit{Class: "map-display", QPS: f.Limit, EndsAt: when(LimitEnds, f.Expires), Then: f.Then})
	}
	return p
}

// list cuts at commas; the empty text is the empty list, which the gate must tell from none.
func list[T ~string](text string) []T {
	out := []T{}
	if text == "" {
		return out
	}
	for part := range strings.SplitSeq(text, ",") {
		out = append(out, T(part))
	}
	return out
}
