// Package jsonscan walks JSON texts without reflection and without copies. The authorizer links it: for its events, and for the answers
// of its store.
package jsonscan

import (
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Scanner walks a JSON text (RFC 8259) once, from the first byte to the last. Every method goes on behind what it
// has read and the white space after it, and reports whether that was well formed. That the text is UTF-8 is its caller's to check.
type Scanner struct {
	text  string
	pos   int
	depth int // objects and arrays that may still be opened
}

// New makes a scanner of a text in which objects and arrays are nested up to a depth. Strings that it reads share the text's memory.
func New(text string, depth int) Scanner {
	s := Scanner{text: text, depth: depth}
	s.space()
	return s
}

// space skips white space. Neither API Gateway nor DynamoDB sends any.
func (s *Scanner) space() {
	if s.pos < len(s.text) && s.text[s.pos] <= ' ' {
		s.spaces()
	}
}

func (s *Scanner) spaces() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// End reports whether the whole text is read.
func (s *Scanner) End() bool { return s.pos == len(s.text) }

// token reads one structural byte.
func (s *Scanner) token(c byte) bool {
	if s.pos >= len(s.text) || s.text[s.pos] != c {
		return false
	}
	s.pos++
	s.space()
	return true
}

// Literal reads true, false or null.
func (s *Scanner) Literal(word string) bool {
	if len(s.text)-s.pos < len(word) || s.text[s.pos:s.pos+len(word)] != word {
		return false
	}
	s.pos += len(word)
	s.space()
	return true
}

// Null reads null.
func (s *Scanner) Null() bool { return s.Literal("null") }

// Object reads an object; member is called behind each name and must read the value.
func (s *Scanner) Object(member func(name string) bool) bool {
	if s.depth--; s.depth < 0 || !s.token('{') {
		return false
	}
	if !s.token('}') {
		for {
			name, ok := s.Text()
			if !ok || !s.token(':') || !member(name) {
				return false
			}
			if s.token(',') {
				continue
			}
			if s.token('}') {
				break
			}
			return false
		}
	}
	s.depth++
	return true
}

// Array reads an array; element must read one element.
func (s *Scanner) Array(element func() bool) bool {
	if s.depth--; s.depth < 0 || !s.token('[') {
		return false
	}
	if !s.token(']') {
		for {
			if !element() {
				return false
			}
			if s.token(']') {
				break
			}
			if !s.token(',') {
				return false
			}
		}
	}
	s.depth++
	return true
}

// Skip reads any value.
func (s *Scanner) Skip() bool {
	if s.pos >= len(s.text) {
		return false
	}
	switch s.text[s.pos] {
	case '"':
		_, _, ok := s.quoted()
		return ok
	case '{':
		return s.Object(s.skipMember)
	case '[':
		return s.Array(s.Skip)
	case 't':
		return s.Literal("true")
	case 'f':
		return s.Literal("false")
	case 'n':
		return s.Literal("null")
	default:
		return s.number()
	}
}

func (s *Scanner) skipMember(string) bool { return s.Skip() }

func (s *Scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.text) && s.text[s.pos] >= '0' && s.text[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

func (s *Scanner) at(set string) bool {
	if s.pos >= len(s.text) {
		return false
	}
	for i := range len(set) {
		if s.text[s.pos] == set[i] {
			s.pos++
			return true
		}
	}
	return false
}

func (s *Scanner) number() bool {
	s.at("-")
	if !s.at("0") && !s.digits() {
		return false
	}
	if s.at(".") && !s.digits() {
		return false
	}
	if s.at("eE") {
		s.at("+-")
		if !s.digits() {
			return false
		}
	}
	s.space()
	return true
}

// Text reads a string and resolves its escapes. Without escapes it is a part of the text.
func (s *Scanner) Text() (string, bool) {
	raw, escapes, ok := s.quoted()
	if !ok || !escapes {
		return raw, ok
	}
	return unescape(raw), true
}

// quoted reads a string and checks its escapes; raw is the text between the quotes.
func (s *Scanner) quoted() (raw string, escapes, ok bool) {
	text := s.text
	if s.pos >= len(text) || text[s.pos] != '"' {
		return "", false, false
	}
	start := s.pos + 1
	end := plain(text, start)
	for end < len(text) && text[end] == '\\' {
		n := escapeLen(text[end:])
		if n == 0 {
			return "", false, false
		}
		escapes = true
		end = plain(text, end+n)
	}
	if end >= len(text) || text[end] != '"' {
		return "", false, false
	}
	s.pos = end + 1
	s.space()
	return text[start:end], escapes, true
}

// plain is the place of the first quote, backslash or control character of a text from i on, or its length. Most of a text is inside
// strings, most of which are short: sixteen bytes go by at a time, so that how long one is is seldom a branch that the processor can't foresee.
func plain(text string, i int) int {
	for i <= len(text)-16 {
		part := text[i : i+16]
		low, high := special(word(part[:8])), special(word(part[8:]))
		if low|high == 0 {
			i += 16
			continue
		}
		if low == 0 {
			low, i = high, i+8
		}
		return i + bits.TrailingZeros64(low)/8
	}
	for i < len(text) && text[i] >= ' ' && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

// word is eight bytes of text, the first one lowest. The compiler makes one load of it.
func word(b string) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// special marks the quotes, backslashes and control characters of a word by the high bits of their bytes. Its lowest
// mark is exact, those above may be false, because a subtraction borrows from the bytes above a hit. With their second bit
// turned, quotes and control characters, and no others, are below "!".
func special(w uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	turned, backslash := w^(ones*2), w^(ones*'\\') // have their high bits where w has
	return ((turned - ones*'!') | (backslash - ones)) &^ w & highs
}

// escapeLen is the length of the escape that text begins with, 0 if it is none.
func escapeLen(text string) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(text); ok {
			return 6
		}
	}
	return 0
}

// hex4 reads "\uXXXX".
func hex4(text string) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var r rune
	for i := 2; i < 6; i++ {
		c := text[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape resolves escapes that quoted has checked. A surrogate without its other half becomes U+FFFD.
func unescape(raw string) string {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' {
			out = append(out, c)
			i++
			continue
		}
		i += 2
		switch raw[i-1] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, _ := hex4(raw[i-2:])
			i += 4
			if utf16.IsSurrogate(r) {
				low, _ := hex4(raw[i:])
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default: // the character itself
			out = append(out, raw[i-1])
		}
	}
	return string(out)
}
