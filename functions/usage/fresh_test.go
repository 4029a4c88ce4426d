package main

import (
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/keytest"
)

// TestWhatTheStampPromisesIsInTheNumbers: a report comes in just before each of the reads that an answer makes, in turn.
// The stamp may lie before a report that is in the numbers, and never after one that isn't.
func TestWhatTheStampPromisesIsInTheNumbers(t *testing.T) {
	for _, of := range []string{"account", "key"} {
		for moment := 1; ; moment++ {
			r := newHarness(t)
			k := map[string]apikey.Key{"account": {}, "key": r.key}[of]
			early, late := keytest.Now.Add(-10*time.Minute), keytest.Now.Add(-time.Minute)
			r.count(t, 1, call(r.key, "search", authz.Allowed, early))
			reads := 0
			r.reading = func() {
				if reads++; reads == moment {
					r.count(t, 1, call(r.key, "search", authz.Allowed, late))
				}
			}
			doc := r.get(t, k, "?interval=day&from=2026-11-21T00:00:00Z")
			if reads < moment {
				if moment < 3 {
					t.Fatalf("%s: only %d reads", of, reads)
				}
				break
			}
			stamp, requests := doc["fresh_at"], doc["totals"].(map[string]any)["requests"]
			if stamp != early.Format(time.RFC3339) && requests != 2.0 {
				t.Errorf("%s, before read %d: counted up to %v, with %v of 2 calls", of, moment, stamp, requests)
			}
			if moment == 1 && (stamp != late.Format(time.RFC3339) || requests != 2.0) {
				t.Errorf("%s: what had come before is left out: %v, %v", of, stamp, requests)
			}
		}
	}
}
