package authz

import "unicode/utf8"

// CanonicalPath reports whether a path means the same to every server that may read it, so that what is decided for
// it holds for what the upstream serves. The path is taken as the gateway shows it, encoded or decoded. Refused are:
// a path that doesn't begin with "/", empty segments (one trailing "/" is none), segments of nothing but dots, also
// before a ";", "?" or "#" and with blanks around, backslashes, control characters, percent signs that begin no
// escape, the escapes of ".", "/", "\" and "%" and with them all double encoding, bytes that are no UTF-8, and the
// characters that a lenient server folds into one of those four.
func CanonicalPath(path string) bool {
	if len(path) == 0 || path[0] != '/' {
		return false
	}
	var s segment
	for i := 1; i < len(path); {
		if path[i] == '/' {
			if !s.solid {
				return false
			}
			s = segment{}
			i++
			continue
		}
		n := s.take(path[i:])
		if n == 0 {
			return false
		}
		i += n
	}
	return s.solid || !s.started
}

// segment is the parser's state in one path segment.
type segment struct {
	started bool // it holds a character
	ended   bool // a character stood in it at which some servers cut
	solid   bool // before that it holds more than dots and blanks
}

// take reads the character at the beginning of text and returns its length, 0 if it is refused.
func (s *segment) take(text string) int {
	c, n, escaped := octet(text)
	if n == 0 || c < ' ' || c == 0x7f || c == '\\' {
		return 0
	}
	if escaped && (c == '.' || c == '/' || c == '%') || !escaped && (c == '?' || c == '#') {
		return 0
	}
	if c >= utf8.RuneSelf {
		if n = wide(text); n == 0 {
			return 0
		}
	}
	s.started = true
	switch c {
	case ';', '?', '#':
		s.ended = true
	case '.', ' ':
	default:
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
	high, low := unhex(text[1]), unhex(text[2])
	if high > 15 || low > 15 {
		return 0, 0, false
	}
	return high<<4 | low, 3, true
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

// wide reads a character beyond ASCII, each of its bytes escaped or not. It returns 0 for invalid UTF-8, control
// characters, and characters that some servers fold into ".", "/", "\" or "%".
func wide(text string) int {
	var buf [utf8.UTFMax]byte
	length, used := 0, 0
	for length < len(buf) && used < len(text) {
		c, n, _ := octet(text[used:])
		if n == 0 || c < utf8.RuneSelf {
			break
		}
		buf[length] = c
		length, used = length+1, used+n
		if utf8.FullRune(buf[:length]) {
			break
		}
	}
	r, size := utf8.DecodeRune(buf[:length])
	if r == utf8.RuneError && size <= 1 || size != length || r < 0xa0 {
		return 0
	}
	switch r {
	case 0x2024, 0x2025, 0x2026, 0x3002, 0xfe52, 0xff0e, 0xff61, // like dots
		0x2044, 0x2215, 0x29f8, 0xff0f, // like slashes
		0x2216, 0x29f5, 0x29f9, 0xfe68, 0xff3c, // like backslashes
		0xfe6a, 0xff05: // like percent signs
		return 0
	}
	return used
}
