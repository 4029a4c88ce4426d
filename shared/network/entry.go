package network

import (
	"net/netip"
	"strconv"
	"strings"

	"latchkey/shared/pasted"
)

// Code says why an entry was refused.
type Code string

// The codes.
const (
	Empty      Code = "network_empty"
	TooLong    Code = "network_too_long"
	BadAddress Code = "network_address"   // no IP address, or one with leading zeros
	BadSize    Code = "network_size"      // what follows the slash is no number of bits
	HasZone    Code = "network_zone"      // fe80::1%eth0
	HostBits   Code = "network_host_bits" // 192.0.2.1/24
	HasPort    Code = "network_port"      // 192.0.2.1:443, [2001:db8::1]
	Everything Code = "network_all"       // 0.0.0.0/0: no entry says the same
	IsRange    Code = "network_range"     // 192.0.2.1-192.0.2.9, 192.0.2.*
)

// Codes returns all codes, for whatever has a text for each.
func Codes() []Code {
	return []Code{Empty, TooLong, BadAddress, BadSize, HasZone, HostBits, HasPort, Everything, IsRange}
}

// Error is why an entry was refused.
type Error struct {
	Code    Code
	Message string
	// Suggestions are entries that would be accepted as they are, one of which is probably meant.
	Suggestions []string
}

// Error implements error.
func (e *Error) Error() string {
	if len(e.Suggestions) == 0 {
		return e.Message
	}
	return e.Message + " Did you mean " + strings.Join(e.Suggestions, " or ") + "?"
}

const maxTyped = 128

// Parse reads an entry as somebody typed it and returns its canonical form. An address alone is the block of that one address. The error
// is an [*Error].
func Parse(text string) (string, error) {
	text = pasted.Value(text)
	switch {
	case text == "":
		return "", refuse(Empty, "Type a network, such as 192.0.2.0/24.")
	case len(text) > maxTyped:
		return "", refuse(TooLong, "This is too long for a network.")
	case strings.ContainsAny(text, "*-") || strings.Count(text, "/") > 1:
		return "", rangeOf(text)
	}
	host, size, sized := strings.Cut(text, "/")
	ip, refused := address(host, size, sized)
	if refused != nil {
		return "", refused
	}
	bits := ip.BitLen()
	if sized {
		if bits, refused = sizeOf(ip, size); refused != nil {
			return "", refused
		}
	}
	if ip.Is4In6() { // what the gateway sees of such a caller is the IPv4 address
		if bits < 96 {
			return "", refuse(BadSize, "A network of IPv4 addresses in IPv6 has 96 bits or more. Write it as IPv4.")
		}
		ip, bits = ip.Unmap(), bits-96
	}
	if bits == 0 {
		return "", refuse(Everything, "This is every address. To let them all in, leave the list empty.")
	}
	block := netip.PrefixFrom(ip, bits)
	if masked := block.Masked(); masked.Addr() != ip {
		return "", refuse(HostBits, "The address isn't the first one of the network.", masked.String(), netip.PrefixFrom(ip, ip.BitLen()).String())
	}
	return block.String(), nil
}

