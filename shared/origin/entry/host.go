package entry

import (
	"errors"
	"net/netip"
	"regexp"
	"strings"

	"golang.org/x/net/idna"

	"latchkey/shared/origin"
)

// names maps a name as browsers do: lower case, IDN to A-labels, without the length and hyphen rules of
// registration. The characters that are left are checked by package origin.
var names = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(false),
	idna.CheckHyphens(false),
	idna.CheckJoiners(true),
	idna.BidiRule(),
)

// capitalSharpS is the one letter whose mapping depends on the browser's age: Unicode 15.1 made it ß, and it had been ss.
const capitalSharpS = "\u1e9e"

// errAmbiguous is the error of ASCII for a name that browsers of different ages read differently.
var errAmbiguous = errors.New("entry: the name has two readings")

// ASCII maps a host as a browser does when it shows a page: what Parse makes of a domain, it makes of the page's name.
func ASCII(host string) (string, error) {
	if strings.Contains(host, capitalSharpS) {
		return "", errAmbiguous
	}
	mapped, err := names.ToASCII(host)
	if err != nil {
		return "", err
	}
	// The direction of letters is looked at before they are mapped, and some become Hebrew ones: ℵ is א.
	return names.ToASCII(mapped)
}

// label finds what of an entry is encoded.
var label = regexp.MustCompile(`xn--[a-z0-9-]+`)

// Unicode writes the labels of an entry that begin with xn-- in the letters that they encode. It is "" for an entry without such labels, and where
// Parse wouldn't make the same entry of what it has written.
func Unicode(canonical string) string {
	written := label.ReplaceAllStringFunc(canonical, func(one string) string {
		decoded, err := names.ToUnicode(one)
		if err != nil {
			return one
		}
		return decoded
	})
	if again, err := Parse(written); err != nil || again != canonical || written == canonical {
		return ""
	}
	return written
}

func badHost() *Error {
	return &Error{Code: BadHost, Message: "This is not a domain. One looks like example.com, www.example.com or *.example.com."}
}

func badIPv6() *Error {
	return &Error{Code: BadAddress, Message: "Write an IPv6 address in brackets, as in [2001:db8::1]."}
}

// canonicalHost returns the canonical form of a host that has no wildcard. What stands before it, and its port, are only
// for the suggestions.
func canonicalHost(host, prefix, port string) (string, *Error) {
	if strings.HasPrefix(host, "[") {
		return canonicalIPv6(host, prefix, port)
	}
	if !isASCII(host) || strings.Contains(strings.ToLower(host), "xn--") {
		mapped, err := ASCII(host)
		switch {
		case errors.Is(err, errAmbiguous):
			// Both readings, and never one of them unasked: they belong to different owners.
			return "", refuse(Ambiguous, "Newer browsers read ẞ as ß, older ones as ss. Write the one that is meant, or an entry for each.",
				prefix+strings.ReplaceAll(host, capitalSharpS, "ß")+port, prefix+strings.ReplaceAll(host, capitalSharpS, "ss")+port)
		case err != nil:
			return "", badHost()
		}
		host = mapped
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if isNumeric(host) && !isAddress(host) {
		return "", &Error{Code: BadAddress, Message: "An IPv4 address is four decimal numbers, as in 192.0.2.1."}
	}
	if _, ok := origin.Parse("http://" + host); !ok || strings.ContainsAny(host, ":/") {
		return "", badHost()
	}
	return host, nil
}

func canonicalIPv6(host, prefix, port string) (string, *Error) {
	inner, ok := strings.CutSuffix(host[1:], "]")
	addr, err := netip.ParseAddr(inner)
	if !ok || err != nil || !addr.Is6() {
		return "", badIPv6()
	}
	canonical := origin.IPv6(addr.WithZone("").As16())
	if addr.Zone() != "" {
		return "", refuse(BadAddress, "Leave out the zone of the address.", prefix+canonical+port)
	}
	return canonical, nil
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isNumeric reports whether a browser would read a name as an IPv4 address: its last label is a number.
func isNumeric(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// isAddress reports whether a canonical host is an IP address.
func isAddress(host string) bool {
	if strings.HasPrefix(host, "[") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Is4()
}
