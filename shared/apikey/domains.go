package apikey

import (
	"errors"
	"slices"
	"time"
)

// ErrDomains is a key that has as many domains as it may have.
var ErrDomains = errors.New("apikey: the key has as many domains as it may have")

// Link adds an entry, in canonical form, to the key's domains. A key that has it comes back as it was.
func (k Key) Link(domain string, now time.Time) (Key, error) {
	return k.setDomains(append(slices.Clone(k.Domains), domain), now)
}

// Unlink takes an entry from the key's domains. A key that doesn't have it comes back as it was.
func (k Key) Unlink(domain string, now time.Time) (Key, error) {
	return k.setDomains(slices.DeleteFunc(slices.Clone(k.Domains), func(d string) bool { return d == domain }), now)
}

// Replace puts an entry in the place of another. A key that doesn't have the other comes back as it was.
func (k Key) Replace(domain, with string, now time.Time) (Key, error) {
	if !slices.Contains(k.Domains, domain) {
		return k, k.Editable()
	}
	list := slices.DeleteFunc(slices.Clone(k.Domains), func(d string) bool { return d == domain })
	return k.setDomains(append(list, with), now)
}

// setDomains gives the key a set of domains. One that isn't longer than before is never too long.
func (k Key) setDomains(list []string, now time.Time) (Key, error) {
	if err := k.Editable(); err != nil {
		return k, err
	}
	after := k
	if after.Domains = Set(list); after.Same(k) {
		return k, nil
	}
	if len(after.Domains) > MaxDomains && len(after.Domains) > len(k.Domains) {
		return k, ErrDomains
	}
	return after.next(now), nil
}
