package authz_test

import (
	"slices"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/appid"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/network"
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
		Products: []product.ID{"map-display"}, MissingOrigin: apikey.MissingOriginDeny,
	}
}

func tileRequest() authz.Request {
	r := authz.Request{Place: authz.InQuery, Target: authz.TargetOf("/map/1/tile/a.png", product.Default())}
	r.Origin, r.Presence = origin.FromHeaders("https://app.example.com", "")
	r.Address, r.App = network.ParseAddress("192.0.2.7"), appid.FromHeaders("", "", "com.example.app")
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
		{authz.AccountSuspended, func(r *authz.Request, _ *authz.Policy) { r.Account = &authz.Account{Suspended: true} }},
		{authz.KeyDisabled, func(_ *authz.Request, p *authz.Policy) { p.Disabled = true }},
		{authz.KeyExpired, func(_ *authz.Request, p *authz.Policy) { p.ExpiresAt = now }},
		{authz.SecretExpired, func(_ *authz.Request, p *authz.Policy) { p.SecretEnds = now }},
		{authz.KeyExposed, func(_ *authz.Request, p *authz.Policy) { p.Exposed = true }},
		{authz.KeyNotInHeader, func(_ *authz.Request, p *authz.Policy) { p.HeaderOnly = true }},
		{authz.PathNotCanonical, func(r *authz.Request, _ *authz.Policy) { r.Target.Canonical = false }},
		{authz.ProductNotAllowed, func(_ *authz.Request, p *authz.Policy) { p.Products = []product.ID{"search"} }},
		{authz.PathNotGranted, func(_ *authz.Request, p *authz.Policy) { p.Consents = consent.List{{Product: "map-display"}} }},
		{authz.IPNotAllowed, func(_ *authz.Request, p *authz.Policy) { p.Networks = []string{"198.51.100.0/24"} }},
		{authz.AppNotAllowed, func(_ *authz.Request, p *authz.Policy) { p.Apps = []string{"ios com.example.other"} }},
		{authz.OriginMissing, func(r *authz.Request, p *authz.Policy) {
			r.Presence, p.Domains = origin.Missing, []string{"other.example"}
		}},
		{authz.DomainNotAllowed, func(_ *authz.Request, p *authz.Policy) { p.Domains = []string{"other.example"} }},
	}
	var given, decided []authz.Code
	for _, s := range steps {
		given = append(given, s.code)
	}
	for _, c := range authz.Codes {
		if c.Check >= 3 && c.Check <= 6 {
			decided = append(decided, c.Code)
		}
	}
	if !slices.Equal(given, decided) {
		t.Errorf("rows for %v, want %v", given, decided)
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

// TestAllKeysOfAClosedAccountAreRevoked: whatever their own records say.
func TestAllKeysOfAClosedAccountAreRevoked(t *testing.T) {
	for name, a := range map[string]account.Account{
		"closing":              {Closing: true},
		"closed":               {ClosedAt: ago},
		"suspended and closed": {ClosedAt: ago, Suspended: account.Suspension{At: ago, Until: ago.Add(1)}},
	} {
		r, p := tileRequest(), livePolicy()
		r.Account = new(authz.AccountOf(a))
		p.Blocked, p.Disabled = true, true
		if d := authz.Decide(now, r, p); d.Code != authz.KeyRevoked {
			t.Errorf("%s: %s", name, d.Code)
		}
		p.Blocked, p.Disabled = false, false
		if r.Account.Closed = false; !authz.Decide(now.AddDate(9, 0, 0), r, p).Allowed() {
			continue // as a release decides that knows no closed account
		}
		t.Errorf("%s: the release before opens it", name)
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
			return c.Decide(now, new(tileRequest()))
		}(),
		"a place that is none of the places": func() authz.Decision {
			r := tileRequest()
			r.Place = authz.InHeader + 1
			return authz.Decide(now, r, livePolicy())
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
		missing         apikey.MissingOrigin
		code            authz.Code
		rule            authz.Rule
		pattern         string
	}{
		{"unrestricted", "https://any.example", "", nil, apikey.MissingOriginDeny, authz.Allowed, authz.RuleUnrestricted, ""},
		{"covered", "https://a.example.com", "", []string{"b.example", "*.example.com"}, apikey.MissingOriginDeny, authz.Allowed, authz.RulePattern, "*.example.com"},
		{"by referer alone", "", "https://b.example/p?q", []string{"b.example"}, apikey.MissingOriginDeny, authz.Allowed, authz.RulePattern, "b.example"},
		{"other referer alone", "", "https://evil.example/p", []string{"b.example"}, apikey.MissingOriginAllow, authz.DomainNotAllowed, authz.RuleNoPattern, ""},
		{"missing, denied", "", "", []string{"b.example"}, apikey.MissingOriginDeny, authz.OriginMissing, authz.RuleMissingDenied, ""},
		{"missing, zero denies", "", "", []string{"b.example"}, "", authz.OriginMissing, authz.RuleMissingDenied, ""},
		{"missing, allowed", "null", "", []string{"b.example"}, apikey.MissingOriginAllow, authz.Allowed, authz.RuleMissingAllowed, ""},
		{"unreadable is not missing", "https://b.example/", "", []string{"b.example"}, apikey.MissingOriginAllow, authz.DomainNotAllowed, authz.RuleNoPattern, ""},
		{"damaged pattern", "https://b.example", "", []string{"b.example", "*"}, apikey.MissingOriginAllow, authz.Unavailable, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, p := tileRequest(), livePolicy()
			r.Origin, r.Presence = origin.FromHeaders(tt.origin, tt.referer)
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
		{"other networks", nil, &apikey.Proposal{Networks: domains("198.51.100.0/24")}, authz.Allowed, authz.IPNotAllowed},
		{"networks that fit", nil, &apikey.Proposal{Networks: domains("198.51.100.0/24", "192.0.2.0/24")}, authz.Allowed, authz.Allowed},
		{"other apps", nil, &apikey.Proposal{Apps: domains("ios com.example.other")}, authz.Allowed, authz.AppNotAllowed},
		{"apps that fit", nil, &apikey.Proposal{Apps: domains("ios com.example.app")}, authz.Allowed, authz.Allowed},
		{
			"no networks any more", func(p *authz.Policy) { p.Networks = []string{"198.51.100.0/24"} },
			&apikey.Proposal{Networks: domains()}, authz.IPNotAllowed, authz.Allowed,
		},
		{
			"no apps any more, and the networks stay", func(p *authz.Policy) {
				p.Apps, p.Networks = []string{"ios com.example.other"}, []string{"198.51.100.0/24"}
			},
			&apikey.Proposal{Apps: domains()}, authz.IPNotAllowed, authz.IPNotAllowed,
		},
		{"all three, in the order of the checks", nil, &apikey.Proposal{
			Domains: domains("other.example"), Networks: domains("198.51.100.0/24"), Apps: domains("ios com.example.other"),
		}, authz.Allowed, authz.IPNotAllowed},
		{"damaged", nil, &apikey.Proposal{Domains: domains("*")}, authz.Unavailable, ""},
		{"a damaged network", nil, &apikey.Proposal{Networks: domains("192.0.2.1/24")}, authz.Unavailable, ""},
		{"a damaged app", nil, &apikey.Proposal{Apps: domains("com.example.app")}, authz.Unavailable, ""},
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

func TestDecidingDoesNotAllocate(t *testing.T) {
	p := livePolicy()
	p.Domains = []string{"b.example", "*.example.com"}
	p.Networks, p.Apps = []string{"192.0.2.0/24"}, []string{"ios com.example.app"}
	c, err := authz.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	catalogue := product.Default()
	n := testing.AllocsPerRun(100, func() {
		r := authz.Request{Place: authz.InQuery, Target: authz.TargetOf("/map/1/tile/basic/main/0/0/0.png", catalogue)}
		r.Origin, r.Presence = origin.FromHeaders("https://app.example.com", "")
		r.Address, r.App = network.ParseAddress("192.0.2.7"), appid.FromHeaders("", "", "com.example.app")
		if !c.Decide(now, &r).Allowed() {
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
		c.Decide(now, &r)
	}
}

// TestAKeyWithAListTakesNobodyWhoIsntKnownToBeOnIt: each list by itself, and none stands in for another.
func TestAKeyWithAListTakesNobodyWhoIsntKnownToBeOnIt(t *testing.T) {
	lists := func(p *authz.Policy) {
		p.Networks, p.Apps, p.Domains = []string{"192.0.2.0/24"}, []string{"ios com.example.app"}, []string{"app.example.com"}
	}
	for name, tt := range map[string]struct {
		edit func(*authz.Request, *authz.Policy)
		code authz.Code
	}{
		"on all three": {func(*authz.Request, *authz.Policy) {}, authz.Allowed},
		"no address":   {func(r *authz.Request, _ *authz.Policy) { r.Address = network.Address{} }, authz.IPNotAllowed},
		"no app":       {func(r *authz.Request, _ *authz.Policy) { r.App = appid.Caller{} }, authz.AppNotAllowed},
		"no page":      {func(r *authz.Request, _ *authz.Policy) { r.Presence = origin.Missing }, authz.OriginMissing},
		"no page, which may be": {func(r *authz.Request, p *authz.Policy) {
			r.Presence, p.MissingOrigin = origin.Missing, apikey.MissingOriginAllow
		}, authz.Allowed},
		"a damaged network":       {func(_ *authz.Request, p *authz.Policy) { p.Networks = append(p.Networks, "192.0.2.0") }, authz.Unavailable},
		"a damaged app":           {func(_ *authz.Request, p *authz.Policy) { p.Apps = append(p.Apps, "ios") }, authz.Unavailable},
		"another network":         {func(r *authz.Request, _ *authz.Policy) { r.Address = network.ParseAddress("192.0.3.7") }, authz.IPNotAllowed},
		"another app":             {func(r *authz.Request, _ *authz.Policy) { r.App = appid.FromHeaders("", "", "com.example.other") }, authz.AppNotAllowed},
		"networks alone, no app":  {func(r *authz.Request, p *authz.Policy) { r.App, p.Apps = appid.Caller{}, nil }, authz.Allowed},
		"apps alone, no address":  {func(r *authz.Request, p *authz.Policy) { r.Address, p.Networks = network.Address{}, nil }, authz.Allowed},
		"another network and app": {func(r *authz.Request, _ *authz.Policy) { r.Address, r.App = network.Address{}, appid.Caller{} }, authz.IPNotAllowed},
	} {
		r, p := tileRequest(), livePolicy()
		lists(&p)
		tt.edit(&r, &p)
		d := authz.Decide(now, r, p)
		if d.Code != tt.code {
			t.Errorf("%s: %s", name, d.Code)
		}
		if looked := d.Rule != ""; looked != (d.Code == authz.Allowed || d.Code == authz.OriginMissing) {
			t.Errorf("%s: the rule of the origin is %q", name, d.Rule)
		}
	}
}
