package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	accounts "latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/finding"
	"latchkey/shared/moment"
)

// TestWhetherAKeyIsRestrictedIsOneFact: for each usage and each of the three lists, the list of keys and a key's page, the page of a new
// secret, the findings and the rule of an account say the same.
func TestWhetherAKeyIsRestrictedIsOneFact(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	open := 0
	for _, usage := range []apikey.ClientKind{apikey.Frontend, apikey.Backend, apikey.Mobile} {
		for lists := range 8 {
			k := apikey.Key{Usage: usage, CreatedAt: now, ExpiresAt: now.AddDate(0, 0, 1)}
			doc := api.Key{Usage: api.UsageKind(usage), Status: api.Active, CreatedAt: moment.Of(now)}
			if lists&1 != 0 {
				k.Domains, doc.Domains = []string{"a.example"}, []string{"a.example"}
			}
			if lists&2 != 0 {
				k.Networks, doc.Networks = []string{"192.0.2.0/24"}, []string{"192.0.2.0/24"}
			}
			if lists&4 != 0 {
				k.Apps, doc.Apps = []string{"ios com.example.app"}, []api.App{{}}
			}
			want := usage == apikey.Frontend && lists == 0
			if want {
				open++
			}
			said := map[string]bool{
				"the key":          k.Unrestricted(),
				"hints":            slices.Contains(hints(doc, now), "unrestricted"),
				"the secret":       slices.Contains(warnOf(doc), "unrestricted"),
				"findings":         slices.ContainsFunc(finding.Of(k, finding.Facts{Now: now}), func(f finding.Finding) bool { return f.Code == finding.Unrestricted }),
				"the account rule": slices.Contains(k.Breaks(accounts.Rules{FrontendRestricted: true}, nil, now), apikey.ErrUnrestricted),
			}
			// The checklist praises nothing that isn't there: a server's or an app's key may do without, and is no restricted one.
			if got := beginWith(doc).Restricted; got != (lists != 0) {
				t.Errorf("%s with lists %03b: the checklist says that it is restricted: %v", usage, lists, got)
			}
			for place, says := range said {
				if says != want {
					t.Errorf("%s with lists %03b: %s says %v, want %v", usage, lists, place, says, want)
				}
			}
		}
	}
	if open != 1 {
		t.Errorf("%d ways to be unrestricted", open)
	}
}

// TestTextsOfARestrictionNameAllThatRestricts: who reads that a restriction is missing reads what would do, in each language.
func TestTextsOfARestrictionNameAllThatRestricts(t *testing.T) {
	words := map[string][]string{"en": {"domain", "network", "app"}, "fr": {"domaine", "réseau", "application"}, "ar": {"نطاق", "شبك", "تطبيق"}}
	for _, lang := range newHarness(t, time.Hour).app.langs.Offered() {
		for _, key := range []string{"hint.unrestricted.help", "rules.frontend.hint", "form.domains.hint", "domains.alone"} {
			text := strings.ToLower(lang.Text(key, "keys", "1"))
			for _, word := range words[lang.Tag] {
				if !strings.Contains(text, word) {
					t.Errorf("%s: %s doesn't name %s: %s", lang.Tag, key, word, text)
				}
			}
		}
		if a, b := lang.Text("hint.unrestricted"), lang.Text("finding.unrestricted"); a != b {
			t.Errorf("%s: the hint says %q, the finding %q", lang.Tag, a, b)
		}
	}
}
