package authz

import (
	"fmt"
	"slices"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/appid"
	"latchkey/shared/consent"
	"latchkey/shared/network"
	"latchkey/shared/origin"
	"latchkey/shared/product"
)

// Request holds the facts of a call that [Decide] uses. The zero value is denied.
type Request struct {
	Target Target
	// Origin and Presence are what [origin.FromHeaders] makes of the headers.
	Origin   origin.Origin
	Presence origin.Presence
	// Address is the caller's, as the gateway saw it; App is what [appid.FromHeaders] makes of the headers.
	Address network.Address
	App     appid.Caller
	Place   Place
	// Account holds the facts of the key's account; nil for one that has no record.
	Account *Account
}

// Rule names the part of the key's allow-list that decided about the caller's origin.
type Rule string

// The rules. The zero Rule means that the decision fell before the origin was looked at.
const (
	RuleUnrestricted   Rule = "unrestricted"    // the key has no domain patterns
	RulePattern        Rule = "pattern"         // Decision.Pattern covers the origin
	RuleNoPattern      Rule = "no_pattern"      // none does
	RuleMissingAllowed Rule = "missing_allowed" // no origin, and the key allows that
	RuleMissingDenied  Rule = "missing_denied"  // no origin, and the key doesn't
)

// Decision is the answer to a call. The zero value denies.
type Decision struct {
	Code    Code
	Product product.ID    // what the path belongs to, also when the call is refused; empty if nothing
	Class   product.Class // the limit class of the path
	// Limit is the key's own limit in calls a second at the time of the decision; 0: the catalogue's default.
	Limit   int
	Rule    Rule
	Pattern string // the domain pattern that covers the origin, if one decided
	// Shadow is the decision by the proposed restrictions in place of the enforced ones, Allowed included. It is zero
	// without a proposal, and where the key itself was refused.
	Shadow Code
}

// Allowed reports whether the call may pass.
func (d Decision) Allowed() bool { return d.Code == Allowed }

// Compiled is a policy with its lists of callers read, which is what caches hold. The zero value denies.
type Compiled struct {
	Policy
	callers  callers
	proposed callers
}

// callers are the lists of those who may call.
type callers struct {
	networks network.List
	apps     appid.List
	domains  origin.List
}

// Compile reads a policy's lists. The error wraps [origin.ErrPattern], [network.ErrBlock] or [appid.ErrApp]: then nothing may be
// decided by the record, since the part that can't be read may be the one that restricts.
func Compile(p Policy) (Compiled, error) {
	c := Compiled{Policy: p}
	err := c.callers.read(&p.Networks, &p.Apps, &p.Domains)
	if err == nil && p.Proposed != nil {
		err = c.proposed.read(p.Proposed.Networks, p.Proposed.Apps, p.Proposed.Domains)
	}
	if err != nil {
		return Compiled{}, err
	}
	return c, nil
}

// read reads lists; nil is none.
func (c *callers) read(networks, apps, domains *[]string) (err error) {
	if networks != nil {
		if c.networks, err = network.Compile(*networks); err != nil {
			return fmt.Errorf("authz: networks: %w", err)
		}
	}
	if apps != nil {
		if c.apps, err = appid.Compile(*apps); err != nil {
			return fmt.Errorf("authz: apps: %w", err)
		}
	}
	if domains != nil {
		if c.domains, err = origin.Compile(*domains); err != nil {
			return fmt.Errorf("authz: domains: %w", err)
		}
	}
	return nil
}

// Decide answers a call whose secret led to policy: steps 4 to 6 of the order in the package's codes. Finding the
// credential and the policy comes before it, the limit after it. A policy that can't be compiled is [Unavailable].
func Decide(now time.Time, req Request, policy Policy) Decision {
	c, err := Compile(policy)
	if err != nil {
		return Decision{Code: Unavailable, Product: req.Target.Match.Product, Class: req.Target.Match.Class}
	}
	return c.Decide(now, &req)
}

