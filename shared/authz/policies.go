package authz

import (
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/consent"
	"latchkey/shared/product"
)

// longAgo ends a secret whose end was not recorded: a secret that is not the current one is never endless.
var longAgo = time.UnixMilli(1).UTC()

// PoliciesOf derives the gate's records from a key: one for the current secret, one for the outgoing secret while
// there is one, and a tombstone for each retired secret, so that its use is told from an unknown secret's. The
// records share the key's slices; the caller doesn't change them.
func PoliciesOf(key apikey.Key) []Policy {
	current := Policy{
		Hash:        key.Current.Hash,
		KeyID:       key.ID,
		Account:     key.Account,
		AccountType: key.AccountType,
		BillingType: key.BillingType,
		Version:     key.Version,

		Live:      true,
		Exposed:   key.Current.Exposed.Refused(),
		ExpiresAt: key.ExpiresAt,
		DeletedAt: key.DeletedAt,
		RevokedAt: key.RevokedAt,
		Blocked:   key.Blocked != nil,
		Disabled:  key.Disabled,

		Products:      key.Products,
		Consents:      key.Consents,
		Domains:       key.Domains,
		Networks:      key.Networks,
		Apps:          key.Apps,
		MissingOrigin: key.MissingOrigin,
		HeaderOnly:    key.HeaderOnly,
		Limits:        key.Limits,
		Caps:          key.Caps.Numbers(),
		Proposed:      key.Proposed,
	}
	policies := make([]Policy, 0, 2+len(key.Retired))
	policies = append(policies, current)
	if out := key.Outgoing; out != nil {
		p := current
		p.Hash, p.Outgoing, p.SecretEnds = out.Hash, true, endOf(out.EndsAt)
		p.Exposed = out.Exposed.Refused()
		policies = append(policies, p)
	}
	for _, retired := range key.Retired {
		p := current
		p.Hash, p.Outgoing, p.SecretEnds = retired.Hash, true, endOf(retired.EndedAt)
		p.Products, p.Consents, p.Domains, p.Limits, p.Proposed = nil, nil, nil, nil, nil
		p.Networks, p.Apps = nil, nil
		p.MissingOrigin, p.Exposed = apikey.MissingOriginDeny, false
		p.Caps = nil
		policies = append(policies, p)
	}
	return policies
}

func endOf(end time.Time) time.Time {
	if end.IsZero() {
		return longAgo
	}
	return end
}

// MemoryCost estimates what a compiled policy holds in memory, in bytes, for caches that are bounded in bytes. It
// rounds up: a string is counted with its header, a parsed pattern beside its text.
func (c *Compiled) MemoryCost() int {
	const (
		fixed   = 640 // the struct, its IDs, and what a cache keeps around it
		text    = 24
		pattern = 64
		limit   = 96
		daily   = 64 // a cap
	)
	cost := fixed
	for _, p := range c.Products {
		cost += text + len(p)
	}
	entries := func(list []string) {
		for _, one := range list {
			cost += text + pattern + 2*len(one)
		}
	}
	entries(c.Domains)
	entries(c.Networks)
	entries(c.Apps)
	cost += len(c.Limits)*limit + len(c.Caps)*daily + ConsentCost(c.Consents)
	if p := c.Proposed; p != nil {
		cost += limit + ConsentCost(p.Consents)
		if p.Products != nil {
			for _, id := range *p.Products {
				cost += text + len(id)
			}
		}
		for _, list := range [...]*[]string{p.Domains, p.Networks, p.Apps} {
			if list != nil {
				entries(*list)
			}
		}
	}
	return cost
}

// ConsentCost estimates the memory of consents, in bytes. It rounds up.
func ConsentCost(list consent.List) (cost int) {
	const (
		product = 64
		path    = 32
	)
	for _, g := range list {
		cost += product + len(g.Product)
		for _, p := range g.Paths {
			cost += path + len(p.Prefix) + len(p.Since)
		}
	}
	return cost
}

// MaxRecord is the longest policy record that a change of a key may make, in bytes.
const MaxRecord = 16 << 10

// RecordSize estimates the length of a key's longest policy record as the store counts it, in bytes. It rounds up.
func RecordSize(k apikey.Key) int {
	const (
		fixed = 640 // names, numbers, IDs and times
		entry = 8
		limit = 96
	)
	size := fixed + (len(k.Limits)+len(k.Caps))*limit + ConsentCost(k.Consents)
	texts := func(list []string) {
		for _, text := range list {
			size += entry + len(text)
		}
	}
	products := func(list []product.ID) {
		for _, id := range list {
			size += entry + len(id)
		}
	}
	texts(k.Domains)
	texts(k.Networks)
	texts(k.Apps)
	products(k.Products)
	if p := k.Proposed; p != nil {
		size += limit + ConsentCost(p.Consents)
		for _, list := range [...]*[]string{p.Domains, p.Networks, p.Apps} {
			if list != nil {
				texts(*list)
			}
		}
		if p.Products != nil {
			products(*p.Products)
		}
	}
	return size
}
