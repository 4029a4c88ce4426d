package text

import (
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"latchkey/shared/apikey"
)

// Secrets finds secrets by their prefix, shape and checksum: those of the stack's present prefix and of every prefix
// that it has had.
type Secrets []apikey.Prefix

// mask stands where a secret was.
const mask = "[secret]"

// In reports whether a text holds a secret: as it is, written with full-width or other compatible characters, with
// anything inside that no secret has (blanks, line ends, hyphens, quotes, plus signs, what doesn't show), or percent-encoded
// once, whichever of these was done to it first. What is left of a text without all that is no secret by chance: the checksum
// of 32 bits would have to fit.
func (s Secrets) In(text string) bool {
	if joined := lineEnds.Replace(text); joined != text && s.in(joined) {
		return true
	}
	return s.in(text)
}

// in is In for a text whose written line ends count as letters, unless they are percent-encoded.
func (s Secrets) in(text string) bool {
	for _, spelling := range spellings(text) {
		if s.find(spelling) >= 0 {
			return true
		}
	}
	return false
}

// spellings are the forms of a text in which a secret is looked for.
func spellings(text string) []string {
	decoded := unescape(text)
	return []string{text, decoded, bare(text), bare(decoded), bare(lineEnds.Replace(decoded)), bare(unescape(squeeze(text)))}
}

// AnySecret returns the first secret in a text, of whatever prefix and in any spelling that [Secrets.In] knows, as it was made; ""
// for none. It is for those who don't know the stack's prefixes: nothing but the checksum tells what it takes for a secret.
func AnySecret(text string) string {
	for _, spelling := range append(spellings(lineEnds.Replace(text)), spellings(text)...) {
		for bar, r := range spelling {
			if r != '_' {
				continue
			}
			for at := max(bar-apikey.MaxPrefix, 0); at < bar; at++ {
				p, err := apikey.ParsePrefix(spelling[at:bar])
				if err != nil {
					continue
				}
				if n := (Secrets{p}).length(spelling[at:]); n > 0 {
					return spelling[at : at+n]
				}
			}
		}
	}
	return ""
}

// InHost reports whether what somebody types for the name of a host holds a secret, or what a name of a host leaves of one, with its
// prefix or without: it has no case of letters, and no underscore in most places.
func (s Secrets) InHost(text string) bool { return s.InAnyCase(text) || apikey.HoldsBody(text) }

// InAnyCase reports whether a text holds a secret, in whatever case of letters.
func (s Secrets) InAnyCase(text string) bool {
	for _, p := range s {
		if p.Resembles(text) {
			return true
		}
	}
	return s.In(text)
}

// Mask replaces the secrets in a text that has to be kept because it is evidence. Where a secret is there only in
// another spelling, nothing of the text is kept.
func (s Secrets) Mask(text string) string {
	var b strings.Builder
	rest := text
	for {
		at := s.find(rest)
		if at < 0 {
			break
		}
		b.WriteString(rest[:at] + mask)
		rest = rest[at+s.length(rest[at:]):]
	}
	b.WriteString(rest)
	if masked := b.String(); !s.In(masked) {
		return masked
	}
	return mask
}

// find returns where the first secret begins, -1 if there is none.
func (s Secrets) find(text string) int {
	for start := 0; ; {
		i := strings.IndexByte(text[start:], '_')
		if i < 0 {
			return -1
		}
		bar := start + i
		for _, p := range s {
			if at := bar - len(p); at >= 0 && s.length(text[at:]) > 0 {
				return at
			}
		}
		start = bar + 1
	}
}

// length is the length of the secret with which a text begins, 0 if it begins with none.
func (s Secrets) length(text string) int {
	for _, p := range s {
		n := p.SecretLength()
		if len(text) < n {
			continue
		}
		if _, err := p.Parse(text[:n]); err == nil {
			return n
		}
	}
	return 0
}

// squeeze writes a text with plain characters, and leaves out marks on them and what doesn't show.
func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if ignorable(r) || blank(r) || unicode.In(r, unicode.M) {
			return -1
		}
		return r
	}, norm.NFKD.String(text))
}

// lineEnds are line ends as programs write them.
var lineEnds = strings.NewReplacer(`\r`, "", `\n`, "", `\t`, "")

// bare leaves of a text, written with plain characters, what a secret may have.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_':
			return r
		}
		return -1
	}, norm.NFKD.String(text))
}

// unescape decodes every good percent-escape once, and leaves the bad ones.
func unescape(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if decoded, err := url.PathUnescape(text[i : i+3]); err == nil {
				b.WriteString(decoded)
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
