package usage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// spentOn is a day's row of calls by a billing type.
func spentOn(day int, billing string, allowed, exceeded int64) usage.Row {
	return usage.Row{Start: time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC), Product: "search", Counts: usage.Counts{
		usage.Dimension("b::" + billing + ":allowed"): allowed, usage.Dimension("b::" + billing + ":quota_exceeded"): exceeded,
	}}
}

// reached lists thresholds in short: "freemium 2026-11 50 (5 of 10)".
func reached(rows []usage.Row, quotas map[string]product.Quota, days ...int) string {
	var of []time.Time
	for _, d := range days {
		of = append(of, time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC))
	}
	var list []string
	for _, th := range usage.Reached(rows, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), of,
		func(product.Class) product.Group { return product.Other },
		func(k usage.Spending, _ time.Time) product.Quota { return quotas[string(k.Billing)] }) {
		list = append(list, fmt.Sprintf("%s %s %d (%d of %d)", th.Billing, th.Period, th.Percent, th.Used, th.Quota))
	}
	return strings.Join(list, ", ")
}

func TestThresholdsAreReachedByWhatIsCounted(t *testing.T) {
	for name, tt := range map[string]struct {
		rows   []usage.Row
		quotas map[string]product.Quota
		want   string
	}{
		"no quota":           {[]usage.Row{spentOn(5, "free", 1e9, 5)}, nil, ""},
		"just below half":    {[]usage.Row{spentOn(5, "free", 49, 0)}, map[string]product.Quota{"free": {Month: 100}}, ""},
		"half":               {[]usage.Row{spentOn(5, "free", 50, 0)}, map[string]product.Quota{"free": {Month: 100}}, "free 2026-11 50 (50 of 100)"},
		"the month's days":   {[]usage.Row{spentOn(1, "free", 40, 0), spentOn(5, "free", 40, 0)}, map[string]product.Quota{"free": {Month: 100}}, "free 2026-11 50 (80 of 100), free 2026-11 80 (80 of 100)"},
		"all, none refused":  {[]usage.Row{spentOn(5, "free", 100, 0)}, map[string]product.Quota{"free": {Month: 100}}, "free 2026-11 50 (100 of 100), free 2026-11 80 (100 of 100)"},
		"one refused":        {[]usage.Row{spentOn(5, "free", 99, 1)}, map[string]product.Quota{"free": {Month: 100}}, "free 2026-11 50 (99 of 100), free 2026-11 80 (99 of 100), free 2026-11 100 (99 of 100)"},
		"refused for a cap":  {[]usage.Row{spentOn(5, "free", 79, 9)}, map[string]product.Quota{"free": {Month: 100}}, "free 2026-11 50 (79 of 100)"},
		"types apart":        {[]usage.Row{spentOn(5, "free", 50, 0), spentOn(5, "paying", 90, 9)}, map[string]product.Quota{"free": {Month: 100}}, "free 2026-11 50 (50 of 100)"},
		"a day that is over": {[]usage.Row{spentOn(4, "free", 60, 0), spentOn(5, "free", 10, 0)}, map[string]product.Quota{"free": {Day: 100}}, ""},
		"the day's, of no month's": {
			[]usage.Row{spentOn(4, "free", 100, 2), spentOn(5, "free", 100, 7)},
			map[string]product.Quota{"free": {Day: 100}},
			"free 2026-11-05 50 (100 of 100), free 2026-11-05 80 (100 of 100), free 2026-11-05 100 (100 of 100)",
		},
		"the day's": {
			[]usage.Row{spentOn(4, "free", 300, 0), spentOn(5, "free", 100, 7)},
			map[string]product.Quota{"free": {Day: 100, Month: 1000}},
			"free 2026-11-05 50 (100 of 100), free 2026-11-05 80 (100 of 100), free 2026-11-05 100 (100 of 100)",
		},
		"either's": {
			[]usage.Row{spentOn(4, "free", 915, 0), spentOn(5, "free", 85, 7)},
			map[string]product.Quota{"free": {Day: 100, Month: 1000}},
			"free 2026-11 50 (1000 of 1000), free 2026-11 80 (1000 of 1000), free 2026-11 100 (1000 of 1000), free 2026-11-05 50 (85 of 100), free 2026-11-05 80 (85 of 100), free 2026-11-05 100 (85 of 100)",
		},
		"each its own": {
			[]usage.Row{spentOn(4, "free", 100, 3), spentOn(5, "free", 1, 7)},
			map[string]product.Quota{"free": {Day: 100, Month: 101}},
			"free 2026-11 50 (101 of 101), free 2026-11 80 (101 of 101), free 2026-11 100 (101 of 101)",
		},
	} {
		if got := reached(tt.rows, tt.quotas, 5); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// TestOfANumberThatDidNotHoldNothingIsReached: a call that was refused on such a day may have been for the month.
func TestOfANumberThatDidNotHoldNothingIsReached(t *testing.T) {
	set := time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
	days := []time.Time{set.AddDate(0, 0, -1).Truncate(24 * time.Hour), set.Truncate(24 * time.Hour)}
	list := usage.Reached([]usage.Row{spentOn(4, "free", 90, 3), spentOn(5, "free", 10, 0)}, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), days,
		func(product.Class) product.Group { return product.Other },
		func(_ usage.Spending, before time.Time) product.Quota {
			if !set.Before(before) {
				return product.Quota{Month: 100}
			}
			return product.Quota{Day: 10, Month: 100}
		})
	var got []string
	for _, th := range list {
		got = append(got, fmt.Sprint(th.Period, " ", th.Percent))
	}
	if want := "2026-11 50, 2026-11 80, 2026-11 100, 2026-11-05 50, 2026-11-05 80"; strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// TestFurtherCallsLeaveThresholdsReached: so the last of several that count finds each that all of them have reached.
func TestFurtherCallsLeaveThresholdsReached(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		quotas := map[string]product.Quota{"free": {Day: rapid.Int64Range(0, 50).Draw(t, "day"), Month: rapid.Int64Range(0, 200).Draw(t, "month")}}
		var rows []usage.Row
		var before []string
		for range rapid.IntRange(1, 8).Draw(t, "rows") {
			rows = append(rows, spentOn(rapid.IntRange(1, 3).Draw(t, "on"), "free", rapid.Int64Range(0, 40).Draw(t, "calls"), 0))
			var now []string
			for _, one := range strings.Split(reached(rows, quotas, 1, 2, 3), ", ") {
				id, _, _ := strings.Cut(one, " (")
				now = append(now, id)
			}
			for _, id := range before {
				if id != "" && !slices.Contains(now, id) {
					t.Fatalf("%s was reached, and then %v", id, now)
				}
			}
			before = now
		}
	})
}
