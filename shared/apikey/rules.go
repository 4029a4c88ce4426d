package apikey

import (
	"errors"
	"time"

	"latchkey/shared/account"
)

// What the rules of its account refuse of a new or changed key.
var (
	ErrUnrestricted = errors.New("apikey: the account asks for a domain, a network or an app on keys of usage frontend")
	ErrLifetime     = errors.New("apikey: the account asks for an expiry that is nearer")
)

// Unrestricted reports whether the key is in everybody's hands and anybody may use it, by the rule of [ClientKind.Unrestricted].
func (k Key) Unrestricted() bool {
	return k.Usage.Unrestricted(len(k.Domains), len(k.Networks), len(k.Apps))
}

// Unrestricted reports whether a key of this kind with so many domains, networks and apps is in everybody's hands, as those of web
// pages are, and anybody may use it. A key of a server or an app is in nobody's hands but its own, and one entry of any list restricts
// a page's.
func (u ClientKind) Unrestricted(domains, networks, apps int) bool {
	return u == Frontend && domains == 0 && networks == 0 && apps == 0
}

// Outlives reports whether the key works on, from now, for longer than an account lets its keys.
func (k Key) Outlives(r account.Rules, now time.Time) bool {
	latest := now.Add(time.Duration(r.LifetimeDays) * 24 * time.Hour)
	return r.LifetimeDays > 0 && (k.ExpiresAt.IsZero() || k.ExpiresAt.After(latest))
}

// Breaks lists why the rules of its account refuse the key as it is after a change; before is nil where the key is new. A change of
// something else is never refused, so that a key which broke a rule before the rule was there can be edited and repaired.
func (k Key) Breaks(r account.Rules, before *Key, now time.Time) (list []error) {
	if r.FrontendRestricted && k.Unrestricted() && (before == nil || !before.Unrestricted()) {
		list = append(list, ErrUnrestricted)
	}
	if k.Outlives(r, now) && (before == nil || !k.ExpiresAt.Equal(before.ExpiresAt)) {
		list = append(list, ErrLifetime)
	}
	return list
}
