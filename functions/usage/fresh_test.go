package main

import (
	"sync/atomic"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
)

// TestWhatTheStampPromisesIsInTheNumbers: a report comes in just before each of the reads that an answer makes, in turn.
// The stamp may lie before a report that is in the numbers, and never after one that isn't.
func TestWhatTheStampPromisesIsInTheNumbers(t *testing.T) {
	for _, of := range []string{"account", "key"} {
		for read := int64(1); ; read++ {
			r := newHarness(t)
			k := map[string]apikey.Key{"account": {}, "key": r.key}[of]
			early, late := keytest.Now.Add(-10*time.Minute), keytest.Now.Add(-time.Minute)
			r.count(t, 1, call(r.key, "search", authz.Allowed, early))
			var reads atomic.Int64 // the keys' counters are read side by side
			r.reading = func() {
				if reads.Add(1) == read {
					r.count(t, 1, call(r.key, "search", authz.Allowed, late))
				}
			}
			doc := r.get(t, k, "?interval=day&from=2026-11-21T00:00:00.000Z")
			if n := reads.Load(); n < read {
				if read < 3 {
					t.Fatalf("%s: only %d reads", of, n)
				}
				break
			}
			stamp, requests := doc["fresh_at"], doc["totals"].(map[string]any)["requests"]
			if stamp != moment.Format(early) && requests != 2.0 {
				t.Errorf("%s, before read %d: counted up to %v, with %v of 2 calls", of, read, stamp, requests)
			}
			if read == 1 && (stamp != moment.Format(late) || requests != 2.0) {
				t.Errorf("%s: what had come before is left out: %v, %v", of, stamp, requests)
			}
		}
	}
}

// TestARangeIsWidenedToWholeSteps: nothing finer is kept, so that every call of the hours or days that the range touches
// is in the numbers, and none beside them.
func TestARangeIsWidenedToWholeSteps(t *testing.T) {
	r := newHarness(t)
	day := time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC)
	for hour := -1; hour <= 48; hour++ { // one call each hour of two days, and one before and after
		r.count(t, 1, call(r.key, "search", authz.Allowed, day.Add(time.Duration(hour)*time.Hour+59*time.Minute)))
	}
	for _, k := range []apikey.Key{{}, r.key} {
		for query, want := range map[string]struct {
			requests float64
			from, to string
		}{
			"?interval=day&from=2026-11-19T00:00:00.000Z&to=2026-11-21T00:00:00.000Z":        {48, "2026-11-19T00:00:00.000Z", "2026-11-21T00:00:00.000Z"},
			"?interval=day&from=2026-11-19T23:30:00.000Z&to=2026-11-20T00:00:01.000Z":        {48, "2026-11-19T00:00:00.000Z", "2026-11-21T00:00:00.000Z"},
			"?interval=day&from=2026-11-19T10:00:00.000Z&to=2026-11-19T11:00:00.000Z":        {24, "2026-11-19T00:00:00.000Z", "2026-11-20T00:00:00.000Z"},
			"?interval=day&from=2026-11-20T01:00:00%2B02:00&to=2026-11-20T01:30:00%2B02:00":  {24, "2026-11-19T00:00:00.000Z", "2026-11-20T00:00:00.000Z"},
			"?interval=hour&from=2026-11-19T10:30:00.000Z&to=2026-11-19T12:00:00.000Z":       {2, "2026-11-19T10:00:00.000Z", "2026-11-19T12:00:00.000Z"},
			"?interval=hour&from=2026-11-19T10:00:00.000Z&to=2026-11-19T12:00:00.001Z":       {3, "2026-11-19T10:00:00.000Z", "2026-11-19T13:00:00.000Z"},
			"?interval=hour&from=2026-11-19T10:30:00%2B05:30&to=2026-11-19T11:30:00%2B05:30": {1, "2026-11-19T05:00:00.000Z", "2026-11-19T06:00:00.000Z"},
		} {
			doc := r.get(t, k, query)
			if doc["totals"].(map[string]any)["requests"] != want.requests || doc["from"] != want.from || doc["to"] != want.to {
				t.Errorf("%s of key %q: %v from %v to %v, want %v", query, k.ID, doc["totals"].(map[string]any)["requests"], doc["from"], doc["to"], want)
			}
		}
	}
}
