package origin

import (
	"slices"
	"strconv"
	"strings"

	"latchkey/shared/ascii"
)

// scheme is http, https or an app shell's; the zero value is none, which a pattern uses for "http or https".
type scheme uint8

const (
	anyScheme scheme = iota
	schemeHTTP
	schemeHTTPS
	schemeCapacitor // this one and the following are app shells'
	schemeIonic
	schemeTauri
	schemeApp
)

// schemeNames has all of them, in the order of the constants.
var schemeNames = [...]string{"", "http", "https", "capacitor", "ionic", "tauri", "app"}

func (s scheme) String() string { return schemeNames[s] }

// isShell reports whether s is the scheme of pages inside an app. Their origins have a host and no port.
func (s scheme) isShell() bool { return s >= schemeCapacitor }

// ShellSchemes returns the schemes of app shells whose origins a list can have: Capacitor's, Ionic's, Tauri's, and the
// one that Electron's tools use.
func ShellSchemes() []string { return slices.Clone(schemeNames[schemeCapacitor:]) }

func (s scheme) defaultPort() uint16 {
	switch s {
	case schemeHTTP:
		return 80
	case schemeHTTPS:
		return 443
	default:
		return 0
	}
}

// Origin is a scheme, a host and a port, as a browser computes them. The host is lower-case ASCII without a trailing
// dot; IPv6 addresses are in brackets. An app shell's origin has no port. The zero value is no origin and matches nothing.
type Origin struct {
	scheme scheme
	host   string
	port   uint16
}

// Host returns the host in canonical form, an IPv6 address in brackets.
func (o Origin) Host() string { return o.host }

// Name returns the name under which pages are counted and logged: the host, and of an app shell the whole origin, since
// all of them have the same few hosts.
func (o Origin) Name() string {
	if o.scheme.isShell() {
		return o.String()
	}
	return o.host
}

// IsZero reports whether o is no origin.
func (o Origin) IsZero() bool { return o.scheme == anyScheme }

// String returns the canonical serialised form, which leaves the scheme's default port out. It is "" for the zero value.
func (o Origin) String() string {
	if o.IsZero() {
		return ""
	}
	text := o.scheme.String() + "://" + o.host
	if o.port != o.scheme.defaultPort() {
		text += ":" + strconv.Itoa(int(o.port))
	}
	return text
}

// Parse reads the value of an Origin header. It accepts the serialised form of an http or https origin, or of an app
// shell's, and refuses everything else: userinfo, a path, white space, escapes, other spellings of an address. Three spellings that no
// parser can misread are made canonical: upper case, a trailing dot of a name, and a default port that is written out.
func Parse(headerValue string) (Origin, bool) {
	s, rest := cutScheme(headerValue)
	if s == anyScheme {
		return Origin{}, false
	}
	return parseAuthority(s, rest)
}

// FromReferer reads the origin part of a Referer header. What follows the host must be nothing or a path: a
// serialised URL has no userinfo, and never a query or a fragment right after its host.
func FromReferer(headerValue string) (Origin, bool) {
	s, rest := cutScheme(headerValue)
	if s == anyScheme {
		return Origin{}, false
	}
	authority, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	for i := range len(path) {
		if path[i] <= ' ' || path[i] == 0x7f {
			return Origin{}, false
		}
	}
	return parseAuthority(s, authority)
}

// cutScheme cuts a scheme that an origin can have, and "://", off text. The scheme may be in any case.
func cutScheme(text string) (scheme, string) {
	end := strings.IndexByte(text, ':')
	if end < 0 || !strings.HasPrefix(text[end:], "://") {
		return anyScheme, text
	}
	for s := schemeHTTP; int(s) < len(schemeNames); s++ {
		if ascii.EqualFold(text[:end], schemeNames[s]) {
			return s, text[end+len("://"):]
		}
	}
	return anyScheme, text
}

func parseAuthority(s scheme, authority string) (Origin, bool) {
	if s.isShell() {
		host, ok := shellHost(authority)
		if !ok {
			return Origin{}, false
		}
		return Origin{scheme: s, host: host}, true
	}
	host, port, ok := cutPort(authority)
	if !ok {
		return Origin{}, false
	}
	host, ok = canonicalHost(host)
	if !ok {
		return Origin{}, false
	}
	if port == 0 {
		port = s.defaultPort()
	}
	return Origin{scheme: s, host: host, port: port}, true
}

// cutPort cuts ":port" off an authority; port is 0 where none is written.
func cutPort(authority string) (host string, port uint16, ok bool) {
	// The colons of an IPv6 address are inside its brackets.
	from := strings.IndexByte(authority, ']') + 1
	i := strings.IndexByte(authority[from:], ':')
	if i < 0 {
		return authority, 0, true
	}
	port, ok = parsePort(authority[from+i+1:])
	return authority[:from+i], port, ok
}

// parsePort reads 1 to 65535 in its one canonical spelling.
func parsePort(text string) (uint16, bool) {
	if len(text) == 0 || len(text) > 5 || text[0] == '0' {
		return 0, false
	}
	n := 0
	for i := range len(text) {
		if !isDigit(text[i]) {
			return 0, false
		}
		n = n*10 + int(text[i]-'0')
	}
	if n > 65535 {
		return 0, false
	}
	return uint16(n), true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
