// Package origintest writes the rules about origins down a second time, slowly and over texts, so that tests of the
// decision need not trust the parser and the matcher that they test. Origins are read by a browser's parser. Only
// tests import it.
package origintest

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nlnwa/whatwg-url/url"
)

// Browser reads a URL as a browser does and serialises its origin, without a trailing dot of its host. ok is false
// for what a browser refuses and for other schemes. userinfo reports whether the URL has any.
func Browser(text string) (serialised string, userinfo, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Protocol() != "http:" && u.Protocol() != "https:" {
		return "", false, false
	}
	serialised = u.Protocol() + "//" + strings.TrimSuffix(u.Hostname(), ".")
	if u.Port() != "" {
		serialised += ":" + u.Port()
	}
	return serialised, u.Username() != "" || u.Password() != "", true
}

// undecodable is a name with an A-label, which the gate doesn't decode: a browser may refuse to open such a page, so
// that it never sends it, and the name still belongs to the domain that it ends in.
var undecodable = regexp.MustCompile(`^https?://([a-z0-9_-]+\.)*xn--[a-z0-9_.-]+(:[1-9][0-9]{0,4})?$`)

var shell = regexp.MustCompile(`^(capacitor|ionic|tauri|app)://([^:/]+|\[[0-9a-f:]+\])$`)

// Header reads the value of an Origin header: what a browser makes of it, provided that it is spelled as a browser
// would. Upper case, a trailing dot and a written default port are the only other spellings. An app shell's origin has
// a host as pages have, or one of two that are no names, and no port.
func Header(value string) (serialised string, ok bool) {
	lower := asciiLower(value)
	if m := shell.FindStringSubmatch(lower); m != nil {
		if m[2] == "-" || m[2] == "." {
			return lower, true
		}
		page, ok := Header("http://" + m[2])
		if !ok {
			return "", false
		}
		return m[1] + strings.TrimPrefix(page, "http"), true
	}
	serialised, userinfo, ok := Browser(value)
	if !ok && undecodable.MatchString(lower) {
		scheme, host, port := split(lower)
		serialised, ok = join(scheme, strings.TrimSuffix(host, "."), port), true
	}
	if !ok || userinfo {
		return "", false
	}
	scheme, host, port := split(serialised)
	for _, dot := range []string{"", "."} {
		if lower == join(scheme, host+dot, port) || lower == scheme+"://"+host+dot+":"+port {
			return serialised, true
		}
	}
	return "", false
}

// Referer reads the value of a Referer header: its origin by a browser's reading, provided that the part before the
// first slash of the path is an origin by itself.
func Referer(value string) (serialised string, ok bool) {
	scheme, rest, ok := strings.Cut(value, "://")
	if !ok || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", false
	}
	authority, _, _ := strings.Cut(rest, "/")
	serialised, ok = Header(scheme + "://" + authority)
	if !ok {
		return "", false
	}
	if whole, _, read := Browser(value); read && whole != serialised {
		return "", false
	}
	return serialised, true
}

// Results of Caller: Missing for a call that names no origin, Unreadable for one that names none to be trusted.
const (
	Missing    = "missing"
	Unreadable = "unreadable"
)

// Caller is rule 5: a real Origin decides alone, then the Referer. It returns the serialised origin, Missing or
// Unreadable.
func Caller(originHeader, referer string) string {
	read, value := Header, originHeader
	if originHeader == "" || originHeader == "null" || originHeader == "file://" {
		read, value = Referer, referer
	}
	if value == "" {
		return Missing
	}
	if serialised, ok := read(value); ok {
		return serialised
	}
	return Unreadable
}

var pattern = regexp.MustCompile(`^(?:https?://)?(\*\.)?([a-z0-9._-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?$`)

// Canonical reports whether a stored pattern is one.
func Canonical(text string) bool {
	if shell.MatchString(text) {
		serialised, ok := Header(text)
		return ok && serialised == text
	}
	m := pattern.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	wildcard, host := m[1] != "", m[2]
	if port, _ := strconv.Atoi(m[3]); port > 65535 {
		return false
	}
	if read, _, ok := Browser("http://" + host); read != "http://"+host && (ok || !strings.Contains(host, "xn--")) {
		return false
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || host == "localhost" {
		return !wildcard
	}
	labels := strings.Split(host, ".")
	return len(labels) > 1 && !slices.Contains(labels, "")
}

// Covers reports whether a canonical pattern covers a serialised origin.
func Covers(text, serialised string) bool {
	if shell.MatchString(text) || shell.MatchString(serialised) {
		return text == serialised
	}
	scheme, host, port := split(serialised)
	if s, after, ok := strings.Cut(text, "://"); ok {
		if s != scheme {
			return false
		}
		text = after
	}
	if i := strings.LastIndex(text, ":"); i > strings.LastIndex(text, "]") {
		if text[i+1:] != port {
			return false
		}
		text = text[:i]
	}
	want, have := strings.Split(text, "."), strings.Split(host, ".")
	if want[0] != "*" {
		return slices.Equal(want, have)
	}
	want = want[1:]
	return len(have) > len(want) && slices.Equal(have[len(have)-len(want):], want)
}

// split cuts a serialised origin; port is the scheme's default where none is written.
func split(serialised string) (scheme, host, port string) {
	scheme, host, _ = strings.Cut(serialised, "://")
	port = map[string]string{"http": "80", "https": "443"}[scheme]
	if i := strings.LastIndex(host, ":"); i > strings.LastIndex(host, "]") {
		host, port = host[:i], host[i+1:]
	}
	return scheme, host, port
}

func join(scheme, host, port string) string {
	if port == map[string]string{"http": "80", "https": "443"}[scheme] {
		return scheme + "://" + host
	}
	return scheme + "://" + host + ":" + port
}

func asciiLower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}
