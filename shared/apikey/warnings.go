package apikey

import (
	"slices"
	"strings"

	"latchkey/shared/network"
)

// Warning is the code of something about a key that has less effect than it seems to.
type Warning string

// The warnings.
const (
	// MissingOriginAllowed: the key has domains, and calls that name no page pass all the same.
	MissingOriginAllowed Warning = "missing_origin_allowed"
	// AppAmongDomains: an entry of the domains reads like the ID of an app, which no page has.
	AppAmongDomains Warning = "app_among_domains"
	// NetworksPrivate: a network that no call over the internet comes from.
	NetworksPrivate Warning = "networks_private"
)

// Warnings returns all warnings, for whatever has a text for each.
func Warnings() []Warning { return []Warning{MissingOriginAllowed, AppAmongDomains, NetworksPrivate} }

// Warned lists the warnings that hold of the key.
func (k Key) Warned() (list []Warning) {
	if len(k.Domains) > 0 && k.MissingOrigin == MissingOriginAllow {
		list = append(list, MissingOriginAllowed)
	}
	if slices.ContainsFunc(k.Domains, readsLikeAnApp) {
		list = append(list, AppAmongDomains)
	}
	if slices.ContainsFunc(k.Networks, network.Unreachable) {
		list = append(list, NetworksPrivate)
	}
	return list
}

// readsLikeAnApp reports whether a domain is written from its end: com.example.app. There are domains that are, so this is a guess. Countries are
// left out, since sites have languages in that place: de.example.com.
func readsLikeAnApp(pattern string) bool {
	first, rest, _ := strings.Cut(pattern, ".")
	switch first {
	case "com", "org", "net", "io":
		return strings.Contains(rest, ".")
	default:
		return false
	}
}
