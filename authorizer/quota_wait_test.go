package main

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"latchkey/shared/apikey"
)

// TestWhoWaitsForTheEndOfAQuotaIsServed: Retry-After is rounded up to whole seconds and never past the first one in which a call is
// served, and a period is as long as its own month, on each of its days.
func TestWhoWaitsForTheEndOfAQuotaIsServed(t *testing.T) {
	window := regexp.MustCompile(`"tiles\.(?:day|month)";q=3;w=(\d+)$`)
	const day = 24 * 60 * 60
	for at, days := range map[string]int{
		"2027-07-01T00:00:00.001Z": 31,
		"2027-07-31T23:59:58.001Z": 31,
		"2027-09-29T13:00:00.999Z": 30,
		"2026-12-31T12:00:00Z":     31,
		"2027-02-27T06:30:00.5Z":   28,
		"2028-02-29T23:59:59.999Z": 29,
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		midnight := now.Truncate(24 * time.Hour)
		for period, want := range map[string]struct {
			ends   time.Time
			window int
		}{
			"day":   {midnight.AddDate(0, 0, 1), day},
			"month": {time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC), days * day},
		} {
			b, _, _ := quotaHarness(t, `"freemium":{"tiles":{"`+period+`":3}}`)
			payload := tileEvent(b.add(t, 1, billed(apikey.Freemium, "acc_1")))
			b.clock.advance(now.Sub(b.clock.at.wall))
			if n := b.times(t, 3, payload); n != 3 {
				t.Fatalf("%s, %s: %d of 3 served", at, period, n)
			}
			_, context := b.call(t, payload)
			wait, _ := strconv.Atoi(fmt.Sprint(context["retryAfter"]))
			if over := now.Add(time.Duration(wait) * time.Second).Sub(want.ends); over < 0 || over >= time.Second {
				t.Errorf("%s, %s: Retry-After %d is %v past the end", at, period, wait, over)
			}
			if m := window.FindStringSubmatch(fmt.Sprint(context["rateLimitPolicy"])); m == nil || m[1] != strconv.Itoa(want.window) {
				t.Errorf("%s, %s: %s, want a window of %d", at, period, context["rateLimitPolicy"], want.window)
			}
			b.clock.advance(time.Duration(wait) * time.Second)
			if n := b.times(t, 3, payload); n != 3 {
				t.Errorf("%s, %s: %d of 3 served after the wait", at, period, n)
			}
		}
	}
}
