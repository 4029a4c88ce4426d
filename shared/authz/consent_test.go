package authz_test

import (
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/consent"
	"latchkey/shared/product"
)

// grown is a product that began with /s/2/ and came to cover all of /s/ in the third version.
func grown(t testing.TB) product.Catalogue {
	t.Helper()
	c, err := product.WithHistory([]product.Product{{ID: "s", Name: "S", Kind: product.API, SamplePath: "/s/x", Classes: []product.LimitClass{{
		ID: "s", Name: "S", Prefixes: []string{"/s/"}, EncodedSlash: true, QPS: map[account.Type]int{account.Enterprise: 1, account.SelfServe: 1}, MaxQPS: 1,
	}}}}, product.History{Version: "3-c", Changed: []product.ID{"s"}, Covered: []product.Covered{
		{Product: "s", Prefix: "/s/", Coverage: product.Coverage{Since: []consent.Version{"3-c"}}},
		{Product: "s", Prefix: "/s/2/", Coverage: product.Coverage{Since: []consent.Version{"1-a"}, Standing: true}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestNoSpellingOfAPathIsAnOlderPath: a key that was shown /s/2/ opens what lies in it for every server that may read the path, and
// nothing else. Whatever is escaped, the path as it was sent decides.
func TestNoSpellingOfAPathIsAnOlderPath(t *testing.T) {
	old := livePolicy()
	old.Products, old.Domains = []product.ID{"s"}, nil
	shown := old
	shown.Consents = consent.List{{Product: "s", Paths: []consent.Path{{Prefix: "/s/2/", Since: "1-a"}}}}
	both := old
	both.Consents = consent.List{grown(t).Shown("s")}
	for path, want := range map[string]authz.Code{
		"/s/2/x": authz.Allowed, "/S/2/x": authz.Allowed, "/s/%32/x": authz.Allowed, "/s/2;a=1/x": authz.Allowed, "/s/2/a%2Fb": authz.Allowed,
		"/s/x": authz.PathNotGranted, "/s/2": authz.PathNotGranted, "/s/2%2Fx": authz.PathNotGranted, "/s/x%2F..": authz.PathNotCanonical, "/s/2x/x": authz.PathNotGranted,
		"/s/;/2/x": authz.PathNotCanonical,
	} {
		for name, p := range map[string]authz.Policy{"of before the lock": old, "that was shown /s/2/": shown} {
			if got := authz.Decide(now, authz.Request{Place: authz.InHeader, Target: authz.TargetOf(path, grown(t))}, p).Code; got != want {
				t.Errorf("a key %s, %s: %s, want %s", name, path, got, want)
			}
		}
		if want == authz.PathNotGranted {
			want = authz.Allowed
		}
		if got := authz.Decide(now, authz.Request{Place: authz.InHeader, Target: authz.TargetOf(path, grown(t))}, both).Code; got != want {
			t.Errorf("a key that was shown all, %s: %s, want %s", path, got, want)
		}
	}
}

// TestAPathWithAnEncodedSlashNeedsAConsentOfItsOwn where its class came to take them later, and none where it did when the lock
// didn't say so yet.
func TestAPathWithAnEncodedSlashNeedsAConsentOfItsOwn(t *testing.T) {
	class := func(id product.Class, prefix string) product.LimitClass {
		return product.LimitClass{ID: id, Name: "S", Prefixes: []string{prefix}, EncodedSlash: true, QPS: map[account.Type]int{account.Enterprise: 1, account.SelfServe: 1}, MaxQPS: 1}
	}
	all := product.Coverage{Since: []consent.Version{"1-a"}, Standing: true}
	c, err := product.WithHistory([]product.Product{{ID: "s", Name: "S", Kind: product.API, SamplePath: "/s/x", Classes: []product.LimitClass{class("s", "/s/"), class("s.old", "/s/Old/")}}},
		product.History{
			Version: "2-b", Changed: []product.ID{"s"}, Covered: []product.Covered{{Product: "s", Prefix: "/s/", Coverage: all}},
			EncodedSlash: []product.Covered{{Product: "s", Prefix: "/s/", Coverage: product.Coverage{Since: []consent.Version{consent.Version("2-b").OfEncodedSlash()}}}, {Product: "s", Prefix: "/s/Old/"}},
		})
	if err != nil {
		t.Fatal(err)
	}
	shown := c.Shown("s")
	if got := c.Pending("s", consent.List{{Product: "s"}}, nil); len(got) != 1 || got[0] != "/s/" {
		t.Errorf("what goes with the rest is told by itself: %v", got)
	}
	early := consent.List{{Product: "s", Paths: []consent.Path{{Prefix: "/s/", Since: "1-a"}}}}
	for name, tt := range map[string]struct {
		key, accepted consent.List
		want          authz.Code
		pending       int
	}{
		"a key of before the lock":        {nil, nil, authz.PathNotGranted, 1},
		"a key of before the change":      {early, nil, authz.PathNotGranted, 1},
		"one whose account has accepted":  {early, consent.List{shown}, authz.Allowed, 0},
		"a new key":                       {consent.List{shown}, nil, authz.Allowed, 0},
		"one that was shown another path": {consent.List{{Product: "s", Paths: []consent.Path{{Prefix: "/s/", Since: "1-a"}, {Prefix: "/s/n/", Since: consent.Version("2-b").OfEncodedSlash()}}}}, nil, authz.PathNotGranted, 1},
	} {
		p := livePolicy()
		p.Products, p.Domains, p.Consents = []product.ID{"s"}, nil, tt.key
		for path, want := range map[string]authz.Code{"/s/x": authz.Allowed, "/s/x%2Fy": tt.want, "/S/x%25": tt.want, "/s/old/x": authz.Allowed, "/s/old/x%2Fy": authz.Allowed} {
			r := authz.Request{Place: authz.InHeader, Target: authz.TargetOf(path, c), Account: &authz.Account{Accepted: tt.accepted}}
			if got := authz.Decide(now, r, p).Code; got != want {
				t.Errorf("%s, %s: %s, want %s", name, path, got, want)
			}
		}
		if got := c.Pending("s", tt.key, tt.accepted); len(got) != tt.pending || tt.pending > 0 && got[0] != "/s/*%2F*" {
			t.Errorf("%s: pending %v", name, got)
		}
	}
}

// TestAProposalIsJudgedByWhatItWasShown, and by the key's own consents where the key has the product.
func TestAProposalIsJudgedByWhatItWasShown(t *testing.T) {
	all := consent.List{grown(t).Shown("s")}
	some := consent.List{{Product: "s", Paths: []consent.Path{{Prefix: "/s/2/", Since: "1-a"}}}}
	for name, tt := range map[string]struct {
		products              []product.ID
		key, proposal         consent.List
		code, shadow, altered authz.Code
	}{
		"a product that comes, shown late":  {nil, nil, all, authz.ProductNotAllowed, authz.Allowed, authz.Allowed},
		"a product that comes, shown early": {nil, nil, some, authz.ProductNotAllowed, authz.PathNotGranted, authz.PathNotGranted},
		"a product that stays":              {[]product.ID{"s"}, some, all, authz.PathNotGranted, authz.PathNotGranted, authz.PathNotGranted},
		"a product that stays, shown late":  {[]product.ID{"s"}, all, some, authz.Allowed, authz.Allowed, authz.Allowed},
	} {
		k := apikey.Key{Products: tt.products, Consents: tt.key, Proposed: &apikey.Proposal{Products: &[]product.ID{"s"}, Consents: tt.proposal}}
		r := authz.Request{Place: authz.InHeader, Target: authz.TargetOf("/s/x", grown(t))}
		d := authz.Decide(now, r, authz.PoliciesOf(k)[0])
		enforced := authz.Decide(now, r, authz.PoliciesOf(k.Enforced())[0])
		if d.Code != tt.code || d.Shadow != tt.shadow || enforced.Code != tt.altered {
			t.Errorf("%s: %s, the proposal %s, enforced %s", name, d.Code, d.Shadow, enforced.Code)
		}
	}
}

func TestConsentsAllocateNothing(t *testing.T) {
	p := livePolicy()
	p.Products, p.Domains, p.Consents = []product.ID{"s"}, nil, consent.List{{Product: "s", Paths: []consent.Path{{Prefix: "/s/2/", Since: "1-a"}}}}
	c, err := authz.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	products, account := authz.Matcher(grown(t)), authz.Account{Accepted: consent.List{grown(t).Shown("s")}}
	if n := testing.AllocsPerRun(100, func() {
		d := c.Decide(now, &authz.Request{Place: authz.InHeader, Target: authz.TargetOf("/s/x", products), Account: &account})
		if !d.Allowed() {
			t.Fatal(d.Code)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
