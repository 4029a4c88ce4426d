package origin_test

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/shared/origin"
)

// named is a host of exactly so many bytes, in labels of 50 and less.
func named(length int) string {
	name := ""
	for len(name) < length-4 {
		name += strings.Repeat("a", min(50, length-4-len(name)-1)) + "."
	}
	name += "com"
	return strings.Repeat("b", length-len(name)) + name
}

// TestBoundsOfAHost: both sides of each, for an origin and for a pattern.
func TestBoundsOfAHost(t *testing.T) {
	label := func(n int) string { return strings.Repeat("a", n) }
	for _, tt := range []struct {
		host string
		ok   bool
	}{
		{named(252), true},
		{named(253), true},
		{named(254), false},
		{label(63) + ".com", true},
		{label(64) + ".com", false},
		{"a." + label(63), true},
		{"a." + label(64), false},
		{label(1) + ".com", true},
		{label(0) + ".com", false},
		{"xn--.com", false},
		{"com.xn--", false},
		{"xn--a.com", true},
		{"a.xn--b", true},
		// What a browser would read as a number is an IPv4 address or nothing.
		{"a.0", false},
		{"a.9", false},
		{"a.0x", false},
		{"a.9a", false},
		{"a.-a", false},
		{"a.-", false},
		{"a._", true},
		{"0.a", true},
		{"-.a", true},
		{"0.0.0.0", true},
		{"255.255.255.255", true},
		{"255.255.255.256", false},
		{"256.0.0.0", false},
		{"1.2.3", false},
		{"1.2.3.4.5", false},
		{"1.2.3.04", false},
		{"1.2.3.0x4", false},
		{"0x7f000001", false},
		// Each end of what a name may hold, and what stands beside it.
		{"aa.com", true},
		{"az.com", true},
		{"a`.com", false},
		{"a{.com", false},
		{"a0.com", true},
		{"a9.com", true},
		{"a:.com", false},
		// Addresses of IPv6, in the one spelling that browsers write.
		{"[::]", true},
		{"[::1]", true},
		{"[0:0:0:0:0:0:0:0]", false},
		{"[1111:2222:3333:4444:5555:6666:7777:8888]", true},
		{"[1111:2222:3333:4444:5555:6666:7777:88888]", false},
		{"[01111:2222:3333:4444:5555:6666:7777:8888]", false},
		{"[a:b:c:d:e:f:0:9]", true},
		{"[a:b:c:d:e:f:g:9]", false},
		{"[1::2:3:0:0:4]", true}, // of two runs of one length, the first is compressed
		{"[1:0:0:2:3::4]", false},
		{"[1:0:0:2::3]", true}, // the longer one
		{"[1::2:0:0:0:3]", false},
		{"[1:0:0:2:3:4:5:6]", false},
		{"[1::2:3:4:5:6]", true},
		{"[1:0:2:3:4:5:6:7]", true}, // one zero isn't compressed
		{"[1::2:3:4:5:6:7]", false},
		{"[::ffff:1.2.3.4]", false},
		{"[::ffff:102:304]", true},
		{"[fe80::1%1]", false},
		{"[]", false},
		{"[", false},
		{"[::1", false},
	} {
		if o, ok := origin.Parse("https://" + tt.host); ok != tt.ok || ok && o.Host() != tt.host {
			t.Errorf("the origin https://%s: %q, %v", tt.host, o, ok)
		}
		single := !strings.ContainsAny(tt.host, ".[")
		if _, err := origin.ParsePattern(tt.host); (err == nil) != (tt.ok && !single) {
			t.Errorf("the pattern %s: %v", tt.host, err)
		}
	}
}

// TestUpperCaseIsLoweredAndNothingElse: of a name and of an address, from A to Z and from A to F.
func TestUpperCaseIsLoweredAndNothingElse(t *testing.T) {
	for c := byte(0); c < 0x80; c++ {
		host := "x" + string([]byte{c}) + "y.com"
		want := ""
		switch {
		case c >= 'A' && c <= 'Z':
			want = strings.ToLower(host)
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			want = host
		}
		if o, _ := origin.Parse("https://" + host); o.Host() != want {
			t.Errorf("https://%q: %q", host, o.Host())
		}
		address := "[1::" + string([]byte{c}) + "]"
		want = ""
		switch {
		case c >= 'A' && c <= 'F':
			want = strings.ToLower(address)
		case c >= 'a' && c <= 'f', c >= '1' && c <= '9':
			want = address
		}
		if o, _ := origin.Parse("https://" + address); o.Host() != want {
			t.Errorf("https://%q: %q", address, o.Host())
		}
	}
	for _, name := range []string{"HTTPS://a.com", "hTTps://a.com", "HTTP://a.com", "ZTTP://a.com", "@TTP://a.com", "[TTP://a.com", "HTTP:/", "http://"} {
		_, ok := origin.Parse(name)
		if want := strings.EqualFold(name, "https://a.com") || strings.EqualFold(name, "http://a.com"); ok != want {
			t.Errorf("%q: %v", name, ok)
		}
	}
}

// TestBoundsOfAPort: of an origin and of a pattern, which has no default port to leave out.
func TestBoundsOfAPort(t *testing.T) {
	for text, want := range map[string]uint16{
		"1": 1, "9": 9, "10": 10, "79": 79, "65534": 65534, "65535": 65535,
		"65536": 0, "65540": 0, "99999": 0, "100000": 0, "000001": 0, "0": 0, "00": 0, "01": 0, "": 0, "-1": 0, "+1": 0, "1 ": 0, "/": 0, ":": 0, "1:": 0, "1/": 0, "8a": 0, "a": 0,
	} {
		o, ok := origin.Parse("https://a.com:" + text)
		if ok != (want != 0) || o.Port() != want {
			t.Errorf("port %q: %d, %v", text, o.Port(), ok)
		}
		p, err := origin.ParsePattern("a.com:" + text)
		if (err == nil) != (want != 0) {
			t.Errorf("the pattern's port %q: %v", text, err)
		}
		if err == nil && (!p.Match(o) || p.String() != fmt.Sprintf("a.com:%d", want)) {
			t.Errorf("the pattern %s doesn't cover %s", p, o)
		}
	}
	for text, port := range map[string]uint16{"http://a.com": 80, "https://a.com": 443, "http://a.com:443": 443, "https://a.com:80": 80, "http://[::1]:81": 81} {
		if o, ok := origin.Parse(text); !ok || o.Port() != port || o.String() != text {
			t.Errorf("%s: port %d, written %s", text, o.Port(), o)
		}
	}
}

// TestBoundsOfAReferersPath: the first byte that a path may hold, and the last ones that it may not.
func TestBoundsOfAReferersPath(t *testing.T) {
	for c := range 256 {
		_, ok := origin.FromReferer("https://a.com/x" + string([]byte{byte(c)}) + "y")
		if want := c > ' ' && c != 0x7f; ok != want {
			t.Errorf("byte %#x in a path: %v", c, ok)
		}
	}
}
