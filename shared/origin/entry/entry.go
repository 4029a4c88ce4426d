// Package entry reads domain patterns as people type them and makes them canonical, or says what to type instead.
//
// It knows IDN and the public suffix list, which are large: the gate never links it.
package entry

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"latchkey/shared/origin"
	"latchkey/shared/origin/suffix"
	"latchkey/shared/pasted"
)

// Code is the stable reason why an entry was refused.
type Code string

// The codes.
const (
	Empty             Code = "pattern_empty"
	TooLong           Code = "pattern_too_long"
	BadScheme         Code = "pattern_scheme"            // a scheme that no entry can have
	HasUserinfo       Code = "pattern_userinfo"          // user:password@host
	HasPath           Code = "pattern_path"              // a path, a query or a fragment
	BadPort           Code = "pattern_port"              // not 1 to 65535 or *
	BadHost           Code = "pattern_host"              // no name that the DNS could hold
	BadAddress        Code = "pattern_address"           // an IP address, but not in its canonical spelling
	SingleLabel       Code = "pattern_single_label"      // "intranet"
	BareWildcard      Code = "pattern_wildcard_bare"     // "*"
	MisplacedWildcard Code = "pattern_wildcard_position" // not the whole left-most label
	WildcardAddress   Code = "pattern_wildcard_address"  // "*." before an IP address or localhost
	WildcardSuffix    Code = "pattern_wildcard_suffix"   // "*." before a public suffix, or before a name above one
	Ambiguous         Code = "pattern_ambiguous"         // browsers of different ages read it differently
	BadShell          Code = "pattern_app"               // an app's origin that is not exact: a wildcard, a port, other letters
	FromFile          Code = "pattern_file"              // file: such pages name no origin
)

// Codes are all of them.
func Codes() []Code {
	return []Code{
		Empty, TooLong, BadScheme, HasUserinfo, HasPath, BadPort, BadHost, BadAddress, SingleLabel, BareWildcard, MisplacedWildcard, WildcardAddress,
		WildcardSuffix, Ambiguous, BadShell, FromFile,
	}
}

// Error says why an entry was refused. Its texts are for the person who typed it.
type Error struct {
	Code    Code
	Message string
	// Suggestions are entries that would be accepted as they are, one of which is probably meant: each covers what was
	// typed. There is more than one where a text has two readings.
	Suggestions []string
}

func (e *Error) Error() string {
	if len(e.Suggestions) == 0 {
		return e.Message
	}
	return e.Message + " Did you mean " + strings.Join(e.Suggestions, " or ") + "?"
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
	refused.Suggestions = corrected(refused.Suggestions, maxCorrections)
	return "", refused
}

// maxCorrections bounds how many faults of one text are corrected: with more of them nobody can say what was meant.
const maxCorrections = 4

// corrected returns suggestions with their own faults corrected too, in canonical form. A suggestion is only worth
// making if it works, so those that can't be made to are left out.
func corrected(suggestions []string, times int) (list []string) {
	if times == 0 {
		return nil
	}
	for _, suggestion := range suggestions {
		canonical, refused := parse(suggestion)
		if refused == nil {
			list = append(list, canonical)
			continue
		}
		list = append(list, corrected(refused.Suggestions, times-1)...)
	}
	return list
}

