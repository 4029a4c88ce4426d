package authz_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/width"

	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// upstream is a server that reads paths in its own way. Every server resolves dot segments; the rest is its choice.
type upstream struct {
	decodes                       int // how often
	folds, cuts, collapses, trims bool
	strips                        bool // blanks of all scripts, as languages' own functions do
}

// served are the services of every upstream: each answers under its path and everything below it, and anything else
// is not found.
var served = map[string]product.Class{
	"/map/1/static": "map", "/map/1/copyrights/en": "map", "/map/1/tile": "map.tiles",
	"/search/2/search": "search", "/search/2/nearby": "search", "/search/2/costly": "search.costly", "/search/2/Strict_A": "search.strict",
}

var escapes = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// serves is the class of the service that answers a path, "" for none.
func (u upstream) serves(path string) product.Class {
	for range u.decodes {
		path = escapes.ReplaceAllStringFunc(path, func(e string) string { text, _ := url.PathUnescape(e); return text })
	}
	var segments []string
	for _, s := range strings.Split(path, "/")[1:] {
		if u.cuts {
			s, _, _ = strings.Cut(s, ";")
		}
		if trim := strings.TrimRight(s, " ."); u.trims && trim != "" {
			s = trim // as file systems do
		}
		if u.strips {
			s = strings.TrimFunc(s, product.Blank)
		}
		switch {
		case s == "..":
			segments = segments[:max(0, len(segments)-1)]
		case s != "." && (s != "" || !u.collapses):
			segments = append(segments, s)
		}
	}
	for service, class := range served {
		names := strings.Split(service[1:], "/")
		same := func(a, b string) bool { return a == b || u.folds && foldsTo(a, b) }
		if len(segments) > len(names) && slices.EqualFunc(segments[:len(names)], names, same) {
			return class
		}
	}
	return ""
}

// foldsTo reports whether a segment is the name of a service for a server that compares them in one case: character by
// character or as texts, in lower case, in capitals or folded.
func foldsTo(segment, name string) bool {
	if strings.EqualFold(segment, name) || strings.IndexFunc(segment, func(r rune) bool { return r > unicode.MaxASCII }) < 0 {
		return strings.EqualFold(segment, name)
	}
	for _, in := range []func(string) string{func(s string) string { return strings.ToLower(width.Fold.String(s)) }, strings.ToUpper, strings.ToLower, cases.Fold().String, cases.Upper(language.Und).String} {
		if in(segment) == in(name) {
			return true
		}
	}
	return false
}

// upstreams are all ways to read a path: undecoded, decoded once, twice and three times, each with and without the others.
func upstreams() (all []upstream) {
	for decodes := range 4 {
		for bits := range 32 {
			all = append(all, upstream{decodes, bits&1 > 0, bits&2 > 0, bits&4 > 0, bits&8 > 0, bits&16 > 0})
		}
	}
	return all
}

// spell changes a path as somebody would who looks for another limit.
func spell(r *rand.Rand, path string) string {
	inserted := []string{
		";x=1", "%3Bx", "%3bx/", "%253Bx", "/", "//", "/;x/", "/%3Bx/", "%2F", "%2f%2F", "%252F", "/./", "/../", "/..", "%2e%2e%2f", "%2F..%2F", "%252e%252e%252F",
		"%5C", "\\", "%23", "%3F", "/%23x", "%20", " ", "%25", "%2525", "%C3%A9", "é", "%EF%BC%8F", "／", "x", "tile/", "costly/", "%2Fcostly%2F", "/tile", "+", "%00", "%u002f",
		"%C2%A0", "%C2%A0/", "/%C2%A0", "\u3000", "/\u3000..\u3000/", "%EF%BB%BF", "/%20",
	}
	// Other letters of the same name where case or width is ignored.
	for _, other := range [][2]string{{"s", "ſ"}, {"k", "\u212a"}, {"i", "ı"}, {"i", "İ"}, {"st", "ﬆ"}, {"ss", "ß"}, {"t", "ｔ"}, {"1", "１"}} {
		if i := strings.Index(path, other[0]); i > 0 && r.IntN(20) == 0 {
			letter := []string{other[1], url.PathEscape(other[1]), strings.ToLower(url.PathEscape(other[1]))}[r.IntN(3)]
			path = path[:i] + letter + path[i+len(other[0]):]
		}
	}
	for range r.IntN(5) {
		at := 1 + r.IntN(len(path)-1)
		c := path[at]
		switch r.IntN(7) {
		case 0, 1:
			path = path[:at] + fmt.Sprintf([]string{"%%%02x", "%%%02X", "%%25%02x", "%%2525%02X"}[r.IntN(4)], c) + path[at+1:]
		case 2:
			path = path[:at] + strings.ToUpper(path[at:at+1]) + path[at+1:]
		case 3:
			path = path[:at] + strings.ToLower(path[at:])
		case 4:
			if i := strings.LastIndexByte(path[:at+1], '/'); i > 0 {
				path = path[:i] + []string{"%2F", "%252F", "//", "/%3B/", "\\", ";/", "./", "%20/", " ./", ".;x/", "%20%2F", "%2520/"}[r.IntN(12)] + path[i+1:]
			}
		default:
			path = path[:at] + inserted[r.IntN(len(inserted))] + path[at:]
		}
	}
	return path
}

// TestACallCountsUnderTheClassThatAnUpstreamServes: however the path is read, the call is counted under the
// limit of what answers it, or is refused.
func TestACallCountsUnderTheClassThatAnUpstreamServes(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 4))
	var begins []string
	for service := range served {
		begins = append(begins, service)
	}
	slices.Sort(begins)
	answered, narrower, refused := map[upstream]int{}, 0, 0
	for range 20_000 {
		path := spell(r, begins[r.IntN(len(begins))]+[]string{"/0/0/0.png", "/berlin.json", "/12%2F3%20King%20St", "/", "/a;b/c"}[r.IntN(5)])
		target := authz.TargetOf(path, nested())
		if !target.Canonical {
			refused++
			continue
		}
		narrow := false
		for _, u := range upstreams() {
			class := u.serves(path)
			if class == "" {
				continue
			}
			answered[u]++
			if class != target.Match.Class {
				t.Fatalf("%q counts under %s, and %+v serves %s", path, target.Match.Class, u, class)
			}
			narrow = narrow || class != literal(path)
		}
		if narrow {
			narrower++
		}
	}
	// The property isn't empty: each of them has answered thousands, and both reading and refusing were needed.
	for _, u := range upstreams() {
		if answered[u] < 3000 {
			t.Errorf("%+v has answered %d calls", u, answered[u])
		}
	}
	if narrower < 1000 || refused < 3000 {
		t.Errorf("%d spellings of a class that the text alone doesn't have, %d refusals", narrower, refused)
	}
}

// literal is the class of the longest prefix of a path as it is written, as if no server decoded anything.
func literal(path string) (found product.Class) {
	longest := 0
	for _, p := range nested().Products() {
		for _, class := range p.Classes {
			if prefix := class.Prefixes[0]; strings.HasPrefix(path, prefix) && len(prefix) > longest {
				found, longest = class.ID, len(prefix)
			}
		}
	}
	return found
}
