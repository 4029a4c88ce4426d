// Package entry reads domain patterns as people type them and makes them canonical, or says what to type instead.
//
// It knows IDN and the public suffix list, which are large: the gate never links it.
package entry

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"

	"latchkey/shared/origin"
)

// Code is the stable reason why an entry was refused.
type Code string

// The codes.
const (
	Empty             Code = "pattern_empty"
	TooLong           Code = "pattern_too_long"
	BadScheme         Code = "pattern_scheme"            // a scheme other than http and https
	HasUserinfo       Code = "pattern_userinfo"          // user:password@host
	HasPath           Code = "pattern_path"              // a path, a query or a fragment
	BadPort           Code = "pattern_port"              // not 1 to 65535 or *
	BadHost           Code = "pattern_host"              // no name that the DNS could hold
	BadAddress        Code = "pattern_address"           // an IP address, but not in its canonical spelling
	SingleLabel       Code = "pattern_single_label"      // "intranet"
	BareWildcard      Code = "pattern_wildcard_bare"     // "*"
	MisplacedWildcard Code = "pattern_wildcard_position" // not the whole left-most label
	WildcardAddress   Code = "pattern_wildcard_address"  // "*." before an IP address or localhost
	WildcardSuffix    Code = "pattern_wildcard_suffix"   // "*." before a public suffix
)

// Error says why an entry was refused. Its texts are for the person who typed it.
type Error struct {
	Code    Code
	Message string
	// Suggestion is an entry that would be accepted as it is and is probably meant, or "".
	Suggestion string
}

// Error returns the message, with the suggestion as a question.
func (e *Error) Error() string {
	if e.Suggestion == "" {
		return e.Message
	}
	return e.Message + " Did you mean " + e.Suggestion + "?"
}

// maxTyped bounds what is looked at: a name of 253 bytes as A-label can be longer as typed.
const maxTyped = 1024

// Parse reads one entry and returns its canonical form, which package origin compiles and which Parse leaves as it
// is. The error is always an [*Error].
func Parse(text string) (string, error) {
	canonical, refused := parse(text)
	if refused == nil {
		return canonical, nil
	}
	refused.Suggestion = corrected(refused.Suggestion)
	return "", refused
}

// maxCorrections bounds how many faults of one text are corrected: with more of them nobody can say what was meant.
const maxCorrections = 4

// corrected returns a suggestion with its own faults corrected too, in canonical form. A suggestion is
// only worth making if it works, so it is "" if it can't be made to.
func corrected(suggestion string) string {
	for range maxCorrections {
		if suggestion == "" {
			break
		}
		canonical, refused := parse(suggestion)
		if refused == nil {
			return canonical
		}
		suggestion = refused.Suggestion
	}
	return ""
}

func parse(text string) (string, *Error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", &Error{Code: Empty, Message: "Type a domain, such as example.com."}
	case len(text) > maxTyped:
		return "", &Error{Code: TooLong, Message: "This is too long for a domain."}
	}
	if !utf8.ValidString(text) {
		return "", badHost()
	}
	scheme, rest, refused := cutScheme(text)
	if refused != nil {
		return "", refused
	}
	if refused := refuseParts(scheme, rest); refused != nil {
		return "", refused
	}
	host, port, refused := cutPort(scheme, rest)
	if refused != nil {
		return "", refused
	}
	base, wildcard, refused := cutWildcard(scheme, host, port)
	if refused != nil {
		return "", refused
	}
	base, refused = canonicalHost(base, scheme, port)
	if refused != nil {
		return "", refused
	}
	if refused := refuseKind(scheme, base, port, wildcard); refused != nil {
		return "", refused
	}
	if wildcard {
		base = "*." + base
	}
	canonical := scheme + base + port
	if _, err := origin.ParsePattern(canonical); err != nil {
		return "", badHost()
	}
	return canonical, nil
}

