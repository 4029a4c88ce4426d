package product

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/shared/ascii"
)

// Match finds the product and limit class of a canonical path; the longest prefix decides. The path is read as an
// upstream may read it, so that no spelling of a path has another limit than the path: escapes of unreserved characters
// (RFC 3986) are decoded, what follows a ";" in a segment is cut, so are dots at its end and blanks of all scripts around it, and the case
// and the width of letters are ignored, for those too whose other case is ASCII, such as "ſ". It doesn't allocate.
func (c Catalogue) Match(path string) (Match, bool) {
	match, coverage := c.Find(path)
	return match, len(coverage.Since) > 0
}

// Find is Match with the coverage of the path: without versions where it belongs to no product.
func (c Catalogue) Find(path string) (Match, Coverage) {
	p := c.innermost(path)
	return p.match, p.coverage
}

// nowhere is the prefix of a path that belongs to no product.
var nowhere prefix

// innermost is the longest prefix that a path begins with.
func (c *Catalogue) innermost(path string) *prefix {
	for i := range c.prefixes {
		if p := &c.prefixes[i]; begins(path, p.path) {
			return p
		}
	}
	return &nowhere
}

// begins reports whether a path begins with a prefix in lower case.
func begins(path, prefix string) bool {
	i, j := 0, 0
	for j < len(prefix) {
		if i == len(path) {
			return false
		}
		if prefix[j] == '/' {
			i = trimmed(path, i)
		}
		c, n := character(path[i:])
		if c == ';' {
			next := strings.IndexByte(path[i:], '/')
			if next < 0 {
				return false
			}
			i, c, n = i+next, '/', 1
		}
		if c == prefix[j] {
			if i, j = i+n, j+1; c == '/' {
				i += blanks(path[i:])
			}
			continue
		}
		if c != '%' && c < utf8.RuneSelf {
			return false
		}
		name, n := folded(path[i:])
		if n == 0 || !strings.HasPrefix(prefix[j:], name) {
			return false
		}
		i, j = i+n, j+len(name)
	}
	return true
}

// trimmed passes over the dots and blanks at the end of a segment. It returns i where none are there, or where more follows.
func trimmed(path string, i int) int {
	for at := i; at < len(path); {
		if n := blanks(path[at:]); n > 0 || path[at] == '.' {
			at += max(1, n)
			continue
		}
		if c, _ := character(path[at:]); c == '/' || c == ';' {
			return at
		}
		return i
	}
	return i
}

// blanks is the length of the blanks at the beginning of a text, each of their bytes escaped or not.
func blanks(text string) (n int) {
	for n < len(text) && (text[n] == ' ' || text[n] == '%' || text[n] >= utf8.RuneSelf) {
		r, size := Rune(text[n:])
		if !Blank(r) {
			break
		}
		n += size
	}
	return n
}

// Blank reports whether some servers cut a character around a name, as Python's strip and the trim of JavaScript do.
func Blank(r rune) bool { return unicode.Is(unicode.Z, r) || r == '\ufeff' }

// Rune reads the character at the beginning of a text, each of its bytes escaped or not, and its length there: 0 where there is none, such as
// at bytes that are no UTF-8.
func Rune(text string) (r rune, n int) {
	var buf [utf8.UTFMax]byte
	length := 0
	for length < len(buf) && n < len(text) && !utf8.FullRune(buf[:length]) {
		c, size := text[n], 1
		if c == '%' && n+2 < len(text) && ascii.Hex(text[n+1]) < 16 && ascii.Hex(text[n+2]) < 16 {
			c, size = ascii.Hex(text[n+1])<<4|ascii.Hex(text[n+2]), 3
		}
		buf[length] = c
		length, n = length+1, n+size
	}
	r, size := utf8.DecodeRune(buf[:length])
	if r == utf8.RuneError && size <= 1 {
		return 0, 0
	}
	return r, n
}

// folded reads a character beyond ASCII, each of its bytes escaped or not, that is ASCII in another case or width, by itself or as a
// text: what that is in lower case, and the length of the character. The length is 0 if it isn't one.
func folded(text string) (name string, n int) {
	r, n := Rune(text)
	if '！' <= r && r <= '～' { // in full width
		return string(rune(ascii.Lower(byte(r - '！' + '!')))), n
	}
	switch r {
	case 'ſ':
		return "s", n
	case '\u212a': // the sign of the kelvin
		return "k", n
	case 'İ', 'ı':
		return "i", n
	case 'ß', 'ẞ':
		return "ss", n
	case 'ﬀ':
		return "ff", n
	case 'ﬁ':
		return "fi", n
	case 'ﬂ':
		return "fl", n
	case 'ﬃ':
		return "ffi", n
	case 'ﬄ':
		return "ffl", n
	case 'ﬅ', 'ﬆ':
		return "st", n
	default:
		return "", 0
	}
}

// character reads the character at the beginning of text as it is compared, and its length. Escapes of other characters
// than unreserved ones and ";" stay, and match nothing: a prefix has no percent sign.
func character(text string) (c byte, n int) {
	c = text[0]
	if c == '%' && len(text) > 2 {
		if e := unescaped(text[1], text[2]); e != 0 {
			return e, 3
		}
	}
	return ascii.Lower(c), 1
}

// unescaped is the character of an escape in lower case if it is unreserved or ";", else 0.
func unescaped(high, low byte) byte {
	c := ascii.Lower(ascii.Hex(high)<<4 | ascii.Hex(low)&15)
	switch {
	case ascii.Hex(high) > 7 || ascii.Hex(low) > 15:
		return 0
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~', c == ';':
		return c
	default:
		return 0
	}
}

// Name is a path segment without its parameters.
func Name(segment string) string {
	for i := 0; i < len(segment); {
		c, n := character(segment[i:])
		if c == ';' {
			return segment[:i]
		}
		i += n
	}
	return segment
}
