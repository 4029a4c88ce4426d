package product

import "strings"

// Match finds the product and limit class of a canonical path; the longest prefix decides. The path is read as an
// upstream may read it, so that no spelling of a path has another limit than the path: escapes of unreserved characters
// (RFC 3986) are decoded, what follows a ";" in a segment is cut, and the case of ASCII letters is ignored. It doesn't
// allocate.
func (c Catalogue) Match(path string) (Match, bool) {
	match, coverage := c.Find(path)
	return match, len(coverage.Since) > 0
}

// Find is Match with the coverage of the path: without versions where it belongs to no product.
func (c Catalogue) Find(path string) (Match, Coverage) {
	for i := range c.prefixes {
		if p := &c.prefixes[i]; begins(path, p.path) {
			return p.match, p.coverage
		}
	}
	return Match{}, Coverage{}
}

// Within reports whether a canonical path begins with a prefix in lower case, as Match reads it.
func Within(path, prefix string) bool { return begins(path, prefix) }

// begins reports whether a path begins with a prefix in lower case.
func begins(path, prefix string) bool {
	i := 0
	for j := range len(prefix) {
		if i == len(path) {
			return false
		}
		c, n := character(path[i:])
		if c == ';' {
			next := strings.IndexByte(path[i:], '/')
			if next < 0 {
				return false
			}
			i, c, n = i+next, '/', 1
		}
		if c != prefix[j] {
			return false
		}
		i += n
	}
	return true
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
	return lower(c), 1
}

// unescaped is the character of an escape in lower case if it is unreserved or ";", else 0.
func unescaped(high, low byte) byte {
	c := lower(unhex(high)<<4 | unhex(low)&15)
	switch {
	case unhex(high) > 7 || unhex(low) > 15:
		return 0
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~', c == ';':
		return c
	default:
		return 0
	}
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	default:
		return 0xff
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
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
