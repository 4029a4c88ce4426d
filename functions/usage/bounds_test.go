package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"latchkey/shared/moment"
)

// TestTheRangesThatAreKept, at both sides of each of their bounds: how long a range may be, how long ago it may begin, and how late it may end.
func TestTheRangesThatAreKept(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	ask := func(interval string, from, to time.Time) (query, error) {
		target := fmt.Sprintf("/?interval=%s&with=before&from=%s&to=%s", interval, moment.Format(from), moment.Format(to))
		return parseQuery(httptest.NewRequest(http.MethodGet, target, nil), now)
	}
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	midnight := now.Truncate(day)
	for _, tt := range []struct {
		interval string
		from, to time.Time
		taken    bool
	}{
		{"hour", ago(35*day + time.Hour), ago(34 * day), true},
		{"hour", ago(35*day + time.Hour + time.Millisecond), ago(34 * day), false}, // widened to two hours more
		{"hour", now, now.Add(35*day + time.Hour), true},
		{"hour", now, now.Add(35*day + 2*time.Hour), false},
		{"day", midnight.AddDate(0, 0, -400), midnight.AddDate(0, 0, -399), true},
		{"day", midnight.AddDate(0, 0, -401), midnight.AddDate(0, 0, -399), false},
		{"day", midnight.AddDate(0, 0, -400), midnight.AddDate(0, 0, 1), true},
		{"day", midnight.AddDate(0, 0, -400), midnight.AddDate(0, 0, 2), false},
		{"hour", moment.Last.Add(-3 * time.Hour), moment.Last.Add(-time.Hour), true},
		{"hour", moment.Last.Add(-3 * time.Hour), moment.Last.Add(-time.Hour + time.Millisecond), false},
		{"hour", now, now, false},
		{"hour", now, now.Add(time.Millisecond), true},
	} {
		if _, err := ask(tt.interval, tt.from, tt.to); (err == nil) != tt.taken {
			t.Errorf("%s from %s to %s: %v", tt.interval, moment.Format(tt.from), moment.Format(tt.to), err)
		}
	}
	for days, kept := range map[int]bool{17: true, 18: false} { // the period before begins twice as long ago
		if q, err := ask("hour", now.AddDate(0, 0, -days), now); err != nil || q.earlier.IsZero() == kept {
			t.Errorf("before the last %d days: %v, %v", days, q.earlier, err)
		}
	}
	for _, tt := range []struct {
		interval string
		length   time.Duration
		want     bool
	}{{"hour", 7*day + time.Hour, true}, {"hour", 7*day + 2*time.Hour, false}, {"day", 3 * day, false}} {
		if q, err := ask(tt.interval, now.Add(-tt.length).Truncate(time.Hour), now); err != nil || q.comparable() != tt.want {
			t.Errorf("%s, %s: %v, %v", tt.interval, tt.length, q.comparable(), err)
		}
	}
}
