package authz_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/origin"
	"latchkey/shared/product"
)

var (
	now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	ago = now.Add(-time.Second)
	in  = now.Add(time.Second)
)

func livePolicy() authz.Policy {
	return authz.Policy{
		KeyID: "key_1", Account: "acc_1", AccountType: account.SelfServe, Live: true,
		Products: []product.ID{"map-display"}, MissingOrigin: apikey.DenyMissing,
	}
}

func tileRequest() authz.Request {
	r := authz.Request{Place: authz.InQuery, Target: authz.TargetOf("/map/1/tile/a.png", product.Default())}
	r.Origin, r.Presence = origin.Caller("https://app.example.com", "")
	return r
}

func TestDecideGivesTheCodeOfTheFirstCheckThatFails(t *testing.T) {
	type edit = func(*authz.Request, *authz.Policy)
	// In the order of the checks: each row breaks one more thing, and every earlier row must win over the later ones.
	steps := []struct {
		code authz.Code
		edit edit
	}{
		{authz.KeyUnknown, func(_ *authz.Request, p *authz.Policy) { p.Live = false }},
		{authz.KeyDeleted, func(_ *authz.Request, p *authz.Policy) { p.DeletedAt = ago }},
		{authz.KeyRevoked, func(_ *authz.Request, p *authz.Policy) { p.RevokedAt = in }},
		{authz.KeyBlocked, func(_ *authz.Request, p *authz.Policy) { p.Blocked = true }},
		{authz.KeyDisabled, func(_ *authz.Request, p *authz.Policy) { p.Disabled = true }},
		{authz.KeyExpired, func(_ *authz.Request, p *authz.Policy) { p.ExpiresAt = now }},
		{authz.SecretExpired, func(_ *authz.Request, p *authz.Policy) { p.SecretEnds = now }},
		{authz.KeyNotInHeader, func(_ *authz.Request, p *authz.Policy) { p.HeaderOnly = true }},
		{authz.PathNotCanonical, func(r *authz.Request, _ *authz.Policy) { r.Target.Canonical = false }},
		{authz.ProductNotAllowed, func(_ *authz.Request, p *authz.Policy) { p.Products = []product.ID{"search"} }},
		{authz.DomainNotAllowed, func(_ *authz.Request, p *authz.Policy) { p.Domains = []string{"other.example"} }},
	}
	for i, want := range steps {
		t.Run(string(want.code), func(t *testing.T) {
			r, p := tileRequest(), livePolicy()
			for _, s := range steps[i:] {
				s.edit(&r, &p)
			}
			if d := authz.Decide(now, r, p); d.Code != want.code || d.Allowed() {
				t.Errorf("got %s", d.Code)
			}
			r, p = tileRequest(), livePolicy()
			want.edit(&r, &p)
			if d := authz.Decide(now, r, p); d.Code != want.code || d.Product != "map-display" || d.Class != "map-display.tiles" {
				t.Errorf("alone: got %+v", d)
			}
		})
	}
}

func TestDecideDeniesZeroValues(t *testing.T) {
	for name, d := range map[string]authz.Decision{
		"all zero":     authz.Decide(time.Time{}, authz.Request{}, authz.Policy{}),
		"zero policy":  authz.Decide(now, tileRequest(), authz.Policy{}),
		"zero request": authz.Decide(now, authz.Request{}, livePolicy()),
		"zero time":    authz.Decide(time.Time{}, tileRequest(), livePolicy()),
		"zero compiled": func() authz.Decision {
			var c authz.Compiled
			return c.Decide(now, tileRequest())
		}(),
		"zero decision": {},
	} {
		if d.Allowed() {
			t.Errorf("%s was allowed", name)
		}
	}
}

