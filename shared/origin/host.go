package origin

import (
	"net/netip"
	"strings"
)

// The limits of the DNS, in bytes.
const (
	maxName  = 253
	maxLabel = 63
)

// canonicalHost checks a host and returns it in lower case and without a trailing dot. It allocates only for a host
// that is not canonical already.
func canonicalHost(host string) (string, bool) {
	if strings.HasPrefix(host, "[") {
		return canonicalIPv6(host)
	}
	lower, ok := lowerName(host)
	if !ok {
		return "", false
	}
	name := strings.TrimSuffix(lower, ".")
	if name == "" || len(name) > maxName {
		return "", false
	}
	last := ""
	for rest, more := name, true; more; {
		last, rest, more = strings.Cut(rest, ".")
		if last == "" || len(last) > maxLabel || last == "xn--" {
			return "", false
		}
	}
	// A browser reads a name whose last label is a number as an IPv4 address, in many spellings, and writes it in
	// one. Parsers disagree on what a number is ("-80", "0-256"); no top-level name begins like one.
	if isDigit(last[0]) || last[0] == '-' {
		return lower, isIPv4(lower)
	}
	return name, true
}

// shellHost returns the canonical host of an app shell: what any host may be, without a port. Two tools for Electron
// serve their pages from hosts that are no names: "-" (electron-serve) and "." (Vue's plugin).
func shellHost(authority string) (string, bool) {
	if authority == "-" || authority == "." {
		return authority, true
	}
	return canonicalHost(authority)
}

// lowerName checks that a name holds nothing but letters, digits, hyphens, underscores and dots, and lowers it.
func lowerName(name string) (string, bool) {
	upper := false
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', isDigit(c), c == '-', c == '_', c == '.':
		case 'A' <= c && c <= 'Z':
			upper = true
		default:
			return "", false
		}
	}
	if upper {
		name = strings.ToLower(name)
	}
	return name, true
}

// isIPv4 reports whether text is four decimal numbers without leading zeros.
func isIPv4(text string) bool {
	addr, err := netip.ParseAddr(text)
	return err == nil && addr.Is4()
}

// canonicalIPv6 checks an address in brackets and returns it in lower case. Only the spelling that a browser
// serialises is accepted.
func canonicalIPv6(host string) (string, bool) {
	inner, ok := strings.CutSuffix(host[1:], "]")
	if !ok || len(inner) > len("0000:0000:0000:0000:0000:0000:0000:0000") {
		return "", false
	}
	upper := false
	for i := range len(inner) {
		c := inner[i]
		switch {
		case isDigit(c), 'a' <= c && c <= 'f', c == ':':
		case 'A' <= c && c <= 'F':
			upper = true
		default:
			return "", false // a zone, a dotted tail
		}
	}
	if upper {
		host = strings.ToLower(host)
		inner = host[1 : len(host)-1]
	}
	addr, err := netip.ParseAddr(inner)
	if err != nil || !addr.Is6() {
		return "", false
	}
	var buf [41]byte
	return host, string(appendIPv6(buf[:0], addr.As16())) == host
}

// IPv6 returns the host of an IPv6 address in its one canonical spelling, brackets included. It differs from
// netip.Addr.String for addresses that map IPv4 ones: browsers write those in hexadecimal.
func IPv6(addr [16]byte) string { return string(appendIPv6(nil, addr)) }

func appendIPv6(out []byte, addr [16]byte) []byte {
	var groups [8]uint16
	for i := range groups {
		groups[i] = uint16(addr[2*i])<<8 | uint16(addr[2*i+1])
	}
	// The first longest run of two or more zero groups is compressed.
	start, length := -1, 1
	for i := 0; i < 8; i++ {
		j := i
		for j < 8 && groups[j] == 0 {
			j++
		}
		if j-i > length {
			start, length = i, j-i
		}
		i = j
	}
	out = append(out, '[')
	for i := 0; i < 8; i++ {
		if i == start {
			out = append(out, ':', ':')
			i += length - 1
			continue
		}
		if i > 0 && out[len(out)-1] != ':' {
			out = append(out, ':')
		}
		out = appendHex(out, groups[i])
	}
	return append(out, ']')
}

func appendHex(out []byte, n uint16) []byte {
	const digits = "0123456789abcdef"
	started := false
	for shift := 12; shift >= 0; shift -= 4 {
		d := n >> shift & 0xf
		if d != 0 || started || shift == 0 {
			out, started = append(out, digits[d]), true
		}
	}
	return out
}
