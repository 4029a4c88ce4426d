package authz

import (
	"strings"
	"unicode/utf8"

	"latchkey/shared/ascii"
	"latchkey/shared/product"
)

// Target is the path and product of a call. The zero value is a path that is not canonical.
type Target struct {
	Canonical bool
	Match     product.Match
	Coverage  product.Coverage
	path      string // shares the memory of the call
}

// Matcher finds the product of a canonical path.
type Matcher interface {
	// Match reads the path as an upstream would: see [product.Catalogue.Match].
	Match(path string) (product.Match, bool)
	// Find is Match with the coverage of the path.
	Find(path string) (product.Match, product.Coverage)
	// FindEncoded is Find for a path that holds escapes of "/" or "%".
	FindEncoded(path string) (product.Match, product.Coverage)
	// EncodedSlash reports whether paths of a class may hold escapes of "/" and "%".
	EncodedSlash(class product.Class) bool
}

// TargetOf reads a path. Only a canonical path is ever matched, and one that holds escapes of "/" or "%" behind the
// prefix of a class that takes them, where no decoding of it could mean something else. It allocates nothing for a
// path without such escapes and without a segment that begins with "%3B". The coverage is that of the path as it was sent: a
// decoding can only lie deeper, behind the same prefix, where the product has covered paths for at least as long. With such
// escapes it is that of the paths that hold some: they may have been let in later than the others.
func TargetOf(path string, products Matcher) Target {
	f := formOf(path)
	if !f.good {
		return Target{}
	}
	var match product.Match
	var coverage product.Coverage
	if f.nested < 0 {
		match, coverage = products.Find(path)
	} else {
		match, coverage = products.FindEncoded(path)
	}
	if f.nested >= 0 && !nestedBehind(path, f.nested, match, products) || f.hollow && !sameCollapsed(path, match, products) {
		return Target{}
	}
	return Target{Canonical: true, Match: match, Coverage: coverage, path: path}
}

// SameAsSent reports whether a path that the gateway shows beside the one of the route, such as with the base path of
// a domain before it, is as canonical as the latter, which target was read from: no reader takes it for another one.
func SameAsSent(path string, target Target, products Matcher) bool {
	f := formOf(path)
	if !f.good || f.nested < 0 {
		return f.good
	}
	return products.EncodedSlash(target.Match.Class) && everyDecoding(path, func(string) bool { return true })
}

// nestedBehind reports whether the first escape of "/" or "%" stands behind a prefix of a class that takes them, and
// every decoding belongs to the same class.
func nestedBehind(path string, first int, match product.Match, products Matcher) bool {
	before, _ := products.Match(path[:first])
	return before == match && products.EncodedSlash(match.Class) && everyDecoding(path, func(decoded string) bool {
		m, _ := products.Match(decoded)
		return m == match && sameCollapsed(decoded, match, products)
	})
}

// maxDecodings bounds how often a path may be encoded. Nobody needs more than two.
const maxDecodings = 8

// everyDecoding decodes a path until nothing changes, and reports whether each of the texts is harmless and good.
func everyDecoding(path string, good func(decoded string) bool) bool {
	for range maxDecodings {
		decoded := decode(path)
		if decoded == path {
			return true
		}
		if !harmless(decoded) || !good(decoded) {
			return false
		}
		path = decoded
	}
	return false
}

// decode resolves the escapes of a text once. A percent sign that begins none stays.
func decode(text string) string {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		c, n, _ := octet(text)
		if n == 0 {
			c, n = text[0], 1
		}
		out, text = append(out, c), text[n:]
	}
	return string(out)
}

// harmless reports whether a decoded path holds no backslash, no control character, no invalid UTF-8, nothing that a
// lenient server folds into a dot, slash, backslash or percent sign, no "%u" escape, and no segment of dots and blanks.
func harmless(decoded string) bool {
	if !utf8.ValidString(decoded) {
		return false
	}
	for i, r := range decoded {
		switch {
		case r < ' ', r == '\\', 0x7f <= r && r < 0xa0, resembles(r):
			return false
		case r == '%' && unicodeEscape(decoded[i:]):
			return false
		}
	}
	for segment := range strings.SplitSeq(decoded, "/") {
		if cut := strings.IndexAny(segment, ";?#"); cut > 0 {
			segment = segment[:cut]
		}
		if segment != "" && strings.TrimFunc(segment, func(r rune) bool { return r == '.' || product.Blank(r) }) == "" {
			return false
		}
	}
	return true
}

// unicodeEscape reports whether a text begins with "%u" and four hexadecimal digits, which some servers decode.
func unicodeEscape(text string) bool {
	if len(text) < 6 || text[1]|0x20 != 'u' {
		return false
	}
	for i := 2; i < 6; i++ {
		if ascii.Hex(text[i]) > 15 {
			return false
		}
	}
	return true
}

// sameCollapsed reports whether a path belongs to the same class for an upstream that drops empty segments once it
// has cut the parameters.
func sameCollapsed(path string, match product.Match, products Matcher) bool {
	kept := make([]byte, 0, len(path))
	for rest, more := path, true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if name := product.Name(segment); name != "" || !more {
			kept = append(append(kept, '/'), name...)
		}
	}
	m, _ := products.Match(string(kept))
	return m == match
}
