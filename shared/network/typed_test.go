package network_test

import (
	"errors"
	"strings"
	"testing"

	"latchkey/shared/network"
)

// TestWhatAnEntryIsRefusedFor: each condition of a rule missing alone gives another rule, and up to its bound a text is read.
// TestANetworkIsReadWithoutWhatNobodySees comes along with it: marks of direction, blanks without a width.
func TestANetworkIsReadWithoutWhatNobodySees(t *testing.T) {
	for _, typed := range []string{"\u200e192.0.2.0/24\u200f", "192.0.2.0\u200b/24", "\u00a0\u2066192.0.2.\u00ad0/24\u2069\ufeff"} {
		if got, err := network.Parse(typed); err != nil || got != "192.0.2.0/24" {
			t.Errorf("%+q: %q, %v", typed, got, err)
		}
	}
}

func TestWhatAnEntryIsRefusedFor(t *testing.T) {
	long := strings.Repeat("1", 128)
	for typed, want := range map[string]network.Code{
		long: network.BadAddress, long + "1": network.TooLong, "  " + long + "  ": network.BadAddress,
		"[2001:db8::1]": network.HasPort, "[2001:db8::1]:443": network.HasPort, "[2001:db8::1": network.BadAddress, "[2001:db8::g]": network.BadAddress, "[192.0.2.1]": network.BadAddress,
		"[fe80::1%eth0]": network.BadAddress, "[2001:db8::1]:": network.BadAddress, "[2001:db8::1]443": network.BadAddress, "[2001:db8::1]:443443": network.BadAddress, "[2001:db8::1]:4a": network.BadAddress,
		"fe80::1%eth0": network.HasZone, "fe80::1%": network.BadAddress, "fe80::g%eth0": network.BadAddress,
		"192.0.2.1:443": network.HasPort, "192.0.2.1:": network.BadAddress, "192.0.2:443": network.BadAddress, "192.0.2.1:a": network.BadAddress,
		"192.0.2.0/255.255.255.0": network.BadSize, "192.0.2.0/255.0.255.0": network.BadSize, "2001:db8::/255.255.255.0": network.BadSize, "192.0.2.0/ffff::": network.BadSize,
		"192.0.2.0/33": network.BadSize, "2001:db8::/129": network.BadSize, "192.0.2.0/+24": network.BadSize, "192.0.2.0/024": network.BadSize, "192.0.2.0/": network.BadSize,
		"192.0.2.1.1": network.BadAddress, "01.2.3.4": network.BadAddress, "a.b.c.d": network.BadAddress, "192.0.2.*": network.IsRange, "192.0.2.0/24/1": network.IsRange,
	} {
		var refused *network.Error
		if got, err := network.Parse(typed); !errors.As(err, &refused) || refused.Code != want || got != "" {
			t.Errorf("%q: %q, %v, want %s", typed, got, err, want)
		}
	}
	for typed, want := range map[string]string{
		"192.0.2.0/255.255.255.0": "Write the size of a network as a number of bits. Did you mean 192.0.2.0/24?", "192.0.2.0/255.0.255.0": "Behind the slash stands the number of bits: up to 32 for IPv4, up to 128 for IPv6.",
		"192.0.2.1/24": "The address isn't the first one of the network. Did you mean 192.0.2.0/24 or 192.0.2.1/32?", "": "Type a network, such as 192.0.2.0/24.",
		"01.2.3.0/24": "Write the numbers of an address without zeros before them. Did you mean 1.2.3.0/24?", "[2001:db8::]/32": "A network has neither brackets nor a port. Did you mean 2001:db8::/32?",
	} {
		if _, err := network.Parse(typed); err == nil || err.Error() != want {
			t.Errorf("%q: %q, want %q", typed, err, want)
		}
	}
}
