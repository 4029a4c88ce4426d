package origin_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/nlnwa/whatwg-url/url"
	"pgregory.net/rapid"

	"latchkey/shared/origin"
	"latchkey/shared/origin/origintest"
)

func TestParseAcceptsTheSerialisedFormOfAnOrigin(t *testing.T) {
	for in, want := range map[string]string{
		"https://example.com":           "https://example.com",
		"http://example.com":            "http://example.com",
		"https://EXAMPLE.com":           "https://example.com",
		"HTTPS://example.com":           "https://example.com",
		"https://example.com.":          "https://example.com",
		"https://example.com:443":       "https://example.com",
		"https://example.com:80":        "https://example.com:80",
		"http://localhost:5173":         "http://localhost:5173",
		"http://intranet":               "http://intranet",
		"http://127.0.0.1:1":            "http://127.0.0.1:1",
		"http://[::1]:65535":            "http://[::1]:65535",
		"http://[2001:DB8::1]":          "http://[2001:db8::1]",
		"http://[::ffff:7f00:1]":        "http://[::ffff:7f00:1]",
		"https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
		"https://my_app.example.com":    "https://my_app.example.com",
		"https://a--b.-x-.example":      "https://a--b.-x-.example",
		"capacitor://localhost":         "capacitor://localhost",
		"IONIC://App":                   "ionic://app",
		"tauri://localhost.":            "tauri://localhost",
		"app://-":                       "app://-",
		"app://.":                       "app://.",
		"app://obsidian.md":             "app://obsidian.md",
		"app://[::1]":                   "app://[::1]",
	} {
		got, ok := origin.Parse(in)
		if !ok || got.String() != want {
			t.Errorf("Parse(%q) = %q, %t; want %q", in, got, ok, want)
		}
	}
}

// hostile is text that is no canonical origin; some parser reads each as one.
var hostile = []string{
	"", "null", "NULL", "https://", "http://:80", "https:example.com", "https:/example.com", "//example.com", "example.com",
	"https:///example.com", "https:\\\\example.com", "https://example.com/", "https://example.com?", "https://example.com#",
	"https://a@example.com", "https://example.com@evil.net", "https://a:b@example.com", "https://@example.com",
	" https://example.com", "https://example.com ", "https://exa mple.com", "https://exa\tmple.com", "https://exa\nmple.com",
	"https://exam\x00ple.com", "https://example.com\x7f", "https://example.com\r\n", "https://example%2ecom", "https://%65xample.com",
	"https://example.com\\.evil.net", "https://example.com:", "https://example.com:0", "https://example.com:00443", "https://example.com:65536",
	"https://example.com:+443", "https://example.com:4 3", "https://example.com:443:443", "https://example..com", "https://.example.com",
	"https://example.com..", "https://.", "http://0x7f.1", "http://127.1", "http://2130706433", "http://0177.0.0.1", "http://127.0.0.01",
	"http://127.0.0.1.", "http://256.1.1.1", "http://1.2.3.4.5", "http://foo.0x", "http://foo.1", "http://[::1", "http://::1", "http://[0:0::1]",
	"http://[::0001]", "http://[::127.0.0.1]", "http://[::ffff:127.0.0.1]", "http://[fe80::1%25eth0]", "http://[fe80::1%eth0]", "http://[]",
	"http://[1:0:0:0:0:0:0:0]", "http://[::]x", "http://x[::1]", "https://bücher.example", "https://example。com", "https://ｅxample.com",
	"https://\u212aexample.com", "https://-80", "https://0-256", "https://0x-1", "https://xn--.com", "ftp://example.com", "file://example.com", "blob:https://example.com", "chrome-extension://abc", "https://*.example.com",
	"https://example.com,https://evil.net", "https://example.com https://evil.net", "https://example.com;", "https://exa<mple.com",
	"capacitor://", "capacitor://localhost:80", "capacitor://localhost:", "capacitor://localhost/", "capacitor://a@localhost", "capacitor:localhost", "capacitor:/localhost",
	"capacitors://localhost", "apps://a", "ap://a", "app://*", "app://--", "app://..", "app://a..b", "app://a b", "app://bücher", "app://1", "tauri://localhost?x", "file://", "://a", "app://a\\b",
	"https://" + strings.Repeat("a", 64) + ".com", "https://" + strings.Repeat("a.", 127) + "com", "httpſ://example.com",
}

