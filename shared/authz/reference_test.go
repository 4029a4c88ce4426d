package authz_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/apikey"
	"latchkey/shared/appid"
	"latchkey/shared/authz"
	"latchkey/shared/authz/authztest"
	"latchkey/shared/network"
	"latchkey/shared/origin"
	"latchkey/shared/product"
)

// decide answers a call with the code that the gate runs.
func decide(call authztest.Call, p authz.Policy) authz.Decision {
	r := authz.Request{Place: call.Place, Target: authz.TargetOf(call.Path, product.Default())}
	r.Origin, r.Presence = origin.FromHeaders(call.Origin, call.Referer)
	r.Address, r.App = network.ParseAddress(call.Address), appid.FromHeaders(call.Package, call.Cert, call.Bundle)
	return authz.Decide(now, r, p)
}

func TestDecideNeverAllowsWhatTheReferenceRefuses(t *testing.T) {
	hosts := []string{"a.example.com", "b.a.example.com", "example.com", "b.example", "b.example:8443", "localhost", "127.0.0.1", "xexample.com"}
	patterns := []string{"example.com", "*.example.com", "https://b.example:8443", "localhost:3000", "*", "http://127.0.0.1", "capacitor://localhost", "app://-"}
	blocks := []string{"192.0.2.0/24", "192.0.2.0/25", "192.0.2.1/32", "2001:db8::/32", "128.0.0.0/1"}
	apps := []string{"ios com.example.app", "android com.example.app DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09"}
	allowed, shadowed := 0, 0
	property := func(t *rapid.T) {
		day := func(name string) time.Time {
			return rapid.SampledFrom([]time.Time{{}, {}, {}, ago, now, in}).Draw(t, name)
		}
		rare := func(name string) bool { return rapid.IntRange(0, 9).Draw(t, name) == 0 }
		products := func(name string) []product.ID {
			return rapid.SliceOfN(rapid.SampledFrom([]product.ID{"map-display", "search", ""}), 0, 3).Draw(t, name)
		}
		domains := func(name string) []string {
			return rapid.SliceOfN(rapid.SampledFrom(patterns), 0, 3).Draw(t, name)
		}
		few := func(name string, of []string) []string {
			return rapid.SliceOfN(rapid.SampledFrom(of), 0, 2).Draw(t, name)
		}
		p := authz.Policy{
			Networks: few("networks", blocks), Apps: few("apps", apps),
			Live: !rare("dead"), SecretEnds: day("ends"), ExpiresAt: day("expires"),
			Blocked: rare("blocked"), Disabled: rare("disabled"), Exposed: rare("exposed"), HeaderOnly: rapid.Bool().Draw(t, "header only"),
			Products: products("products"), Domains: domains("domains"),
			MissingOrigin: rapid.SampledFrom([]apikey.MissingOrigin{"", apikey.MissingOriginDeny, apikey.MissingOriginAllow, "maybe"}).Draw(t, "missing"),
		}
		if rare("revoked") {
			p.RevokedAt = in
		}
		if rare("deleted") {
			p.DeletedAt = in
		}
		if rapid.Bool().Draw(t, "proposed") {
			d, ids := domains("proposed domains"), products("proposed products")
			p.Proposed = &apikey.Proposal{Domains: &d, Products: &ids}
			if rapid.Bool().Draw(t, "proposed callers") {
				n, a := few("proposed networks", blocks), few("proposed apps", apps)
				p.Proposed.Networks, p.Proposed.Apps = &n, &a
			}
		}
		call := authztest.Call{
			Place: rapid.SampledFrom([]authz.Place{authz.Nowhere, authz.InQuery, authz.InHeader, authz.InHeader}).Draw(t, "place"),
			Path:  rapid.SampledFrom([]string{"/map/1/x", "/search/2/x", "/other", "/map//x", ""}).Draw(t, "path"),
			Origin: rapid.SampledFrom([]string{
				"", "null", "https://" + rapid.SampledFrom(hosts).Draw(t, "host"), "http://localhost:3000", "garbage",
				"file://", "capacitor://localhost", "app://-",
			}).Draw(t, "origin"),
			Address: rapid.SampledFrom([]string{"192.0.2.1", "192.0.2.200", "::ffff:192.0.2.1", "2001:db8::1", "198.51.100.1", ""}).Draw(t, "address"),
			Package: rapid.SampledFrom([]string{"", "", "com.example.app", "com.example.App"}).Draw(t, "package"),
			Cert:    rapid.SampledFrom([]string{"", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "da:39:a3:ee:5e:6b:4b:0d:32:55:bf:ef:95:60:18:90:af:d8:07:09"}).Draw(t, "cert"),
			Bundle:  rapid.SampledFrom([]string{"", "", "com.example.app", "COM.example.app"}).Draw(t, "bundle"),
			Referer: rapid.SampledFrom([]string{"", "https://example.com/page", "https://u@example.com/"}).Draw(t, "referer"),
		}
		d := decide(call, p)
		if want := authztest.Allows(now, call, p); d.Allowed() != want {
			t.Fatalf("allowed %v, the reference says %v", d.Allowed(), want)
		}
		if want := authztest.WouldAllow(now, call, p); (d.Shadow == authz.Allowed) != want {
			t.Fatalf("the proposal says %s, the reference %v", d.Shadow, want)
		}
		if d.Allowed() {
			allowed++
		}
		if d.Shadow == authz.Allowed {
			shadowed++
		}
	}
	for range 50 { // a call is allowed in a few of a hundred tries only
		rapid.Check(t, property)
	}
	if allowed == 0 || shadowed == 0 {
		t.Error("nothing was ever allowed: the property is empty")
	}
}

