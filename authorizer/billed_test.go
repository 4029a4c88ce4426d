package main

import (
	"maps"
	"strings"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/usage"
)

// billed are the counts by billing type that were reported.
func (w *written) billed() usage.Counts {
	out := usage.Counts{}
	for d, n := range w.total() {
		if d.Billed() {
			out[d] = n
		}
	}
	return out
}

// TestACallCountsUnderTheTypeOfTheRecordThatDecidedIt: until the gate reads the changed record again, under the old one. Refused calls
// have the type as well, and the class of their path; calls of unknown secrets have nothing.
func TestACallCountsUnderTheTypeOfTheRecordThatDecidedIt(t *testing.T) {
	b, w := countingHarness(t)
	typed := func(word apikey.BillingType) func(*authz.Policy) {
		return func(p *authz.Policy) { p.BillingType, p.Domains = word, []string{"example.com"} }
	}
	call := func(path, key, origin string) {
		b.call(t, event(path, map[string]string{"Origin": origin}, map[string]string{"key": key}))
	}
	key := b.add(t, 1, typed("freemium"))
	call(tile, key, "https://example.com")
	b.add(t, 1, typed("pay_as_you_grow"))
	b.clock.advance(freshFor - time.Millisecond)
	call(tile, key, "https://example.com")
	call("/map/1/copyrights", key, "https://example.com")
	call(tile, key, "https://evil.example")
	b.clock.advance(time.Second)
	call(tile, key, "https://example.com")
	b.gate.limiter = &scripted{answer: admission{RetryAfter: 1}}
	call(tile, key, "https://example.com")
	call(tile, secret(t, 77).Reveal(), "https://example.com")
	b.gate.Close()
	want := usage.Counts{
		"b:tiles:freemium:allowed": 2, "b::freemium:allowed": 1, "b:tiles:freemium:domain_not_allowed": 1,
		"b:tiles:pay_as_you_grow:allowed": 1, "b:tiles:pay_as_you_grow:qps_exceeded": 1,
	}
	if got := w.billed(); !maps.Equal(got, want) {
		t.Errorf("counted\n%v, want\n%v", got, want)
	}
}

// TestAKeyWithoutABillingTypeIsCountedAllTheSame: its record is of a release before, or names what is no word. No call of another key
// brings it one.
func TestAKeyWithoutABillingTypeIsCountedAllTheSame(t *testing.T) {
	b, w := countingHarness(t)
	words := []apikey.BillingType{"", "Not a word", apikey.BillingType(strings.Repeat("x", 1000)), "trial"}
	for i, word := range words {
		key := b.add(t, uint64(i)+1, func(p *authz.Policy) { p.BillingType = word }) //nolint:gosec // a few
		b.status(t, key)
	}
	b.gate.Close()
	if got, want := w.billed(), (usage.Counts{"b:tiles:trial:allowed": 1}); !maps.Equal(got, want) || w.calls()["c:c:allowed"] != int64(len(words)) {
		t.Errorf("counted %v and %v", got, w.calls())
	}
}