func TestParseRefusesWhatNoBrowserSerialises(t *testing.T) {
	for _, in := range hostile {
		if got, ok := origin.Parse(in); ok || !got.IsZero() || got.String() != "" {
			t.Errorf("Parse(%q) = %q, %t; want refused", in, got, ok)
		}
	}
}

func TestFromRefererTakesTheOriginPartStrictly(t *testing.T) {
	for in, want := range map[string]string{
		"https://example.com":                              "https://example.com",
		"https://example.com/":                             "https://example.com",
		"https://example.com:8443/a/b?c=https://evil.net/": "https://example.com:8443",
		"https://evil.net/?u=https://example.com/":         "https://evil.net",
		"https://evil.net/@example.com":                    "https://evil.net",
		"https://example.com@evil.net/":                    "",
		"https://evil.net\\@example.com/":                  "",
		"https://evil.net\\.example.com/":                  "",
		"https://evil.net#@example.com/":                   "",
		"https://evil.net?@example.com/":                   "",
		"https:/\texample.com/":                            "",
		"https://example.com/\r\nOrigin: https://evil.net": "",
		"https://example.com/a b":                          "",
		"android-app://com.example.app/":                   "",
		"about:blank":                                      "",
		"/page":                                            "",
		"https:///example.com/":                            "",
	} {
		got, ok := origin.FromReferer(in)
		if ok != (want != "") || got.String() != want {
			t.Errorf("FromReferer(%q) = %q, %t; want %q", in, got, ok, want)
		}
	}
}

func TestCallerLetsARealOriginDecideAlone(t *testing.T) {
	for _, c := range []struct {
		origin, referer, want string
		presence              origin.Presence
	}{
		{"https://a.example", "https://b.example/", "https://a.example", origin.Known},
		{"", "https://b.example/", "https://b.example", origin.Known},
		{"null", "https://b.example/", "https://b.example", origin.Known},
		{"null", "", "", origin.Missing},
		{"file://", "", "", origin.Missing},
		{"file://", "https://b.example/", "https://b.example", origin.Known},
		{"file://", "garbage", "", origin.Unreadable},
		{"file:///", "", "", origin.Unreadable},
		{"file://host", "", "", origin.Unreadable},
		{"FILE://", "", "", origin.Unreadable},
		{"", "file:///index.html", "", origin.Unreadable},
		{"capacitor://localhost", "https://b.example/", "capacitor://localhost", origin.Known},
		{"", "capacitor://localhost/index.html", "capacitor://localhost", origin.Known},
		{"electron://localhost", "https://b.example/", "", origin.Unreadable},
		{"", "", "", origin.Missing},
		{"https://a.example/", "https://b.example/", "", origin.Unreadable},
		{"garbage", "", "", origin.Unreadable},
		{"", "garbage", "", origin.Unreadable},
		{"null", "about:blank", "", origin.Unreadable},
	} {
		got, presence := origin.FromHeaders(c.origin, c.referer)
		if got.String() != c.want || presence != c.presence {
			t.Errorf("Caller(%q, %q) = %q, %v; want %q, %v", c.origin, c.referer, got, presence, c.want, c.presence)
		}
	}
}