// nearMisses are origins about which the patterns of the seeds differ.
var nearMisses = []string{
	"https://example.com", "http://example.com", "https://example.com:80", "http://example.com:443", "https://example.com:8443",
	"https://a.example.com", "http://a.b.example.com", "https://xexample.com", "https://.example.com", "https://example.com.evil.net",
	"https://com", "https://a.example.com@evil.net", "https://evil.net@a.example.com", "http://[::1]", "http://[::1]:80", "http://localhost",
	"http://a.localhost", "null", "", "file://", "file:///x", "capacitor://localhost", "capacitor://localhost:80", "ionic://localhost", "app://example.com",
}

// FuzzDecide lets the fuzzer set every bit of a policy and every text of a call.
func FuzzDecide(f *testing.F) {
	const restricted = authztest.Live | authztest.HasDomains
	f.Add(uint32(authztest.Live), int64(0), int64(0), "", "map-display", "", "", 0, 0, "/map/1/x", "https://example.com", "", uint8(1))
	// Near misses: a change that breaks a rule breaks one of these without a minute of fuzzing.
	for _, pattern := range []string{"example.com", "*.example.com", "https://example.com", "http://*.example.com", "example.com:80", "example.com:8443", "[::1]", "localhost"} {
		for _, header := range nearMisses {
			f.Add(uint32(restricted), int64(0), int64(0), pattern, "map-display", "", "", 0, 0, "/map/1/x", header, "", uint8(1))
			f.Add(uint32(restricted), int64(0), int64(0), pattern, "map-display", "", "", 0, 0, "/map/1/x", "", header+"/page", uint8(1))
		}
	}
	for _, path := range []string{"/map", "/map/", "/mapx/1", "/ma/1", "/Map/1", "/map/1/tile", "/map/1/tile/", "/map/1/tiles/x", "/map/../search/x", "/search/1"} {
		f.Add(uint32(authztest.Live), int64(0), int64(0), "", "map-display", "", "", 0, 0, path, "", "", uint8(1))
	}
	f.Add(uint32(restricted), int64(0), int64(0), "*.example.com,https://b.example:8443", "search,map-display", "", "", 0, 0,
		"/search/%2e%2e/x", "null", "https://a.example.com/", uint8(2))
	f.Add(uint32(restricted|authztest.Proposes|authztest.ProposesDomains|authztest.ProposesProducts), int64(5), int64(-5), "a.example", "map-display",
		"*.example.com", "search", 0, 0, "/map/1/tile/x", "https://A.example.:443", "", uint8(2))
	f.Add(uint32(restricted|authztest.HasLimit|authztest.LimitEnds|authztest.AllowMissing), int64(-1), int64(1), "[::1]:80", "map-display",
		"", "", 7, -3, "/map/1/x", "http://[::1]", "", uint8(2))
	f.Add(uint32(restricted), int64(0), int64(0), "xn--a.example", "map-display", "", "", 0, 0, "/map/1/x", "https://xn--a.example", "", uint8(1))
	f.Fuzz(func(t *testing.T, bits uint32, expires, ends int64, domains, products, proposed, proposedProducts string,
		limit, then int, path, originHeader, referer string, place uint8,
	) {
		p := authztest.Facts{
			Bits: bits, Expires: expires, Ends: ends, Domains: domains, Products: products,
			ProposedDomain: proposed, ProposedProds: proposedProducts, Limit: limit, Then: then,
		}.Policy(now)
		call := authztest.Call{Place: authz.Place(place % 4), Path: path, Origin: originHeader, Referer: referer}
		d := decide(call, p)
		if d.Allowed() && !authztest.Allows(now, call, p) {
			t.Fatalf("allowed against the reference: %+v", d)
		}
		if d.Shadow == authz.Allowed && !authztest.WouldAllow(now, call, p) {
			t.Fatalf("the proposal allows against the reference: %+v", d)
		}
		if usable := authztest.Usable(now, call.Place, p); d.Shadow != "" && (!usable || p.Proposed == nil) {
			t.Fatalf("a shadow without a proposal, or of a key that is refused: %+v", d)
		}
		want := product.Match{}
		if authztest.Path(path) {
			want = authztest.Match(path)
		}
		if d.Product != want.Product || d.Class != want.Class {
			t.Fatalf("%q is %s, %s; the reference says %+v", path, d.Product, d.Class, want)
		}
		if d.Allowed() && d.Limit != authztest.OwnLimit(p.Limits, d.Class, now) {
			t.Fatalf("limit %d of %+v", d.Limit, p.Limits)
		}
		if d.Code == "" {
			t.Fatal("a decision without a code")
		}
		// The rule that is shown is the one that decided.
		if d.Pattern != "" && !strings.Contains(","+domains+",", ","+d.Pattern+",") {
			t.Fatalf("no such pattern: %+v", d)
		}
	})
}

// The references read origins on their own, and still as the gate does: what is listed here are the spellings on
// which parsers differ.
func TestReferenceIsNoMoreLenientThanTheGateOnKnownSpellings(t *testing.T) {
	for text, want := range map[string]bool{
		"https://a.example.com": true, "https://A.example.com": true, "https://a.example.com.": true, "https://a.example.com:443": true,
		"https://a.example.com/": false, "https:a.example.com": false, "https://u@a.example.com": false, "https://a.example.com:0443": false,
		"https://a%2eexample.com": false, "https://a。example.com": false, " https://a.example.com": false, "https://a.example.com..": false,
		"https:\\\\a.example.com": false, "https://evil.net\\.a.example.com": false,
	} {
		p := livePolicy()
		p.Domains = []string{"*.example.com"}
		call := authztest.Call{Place: authz.InQuery, Path: "/map/1/x", Origin: text}
		if got, ref := decide(call, p).Allowed(), authztest.Allows(now, call, p); got != want || ref != want {
			t.Errorf("%q: allowed %v, by the reference %v, want %v", text, got, ref, want)
		}
	}
}