// Decide is the same for a compiled policy. It allocates nothing.
func (c *Compiled) Decide(now time.Time, req *Request) Decision {
	match, its := &req.Target.Match, req.Account
	if its == nil {
		its = &Account{}
	}
	d := Decision{Product: match.Product, Class: match.Class}
	if d.Code = c.keyCode(now, req.Place, its); d.Code != Allowed {
		return d
	}
	d.Limit = apikey.OwnLimit(c.Limits, match.Class).At(now)
	inProducts := productCode(&req.Target, c.Products, c.Consents, its.Accepted)
	inNetworks := networkCode(req.Address, c.Networks, c.callers.networks)
	inApps := appCode(req.App, c.Apps, c.callers.apps)
	inDomains, rule, pattern := c.originCode(req, c.Domains, c.callers.domains)
	d.Code = first(inProducts, first(inNetworks, first(inApps, inDomains)))
	if d.Code == inDomains {
		d.Rule, d.Pattern = rule, pattern
	}
	if p := c.Proposed; p != nil {
		if p.Products != nil {
			shown := c.Consents // of a product that the key has, else what was shown with the proposal
			if !slices.Contains(c.Products, match.Product) {
				shown = p.Consents
			}
			inProducts = productCode(&req.Target, *p.Products, shown, its.Accepted)
		}
		if p.Networks != nil {
			inNetworks = networkCode(req.Address, *p.Networks, c.proposed.networks)
		}
		if p.Apps != nil {
			inApps = appCode(req.App, *p.Apps, c.proposed.apps)
		}
		if p.Domains != nil {
			inDomains, _, _ = c.originCode(req, *p.Domains, c.proposed.domains)
		}
		d.Shadow = first(inProducts, first(inNetworks, first(inApps, inDomains)))
	}
	return d
}

// first is the code of the first check that fails.
func first(one, other Code) Code {
	if one != Allowed {
		return one
	}
	return other
}

// ListsCallers reports whether a decision looks at Request.Address and Request.App, which take time to read.
func (c *Compiled) ListsCallers() bool {
	p := c.Proposed
	return len(c.Networks) > 0 || len(c.Apps) > 0 || p != nil && (p.Networks != nil || p.Apps != nil)
}

// keyCode is step 4: what the records say of the key, of its account and of this secret, whatever the call asks for.
func (c *Compiled) keyCode(now time.Time, place Place, its *Account) Code {
	switch {
	case !c.Live:
		return KeyUnknown
	case now.IsZero():
		return Unavailable // without the time nothing is known to be live
	case !c.DeletedAt.IsZero():
		return KeyDeleted
	case !c.RevokedAt.IsZero(), its.Closed:
		return KeyRevoked
	case c.Blocked:
		return KeyBlocked
	case its.stopped(now):
		return AccountSuspended
	case c.Disabled:
		return KeyDisabled
	case over(c.ExpiresAt, now):
		return KeyExpired
	case over(c.SecretEnds, now):
		return SecretExpired
	case c.Exposed:
		return KeyExposed
	case place != InQuery && place != InHeader:
		return KeyMissing // a place that is not known is none
	case c.HeaderOnly && place != InHeader:
		return KeyNotInHeader
	default:
		return Allowed
	}
}

// over reports whether an end has come; the zero time is no end. The end itself is over.
func over(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }

// productCode is step 5.
func productCode(target *Target, products []product.ID, key, account consent.List) Code {
	switch {
	case !target.Canonical:
		return PathNotCanonical
	case target.Match.Product == "" || !slices.Contains(products, target.Match.Product):
		return ProductNotAllowed
	case !product.Open(target.path, string(target.Match.Product), target.Coverage, key, account):
		return PathNotGranted
	default:
		return Allowed
	}
}

// networkCode begins step 6: an address that the gateway didn't see is in no network.
func networkCode(caller network.Address, texts []string, list network.List) Code {
	if len(texts) == 0 {
		return Allowed
	}
	if _, ok := list.Has(caller); ok {
		return Allowed
	}
	return IPNotAllowed
}

// appCode goes on with step 6: a call that names no app is from none.
func appCode(caller appid.Caller, texts []string, list appid.List) Code {
	if len(texts) == 0 {
		return Allowed
	}
	if _, ok := list.Has(caller); ok {
		return Allowed
	}
	return AppNotAllowed
}

// originCode ends step 6.
func (c *Compiled) originCode(req *Request, texts []string, list origin.List) (Code, Rule, string) {
	switch {
	case len(texts) == 0:
		return Allowed, RuleUnrestricted, ""
	case req.Presence == origin.Missing && c.MissingOrigin == apikey.MissingOriginAllow:
		return Allowed, RuleMissingAllowed, ""
	case req.Presence == origin.Missing:
		return OriginMissing, RuleMissingDenied, ""
	case req.Presence != origin.Known:
		return DomainNotAllowed, RuleNoPattern, ""
	}
	if i, ok := list.Match(req.Origin); ok {
		return Allowed, RulePattern, texts[i]
	}
	return DomainNotAllowed, RuleNoPattern, ""
}
