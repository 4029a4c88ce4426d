package finding_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/consent"
	"latchkey/shared/finding"
	"latchkey/shared/product"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func days(n int) time.Time { return now.AddDate(0, 0, n) }

// sound is a key that nobody needs to look at, called today.
func sound() (apikey.Key, finding.Facts) {
	k := apikey.Key{
		Usage: apikey.Frontend, Domains: []string{"example.com"}, Products: []product.ID{"search"}, CreatedAt: days(-400), ExpiresAt: days(30),
	}
	return k, finding.Facts{Now: now, Products: product.Default(), LastAllowed: days(0), UseKnown: true}
}

// said are findings as a policy has them: code, act, and since when.
func said(list []finding.Finding) string {
	var texts []string
	for _, one := range list {
		text := fmt.Sprintf("%s: %s", one.Code, one.Act)
		if !one.Since.IsZero() {
			text += " since " + one.Since.Format(time.DateOnly)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// TestWhatIsFoundOfAKey is a table of all findings: each at its bound and beside it.
func TestWhatIsFoundOfAKey(t *testing.T) {
	type (
		key   = *apikey.Key
		facts = *finding.Facts
	)
	narrow := consent.List{{Product: "search", Narrow: true}} // it was shown nothing
	for name, c := range map[string]struct {
		change func(key, facts)
		want   string
	}{
		"nothing": {func(key, facts) {}, ""},

		"a key of a page without a restriction": {func(k key, _ facts) { k.Domains = nil }, "unrestricted: restrict"},
		"a key of a page with a network alone":  {func(k key, _ facts) { k.Domains, k.Networks = nil, []string{"192.0.2.0/24"} }, ""},
		"a key of a page with an app alone":     {func(k key, _ facts) { k.Domains, k.Apps = nil, []string{"ios com.example.app"} }, ""},
		"a key of a server without a restriction": {func(k key, _ facts) {
			k.Domains, k.Usage = nil, apikey.Backend
		}, ""},
		"a restriction that is only proposed": {func(k key, _ facts) {
			k.Domains, k.Proposed = nil, &apikey.Proposal{Domains: &[]string{"example.com"}}
		}, "unrestricted: restrict"},

		"a domain that is refused today":  {func(k key, _ facts) { k.Domains = []string{"example.com", "*.co.uk"} }, "invalid_now: correct"},
		"a network that is refused today": {func(k key, _ facts) { k.Networks = []string{"192.0.2.1/24"} }, "invalid_now: correct"},
		"an app that is refused today":    {func(k key, _ facts) { k.Apps = []string{"ios"} }, "invalid_now: correct"},

		"paths that nobody has accepted": {func(k key, _ facts) { k.Consents = narrow }, "pending_paths: accept_paths"},
		"paths that the account has accepted": {func(k key, f facts) {
			k.Consents, f.Accepted = narrow, consent.List{f.Products.Shown("search")}
		}, ""},

		"rotated as often as its policy asks": {func(k key, _ facts) { k.Rotation, k.RotatedAt = &apikey.RotationPolicy{EveryDays: 90}, days(-89) }, ""},
		"a rotation that is due now":          {func(k key, _ facts) { k.Rotation, k.RotatedAt = &apikey.RotationPolicy{EveryDays: 90}, days(-90) }, "rotation_overdue: rotate since 2026-11-21"},
		"never rotated":                       {func(k key, _ facts) { k.Rotation = &apikey.RotationPolicy{EveryDays: 390} }, "rotation_overdue: rotate since 2026-11-11"},

		"no end, and no policy": {func(k key, _ facts) { k.ExpiresAt = time.Time{} }, "never_expires: set_expiry since 2025-10-17"},
		"no end, and a policy": {func(k key, f facts) {
			k.ExpiresAt, f.Rules.LifetimeDays = time.Time{}, 90
		}, "policy_lifetime: set_expiry"},
		"an end on the last day of the policy": {func(k key, f facts) { k.ExpiresAt, f.Rules.LifetimeDays = days(90), 90 }, ""},
		"an end a day later":                   {func(k key, f facts) { k.ExpiresAt, f.Rules.LifetimeDays = days(91), 90 }, "policy_lifetime: set_expiry"},

		"not called for 90 days":                  {func(_ key, f facts) { f.LastAllowed = days(-90) }, "unused_90_days: disable since 2026-08-23"},
		"not called for almost 90 days":           {func(_ key, f facts) { f.LastAllowed = days(-90).Add(time.Millisecond) }, ""},
		"never called":                            {func(_ key, f facts) { f.LastAllowed = time.Time{} }, "unused_90_days: disable since 2025-10-17"},
		"never called, and new":                   {func(k key, f facts) { k.CreatedAt, f.LastAllowed = days(-89), time.Time{} }, ""},
		"not called, and disabled":                {func(k key, f facts) { k.Disabled, f.LastAllowed = true, days(-90) }, "unused_90_days: delete since 2026-08-23"},
		"nobody knows when it was called last":    {func(_ key, f facts) { f.LastAllowed, f.UseKnown = time.Time{}, false }, ""},
		"a blocked key is looked at like another": {func(k key, _ facts) { k.Domains, k.Blocked = nil, &apikey.Block{} }, "unrestricted: restrict"},

		"all at once, in their order": {func(k key, f facts) {
			*k = apikey.Key{Usage: apikey.Frontend, Products: k.Products, Consents: narrow, CreatedAt: days(-400), Rotation: &apikey.RotationPolicy{EveryDays: 90}}
			f.LastAllowed, f.Rules = time.Time{}, account.Rules{LifetimeDays: 1}
		}, "unrestricted: restrict, pending_paths: accept_paths, rotation_overdue: rotate since 2026-01-15, policy_lifetime: set_expiry, unused_90_days: disable since 2025-10-17"},

		"an expired key opens nothing": {func(k key, f facts) { k.Domains, k.ExpiresAt, f.LastAllowed = nil, now, time.Time{} }, ""},
		"nor does a revoked one":       {func(k key, f facts) { k.Domains, k.RevokedAt, f.LastAllowed = nil, now, time.Time{} }, ""},
		"nor does a deleted one":       {func(k key, f facts) { k.Domains, k.DeletedAt, f.LastAllowed = nil, now, time.Time{} }, ""},
	} {
		k, f := sound()
		c.change(&k, &f)
		if got := said(finding.Of(k, f)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestWhatOnlyInformsComesBehindWhatAsksForAnAct: a list of findings leads with what somebody has to do.
func TestWhatOnlyInformsComesBehindWhatAsksForAnAct(t *testing.T) {
	informs := false
	for _, code := range finding.Codes() {
		if informs && !code.Informs() {
			t.Errorf("%s comes behind what only informs", code)
		}
		informs = code.Informs()
	}
	if !finding.NeverExpires.Informs() || finding.Unrestricted.Informs() || finding.Code("of_a_later_version").Informs() {
		t.Error("what informs isn't what never expires, where no rule asks for an end")
	}
}

// TestFindingsAreListedInTheOrderOfTheirCodes, each code once.
func TestFindingsAreListedInTheOrderOfTheirCodes(t *testing.T) {
	codes := finding.Codes()
	if sorted := slices.Compact(slices.Sorted(slices.Values(codes))); len(sorted) != len(codes) {
		t.Errorf("a code is there twice: %v", codes)
	}
	k, f := sound()
	k.Domains, k.ExpiresAt, k.Apps, f.LastAllowed = []string{"*.co.uk"}, time.Time{}, []string{"ios"}, time.Time{}
	at := -1
	for _, one := range finding.Of(k, f) {
		if next := slices.Index(codes, one.Code); next <= at {
			t.Errorf("%s stands at the wrong place", one.Code)
		} else {
			at = next
		}
	}
}
