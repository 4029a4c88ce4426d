package network_test

import (
	"encoding/csv"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"latchkey/shared/network"
)

const specified = 89

// TestNetworksBehaveAsSpecified: the file is the specification, which the guide for customers links to.
func TestNetworksBehaveAsSpecified(t *testing.T) {
	f, err := os.Open("testdata/networks.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+specified {
		t.Fatalf("%d rows, want the header and %d", len(rows), specified)
	}
	for _, row := range rows[1:] {
		t.Run(row[0], func(t *testing.T) {
			got, stored, suggestions := verdict(t, row[1], row[2])
			if got != row[3] || stored != row[4] || suggestions != row[5] {
				t.Errorf("%v: got %s, %s, %s", row, got, stored, suggestions)
			}
		})
	}
}

func verdict(t *testing.T, typed, caller string) (expect, stored, suggestions string) {
	t.Helper()
	var list []string
	for one := range strings.SplitSeq(typed, ";") {
		canonical, err := network.Parse(one)
		var refused *network.Error
		if errors.As(err, &refused) {
			for _, s := range refused.Suggestions {
				if again, err := network.Parse(s); err != nil || again != s {
					t.Errorf("the suggestion %s is itself refused, or changed: %s, %v", s, again, err)
				}
			}
			return "reject:" + string(refused.Code), "", strings.Join(refused.Suggestions, " ")
		}
		list = append(list, canonical)
	}
	slices.Sort(list)
	list = slices.Compact(list)
	compiled, err := network.Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := compiled.Has(network.ParseAddress(caller)); ok {
		return "allow", strings.Join(list, "; "), ""
	}
	return "deny", strings.Join(list, "; "), ""
}

func TestTheZeroValuesHaveNothing(t *testing.T) {
	if _, ok := (network.List{}).Has(network.ParseAddress("192.0.2.1")); ok {
		t.Error("the empty list has an address")
	}
	if (network.Block{}).Has(network.Address{}) || (network.Block{}).Has(network.ParseAddress("::")) || (network.Block{}).String() != "" {
		t.Error("the zero block has an address")
	}
	half, err := network.ParseBlock("::/1")
	if err != nil || half.Has(network.Address{}) {
		t.Errorf("the zero address is in a block, %v", err)
	}
	if !network.ParseAddress("x").IsZero() || network.ParseAddress("x").String() != "" {
		t.Error("what is no address is one")
	}
}

func TestAStoredBlockHasOneSpelling(t *testing.T) {
	for _, text := range []string{
		"", "192.0.2.1", "192.0.2.1/24", "192.0.2.0/-1", "0.0.0.0/0", "::/0", "192.0.2.0/33", "192.0.2.0/+24", "2001:db8::/129", "10.0.0.128/24", "10.0.0.1/31", "8000::1/1", "192.0.2.0/024", "2001:DB8::/32", "2001:db8:0::/32", "::ffff:192.0.2.0/120", "fe80::1%a/64", " 192.0.2.0/24",
	} {
		if b, err := network.ParseBlock(text); !errors.Is(err, network.ErrBlock) || b != (network.Block{}) {
			t.Errorf("%q: %v, %v", text, b, err)
		}
		if _, err := network.Compile([]string{"192.0.2.0/24", text}); !errors.Is(err, network.ErrBlock) {
			t.Errorf("a list with %q: %v", text, err)
		}
	}
}

// TestABlockHasTheAddressesThatBeginWithItsBits, by arithmetic that knows no masks.
func TestABlockHasTheAddressesThatBeginWithItsBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.SampledFrom([]int{4, 16}).Draw(t, "length")
		bytes := rapid.SliceOfN(rapid.Byte(), length, length)
		first, other := bytes.Draw(t, "first"), bytes.Draw(t, "other")
		bits := rapid.IntRange(1, length*8).Draw(t, "bits")
		flip := rapid.IntRange(0, length*8).Draw(t, "flip") // near the edge of the block, or elsewhere
		if rapid.Bool().Draw(t, "near") {
			other = slices.Clone(first)
			if flip < length*8 {
				other[flip/8] ^= 1 << (7 - flip%8)
			}
		}
		bit := func(b []byte, i int) byte { return b[i/8] >> (7 - i%8) & 1 }
		same := true
		for i := range bits {
			same = same && bit(first, i) == bit(other, i)
		}
		a, _ := netip.AddrFromSlice(first)
		o, _ := netip.AddrFromSlice(other)
		p, err := a.Prefix(bits)
		if err != nil || a.Is4In6() || o.Is4In6() {
			t.Skip("written as IPv4")
		}
		b, err := network.ParseBlock(p.String())
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Has(network.ParseAddress(o.String())); got != same {
			t.Fatalf("%s has %s: %v", p, o, got)
		}
	})
}

func TestLookingAnAddressUpAllocatesNothing(t *testing.T) {
	list, err := network.Compile([]string{"192.0.2.0/24", "2001:db8::/32"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"198.51.100.7", "2001:db9::7", "::ffff:192.0.2.1"} {
		if n := testing.AllocsPerRun(100, func() { list.Has(network.ParseAddress(text)) }); n > 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

func TestRangesThatNobodyCallsFromAreTold(t *testing.T) {
	for text, want := range map[string]bool{
		"10.0.0.0/8": true, "10.1.2.0/24": true, "172.16.0.0/12": true, "172.32.0.0/16": false, "192.168.1.7/32": true, "127.0.0.1/32": true,
		"100.64.0.0/10": true, "fd00::/8": true, "fe80::/64": true, "2001:db8::/32": true, "::1/128": true, "224.0.0.0/8": true,
		"8.0.0.0/8": false, "8.0.0.0/5": false, "2600::/12": false, "64:ff9b::/96": false, "x": false, "128.0.0.0/1": false,
	} {
		if got := network.Unreachable(text); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// FuzzParse: what is accepted is canonical and stays so, what is refused says why, and each suggestion is accepted as it is.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"192.0.2.0/24", "::ffff:192.0.2.1/120", "fe80::1%eth0", "192.0.2.*", "010.1.1.1/08", "[::1]:80", "10.0.0.1/255.0.0.0", "1.2.3.4-5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		canonical, err := network.Parse(text)
		if err == nil {
			again, err := network.Parse(canonical)
			if _, bad := network.ParseBlock(canonical); err != nil || again != canonical || bad != nil {
				t.Fatalf("%q is %q, which is %q, %v, %v", text, canonical, again, err, bad)
			}
			return
		}
		var refused *network.Error
		if !errors.As(err, &refused) || refused.Message == "" || !slices.Contains(network.Codes(), refused.Code) || canonical != "" {
			t.Fatalf("%q: %q, %v", text, canonical, err)
		}
		for _, s := range refused.Suggestions {
			if again, err := network.Parse(s); err != nil || again != s {
				t.Fatalf("%q: the suggestion %q is %q, %v", text, s, again, err)
			}
		}
	})
}