func TestDecideSaysWhichRuleDecidedAboutTheOrigin(t *testing.T) {
	tests := []struct {
		name            string
		origin, referer string
		domains         []string
		missing         apikey.Missing
		code            authz.Code
		rule            authz.Rule
		pattern         string
	}{
		{"unrestricted", "https://any.example", "", nil, apikey.DenyMissing, authz.Allowed, authz.RuleUnrestricted, ""},
		{"covered", "https://a.example.com", "", []string{"b.example", "*.example.com"}, apikey.DenyMissing, authz.Allowed, authz.RulePattern, "*.example.com"},
		{"by referer alone", "", "https://b.example/p?q", []string{"b.example"}, apikey.DenyMissing, authz.Allowed, authz.RulePattern, "b.example"},
		{"other referer alone", "", "https://evil.example/p", []string{"b.example"}, apikey.AllowMissing, authz.DomainNotAllowed, authz.RuleNoPattern, ""},
		{"missing, denied", "", "", []string{"b.example"}, apikey.DenyMissing, authz.OriginMissing, authz.RuleMissingDenied, ""},
		{"missing, zero denies", "", "", []string{"b.example"}, "", authz.OriginMissing, authz.RuleMissingDenied, ""},
		{"missing, allowed", "null", "", []string{"b.example"}, apikey.AllowMissing, authz.Allowed, authz.RuleMissingAllowed, ""},
		{"unreadable is not missing", "https://b.example/", "", []string{"b.example"}, apikey.AllowMissing, authz.DomainNotAllowed, authz.RuleNoPattern, ""},
		{"damaged pattern", "https://b.example", "", []string{"b.example", "*"}, apikey.AllowMissing, authz.Unavailable, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, p := tileRequest(), livePolicy()
			r.Origin, r.Presence = origin.Caller(tt.origin, tt.referer)
			p.Domains, p.MissingOrigin = tt.domains, tt.missing
			d := authz.Decide(now, r, p)
			if d.Code != tt.code || d.Rule != tt.rule || d.Pattern != tt.pattern {
				t.Errorf("got %+v", d)
			}
		})
	}
}

func TestDecideTellsWhatAProposalWouldHaveSaid(t *testing.T) {
	domains := func(d ...string) *[]string { return &d }
	products := func(p ...product.ID) *[]product.ID { return &p }
	tests := []struct {
		name     string
		edit     func(*authz.Policy)
		proposal *apikey.Proposal
		code     authz.Code
		shadow   authz.Code
	}{
		{"none", nil, nil, authz.Allowed, ""},
		{"empty", nil, &apikey.Proposal{}, authz.Allowed, authz.Allowed},
		{"stricter domains", nil, &apikey.Proposal{Domains: domains("other.example")}, authz.Allowed, authz.DomainNotAllowed},
		{"domains that fit", nil, &apikey.Proposal{Domains: domains("*.example.com")}, authz.Allowed, authz.Allowed},
		{"fewer products", nil, &apikey.Proposal{Products: products("search")}, authz.Allowed, authz.ProductNotAllowed},
		{
			"wider domains", func(p *authz.Policy) { p.Domains = []string{"other.example"} },
			&apikey.Proposal{Domains: domains()}, authz.DomainNotAllowed, authz.Allowed,
		},
		{
			"the key itself refused", func(p *authz.Policy) { p.Disabled = true },
			&apikey.Proposal{Domains: domains()}, authz.KeyDisabled, "",
		},
		{"damaged", nil, &apikey.Proposal{Domains: domains("*")}, authz.Unavailable, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := livePolicy()
			if tt.edit != nil {
				tt.edit(&p)
			}
			p.Proposed = tt.proposal
			if d := authz.Decide(now, tileRequest(), p); d.Code != tt.code || d.Shadow != tt.shadow {
				t.Errorf("got %s, shadow %s", d.Code, d.Shadow)
			}
		})
	}
}

func TestOwnLimitEndsOnTime(t *testing.T) {
	limits := []apikey.Limit{
		{Class: "a", QPS: 7},
		{Class: "b", QPS: 9, EndsAt: now, Then: 3},
		{Class: "c", QPS: 9, EndsAt: in, Then: 3},
		{Class: "d", QPS: 9, EndsAt: ago},
		{Class: "e", QPS: -1},
	}
	for class, want := range map[product.Class]int{"a": 7, "b": 3, "c": 9, "d": 0, "e": 0, "f": 0} {
		if got := authz.OwnLimit(limits, class, now); got != want {
			t.Errorf("class %s: %d, want %d", class, got, want)
		}
	}
}