// address reads what stands before the slash.
func address(text, size string, sized bool) (netip.Addr, *Error) {
	rest := ""
	if sized {
		rest = "/" + size
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		inner, port, closed := strings.Cut(inner, "]")
		if ip, err := netip.ParseAddr(inner); closed && err == nil && ip.Is6() && ip.Zone() == "" && (port == "" || isPort(port)) {
			return netip.Addr{}, refuse(HasPort, "A network has neither brackets nor a port.", suggest(ip.String()+rest)...)
		}
		return netip.Addr{}, refuse(BadAddress, "This is no IP address.")
	}
	if before, zone, zoned := strings.Cut(text, "%"); zoned {
		if _, err := netip.ParseAddr(before); err == nil && zone != "" {
			return netip.Addr{}, refuse(HasZone, "Leave out the % and what follows it: it names an interface of one machine.", suggest(before+rest)...)
		}
		return netip.Addr{}, refuse(BadAddress, "This is no IP address.")
	}
	ip, err := netip.ParseAddr(text)
	if err == nil {
		return ip, nil
	}
	if before, port, ok := strings.Cut(text, ":"); ok && isPort(":"+port) && strings.Count(before, ".") == 3 {
		return netip.Addr{}, refuse(HasPort, "A network has no port.", suggest(before+rest)...)
	}
	if plain, ok := withoutZeros(text); ok {
		// Some programs read such a number as octal, so nobody can say which address is meant.
		return netip.Addr{}, refuse(BadAddress, "Write the numbers of an address without zeros before them.", suggest(plain+rest)...)
	}
	return netip.Addr{}, refuse(BadAddress, "This is no IP address.")
}

// sizeOf reads the number of bits behind the slash.
func sizeOf(ip netip.Addr, text string) (int, *Error) {
	mask, err := netip.ParseAddr(text)
	if err == nil && mask.Is4() && ip.Is4() {
		if bits, ok := bitsOf(mask); ok {
			return 0, refuse(BadSize, "Write the size of a network as a number of bits.", suggest(ip.String()+"/"+strconv.Itoa(bits))...)
		}
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || strings.Trim(text, "0123456789") != "" || n > ip.BitLen():
		return 0, refuse(BadSize, "Behind the slash stands the number of bits: up to 32 for IPv4, up to 128 for IPv6.")
	case len(text) > 1 && text[0] == '0':
		return 0, refuse(BadSize, "Write the number of bits without zeros before it.", suggest(ip.String()+"/"+strconv.Itoa(n))...)
	}
	return n, nil
}

// bitsOf counts the bits of a mask such as 255.255.255.0.
func bitsOf(mask netip.Addr) (bits int, ok bool) {
	for bits := range 33 {
		full := netip.AddrFrom4([4]byte{255, 255, 255, 255})
		if p, err := full.Prefix(bits); err == nil && p.Addr() == mask {
			return bits, true
		}
	}
	return 0, false
}

// withoutZeros writes an IPv4 address without zeros before its numbers, if that makes it one.
func withoutZeros(text string) (string, bool) {
	parts := strings.Split(text, ".")
	for i, p := range parts {
		if trimmed := strings.TrimLeft(p, "0"); p != "" {
			parts[i] = trimmed
			if trimmed == "" {
				parts[i] = "0"
			}
		}
	}
	plain := strings.Join(parts, ".")
	ip, err := netip.ParseAddr(plain)
	return plain, err == nil && ip.Is4()
}

// rangeOf explains what is no single block, and says which block 192.0.2.* is.
func rangeOf(text string) *Error {
	const message = "A network is an address, a slash and a number of bits. Write one entry for each."
	parts := strings.Split(text, ".")
	if len(parts) == 4 {
		bits := 32
		for i := 3; i > 0 && parts[i] == "*"; i-- {
			parts[i], bits = "0", bits-8
		}
		if bits < 32 {
			return refuse(IsRange, message, suggest(strings.Join(parts, ".")+"/"+strconv.Itoa(bits))...)
		}
	}
	return refuse(IsRange, message)
}

func isPort(text string) bool {
	digits, ok := strings.CutPrefix(text, ":")
	return ok && digits != "" && len(digits) <= 5 && strings.Trim(digits, "0123456789") == ""
}

// suggest returns the canonical form of an entry, or what is suggested instead of it.
func suggest(text string) []string {
	canonical, err := Parse(text)
	if err == nil {
		return []string{canonical}
	}
	return err.(*Error).Suggestions //nolint:errorlint,forcetypeassert // Parse has no other
}

func refuse(code Code, message string, suggestions ...string) *Error {
	return &Error{Code: code, Message: message, Suggestions: suggestions}
}
