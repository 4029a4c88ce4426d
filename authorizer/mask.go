package main

import "strings"

const (
	// maskedRun is the number of letters and digits in a row from which a segment may hold a secret, of this stack or of
	// another: a secret of this stack has 33 behind its prefix.
	maskedRun = 24
	// maxUnescapes bounds how often a segment is decoded to look for a secret. One that is encoded more often is masked.
	maxUnescapes = 4
)

// appendPath writes the text before a path and the path, with every segment masked that may hold a secret: escaped or not,
// in any case of letters, cut short or not.
func appendPath(b []byte, before, path, prefix string) []byte {
	b = append(b, before...)
	end := len(b) + maxField
	for len(path) > 0 && len(b) < end {
		segment := path
		if i := strings.IndexByte(path[1:], '/'); i >= 0 {
			segment = path[:i+1]
		}
		path = path[len(segment):]
		if mayHoldSecret(segment, prefix) {
			b = append(b, "/[masked]"...)
			continue
		}
		b = appendSegment(b, segment)
	}
	return b[:min(len(b), end)]
}

// appendSegment writes a segment with every character replaced that is not plain, and every "?", behind which readers of a
// log look for a query.
func appendSegment(b []byte, segment string) []byte {
	for i := range min(len(segment), maxField) {
		c := segment[i]
		if c < ' ' || c == '"' || c == '\\' || c >= 0x7f || c == '?' {
			c = '_'
		}
		b = append(b, c)
	}
	return b
}

// mayHoldSecret reports whether a text holds the prefix of secrets, or a run of letters and digits that is as long as one.
func mayHoldSecret(text, prefix string) bool {
	for range maxUnescapes {
		if looksSecret(text, prefix) {
			return true
		}
		if strings.IndexByte(text, '%') < 0 {
			return false
		}
		decoded := unescapePath(text)
		if decoded == text {
			return false
		}
		text = decoded
	}
	return true
}

func looksSecret(text, prefix string) bool {
	run := 0
	for i := range len(text) {
		c := text[i] | 0x20
		if c >= 'a' && c <= 'z' || text[i] >= '0' && text[i] <= '9' {
			if run++; run >= maskedRun {
				return true
			}
		} else {
			run = 0
		}
		if len(text)-i >= len(prefix) && strings.EqualFold(text[i:i+len(prefix)], prefix) {
			return true
		}
	}
	return false
}

// unescapePath resolves the escapes of a text once. A percent sign that begins none stays.
func unescapePath(text string) string {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if c, ok := escaped(text[i:]); ok {
			out = append(out, c)
			i += 2
			continue
		}
		out = append(out, text[i])
	}
	return string(out)
}

func escaped(text string) (byte, bool) {
	if len(text) < 3 || text[0] != '%' {
		return 0, false
	}
	high, low := hexDigit(text[1]), hexDigit(text[2])
	if high < 0 || low < 0 {
		return 0, false
	}
	return byte(high<<4 | low), true
}

func hexDigit(c byte) int { return strings.IndexByte("0123456789abcdef", c|0x20) }
