// Package finding says what of a key its owner should look at, and what repairs it.
//
// It is pure, and knows the rules for domains as people type them: the gate never links it.
package finding

import (
	"slices"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/appid"
	"latchkey/shared/consent"
	"latchkey/shared/network"
	"latchkey/shared/origin/entry"
	"latchkey/shared/product"
	"latchkey/shared/rotation"
)

// Code is the stable name of a finding.
type Code string

// The findings, in the order in which a key's are listed: the gravest first.
const (
	Unrestricted    Code = "unrestricted"     // everybody who reads the page can use the key elsewhere
	InvalidNow      Code = "invalid_now"      // an entry that today's rules would refuse
	PendingPaths    Code = "pending_paths"    // paths of its products that nobody has accepted
	RotationOverdue Code = "rotation_overdue" // the secret is older than the key's rotation policy
	PolicyLifetime  Code = "policy_lifetime"  // the account's policy asks for an expiry that is nearer
	Unused          Code = "unused_90_days"   // no allowed call for so long
	NeverExpires    Code = "never_expires"    // for information: the account's policy asks for no expiry
)

// Codes lists all of them in that order.
func Codes() []Code {
	return []Code{Unrestricted, InvalidNow, PendingPaths, RotationOverdue, PolicyLifetime, Unused, NeverExpires}
}

// Informs reports whether a finding asks nobody for anything: it says what somebody may want to know.
func (c Code) Informs() bool { return c == NeverExpires }

// Act names what repairs a finding.
type Act string

// The acts.
const (
	Restrict    Act = "restrict"     // give the key a domain, a network or an app
	Correct     Act = "correct"      // put another entry in the place of the invalid one
	AcceptPaths Act = "accept_paths" // an owner's
	Rotate      Act = "rotate"
	SetExpiry   Act = "set_expiry"
	Disable     Act = "disable"
	Delete      Act = "delete" // of what is disabled already
)

// Finding is one of a key.
type Finding struct {
	Code  Code
	Since time.Time // from when on it holds; zero where nobody knows
	Act   Act
}

// UnusedAfter is the time without an allowed call after which a key is called unused.
const UnusedAfter = 90 * 24 * time.Hour

// Facts hold what findings depend on beside the key.
type Facts struct {
	Now      time.Time
	Rules    account.Rules
	Accepted consent.List // by the account, for all of its keys
	Products product.Catalogue
	// LastAllowed is the key's last allowed call, with any of its secrets; zero for none. It counts where UseKnown.
	LastAllowed time.Time
	UseKnown    bool
}

// Of lists the findings of a key, in the order of [Codes]. A key that is over, or has expired, has none: it opens nothing.
func Of(k apikey.Key, f Facts) (list []Finding) {
	if k.Editable() != nil || k.Expired(f.Now) {
		return nil
	}
	add := func(found bool, code Code, since time.Time, act Act) {
		if found {
			list = append(list, Finding{Code: code, Since: since, Act: act})
		}
	}
	var unknown time.Time
	add(k.Unrestricted(), Unrestricted, unknown, Restrict)
	add(invalid(k), InvalidNow, unknown, Correct)
	add(f.pending(k), PendingPaths, unknown, AcceptPaths)
	due := rotation.Due(k)
	add(!due.IsZero() && !f.Now.Before(due), RotationOverdue, due, Rotate)
	outlives := k.Outlives(f.Rules, f.Now)
	add(outlives, PolicyLifetime, unknown, SetExpiry)
	last, act := f.lastUse(k), Disable
	if k.Disabled {
		act = Delete
	}
	add(f.UseKnown && !f.Now.Before(last.Add(UnusedAfter)), Unused, last, act)
	add(k.ExpiresAt.IsZero() && !outlives, NeverExpires, k.CreatedAt, SetExpiry)
	return list
}

// lastUse is the last allowed call of a key, or its creation.
func (f Facts) lastUse(k apikey.Key) time.Time {
	if f.LastAllowed.After(k.CreatedAt) {
		return f.LastAllowed
	}
	return k.CreatedAt
}

func (f Facts) pending(k apikey.Key) bool {
	return slices.ContainsFunc(k.Products, func(id product.ID) bool { return len(f.Products.Pending(id, k.Consents, f.Accepted)) > 0 })
}

// invalid reports whether today's rules would refuse an entry of the key.
func invalid(k apikey.Key) bool {
	return slices.ContainsFunc(k.Domains, func(text string) bool { _, err := entry.Parse(text); return err != nil }) ||
		slices.ContainsFunc(k.Networks, func(text string) bool { _, err := network.Parse(text); return err != nil }) ||
		slices.ContainsFunc(k.Apps, func(text string) bool { _, err := appid.ParseApp(text); return err != nil })
}
