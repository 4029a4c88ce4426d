// Package authztest decides slowly and from the text of the rules, for tests to compare with. It shares no code with
// the decision: it takes a call as texts and reads path, product and origin itself. It answers only "may this call
// pass?", and the gate may never say yes where it says no. Only tests import it.
package authztest

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
}

// Allows reports whether a call may pass.
func Allows(now time.Time, call Call, p authz.Policy) bool {
	return Usable(now, call.Place, p) && readable(p) && covers(call, p.Products, p.Domains, p.MissingOrigin)
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
	return covers(call, products, domains, p.MissingOrigin)
}

// Usable is step 4: the facts of the key and of the secret.
func Usable(now time.Time, place authz.Place, p authz.Policy) bool {
	if now.IsZero() || !p.Live || p.Blocked || p.Disabled || !p.DeletedAt.IsZero() || !p.RevokedAt.IsZero() {
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
	if !Path(call.Path) {
		return false
	}
	if id := Match(call.Path).Product; id == "" || !slices.Contains(products, id) {
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

// Match finds the product and limit class of a path, segment by segment: the most segments win.
func Match(path string) (found product.Match) {
	segments, most := strings.Split(path, "/"), 0
	for _, p := range product.Default().Products() {
		for _, class := range p.Classes {
			for _, prefix := range class.Prefixes {
				want := strings.Split(strings.TrimSuffix(prefix, "/"), "/")
				if len(segments) > len(want) && len(want) > most && slices.Equal(segments[:len(want)], want) {
					found, most = product.Match{Product: p.ID, Class: class.ID}, len(want)
				}
			}
		}
	}
	return found
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

// Path resolves a path and asks whether it could ever mean something else.
func Path(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#\\") {
		return false
	}
	decoded, err := url.PathUnescape(path)
	if err != nil || !utf8.ValidString(decoded) {
		return false
	}
	lower := strings.ToLower(path)
	for _, escape := range []string{"%2e", "%2f", "%5c", "%25"} {
		if strings.Contains(lower, escape) {
			return false
		}
	}
	for _, r := range decoded {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\\' {
			return false
		}
		switch r {
		case '․', '‥', '…', '。', '﹒', '．', '｡', '⁄', '∕', '⧸', '／', '∖', '⧵', '⧹', '﹨', '＼', '﹪', '％':
			return false
		}
	}
	segments := strings.Split(decoded[1:], "/")
	for i, s := range segments {
		if s == "" && i == len(segments)-1 {
			continue
		}
		if cut := strings.IndexAny(s, ";?#"); cut >= 0 {
			s = s[:cut]
		}
		if strings.Trim(s, ". ") == "" {
			return false
		}
	}
	return true
}
