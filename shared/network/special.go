package network

import "net/netip"

// Unreachable reports whether a canonical block lies among the addresses that no call over the internet comes from: private and
// reserved ranges, as IANA's registries list them. A key that has no other networks is closed to everybody.
func Unreachable(canonical string) bool {
	b, err := ParseBlock(canonical)
	if err != nil {
		return false
	}
	for _, text := range special {
		r := netip.MustParsePrefix(text)
		if r.Bits() <= b.bits && r.Contains(b.first) {
			return true
		}
	}
	return false
}

// special has the blocks that are not globally reachable: texts, since the gate, which links this package, never reads them.
var special = [...]string{
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/127", "64:ff9b:1::/48", "100::/64", "2001:2::/48", "2001:10::/28", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
	"fec0::/10", "ff00::/8",
}