func parse(text string) (string, *Error) {
	text = pasted.Value(text)
	switch {
	case text == "":
		return "", &Error{Code: Empty, Message: "Type a domain, such as example.com."}
	case len(text) > maxTyped:
		return "", &Error{Code: TooLong, Message: "This is too long for a domain."}
	}
	if !utf8.ValidString(text) {
		return "", badHost()
	}
	if bare := pasted.Unquoted(text); bare != text {
		return "", refuse(BadHost, "Leave out the quotation marks around the domain, and what follows it.", bare)
	}
	scheme, rest, refused := cutScheme(text)
	if refused != nil {
		return "", refused
	}
	if refused := refuseParts(scheme, rest); refused != nil {
		return "", refused
	}
	if isShell(scheme) {
		return shell(scheme, rest)
	}
	host, port, refused := cutPort(scheme, rest)
	if refused != nil {
		return "", refused
	}
	base, wildcard, refused := cutWildcard(scheme, host, port)
	if refused != nil {
		return "", refused
	}
	prefix := scheme
	if wildcard {
		prefix += "*."
	}
	base, refused = canonicalHost(base, prefix, port)
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

// cutScheme returns "http://", "https://", an app shell's scheme with "://", or "", and the rest.
func cutScheme(text string) (scheme, rest string, refused *Error) {
	lower := strings.ToLower(text)
	schemes := append([]string{"http", "https"}, origin.ShellSchemes()...)
	begins := func(after string) bool {
		return slices.ContainsFunc(schemes, func(second string) bool { return strings.HasPrefix(after, second+"://") })
	}
	for _, s := range schemes {
		if after, ok := strings.CutPrefix(lower, s+"://"); ok {
			rest = text[len(s)+3:]
			if begins(after) {
				return "", "", refuse(BadScheme, "Write only one scheme.", rest)
			}
			return s + "://", rest, nil
		}
		mark := ":"
		after, ok := strings.CutPrefix(lower, s+mark)
		if !ok {
			mark = "//"
			after, ok = strings.CutPrefix(lower, s+mark)
		}
		tail := strings.TrimLeft(after, `/\`)
		switch {
		case ok && begins(tail): // which browsers read as a host
			return "", "", refuse(BadScheme, "Write only one scheme.")
		case ok && isShell(s) && strings.Contains(tail, "@"): // the scheme may be the name of a person
			return "", "", refuse(BadScheme, "Write :// after the scheme.")
		}
		if ok && !digitsOrStar(after) {
			// As it was typed: its letters in lower case may be those of another name.
			return "", "", refuse(BadScheme, "Write :// after the scheme.", s+"://"+strings.TrimLeft(text[len(s+mark):], `/\`))
		}
	}
	if strings.HasPrefix(lower, "file:") {
		return "", "", refuse(FromFile, "Pages that are loaded from files name no origin. To let them in, allow calls without an origin.")
	}
	if i := strings.Index(text, "://"); i >= 0 && !strings.ContainsAny(text[:i], "/?#@") {
		return "", "", refuse(BadScheme, "Pages of the web (http, https) can be listed, and apps whose pages have the scheme "+
			strings.Join(origin.ShellSchemes(), ", ")+".")
	}
	return "", text, nil
}

// refuse makes an error with the suggestions that aren't empty.
func refuse(code Code, message string, suggestions ...string) *Error {
	return &Error{Code: code, Message: message, Suggestions: slices.DeleteFunc(suggestions, func(s string) bool { return s == "" })}
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
		return refuse(HasPath, "A domain comes first.", scheme+firstPart(strings.TrimLeft(rest, `/\`)))
	case authority == "":
		return &Error{Code: Empty, Message: "Type a domain after the scheme, such as https://example.com."}
	case host != authority:
		return refuse(HasUserinfo, "Leave out the part before the @: browsers never send it.", scheme+host)
	case len(rest) != len(authority):
		return refuse(HasPath, "Leave out what follows the domain: browsers send the origin of a page without its path.", scheme+authority)
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
		return "", "", refuse(BadAddress, "Write an IPv6 address in brackets.", scheme+origin.IPv6(addr.WithZone("").As16()))
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
		return "", "", refuse(BadPort, "A port is a number from 1 to 65535, or * for any.", scheme+host)
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
		return "", false, refuse(MisplacedWildcard, "To cover all subdomains, write *. before the domain.", scheme+"*"+base+port)
	case star < 0:
		return base, wildcard, nil
	default:
		e := &Error{Code: MisplacedWildcard, Message: "A * replaces whole labels, at the beginning: *.example.com."}
		// What follows the last star is meant as the domain if the star ends a label, or begins the host.
		if after, ok := strings.CutPrefix(base[star+1:], "."); ok {
			e.Suggestions = []string{scheme + "*." + after + port}
		} else if star == 0 {
			e.Suggestions = []string{scheme + "*." + base[star+1:] + port}
		}
		return "", false, e
	}
}

// refuseKind applies the rules that depend on what kind of host it is.
func refuseKind(scheme, base, port string, wildcard bool) *Error {
	switch {
	case wildcard && base == "localhost":
		return refuse(WildcardAddress, "A * covers no names under localhost. Name each, as in app.localhost.")
	case wildcard && isAddress(base):
		return refuse(WildcardAddress, "Addresses have no subdomains.", scheme+base+port)
	case base == "localhost", isAddress(base):
		return nil
	case wildcard:
		return refuseShared(base)
	case !strings.Contains(base, "."):
		return refuse(SingleLabel, fmt.Sprintf("%s is a single name. A domain has two or more, as in example.com.", base))
	}
	return nil
}

// refuseShared refuses a wildcard under whose name there are domains of many owners.
func refuseShared(base string) *Error {
	switch kind, below := suffix.Of(base); kind {
	case suffix.Suffix:
		return refuse(WildcardSuffix, fmt.Sprintf("Domains under %s belong to many different owners. Name your own, as in *.example.%s.", base, base))
	case suffix.AboveSuffix:
		return refuse(WildcardSuffix, fmt.Sprintf("Under %s there are domains of many different owners, such as those under %s. Name your own.", base, below))
	default:
		return nil
	}
}

// shell reads an app's origin, which is exact: the same letters that the app sends, without a wildcard and a port.
func shell(scheme, host string) (string, *Error) {
	canonical := scheme + strings.ToLower(host)
	if canonical != scheme+"." {
		canonical = strings.TrimSuffix(canonical, ".")
	}
	if _, err := origin.ParsePattern(canonical); err != nil || !isASCII(host) {
		return "", refuse(BadShell, "An app's origin is written exactly as the app sends it, without * and without a port, as in "+scheme+"localhost.")
	}
	return canonical, nil
}

func isShell(scheme string) bool {
	return slices.Contains(origin.ShellSchemes(), strings.TrimSuffix(scheme, "://"))
}
