package authz_test

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/origin"
	"latchkey/shared/product"
)

// The reference decides slowly and from the text of the rules. It answers only "may this call pass?", and Decide may
// never say yes where it says no.

// referencePath resolves a path until nothing changes and asks whether it ever meant something else.
func referencePath(path string) bool {
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
		case '․', '‥', '。', '﹒', '．', '｡', '⁄', '∕', '⧸', '／', '∖', '⧵', '⧹', '﹨', '＼', '﹪', '％':
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

func referenceAllows(now time.Time, req authz.Request, p authz.Policy) bool {
	if now.IsZero() || !p.Live || p.Blocked || p.Disabled || !p.DeletedAt.IsZero() || !p.RevokedAt.IsZero() {
		return false
	}
	for _, end := range []time.Time{p.ExpiresAt, p.SecretEnds} {
		if !end.IsZero() && !end.After(now) {
			return false
		}
	}
	if req.Place != authz.InHeader && (p.HeaderOnly || req.Place != authz.InQuery) {
		return false
	}
	return req.Target.Canonical && referenceProduct(req.Target.Match.Product, p.Products) && referenceOrigin(req, p)
}

func referenceProduct(id product.ID, allowed []product.ID) bool {
	for _, a := range allowed {
		if id != "" && a == id {
			return true
		}
	}
	return false
}

func referenceOrigin(req authz.Request, p authz.Policy) bool {
	if len(p.Domains) == 0 {
		return true
	}
	for _, text := range p.Domains {
		if _, err := origin.ParsePattern(text); err != nil {
			return false
		}
	}
	switch req.Presence {
	case origin.Unreadable:
	case origin.Missing:
		return p.MissingOrigin == apikey.AllowMissing
	case origin.Known:
		for _, text := range p.Domains {
			if pattern, _ := origin.ParsePattern(text); pattern.Match(req.Origin) {
				return true
			}
		}
	}
	return false
}
