package authz

import (
	"unicode/utf8"

	"latchkey/shared/ascii"
	"latchkey/shared/product"
)

// CanonicalPath reports whether a path means the same to every server that may read it, so that what is decided for
// it holds for what the upstream serves. The path is taken as the gateway shows it, encoded or decoded. Refused are:
// a path that doesn't begin with "/", empty segments (one trailing "/" is none), segments of nothing but dots, also
// before a ";", "?" or "#" and with blanks around, backslashes, control characters, percent signs that begin no
// escape, the escapes of ".", "/", "\" and "%" and with them all double encoding, bytes that are no UTF-8, and the
// characters that a lenient server folds into one of those four. A segment may begin with an escaped ";", "?" or "#"
// if more follows. [TargetOf] also takes the escapes of "/" and "%" where the catalogue lets them stand.
func CanonicalPath(path string) bool {
	form := formOf(path)
	return form.good && form.nested < 0
}

// form holds the properties of a path that decide how it must be read.
type form struct {
	good   bool // canonical, but for escapes of "/" and "%"
	nested int  // where the first of those begins, -1 without one
	hollow bool // a segment begins with an escaped ";": nothing of it is left where parameters are cut
}

func formOf(path string) form {
	f := form{nested: -1}
	if len(path) == 0 || path[0] != '/' {
		return f
	}
	var s segment
	for i := 1; i < len(path); {
		if path[i] == '/' {
			if !s.solid {
				return f
			}
			f.hollow = f.hollow || s.hollow
			s = segment{}
			i++
			continue
		}
		if c := path[i]; 'a' <= c && c <= 'z' || '0' <= c && c <= '9' { // what take does with them, which most characters are
			s.started, s.solid = true, s.solid || !s.ended
			i++
			continue
		}
		n := s.take(path[i:])
		if n == 0 {
			return f
		}
		if s.nested && f.nested < 0 {
			f.nested = i
		}
		i += n
	}
	f.hollow = f.hollow || s.hollow
	f.good = s.solid || !s.started
	return f
}

// segment is the parser's state in one path segment.
type segment struct {
	started bool // it holds a character
	ended   bool // a character stood in it at which some servers cut
	solid   bool // before that it holds more than dots and blanks
	hollow  bool // it begins with an escaped ";"
	nested  bool // it holds an escaped "/" or "%"
}

// take reads the character at the beginning of text and returns its length, 0 if it is refused.
func (s *segment) take(text string) int {
	c, n, escaped := octet(text)
	if n == 0 || c < ' ' || c == 0x7f || c == '\\' {
		return 0
	}
	if escaped && c == '.' || !escaped && (c == '?' || c == '#') {
		return 0
	}
	blank := c == ' '
	if c >= utf8.RuneSelf {
		r, size := wide(text)
		if size == 0 {
			return 0
		}
		n, blank = size, product.Blank(r)
	}
	begins := !s.started
	s.started = true
	switch {
	case c == ';', c == '?', c == '#':
		if begins && escaped {
			s.hollow = c == ';'
		} else {
			s.ended = true
		}
	case c == '.', blank:
	default:
		s.nested = s.nested || escaped && (c == '/' || c == '%')
		s.solid = s.solid || !s.ended
	}
	return n
}

// octet reads one byte or one escaped byte; n is 0 for a percent sign without two hexadecimal digits.
func octet(text string) (c byte, n int, escaped bool) {
	if text[0] != '%' {
		return text[0], 1, false
	}
	if len(text) < 3 {
		return 0, 0, false
	}
	high, low := ascii.Hex(text[1]), ascii.Hex(text[2])
	if high > 15 || low > 15 {
		return 0, 0, false
	}
	return high<<4 | low, 3, true
}

// wide reads a character beyond ASCII, each of its bytes escaped or not, and its length there: 0 for invalid UTF-8, control
// characters, and characters that some servers fold into ".", "/", "\" or "%".
func wide(text string) (r rune, n int) {
	if r, n = product.Rune(text); r < 0xa0 || resembles(r) {
		return 0, 0
	}
	return r, n
}

// resembles reports whether some servers fold a character into ".", "/", "\" or "%".
func resembles(r rune) bool {
	switch r {
	case 0x2024, 0x2025, 0x2026, 0x3002, 0xfe52, 0xff0e, 0xff61, // like dots
		0x2044, 0x2215, 0x29f8, 0xff0f, // like slashes
		0x2216, 0x29f5, 0x29f9, 0xfe68, 0xff3c, // like backslashes
		0xfe6a, 0xff05: // like percent signs
		return true
	default:
		return false
	}
}