// cutScheme returns "http://", "https://" or "", and the rest.
func cutScheme(text string) (scheme, rest string, refused *Error) {
	lower := strings.ToLower(text)
	for _, s := range []string{"http", "https"} {
		if after, ok := strings.CutPrefix(lower, s+"://"); ok {
			rest = text[len(s)+3:]
			if strings.HasPrefix(after, "http://") || strings.HasPrefix(after, "https://") {
				return "", "", &Error{Code: BadScheme, Message: "Write only one scheme.", Suggestion: rest}
			}
			return s + "://", rest, nil
		}
		after, ok := strings.CutPrefix(lower, s+":")
		if !ok {
			after, ok = strings.CutPrefix(lower, s+"//")
		}
		if ok && !digitsOrStar(after) {
			return "", "", &Error{
				Code: BadScheme, Message: "Write :// after the scheme.",
				Suggestion: s + "://" + strings.TrimLeft(after, `/\`),
			}
		}
	}
	if i := strings.Index(text, "://"); i >= 0 && !strings.ContainsAny(text[:i], "/?#@") {
		return "", "", &Error{
			Code: BadScheme, Message: "Only http and https pages send an origin.",
			Suggestion: firstPart(text[i+3:]),
		}
	}
	return "", text, nil
}

func digitsOrStar(text string) bool {
	return text == "*" || text != "" && strings.Trim(text, "0123456789") == ""
}

// firstPart returns the part before a path, query or fragment.
func firstPart(text string) string {
	if i := strings.IndexAny(text, `/?#\`); i >= 0 {
		return text[:i]
	}
	return text
}

// refuseParts refuses what an origin does not have: a path, a query, a fragment, userinfo.
func refuseParts(scheme, rest string) *Error {
	authority := firstPart(rest)
	host := authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		host = authority[i+1:]
	}
	switch {
	case authority == "" && rest != "":
		return &Error{
			Code: HasPath, Message: "A domain comes first.",
			Suggestion: firstPart(strings.TrimLeft(rest, `/\`)),
		}
	case authority == "":
		return &Error{Code: Empty, Message: "Type a domain after the scheme, such as https://example.com."}
	case host != authority:
		return &Error{
			Code: HasUserinfo, Message: "Leave out the part before the @: browsers never send it.",
			Suggestion: scheme + host,
		}
	case len(rest) != len(authority):
		return &Error{
			Code: HasPath, Message: "Leave out what follows the domain: browsers send the origin of a page without its path.",
			Suggestion: scheme + authority,
		}
	}
	return nil
}

// cutPort returns the host and ":port", or "" for any port.
func cutPort(scheme, rest string) (host, port string, refused *Error) {
	from := strings.IndexByte(rest, ']') + 1
	i := strings.IndexByte(rest[from:], ':')
	if i < 0 {
		return rest, "", nil
	}
	if addr, err := netip.ParseAddr(strings.TrimPrefix(rest, "[")); err == nil && addr.Is6() && from == 0 {
		return "", "", &Error{
			Code: BadAddress, Message: "Write an IPv6 address in brackets.",
			Suggestion: scheme + origin.IPv6(addr.WithZone("").As16()),
		}
	}
	host, text := rest[:from+i], rest[from+i+1:]
	if text == "*" {
		return host, "", nil
	}
	if strings.HasPrefix(rest, "[") && from == 0 {
		return "", "", badIPv6()
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 || strings.Trim(text, "0123456789") != "" {
		return "", "", &Error{
			Code: BadPort, Message: "A port is a number from 1 to 65535, or * for any.", Suggestion: scheme + host,
		}
	}
	return host, ":" + strconv.FormatUint(n, 10), nil
}

// cutWildcard cuts "*." off a host and refuses a star anywhere else.
func cutWildcard(scheme, host, port string) (base string, wildcard bool, refused *Error) {
	if host == "*" {
		return "", false, &Error{
			Code: BareWildcard, Message: "A * alone would allow every page. To do that on purpose, remove all entries.",
		}
	}
	base, wildcard = strings.CutPrefix(host, "*.")
	switch star := strings.LastIndexByte(base, '*'); {
	case star < 0 && strings.HasPrefix(base, ".") && !wildcard:
		return "", false, &Error{
			Code: MisplacedWildcard, Message: "To cover all subdomains, write *. before the domain.",
			Suggestion: scheme + "*" + base + port,
		}
	case star < 0:
		return base, wildcard, nil
	default:
		e := &Error{Code: MisplacedWildcard, Message: "A * replaces whole labels, at the beginning: *.example.com."}
		// What follows the last star is meant as the domain if the star ends a label, or begins the host.
		if after, ok := strings.CutPrefix(base[star+1:], "."); ok {
			e.Suggestion = scheme + "*." + after + port
		} else if star == 0 {
			e.Suggestion = scheme + "*." + base[star+1:] + port
		}
		return "", false, e
	}
}

// refuseKind applies the rules that depend on what kind of host it is.
func refuseKind(scheme, base, port string, wildcard bool) *Error {
	switch {
	case base == "localhost" || isAddress(base):
		if wildcard {
			return &Error{
				Code: WildcardAddress, Message: "Addresses and localhost have no subdomains.", Suggestion: scheme + base + port,
			}
		}
	case wildcard && holdsSuffixes(base):
		return &Error{
			Code:    WildcardSuffix,
			Message: fmt.Sprintf("Domains under %s belong to many different owners. Name your own, as in *.example.%s.", base, base),
		}
	case !strings.Contains(base, "."):
		return &Error{
			Code: SingleLabel, Message: fmt.Sprintf("%s is a single name. A domain has two or more, as in example.com.", base),
		}
	}
	return nil
}

// holdsSuffixes reports whether a name is a public suffix (ICANN or private section), or every name right under it is.
func holdsSuffixes(name string) bool {
	self, _ := publicsuffix.PublicSuffix(name)
	child := "a." + name
	children, _ := publicsuffix.PublicSuffix(child)
	return self == name || children == child
}
