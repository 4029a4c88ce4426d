package main

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/usage"
)

// TestAppsAndPagesOfFilesAtTheGate: an app is let in by its own entry alone, a page of a file by missing_origin alone, and a
// pattern that today's rules refuse covers what it covered when it was saved.
func TestAppsAndPagesOfFilesAtTheGate(t *testing.T) {
	b := newHarness(t)
	locked := func(seed uint64, missing apikey.MissingOrigin, domains ...string) string {
		return b.add(t, seed, func(p *authz.Policy) { p.Domains, p.MissingOrigin = domains, missing })
	}
	pages := locked(1, apikey.MissingOriginDeny, "localhost", "example.com")
	app := locked(2, apikey.MissingOriginDeny, "capacitor://localhost", "app://-")
	lenient := locked(3, apikey.MissingOriginAllow, "example.com")
	wide := locked(4, apikey.MissingOriginDeny, "*.amazonaws.com")
	for _, tt := range []struct {
		key, origin, referer, code string
		status                     int
	}{
		{app, "capacitor://localhost", "", "", 200},
		{app, "app://-", "", "", 200},
		{app, "http://localhost", "", "domain_not_allowed", 403},
		{app, "ionic://localhost", "", "domain_not_allowed", 403},
		{app, "capacitor://localhost:80", "", "domain_not_allowed", 403},
		{app, "file://", "", "origin_missing", 403},
		{pages, "capacitor://localhost", "", "domain_not_allowed", 403},
		{pages, "http://localhost", "", "", 200},
		{pages, "file://", "", "origin_missing", 403},
		{pages, "file://", "https://example.com/map", "", 200},
		{pages, "file://", "https://evil.example/", "domain_not_allowed", 403},
		{lenient, "file://", "", "", 200},
		{lenient, "null", "", "", 200},
		{lenient, "file:///index.html", "", "domain_not_allowed", 403},
		{lenient, "electron://localhost", "", "domain_not_allowed", 403},
		{wide, "https://bucket.s3.amazonaws.com", "", "", 200},
		{wide, "https://amazonaws.com", "", "domain_not_allowed", 403},
	} {
		headers := map[string]string{"Origin": tt.origin}
		if tt.referer != "" {
			headers["Referer"] = tt.referer
		}
		status, context := b.call(t, event(tile, headers, map[string]string{"key": tt.key}))
		if code, _ := context["code"].(string); status != tt.status || code != tt.code {
			t.Errorf("%s, %s: status %d code %q, want %d %q", tt.origin, tt.referer, status, code, tt.status, tt.code)
		}
	}
}

// TestAHostThatMayHoldASecretIsNeitherLoggedNorCounted: names of hosts have no case, and what is left of a secret then is
// enough to find it.
func TestAHostThatMayHoldASecretIsNeitherLoggedNorCounted(t *testing.T) {
	b, w := countingHarness(t)
	key := b.add(t, 1, nil)
	body := secret(t, 2).Reveal()[len("ak_"):]
	for _, host := range []string{
		"ak_" + body, "ak-" + body, "x-ak_" + body, "www.site.comak_" + body, "ak." + body, body, "AK-" + strings.ToUpper(body), "x-ak-" + body + "x", "ak_short",
	} {
		for name, value := range map[string]string{"Origin": "https://" + host + ".example.org", "Referer": "https://" + host + ".example.org/page", "origin": "app://" + host} {
			b.call(t, event(tile, map[string]string{name: value}, map[string]string{"key": key}))
		}
	}
	b.clock.advance(usage.ReportEvery)
	b.status(t, key)
	seen := strings.ToLower(b.out.String() + fmt.Sprint(w.sums))
	if strings.Contains(seen, strings.ToLower(body)) || strings.Contains(seen, "ak_short") {
		t.Errorf("it shows: %s", seen)
	}
	for _, host := range []string{"app.example.com", "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi.ipfs.example", "akademie-der-kuenste.example"} {
		if b.gate.hidesSecret(host) {
			t.Errorf("%s is hidden", host)
		}
	}
}

// TestAnAppIsCountedAndLoggedByItsWholeOrigin: its host alone would be that of everybody's local pages.
func TestAnAppIsCountedAndLoggedByItsWholeOrigin(t *testing.T) {
	b, w := countingHarness(t)
	key := b.add(t, 1, func(p *authz.Policy) {
		p.Domains, p.MissingOrigin = []string{"capacitor://localhost"}, apikey.MissingOriginDeny
	})
	for range 2 {
		for _, origin := range []string{"capacitor://localhost", "http://localhost:3000"} {
			b.call(t, event(tile, map[string]string{"Origin": origin}, map[string]string{"key": key}))
		}
	}
	b.gate.AfterReply()
	b.gate.Close()
	for dimension, want := range map[usage.Dimension]int64{"o:capacitor://localhost:allowed": 2, "o:localhost:domain_not_allowed": 2} {
		if got := w.total()[dimension]; got != want {
			t.Errorf("%s: %d, want %d, of %v", dimension, got, want, w.total())
		}
	}
	if out := b.out.String(); !strings.Contains(out, `"origin":"localhost"`) || !strings.Contains(out, `"origin":"capacitor://localhost"`) {
		t.Errorf("%s", b.out.String())
	}
}