func TestZeroValuesMatchNothing(t *testing.T) {
	list, err := origin.Compile([]string{"example.com", "*.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if i, ok := list.Match(origin.Origin{}); ok || i != -1 {
		t.Errorf("the zero origin matched entry %d", i)
	}
	o, _ := origin.Parse("https://example.com")
	if _, ok := (origin.List{}).Match(o); ok {
		t.Error("the zero list matched")
	}
	if (origin.Pattern{}).Match(o) || (origin.Pattern{}).Match(origin.Origin{}) {
		t.Error("the zero pattern matched")
	}
	if origin.Presence(0) != origin.Unreadable {
		t.Error("the zero presence is not the one that denies")
	}
}

func TestCompileRefusesWhatIsNotCanonical(t *testing.T) {
	for _, in := range []string{
		"", "*", "*.", "EXAMPLE.com", "example.com.", "example.com:*", "example.com:0", "example.com:080", "example.com/", "bücher.example",
		"*.localhost", "*.127.0.0.1", "*.[::1]", "intranet", "a.*.example.com", "**.example.com", "*example.com", "*.*.example.com", "ftp://example.com",
		"HTTPS://example.com", "user@example.com", "[::0]", "[::ffff:127.0.0.1]", "127.1", "example.com ", "https://", "*.3.4", "localhost.",
		"capacitor://localhost:80", "capacitor://*", "app://*.example.com", "Capacitor://localhost", "capacitor://localhost.", "capacitor://", "capacitor://localhost/", "electron://a", "file://",
	} {
		if _, err := origin.Compile([]string{"example.com", in}); err == nil {
			t.Errorf("Compile took %q", in)
		}
	}
}

func TestMatchComparesWholeLabels(t *testing.T) {
	for _, c := range []struct {
		pattern, origin string
		want            bool
	}{
		{"*.example.com", "https://a.example.com", true},
		{"*.example.com", "https://a.b.c.example.com:9", true},
		{"*.example.com", "https://example.com", false},
		{"*.example.com", "https://aexample.com", false},
		{"*.example.com", "https://a.example.com.evil.net", false},
		{"*.example.com", "https://com", false},
		{"*.example.com", "https://a.xexample.com", false},
		{"example.com", "https://com", false},
		{"https://*.example.com:443", "https://a.example.com", true},
		{"https://*.example.com:443", "http://a.example.com:443", false},
		{"example.com:443", "https://example.com", true},
		{"example.com:443", "http://example.com", false},
		{"example.com:80", "http://example.com", true},
		{"[::1]:80", "http://[::1]", true},
		{"127.0.0.1", "https://127.0.0.1:3000", true},
		{"localhost", "http://localhost.", true},
		{"localhost", "http://a.localhost", false},
		{"capacitor://localhost", "capacitor://localhost", true},
		{"capacitor://localhost", "ionic://localhost", false},
		{"capacitor://localhost", "https://localhost", false},
		{"localhost", "capacitor://localhost", false},
		{"localhost:80", "capacitor://localhost", false},
		{"*.example.com", "app://a.example.com", false},
		{"app://a.example.com", "app://b.a.example.com", false},
	} {
		list, err := origin.Compile([]string{c.pattern})
		if err != nil {
			t.Fatal(err)
		}
		o, ok := origin.Parse(c.origin)
		if !ok {
			t.Fatalf("%q is no origin", c.origin)
		}
		if _, got := list.Match(o); got != c.want {
			t.Errorf("%s covers %s: %t, want %t", c.pattern, c.origin, got, c.want)
		}
	}
}

// TestAPatternThatStandsIsReadAsItWas: what older rules took is stored with keys, whatever today's list of suffixes says
// of it. It covers what it covered, and no more.
func TestAPatternThatStandsIsReadAsItWas(t *testing.T) {
	for pattern, pages := range map[string][2]string{
		"*.amazonaws.com":      {"https://bucket.s3.amazonaws.com", "https://amazonaws.com"},
		"*.chatgpt.site":       {"https://a.chatgpt.site", "https://chatgpt.site"},
		"*.co.uk":              {"https://example.co.uk", "https://co.uk"},
		"https://*.xn--4db.de": {"https://a.xn--4db.de", "http://a.xn--4db.de"},
		"fass.de":              {"https://fass.de", "https://xn--fa-hia.de"},
	} {
		p, err := origin.ParsePattern(pattern)
		if err != nil {
			t.Error(err)
			continue
		}
		for i, want := range []bool{true, false} {
			if o, ok := origin.Parse(pages[i]); !ok || p.Match(o) != want {
				t.Errorf("%s covers %s: %t", pattern, pages[i], !want)
			}
		}
	}
}

// TestAnAppIsCalledByItsWholeOrigin: all of them have the same few hosts, and a page may be called the same.
func TestAnAppIsCalledByItsWholeOrigin(t *testing.T) {
	for text, want := range map[string]string{"capacitor://localhost": "capacitor://localhost", "http://localhost:3000": "localhost", "https://a.example": "a.example", "http://[::1]:1": "[::1]"} {
		if o, _ := origin.Parse(text); o.Name() != want {
			t.Errorf("%s is called %s", text, o.Name())
		}
	}
	if (origin.Origin{}).Name() != "" {
		t.Error("the zero origin has a name")
	}
}

func TestMatchNamesTheFirstEntryThatCovers(t *testing.T) {
	list, _ := origin.Compile([]string{"a.example", "*.example.com", "b.example.com"})
	o, _ := origin.Parse("https://b.example.com")
	if i, ok := list.Match(o); !ok || i != 1 {
		t.Errorf("Match = %d, %t", i, ok)
	}
}

func TestDecidingAnOriginAllocatesNothing(t *testing.T) {
	list, _ := origin.Compile([]string{"a.example", "https://*.example.com:443", "[2001:db8::1]"})
	for _, header := range []string{"https://b.example.com", "http://[2001:db8::1]:80", "https://evil.net", "http://127.0.0.1"} {
		allocs := testing.AllocsPerRun(100, func() {
			o, _ := origin.FromHeaders(header, "")
			list.Match(o)
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", header, allocs)
		}
	}
}

func TestGateLinksNeitherIDNANorPublicSuffixes(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "latchkey/shared/origin").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for dep := range strings.Lines(string(out)) {
		if first, _, _ := strings.Cut(dep, "/"); strings.Contains(first, ".") {
			t.Errorf("origin links %s", dep)
		}
	}
}

// sameAsBrowser checks that whatever Parse and FromReferer accept is the same origin to a browser's parser.
func sameAsBrowser(t interface{ Errorf(string, ...any) }, text string) {
	for name, parse := range map[string]func(string) (origin.Origin, bool){"Parse": origin.Parse, "FromReferer": origin.FromReferer} {
		got, ok := parse(text)
		if !ok {
			continue
		}
		u, err := url.Parse(text)
		if err == nil && slices.Contains(origin.ShellSchemes(), got.Scheme()) {
			// A browser's parser leaves the host of such a scheme as it is spelled.
			host := strings.ToLower(u.Hostname())
			if got.Host() != host && got.Host() != strings.TrimSuffix(host, ".") || u.Port() != "" || u.Protocol() != got.Scheme()+":" || u.Username()+u.Password() != "" {
				t.Errorf("%s(%q) = %s, a browser says %s", name, text, got, u.Host())
			}
			continue
		}
		if err != nil {
			// A browser refuses to open a page whose A-label decodes to nothing, so it never sends one. The gate
			// does not decode A-labels; such a name still belongs to the domain that it ends in.
			if strings.Contains(got.Host(), "xn--") {
				continue
			}
			t.Errorf("%s(%q) = %s, a browser refuses it: %v", name, text, got, err)
			continue
		}
		want := u.Protocol() + "//" + strings.TrimSuffix(u.Hostname(), ".")
		if u.Port() != "" {
			want += ":" + u.Port()
		}
		if got.String() != want {
			t.Errorf("%s(%q) = %s, a browser says %s", name, text, got, want)
		}
	}
}

// pieces are combined into hostile origins.
var pieces = []string{
	"http", "https", "://", ":", "/", "\\", "@", "?", "#", "%", "%2e", "%00", ".", "..", "[", "]", "::", "::1", "*", " ", "\t", "\n", "\x00",
	"example", "com", "EXAMPLE", "localhost", "evil.net", "127.0.0.1", "0x7f", "1", "0177", "256", "80", "443", "65535", "65536", "0", "xn--", "xn--bcher-kva",
	"bücher", "。", "ｅ", "ß", "\u212a", "\u200d", "\u00ad", "-", "_", "a", "b.c", "ffff", "7f00", "fe80", "null", ",", "%25eth0",
	"capacitor", "app://", "tauri",
}

func TestParseAgreesWithABrowser(t *testing.T) {
	for _, text := range hostile {
		sameAsBrowser(t, text)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range 200_000 {
		text := []string{"https://", "http://", "", "capacitor://"}[rnd.IntN(4)]
		for range 1 + rnd.IntN(6) {
			text += pieces[rnd.IntN(len(pieces))]
		}
		if _, ok := origin.Parse(text); ok {
			accepted++
		}
		sameAsBrowser(t, text)
	}
	if accepted < 5000 {
		t.Errorf("only %d of the texts were origins: the test says little", accepted)
	}
}

func TestIPv6IsSpelledAsBrowsersDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var addr [16]byte
		for i := range 8 {
			group := rapid.SampledFrom([]uint16{0, 0, 0, 1, 0x10, 0x7f00, 0xffff, 0xdb8}).Draw(t, fmt.Sprint(i))
			addr[2*i], addr[2*i+1] = byte(group>>8), byte(group)
		}
		u, err := url.Parse("http://" + origin.IPv6(addr))
		if err != nil || u.Hostname() != origin.IPv6(addr) {
			t.Fatalf("%s: a browser says %v, %v", origin.IPv6(addr), u, err)
		}
		if _, ok := origin.Parse("http://" + origin.IPv6(addr)); !ok {
			t.Fatalf("%s is not accepted", origin.IPv6(addr))
		}
	})
}

func TestSerialisingIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.StringMatching(`[A-Za-z0-9_-]{1,12}`)
		text := rapid.SampledFrom([]string{"http://", "https://"}).Draw(t, "scheme") +
			strings.Join(rapid.SliceOfN(label, 1, 4).Draw(t, "labels"), ".")
		if port := rapid.IntRange(0, 65535).Draw(t, "port"); port > 0 {
			text += fmt.Sprintf(":%d", port)
		}
		o, ok := origin.Parse(text)
		if !ok {
			return // the last label is a number
		}
		again, ok := origin.Parse(o.String())
		if !ok || again != o {
			t.Fatalf("%q -> %q -> %q, %t", text, o, again, ok)
		}
	})
}

func FuzzOrigin(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Add("https://example.com/page")
	f.Add("capacitor://localhost")
	f.Add("app://./index.html")
	f.Fuzz(func(t *testing.T, text string) {
		sameAsBrowser(t, text)
		// The reference that the decision is held to refuses nothing that is read here, and reads the same.
		if o, ok := origin.Parse(text); ok {
			if want, ok := origintest.Header(text); !ok || want != o.String() {
				t.Fatalf("Parse(%q) = %s, the reference says %q, %t", text, o, want, ok)
			}
		}
		if o, ok := origin.FromReferer(text); ok {
			if want, ok := origintest.Referer(text); !ok || want != o.String() {
				t.Fatalf("FromReferer(%q) = %s, the reference says %q, %t", text, o, want, ok)
			}
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, text := range []string{"example.com", "*.example.com:80", "https://[::1]:443", "localhost", "http://*.a.b", "capacitor://localhost", "app://-"} {
		f.Add(text, "https://a.example.com")
	}
	f.Fuzz(func(t *testing.T, text, header string) {
		p, err := origin.ParsePattern(text)
		if err != nil {
			return
		}
		if p.String() != text || !origintest.Canonical(text) {
			t.Fatalf("%q is spelled %q", text, p)
		}
		o, ok := origin.Parse(header)
		if !ok {
			return
		}
		if got, want := p.Match(o), origintest.Covers(text, o.String()); got != want {
			t.Fatalf("%q covers %q: %t, the reference says %t", text, header, got, want)
		}
	})
}

// TestANameIsCoveredByWhatCoversOneOfItsOrigins: pages are counted by their names alone, without scheme and port.
func TestANameIsCoveredByWhatCoversOneOfItsOrigins(t *testing.T) {
	origins := []string{
		"https://example.com", "http://example.com:8080", "https://a.example.com", "https://b.a.example.com", "https://notexample.com", "http://localhost:3000",
		"https://192.0.2.1", "https://[2001:db8::1]", "capacitor://localhost", "app://-", "ionic://localhost",
	}
	for _, text := range []string{
		"example.com", "*.example.com", "https://example.com", "http://example.com:8080", "*.example.com:8080", "localhost", "192.0.2.1", "[2001:db8::1]",
		"capacitor://localhost", "app://-",
	} {
		p, err := origin.ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, from := range origins {
			o, ok := origin.Parse(from)
			if !ok {
				t.Fatal(from)
			}
			for _, twin := range []string{from, "http://" + o.Name(), "https://" + o.Name(), "http://" + o.Name() + ":8080", "https://" + o.Name() + ":8080"} {
				if other, ok := origin.Parse(twin); ok && other.Name() == o.Name() && p.Match(other) {
					names[o.Name()] = true
				}
			}
			if got := p.MatchName(o.Name()); got != names[o.Name()] {
				t.Errorf("%s covers the name %s: %v", text, o.Name(), got)
			}
		}
	}
	if (origin.Pattern{}).MatchName("") || (origin.Pattern{}).MatchName("example.com") {
		t.Error("the zero pattern covers a name")
	}
}
