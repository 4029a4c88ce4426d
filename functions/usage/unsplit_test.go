package main

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/authz"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// TestWhatNoKeyHasIsNeverLessThanNothing: the account's rows are read before those of its keys, which may have more by
// then, by any outcome. A line without a key holds, by each outcome, what the account has more, and never takes from
// another outcome what the keys got meanwhile.
func TestWhatNoKeyHasIsNeverLessThanNothing(t *testing.T) {
	codes := []authz.Code{authz.Allowed, authz.KeyRevoked, authz.QPSExceeded, authz.DomainNotAllowed}
	ahead := 0
	rapid.Check(t, func(t *rapid.T) {
		start := keytest.Now.Truncate(time.Hour)
		counts := usage.Counts{}
		one := line{start: start, key: "key_1", product: "search"}
		var want usage.Totals
		for _, code := range codes {
			whole, ofKey := rapid.Int64Range(0, 4).Draw(t, "whole"), rapid.Int64Range(0, 4).Draw(t, "of the key")
			if whole > 0 {
				counts[usage.Dimension("c:c:"+string(code))] = whole
			}
			if ofKey > 0 {
				one.totals.Add(code, ofKey)
			}
			if ofKey > whole && whole > 0 {
				ahead++
			}
			want.Add(code, max(0, whole-ofKey))
		}
		a := answer{
			query: query{from: start, to: start.Add(time.Hour), step: time.Hour},
			rows:  []usage.Row{{Start: start, Product: "search", Counts: counts}},
		}
		var got usage.Totals
		for _, left := range a.unsplit([]line{one}) {
			got = left.totals
		}
		if got.Requests != want.Requests || got.Allowed != want.Allowed || got.Refused != want.Refused || got.Breaches != want.Breaches {
			t.Fatalf("%+v less %+v is %+v, want %+v", counts, one.totals, got, want)
		}
		for code, n := range got.ByReason {
			if n < 0 || n != want.ByReason[code] {
				t.Fatalf("%s: %d, want %d", code, n, want.ByReason[code])
			}
		}
	})
	if ahead == 0 {
		t.Fatal("the keys never had more than the account")
	}
}
