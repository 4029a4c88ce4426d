package entry_test

import (
	"encoding/csv"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nlnwa/whatwg-url/url"
	"pgregory.net/rapid"

	"latchkey/shared/origin"
	"latchkey/shared/origin/entry"
	"latchkey/shared/pasted"
)

// specified counts the examples of the specification.
const specified = 79

func TestDomainPatternsBehaveAsSpecified(t *testing.T) {
	f, err := os.Open("../testdata/domain-patterns.csv")
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
		id, pattern, missing, originHeader, referer, want := row[0], row[1], row[2], row[3], row[4], row[5]
		t.Run(id, func(t *testing.T) {
			if got := verdict(t, pattern, missing, originHeader, referer); got != want {
				t.Errorf("%v: got %s", row, got)
			}
		})
	}
}

// verdict applies rules 4 to 7 with the public functions, as the decision does.
func verdict(t *testing.T, pattern, missing, originHeader, referer string) string {
	var stored []string
	if pattern != "" {
		canonical, err := entry.Parse(pattern)
		if err != nil {
			return "reject_pattern"
		}
		stored = append(stored, canonical)
	}
	list, err := origin.Compile(stored)
	if err != nil {
		t.Fatal(err)
	}
	caller, presence := origin.FromHeaders(originHeader, referer)
	_, matched := list.Match(caller)
	if len(stored) == 0 || matched || presence == origin.Missing && missing == "allow" {
		return "allow"
	}
	return "deny"
}

func TestParseMakesWhatPeopleTypeCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"example.com":    "example.com",
		" Example.COM. ": "example.com",
		"\u200f\u2068ex\u200eam\u200bple.com\u2069\u00a0": "example.com",
		"https://\u202dbücher.example\u202c":              "https://xn--bcher-kva.example",
		"HTTPS://Example.com":                             "https://example.com",
		"example.com:*":                                   "example.com",
		"https://example.com:443":                         "https://example.com:443",
		"example.com:0080":                                "example.com:80",
		"*.Example.com":                                   "*.example.com",
		"*.bücher.example":                                "*.xn--bcher-kva.example",
		"BÜCHER.example":                                  "xn--bcher-kva.example",
		"faß.example":                                     "xn--fa-hia.example",
		"例え。テスト":                                          "xn--r8jz45g.xn--zckzah",
		"ｅxample.com":                                     "example.com",
		"XN--BCHER-KVA.example":                           "xn--bcher-kva.example",
		"localhost":                                       "localhost",
		"localhost:3000":                                  "localhost:3000",
		"http://localhost:3000":                           "http://localhost:3000",
		"LOCALHOST":                                       "localhost",
		"127.0.0.1":                                       "127.0.0.1",
		"192.0.2.1:8080":                                  "192.0.2.1:8080",
		"[::1]":                                           "[::1]",
		"[0:0:0:0:0:0:0:1]:80":                            "[::1]:80",
		"[2001:DB8::0001]":                                "[2001:db8::1]",
		"[::ffff:127.0.0.1]":                              "[::ffff:7f00:1]",
		"my_app.example.com":                              "my_app.example.com",
		"co.uk":                                           "co.uk",
		"*.example.co.uk":                                 "*.example.co.uk",
		"*.me.github.io":                                  "*.me.github.io",
		"http.example":                                    "http.example",
		"https.example:80":                                "https.example:80",
		"*.xn--bcher-kva.example:1":                       "*.xn--bcher-kva.example:1",
		"Capacitor://LocalHost":                           "capacitor://localhost",
		"capacitor://localhost.":                          "capacitor://localhost",
		"ionic://app":                                     "ionic://app",
		"tauri://localhost":                               "tauri://localhost",
		"app://-":                                         "app://-",
		"app://.":                                         "app://.",
		"app://obsidian.md":                               "app://obsidian.md",
		"tauri.localhost":                                 "tauri.localhost",
		"app.localhost":                                   "app.localhost",
		"*.bucket.s3.amazonaws.com":                       "*.bucket.s3.amazonaws.com",
		"amazonaws.com":                                   "amazonaws.com",
		"*.city.kawasaki.jp":                              "*.city.kawasaki.jp",
		"ℵ.example":                                       "xn--4db.example",
	} {
		got, err := entry.Parse(in)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestParseRefusesWithACodeAndASuggestion(t *testing.T) {
	for _, c := range []struct {
		in         string
		code       entry.Code
		suggestion string
	}{
		{"", entry.Empty, ""},
		{"   ", entry.Empty, ""},
		{"\u200e\u200b", entry.Empty, ""},
		{"\"www.example.com\"", entry.BadHost, "www.example.com"},
		{"'https://www.example.com/a',", entry.BadHost, "https://www.example.com"},
		{"«example.com»;", entry.BadHost, "example.com"},
		{"\"\"", entry.BadHost, ""},
		{"http://", entry.Empty, ""},
		{strings.Repeat("a", 2000), entry.TooLong, ""},
		{"https://example.com/", entry.HasPath, "https://example.com"},
		{"www.example.com/app", entry.HasPath, "www.example.com"},
		{"example.com/app", entry.HasPath, "example.com"},
		{"example.com?x=1", entry.HasPath, "example.com"},
		{"example.com#top", entry.HasPath, "example.com"},
		{"https://www.example.com:8080/a/b?c#d", entry.HasPath, "https://www.example.com:8080"},
		{"*.example.com/*", entry.HasPath, "*.example.com"},
		{"//example.com/x", entry.HasPath, "example.com"},
		{`example.com\app`, entry.HasPath, "example.com"},
		// A page of another scheme is covered by no entry, so none is suggested.
		{"ftp://example.com", entry.BadScheme, ""},
		{"file:///android_asset/www/index.html", entry.FromFile, ""},
		{"file://", entry.FromFile, ""},
		{"chrome-extension://abcdef/", entry.BadScheme, ""},
		{"http:example.com", entry.BadScheme, "http://example.com"},
		{"https:/example.com", entry.BadScheme, "https://example.com"},
		{"https:/tauri://http", entry.BadScheme, ""},
		{"/app:@http", entry.HasPath, ""},
		{"http:https://example.com", entry.BadScheme, ""},
		{"user:pw@example.com", entry.HasUserinfo, "example.com"},
		{"https://user@example.com/x", entry.HasUserinfo, "https://example.com"},
		{"me@example.com", entry.HasUserinfo, "example.com"},
		{"example.com:0", entry.BadPort, "example.com"},
		{"localhost:65536", entry.BadPort, "localhost"},
		{"example.com:http", entry.BadPort, "example.com"},
		{"example.com:", entry.BadPort, "example.com"},
		{"example.com:80:80", entry.BadPort, "example.com"},
		{"*", entry.BareWildcard, ""},
		{"https://*", entry.BareWildcard, ""},
		{"*:3000", entry.BareWildcard, ""},
		{"ex*mple.com", entry.MisplacedWildcard, ""},
		{"*example.com", entry.MisplacedWildcard, "*.example.com"},
		{"a.*.example.com", entry.MisplacedWildcard, "*.example.com"},
		{"*.*.example.com", entry.MisplacedWildcard, "*.example.com"},
		{"example.*", entry.MisplacedWildcard, ""},
		{".example.com", entry.MisplacedWildcard, "*.example.com"},
		{"*.com", entry.WildcardSuffix, ""},
		{"*.co.uk", entry.WildcardSuffix, ""},
		{"*.github.io", entry.WildcardSuffix, ""},
		{"*.anything.ck", entry.WildcardSuffix, ""},
		{"*.kawasaki.jp", entry.WildcardSuffix, ""},
		{"*.UK", entry.WildcardSuffix, ""},
		{"*.localhost", entry.WildcardAddress, ""}, // localhost would not cover app.localhost
		{"*.amazonaws.com", entry.WildcardSuffix, ""},
		{"*.eu-west-1.amazonaws.com", entry.WildcardSuffix, ""},
		{"*.windows.net", entry.WildcardSuffix, ""},
		{"*.on.aws", entry.WildcardSuffix, ""},
		{"*.chatgpt.site", entry.WildcardSuffix, ""},
		{"*.codepen.app", entry.WildcardSuffix, ""},
		{"https:///example.com/", entry.HasPath, "https://example.com"},
		// App shells.
		{"capacitor://localhost/", entry.HasPath, "capacitor://localhost"},
		{"Tauri://localhost/index.html?x#y", entry.HasPath, "tauri://localhost"},
		{"ionic://me@localhost", entry.HasUserinfo, "ionic://localhost"},
		{"capacitor:localhost", entry.BadScheme, "capacitor://localhost"},
		{"http://capacitor://localhost", entry.BadScheme, "capacitor://localhost"},
		{"https://APP://my.app", entry.BadScheme, "app://my.app"},
		{"capacitor://ionic://localhost", entry.BadScheme, "ionic://localhost"},
		{"capacitor:///localhost", entry.HasPath, "capacitor://localhost"},
		{"capacitor://localhost:8080", entry.BadShell, ""},
		{"capacitor://localhost:*", entry.BadShell, ""},
		{"capacitor://*", entry.BadShell, ""},
		{"app://*.example.com", entry.BadShell, ""},
		{"app://bücher.example", entry.BadShell, ""},
		{"app://a b", entry.BadShell, ""},
		{"app://a..b", entry.BadShell, ""},
		{"app://--", entry.BadShell, ""},
		{"app://", entry.Empty, ""},
		{"electron://localhost", entry.BadScheme, ""},
		{"capacitors://localhost", entry.BadScheme, ""},
		{"*.127.0.0.1", entry.WildcardAddress, "127.0.0.1"},
		{"*.[::1]", entry.WildcardAddress, "[::1]"},
		{"intranet", entry.SingleLabel, ""},
		{"::1", entry.BadAddress, "[::1]"},
		{"2001:db8::1", entry.BadAddress, "[2001:db8::1]"},
		{"[fe80::1%eth0]", entry.BadAddress, "[fe80::1]"},
		{"[::g]", entry.BadAddress, ""},
		{"[127.0.0.1]", entry.BadAddress, ""},
		{"[::1", entry.BadAddress, "[::1]"},
		{"0x7f.1", entry.BadAddress, ""},
		{"127.0.0.01", entry.BadAddress, ""},
		{"256.1.1.1", entry.BadAddress, ""},
		{"2130706433", entry.BadAddress, ""},
		{"exa mple.com", entry.BadHost, ""},
		{"example.com, example.org", entry.BadHost, ""},
		{"example..com", entry.BadHost, ""},
		{"example.com..", entry.BadHost, ""},
		{"exa%6dple.com", entry.BadHost, ""},
		{"xn--a.example", entry.BadHost, ""},
		{"a\u200bb\u0000.example", entry.BadHost, ""},
		{strings.Repeat("a", 64) + ".com", entry.BadHost, ""},
	} {
		got, err := entry.Parse(c.in)
		var refused *entry.Error
		if !errors.As(err, &refused) {
			t.Errorf("Parse(%q) = %q, %v; want %s", c.in, got, err, c.code)
			continue
		}
		if refused.Code != c.code || first(refused.Suggestions) != c.suggestion || refused.Message == "" || got != "" {
			t.Errorf("Parse(%q) = %q, %s %q %q; want %s %q", c.in, got, refused.Code, first(refused.Suggestions), refused.Message, c.code, c.suggestion)
		}
	}
}

func first(suggestions []string) string {
	if len(suggestions) == 0 {
		return ""
	}
	return suggestions[0]
}

// An address pasted from a browser has more than one mistake at once.
func TestASuggestionFixesEveryFaultOfAnEntry(t *testing.T) {
	for in, want := range map[string]struct {
		code       entry.Code // of the first fault
		suggestion string
	}{
		"https://2001:db8::1/":                  {entry.HasPath, "https://[2001:db8::1]"},
		"https:/example.com/app":                {entry.BadScheme, "https://example.com"},
		"https:example.com/":                    {entry.BadScheme, "https://example.com"},
		`http:\\example.com\app`:                {entry.BadScheme, "http://example.com"},
		"*example.com/":                         {entry.HasPath, "*.example.com"},
		"a.*.example.com/path":                  {entry.HasPath, "*.example.com"},
		".example.com/":                         {entry.HasPath, "*.example.com"},
		"http://http://example.com/":            {entry.BadScheme, "http://example.com"},
		"https://HTTP://example.com":            {entry.BadScheme, "http://example.com"},
		"http//example.com":                     {entry.BadScheme, "http://example.com"},
		"HTTPS//Example.com/app":                {entry.BadScheme, "https://example.com"},
		"example.com:99999/":                    {entry.HasPath, "example.com"},
		"https:/me@*example.com:99999/":         {entry.BadScheme, "https://*.example.com"},
		"https://[fe80::1%eth0]:8443/":          {entry.HasPath, "https://[fe80::1]:8443"},
		"ftp://me@example.com/":                 {entry.BadScheme, ""},
		"*.com/":                                {entry.HasPath, ""},
		"*/":                                    {entry.HasPath, ""},
		"http//":                                {entry.BadScheme, ""},
		"http/example.com":                      {entry.HasPath, ""},
		"intranet/app":                          {entry.HasPath, ""},
		"example.com, example.org/":             {entry.HasPath, ""},
		strings.Repeat("https://", 9) + "a.com": {entry.BadScheme, ""}, // nobody meant that
	} {
		_, err := entry.Parse(in)
		var refused *entry.Error
		if !errors.As(err, &refused) || refused.Code != want.code || first(refused.Suggestions) != want.suggestion {
			t.Errorf("Parse(%q): %+v; want %s %q", in, err, want.code, want.suggestion)
		}
	}
}

func TestErrorTextAsksTheQuestion(t *testing.T) {
	_, err := entry.Parse("example.com/app")
	if !strings.HasSuffix(err.Error(), "Did you mean example.com?") {
		t.Error(err)
	}
}

// checkEntry holds for every text: what is accepted is canonical, compiles, and means the host that a browser
// reads; what is refused has a code, a message and a suggestion that works.
func checkEntry(t interface{ Fatalf(string, ...any) }, text string) {
	canonical, err := entry.Parse(text)
	if err != nil {
		var refused *entry.Error
		if !errors.As(err, &refused) || refused.Code == "" || refused.Message == "" {
			t.Fatalf("%q: untyped error %v", text, err)
		}
		for _, suggestion := range refused.Suggestions {
			if again, err := entry.Parse(suggestion); err != nil || again != suggestion {
				t.Fatalf("%q: the suggestion %q is not canonical: %q, %v", text, suggestion, again, err)
			}
		}
		checkSuggestions(t, text, refused.Suggestions)
		return
	}
	if again, err := entry.Parse(canonical); err != nil || again != canonical {
		t.Fatalf("%q -> %q -> %q, %v", text, canonical, again, err)
	}
	pattern, err := origin.ParsePattern(canonical)
	if err != nil {
		t.Fatalf("%q -> %q: %v", text, canonical, err)
	}
	// A page at the typed host is covered. A browser's parser reads the typed text on its own.
	typed := pasted.Value(text)
	if scheme, host, _ := strings.Cut(canonical, "://"); slices.Contains(origin.ShellSchemes(), scheme) {
		checkShell(t, typed, scheme, host)
		return
	}
	if !strings.Contains(typed, "://") {
		typed = "http://" + typed
	}
	page := strings.TrimSuffix(strings.Replace(typed, "://*.", "://sub.", 1), ":*")
	u, err := url.Parse(page)
	if err != nil && strings.Contains(canonical, "_") {
		return // the parser refuses an underscore beside an IDN label, which browsers take
	}
	if err != nil {
		t.Fatalf("%q -> %q, but a browser refuses %q: %v", text, canonical, page, err)
	}
	o, ok := origin.Parse(u.Protocol() + "//" + u.Host())
	if !ok || !pattern.Match(o) {
		t.Fatalf("%q -> %q does not cover %s", text, canonical, u.Host())
	}
}

// checkShell: an app's origin is what was typed but for the case of its letters and a dot at its end.
func checkShell(t interface{ Fatalf(string, ...any) }, typed, scheme, host string) {
	lower := strings.ToLower(typed)
	if lower != scheme+"://"+host && lower != scheme+"://"+host+"." {
		t.Fatalf("%q -> %s://%s", typed, scheme, host)
	}
}

// checkSuggestions holds suggestions to what was typed, where a browser can read it as it is: one of them covers the
// page, and there is none for a page that no entry covers.
func checkSuggestions(t interface{ Fatalf(string, ...any) }, text string, suggestions []string) {
	typed := strings.TrimSpace(text)
	scheme, host, found := strings.Cut(typed, "://")
	scheme = strings.ToLower(scheme)
	switch {
	case len(suggestions) == 0, strings.Contains(typed, "*"):
		return
	case strings.Contains(host, "://"): // two schemes: the second is meant, and a browser reads it as a host
		return
	case !found && !slices.ContainsFunc(append([]string{"http"}, origin.ShellSchemes()...), func(s string) bool { return strings.HasPrefix(scheme, s) }):
		typed = "http://" + typed
	case slices.Contains(origin.ShellSchemes(), scheme):
		if i := strings.IndexAny(host, `/?#\`); i >= 0 {
			host = host[:i]
		}
		typed = scheme + "://" + host[strings.LastIndexByte(host, '@')+1:]
	case strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == "" && scheme != "http" && scheme != "https":
		t.Fatalf("%q: suggestions %q", text, suggestions)
	}
	page, ok := origin.Parse(typed)
	if u, err := url.Parse(typed); err == nil && strings.HasPrefix(u.Protocol(), "http") {
		page, ok = origin.Parse(u.Protocol() + "//" + u.Host())
	}
	if ok && !slices.ContainsFunc(suggestions, func(s string) bool {
		p, err := origin.ParsePattern(s)
		return err == nil && p.Match(page)
	}) {
		t.Fatalf("%q: none of %q covers %s", text, suggestions, page)
	}
}

var pieces = []string{
	"http", "https", "://", ":", "/", "@", "?", "#", "%", ".", "..", "[", "]", "::1", "*", "*.", " ", "\t", "example", "com", ".com", "EXAMPLE", "localhost",
	"co.uk", "github.io", "127.0.0.1", "0x7f", "1", "80", "443", "65536", "xn--", "xn--bcher-kva", "bücher", "。", "．", "ｅ", "ß", "\u212a", "\u200d", "\u00ad",
	"-", "_", "a", "b.c", "例え", "أ", "１", "＊", "％", "／", "ftp", "http//", "https:/", "99999", "2001:db8::1", "[fe80::1%eth0]",
	"capacitor", "tauri://", "app:", "ẞ", "ℵ", "amazonaws.com", "file",
}

func TestEveryEntryIsCanonicalOrRefusedWithAReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			checkEntry(t, strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 7).Draw(t, "pieces"), ""))
		}
	})
}

func FuzzEntry(f *testing.F) {
	for _, text := range pieces {
		f.Add(text)
	}
	f.Add("https://*.bücher.example:8080/app?x#y")
	f.Add("*.co.uk")
	f.Add("capacitor://localhost")
	f.Add("FAẞ.de")
	f.Fuzz(func(t *testing.T, text string) { checkEntry(t, text) })
}

// TestAnALabelIsCheckedInWhateverCaseItIsTyped: two spellings of one name have one answer, good or bad.
func TestAnALabelIsCheckedInWhateverCaseItIsTyped(t *testing.T) {
	for _, name := range []string{
		"xn--bcher-kva.example", "xn--fa-hia.example", "a.xn--bcher-kva.example", "*.xn--bcher-kva.example", "https://xn--bcher-kva.example:8443",
		"xn--a.example", "xn--.example", "xn--bcher-kva-.example", "xn--0.example", "xn--example.xn--a", "xn--bücher.example", "xn--80ak6aa92e.com",
		"xn--zca.xn--bcher-kva.example", "xn--55qx5d.xn--a", "xn--ls8h.example", "xn--a-ecp.ru",
	} {
		want, wantErr := entry.Parse(name)
		for _, spelled := range []string{
			strings.ToUpper(name), strings.ReplaceAll(name, "xn--", "XN--"), strings.ReplaceAll(name, "xn--", "Xn--"), strings.ReplaceAll(name, "xn--", "xN--"),
		} {
			got, err := entry.Parse(spelled)
			if got != want || (err == nil) != (wantErr == nil) {
				t.Errorf("%q is %q, %v; %q is %q, %v", name, want, wantErr, spelled, got, err)
			}
		}
	}
}

// TestBoundsOfAnEntry: both sides of each, and the code of what is beyond it.
func TestBoundsOfAnEntry(t *testing.T) {
	label := func(n int) string { return strings.Repeat("a", n) }
	// long is a name of so many bytes.
	long := func(n int) string { return label(n-196) + "." + strings.Repeat(label(63)+".", 3) + "com" }
	for _, tt := range []struct {
		in   string
		code entry.Code // "": accepted
	}{
		{label(63) + ".com", ""},
		{label(64) + ".com", entry.BadHost},
		{long(253), ""},
		{long(254), entry.BadHost},
		{"*." + long(253), ""},
		{label(1024), entry.BadHost},
		{label(1025), entry.TooLong},
		{"a.com:1", ""},
		{"a.com:65535", ""},
		{"a.com:65536", entry.BadPort},
		{"a.com:0", entry.BadPort},
		{"a.com:00001", ""},
		{"http:80", entry.SingleLabel},
		{"https:*", entry.SingleLabel},
		{"http:", entry.BadScheme},
		{"http:8a", entry.BadScheme},
		{"://a.com", entry.BadScheme},
		{"@a.com", entry.HasUserinfo},
		{"?a.com", entry.HasPath},
		{"[::1", entry.BadAddress},
		{"[::1:80", entry.BadAddress},
		{"1::2]", entry.BadHost},
		{"::ffff:1.2.3.4", entry.BadAddress},
		{"a.com:+1", entry.BadPort},
		// IPv4 addresses in spellings that browsers read, and what only looks like one.
		{"0.0.0.0", ""},
		{"255.255.255.255", ""},
		{"255.255.255.256", entry.BadAddress},
		{"0x7f.0.0.1", entry.BadAddress},
		{"127.0.0.0x1", entry.BadAddress},
		{"127.0.0.0X1", entry.BadAddress},
		{"127.0.0.0xf", entry.BadAddress},
		{"a.0xdeadbeef", entry.BadAddress},
		{"a.0xabcdefg", entry.BadHost},
		{"a.0x", entry.BadAddress},
		{"a.0xg", entry.BadHost},
		{"a.0", entry.BadAddress},
		{"a.9", entry.BadAddress},
		{"a.9a", entry.BadHost},
		{"a.x9", ""},
		{"0x7f000001", entry.BadAddress},
		{"017700000001", entry.BadAddress},
		{"1.2.3", entry.BadAddress},
		{"1.2.3.4.", ""},
		{"0x.com", ""},
		// Addresses of IPv6.
		{"[::1]:1", ""},
		{"[1:2:3:4:5:6:7:8]", ""},
		{"[1:2:3:4:5:6:7:8:9]", entry.BadAddress},
		{"[::1]x", entry.BadAddress},
		{"[1.2.3.4]", entry.BadAddress},
		// Characters beyond ASCII, from the first one on.
		{"a\u0080.com", entry.BadHost},
		{"\u00e0.com", ""},
		{"a\x7f.com", entry.BadHost},
	} {
		_, err := entry.Parse(tt.in)
		var refused *entry.Error
		if errors.As(err, &refused); (err == nil) != (tt.code == "") || err != nil && refused.Code != tt.code {
			t.Errorf("%.80q: %v, want %q", tt.in, err, tt.code)
		}
	}
}

// TestTheTurkishLettersAreNoLatinI: İ and ı are read as browsers read them, in every language, and never as another owner's i.
func TestTheTurkishLettersAreNoLatinI(t *testing.T) {
	for typed, want := range map[string]string{
		"ISTANBUL.example": "istanbul.example", "\u0130stanbul.example": "xn--istanbul-o0e.example", "i\u0307stanbul.example": "xn--istanbul-o0e.example",
		"\u0131stanbul.example": "xn--stanbul-qfb.example", "*.\u0131stanbul.example": "*.xn--stanbul-qfb.example",
	} {
		if got, err := entry.Parse(typed); got != want || err != nil {
			t.Errorf("%q is %s, %v, want %s", typed, got, err, want)
		}
	}
}

// TestANameWithTwoReadingsIsRefusedWithBoth: either may belong to somebody else, so none is chosen.
func TestANameWithTwoReadingsIsRefusedWithBoth(t *testing.T) {
	for in, want := range map[string]struct {
		code        entry.Code
		suggestions []string
	}{
		"FAẞ.de":                {entry.Ambiguous, []string{"xn--fa-hia.de", "fass.de"}},
		"ẞ.example":             {entry.Ambiguous, []string{"xn--zca.example", "ss.example"}},
		"https://*.FAẞ.de:8443": {entry.Ambiguous, []string{"https://*.xn--fa-hia.de:8443", "https://*.fass.de:8443"}},
		"https:/FAẞ.de":         {entry.BadScheme, []string{"https://xn--fa-hia.de", "https://fass.de"}},
		"https://FAẞ.de/shop":   {entry.HasPath, []string{"https://xn--fa-hia.de", "https://fass.de"}},
		"STRAẞE.GRUẞ.example":   {entry.Ambiguous, []string{"xn--strae-oqa.xn--gru-7ka.example", "strasse.gruss.example"}},
		"app://FAẞ.de":          {entry.BadShell, nil},
		"exa mpleẞ.com":         {entry.Ambiguous, nil},
		"*.FAẞ":                 {entry.Ambiguous, nil},
	} {
		_, err := entry.Parse(in)
		var refused *entry.Error
		if !errors.As(err, &refused) || refused.Code != want.code || !slices.Equal(refused.Suggestions, want.suggestions) {
			t.Errorf("Parse(%q): %+v; want %s %q", in, err, want.code, want.suggestions)
		}
	}
	for _, host := range []string{"FAẞ.de", "aẞ"} {
		if got, err := entry.ASCII(host); err == nil {
			t.Errorf("a page at %s is said to be at %s", host, got)
		}
	}
	for in, want := range map[string]string{"faß.de": "xn--fa-hia.de", "FAß.de": "xn--fa-hia.de", "FASS.de": "fass.de"} {
		if got, err := entry.Parse(in); got != want {
			t.Errorf("Parse(%q) = %q, %v", in, got, err)
		}
	}
}

// TestWhatBecomesHebrewIsReadAsHebrew: a label may not mix directions, whatever its letters are mapped from.
func TestWhatBecomesHebrewIsReadAsHebrew(t *testing.T) {
	for _, letter := range []string{"ℵ", "ℶ", "ℷ", "ℸ", "א"} {
		if got, err := entry.Parse("a" + letter + "b.com"); err == nil {
			t.Errorf("a%sb.com is read as %s", letter, got)
		}
		if _, err := entry.Parse(letter + ".example"); err != nil {
			t.Errorf("%s.example: %v", letter, err)
		}
	}
}

// TestAnAppsOriginIsCoveredByItsOwnEntryAlone: by no entry for pages, and its entry covers no page and no other app.
func TestAnAppsOriginIsCoveredByItsOwnEntryAlone(t *testing.T) {
	hosts := []string{"localhost", "example.com", "app.example.com", "127.0.0.1", "[::1]", "-", "."}
	for _, scheme := range origin.ShellSchemes() {
		for _, host := range hosts {
			page, ok := origin.Parse(scheme + "://" + host)
			if !ok {
				t.Fatalf("%s://%s is no origin", scheme, host)
			}
			for _, other := range append([]string{"http", "https", "", "*."}, origin.ShellSchemes()...) {
				for _, on := range append(hosts, "com") {
					text := other + "://" + on
					if other == "" || other == "*." {
						text = other + on
					}
					canonical, err := entry.Parse(text)
					if err != nil {
						continue
					}
					pattern, err := origin.ParsePattern(canonical)
					if err != nil {
						t.Fatal(err)
					}
					if got, want := pattern.Match(page), other == scheme && on == host; got != want {
						t.Errorf("%s covers %s: %t", canonical, page, got)
					}
					if o, ok := origin.Parse("https://" + on); ok && slices.Contains(origin.ShellSchemes(), other) && pattern.Match(o) {
						t.Errorf("%s covers %s", canonical, o)
					}
				}
			}
		}
	}
}

// TestUnicodeIsTheSameEntryInLetters: what is shown beside an entry is that entry, or nothing.
func TestUnicodeIsTheSameEntryInLetters(t *testing.T) {
	for canonical, want := range map[string]string{
		"xn--4gbrim.xn--pgbs0dh": "موقع.تونس", "*.xn--kln-sna.example": "*.köln.example", "http://xn--kln-sna.example:3000": "http://köln.example:3000",
		"example.com": "", "*.example.com": "", "http://localhost:3000": "", "": "",
		"xn--fa-hia.de":         "faß.de",
		"xn--kln-sna.EXAMPLE":   "", // not as Parse writes it
		"1a.xn--4gbrim.example": "", // of a direction that no browser takes
		"xn--a.example":         "", // no Punycode
		"xn--example-.com":      "", // of letters that need none
		"xn--l3h.example":       "☁.example",
		"shop.xn--kln-sna.x":    "shop.köln.x", "capacitor://localhost": "", "10.0.0.0/8": "", "xn--": "",
	} {
		if got := entry.Unicode(canonical); got != want {
			t.Errorf("%q: %q, want %q", canonical, got, want)
		}
	}
}