func TestDecideNeverAllowsWhatTheReferenceRefuses(t *testing.T) {
	hosts := []string{"a.example.com", "example.com", "b.example", "localhost", "127.0.0.1"}
	patterns := []string{"example.com", "*.example.com", "https://b.example:8443", "localhost:3000", "*", "http://127.0.0.1"}
	allowed := 0
	property := func(t *rapid.T) {
		day := func(name string) time.Time {
			return rapid.SampledFrom([]time.Time{{}, {}, {}, ago, now, in}).Draw(t, name)
		}
		rare := func(name string) bool { return rapid.IntRange(0, 9).Draw(t, name) == 0 }
		p := authz.Policy{
			Live: !rare("dead"), SecretEnds: day("ends"), ExpiresAt: day("expires"),
			Blocked: rare("blocked"), Disabled: rare("disabled"), HeaderOnly: rapid.Bool().Draw(t, "header only"),
			Products:      rapid.SliceOfN(rapid.SampledFrom([]product.ID{"map-display", "search", ""}), 0, 3).Draw(t, "products"),
			Domains:       rapid.SliceOfN(rapid.SampledFrom(patterns), 0, 3).Draw(t, "domains"),
			MissingOrigin: rapid.SampledFrom([]apikey.Missing{"", apikey.DenyMissing, apikey.AllowMissing, "maybe"}).Draw(t, "missing"),
		}
		if rare("revoked") {
			p.RevokedAt = in
		}
		if rare("deleted") {
			p.DeletedAt = in
		}
		r := authz.Request{
			Place:  rapid.SampledFrom([]authz.Place{authz.Nowhere, authz.InQuery, authz.InHeader, authz.InHeader}).Draw(t, "place"),
			Target: authz.TargetOf(rapid.SampledFrom([]string{"/map/1/x", "/search/2/x", "/other", "/map//x", ""}).Draw(t, "path"), product.Default()),
		}
		r.Origin, r.Presence = origin.Caller(
			rapid.SampledFrom([]string{"", "null", "https://" + rapid.SampledFrom(hosts).Draw(t, "host"), "http://localhost:3000", "garbage"}).Draw(t, "origin"),
			rapid.SampledFrom([]string{"", "https://example.com/page"}).Draw(t, "referer"))
		got := authz.Decide(now, r, p).Allowed()
		if got != referenceAllows(now, r, p) {
			t.Fatalf("allowed %v, the reference says otherwise", got)
		}
		if got {
			allowed++
		}
	}
	for range 10 { // a call is allowed in a few of a hundred tries only
		rapid.Check(t, property)
	}
	if allowed == 0 {
		t.Error("nothing was ever allowed: the property is empty")
	}
}

// FuzzDecide lets the fuzzer set every bit of a policy and every text of a call.
func FuzzDecide(f *testing.F) {
	f.Add(uint16(1), int64(0), int64(0), "example.com", "map-display", "/map/1/x", "https://example.com", "", uint8(1))
	f.Add(uint16(0x21), int64(5), int64(-5), "*.example.com", "search", "/search/%2e%2e/x", "null", "https://a.example.com/", uint8(2))
	f.Fuzz(func(t *testing.T, bits uint16, expires, ends int64, domain, products, path, originHeader, referer string, place uint8) {
		when := func(bit uint16, offset int64) time.Time {
			if bits&bit == 0 {
				return time.Time{}
			}
			return now.Add(time.Duration(offset))
		}
		p := authz.Policy{
			Live: bits&1 != 0, Blocked: bits&2 != 0, Disabled: bits&4 != 0, HeaderOnly: bits&8 != 0,
			RevokedAt: when(16, ends), DeletedAt: when(32, ends), ExpiresAt: when(64, expires), SecretEnds: when(128, ends),
			Products: []product.ID{product.ID(products)},
		}
		if bits&256 != 0 {
			p.Domains = []string{domain}
		}
		if bits&512 != 0 {
			p.MissingOrigin = apikey.AllowMissing
		}
		r := authz.Request{Place: authz.Place(place % 3), Target: authz.TargetOf(path, product.Default())}
		r.Origin, r.Presence = origin.Caller(originHeader, referer)
		d := authz.Decide(now, r, p)
		if d.Allowed() && (!referenceAllows(now, r, p) || !referencePath(path)) {
			t.Fatalf("allowed %q against the reference: %+v", path, d)
		}
		if d.Code == "" {
			t.Fatal("a decision without a code")
		}
	})
}

func TestDecidingDoesNotAllocate(t *testing.T) {
	p := livePolicy()
	p.Domains = []string{"b.example", "*.example.com"}
	c, err := authz.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	catalogue := product.Default()
	n := testing.AllocsPerRun(100, func() {
		r := authz.Request{Place: authz.InQuery, Target: authz.TargetOf("/map/1/tile/basic/main/0/0/0.png", catalogue)}
		r.Origin, r.Presence = origin.Caller("https://app.example.com", "")
		if !c.Decide(now, r).Allowed() {
			t.Fatal("refused")
		}
	})
	if n > 1 { // boxing the catalogue
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	p := livePolicy()
	p.Domains = []string{"b.example", "*.example.com"}
	c, err := authz.Compile(p)
	if err != nil {
		b.Fatal(err)
	}
	r := tileRequest()
	b.ReportAllocs()
	for b.Loop() {
		c.Decide(now, r)
	}
}
