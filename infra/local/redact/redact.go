// Package redact keeps secrets out of log lines, including those of other programs.
package redact

import (
	"regexp"
	"strings"
)

const mark = "[redacted]"

var (
	bearer = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`)
	jwt    = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?`)
	query  = regexp.MustCompile(`((?:https?://|/)[^\s"'?<>\\]*)\?[^\s"'<>\\]+`)
)

// Line returns s without secrets (a prefix, an underscore and 33 characters), bearer tokens, JWTs and query strings.
func Line(s string) string {
	s = secrets(s)
	if strings.Contains(s, "?") && strings.Contains(s, "/") {
		s = query.ReplaceAllString(s, "$1?"+mark)
	}
	if strings.Contains(s, "eyJ") {
		s = jwt.ReplaceAllString(s, mark)
	}
	if strings.ContainsAny(s, "rRcC") {
		if l := strings.ToLower(s); strings.Contains(l, "bearer ") || strings.Contains(l, "basic ") {
			s = bearer.ReplaceAllString(s, "$1 "+mark)
		}
	}
	return control(s)
}

// secrets are found without a regular expression: this runs on each line, and hardly any has one.
func secrets(s string) string {
	const tail = 33
	var out strings.Builder
	start := 0
	for i := 0; i < len(s); i++ {
		var width int
		switch {
		case s[i] == '_':
			width = 1
		case s[i] == '%' && i+2 < len(s) && s[i+1] == '5' && (s[i+2] == 'f' || s[i+2] == 'F'):
			width = 3
		default:
			continue
		}
		end := i + width
		for end < len(s) && end < i+width+tail && alphanumeric(s[end]) {
			end++
		}
		begin := i
		for begin > start && alphanumeric(s[begin-1]) {
			begin--
		}
		if end-i-width < tail || begin == i {
			continue
		}
		for end < len(s) && alphanumeric(s[end]) {
			end++
		}
		out.WriteString(s[start:begin])
		out.WriteString(mark)
		start, i = end, end-1
	}
	if start == 0 {
		return s
	}
	out.WriteString(s[start:])
	return out.String()
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// control makes escape sequences harmless: a path is a stranger's text on the developer's terminal.
func control(s string) string {
	bad := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f || 0x80 <= r && r < 0xa0 }
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if bad(r) {
			return '·'
		}
		return r
	}, s)
}
