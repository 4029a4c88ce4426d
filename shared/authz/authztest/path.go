package authztest

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"latchkey/shared/product"
)

var (
	anyEscape     = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	nestedEscape  = regexp.MustCompile(`%(2[Ff]|25)`)
	unicodeEscape = regexp.MustCompile(`%[uU][0-9A-Fa-f]{4}`)
	blanksBefore  = regexp.MustCompile(`^(%20|[\p{Z}\x{FEFF}])+`)
	endOfSegment  = regexp.MustCompile(`(%20|[.\p{Z}\x{FEFF}])+$`)
	cutEscape     = regexp.MustCompile(`;|%3[Bb]`)
	dotSegment    = regexp.MustCompile(`(^|/)[.\p{Z}\x{FEFF}]+([;?#][^/]*)?(/|$)`)
	markedSegment = regexp.MustCompile(`^%(3[BbFf]|23)`)
)

// Path resolves a path and asks whether it could ever mean something else.
func Path(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#\\") {
		return false
	}
	decoded, err := url.PathUnescape(path)
	if err != nil || !plain(decoded) {
		return false
	}
	lower := strings.ToLower(path)
	for _, escape := range []string{"%2e", "%2f", "%5c", "%25"} {
		if strings.Contains(lower, escape) {
			return false
		}
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		if s == "" && i == len(segments)-1 {
			continue
		}
		if markedSegment.MatchString(s) {
			s = s[3:]
		}
		s, _ = url.PathUnescape(s)
		if cut := strings.IndexAny(s, ";?#"); cut >= 0 {
			s = s[:cut]
		}
		if endOfSegment.ReplaceAllString(s, "") == "" {
			return false
		}
	}
	return true
}

// plain reports whether a decoded text holds nothing that servers read differently.
func plain(decoded string) bool {
	if !utf8.ValidString(decoded) {
		return false
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
	return true
}

// Target finds the product and class of a path in the shipped catalogue. ok is false if the path could mean something
// else to any server.
func Target(path string) (match product.Match, ok bool) { return TargetIn(product.Default(), path) }

// TargetIn is the same for any catalogue.
func TargetIn(c product.Catalogue, path string) (match product.Match, ok bool) {
	match = MatchIn(c, path)
	if match != collapsed(c, path) {
		return product.Match{}, false
	}
	first := nestedEscape.FindStringIndex(path)
	if first == nil {
		if !Path(path) {
			return product.Match{}, false
		}
		return match, true
	}
	class, _, _ := c.Class(match.Class)
	if !Path(nestedEscape.ReplaceAllString(path, "x")) || !class.EncodedSlash || MatchIn(c, path[:first[0]]) != match {
		return product.Match{}, false
	}
	for _, text := range Decodings(path) {
		if !plain(text) || unicodeEscape.MatchString(text) || dots(text) || MatchIn(c, text) != match || collapsed(c, text) != match {
			return product.Match{}, false
		}
	}
	return match, len(Decodings(path)) < 8
}

// AsSent reports whether what stands beside the path of the route, a base path before it or not, is as harmless.
func AsSent(sent, path string) bool {
	match, _ := Target(path)
	class, _, _ := product.Default().Class(match.Class)
	if !nestedEscape.MatchString(sent) || !class.EncodedSlash {
		return Path(sent)
	}
	for _, text := range Decodings(sent) {
		if !plain(text) || unicodeEscape.MatchString(text) || dots(text) {
			return false
		}
	}
	return Path(nestedEscape.ReplaceAllString(sent, "x")) && len(Decodings(sent)) < 8
}

// Decodings are the texts that a path becomes when it is decoded again and again.
func Decodings(path string) (texts []string) {
	for anyEscape.MatchString(path) {
		path = anyEscape.ReplaceAllStringFunc(path, func(escape string) string {
			text, _ := url.PathUnescape(escape)
			return text
		})
		texts = append(texts, path)
	}
	return texts
}

func dots(text string) bool {
	return slices.ContainsFunc(strings.Split(text, "/"), dotSegment.MatchString)
}

// Match finds the product and limit class of a path in the shipped catalogue.
func Match(path string) product.Match { return MatchIn(product.Default(), path) }

// MatchIn finds the product and limit class of a path, segment by segment: the most segments win.
func MatchIn(c product.Catalogue, path string) (found product.Match) {
	segments, most := names(path), 0
	for _, p := range c.Products() {
		for _, class := range p.Classes {
			for _, prefix := range class.Prefixes {
				want := strings.Split(strings.ToLower(strings.TrimSuffix(prefix, "/")), "/")
				if len(segments) > len(want) && len(want) > most && slices.Equal(segments[:len(want)], want) {
					found, most = product.Match{Product: p.ID, Class: class.ID}, len(want)
				}
			}
		}
	}
	return found
}

func collapsed(c product.Catalogue, path string) product.Match {
	kept := names(path)
	last := kept[len(kept)-1]
	kept = slices.DeleteFunc(kept[:len(kept)-1], func(name string) bool { return name == "" })
	return MatchIn(c, "/"+strings.Join(append(kept, last), "/"))
}

// names are the segments of a path as names are compared.
func names(path string) []string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if cut := cutEscape.FindStringIndex(s); cut != nil {
			s = s[:cut[0]]
		}
		s = lowerASCII(anyEscape.ReplaceAllStringFunc(s, func(escape string) string {
			text, _ := url.PathUnescape(escape)
			if text[0] >= utf8.RuneSelf || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") == "" {
				return text
			}
			return escape
		}))
		segments[i] = blanksBefore.ReplaceAllString(endOfSegment.ReplaceAllString(s, ""), "")
	}
	return segments
}

// otherCases are the characters beyond ASCII that are ASCII in another case.
var otherCases = strings.NewReplacer("ſ", "s", "\u212a", "k", "İ", "i", "ı", "i", "ß", "ss", "ẞ", "ss", "ﬀ", "ff", "ﬁ", "fi", "ﬂ", "fl", "ﬃ", "ffi", "ﬄ", "ffl", "ﬅ", "st", "ﬆ", "st")

func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 0xff01 <= r && r <= 0xff5e { // in full width
			r -= 0xfee0
		}
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, otherCases.Replace(text))
}
