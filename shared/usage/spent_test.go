package usage_test

import (
	"maps"
	"testing"
	"time"

	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// TestWhatIsSpentIsTheAllowedCallsOfABillingTypeAndAGroup, of each product's classes.
func TestWhatIsSpentIsTheAllowedCallsOfABillingTypeAndAGroup(t *testing.T) {
	group := func(c product.Class) product.Group {
		if c == "map.tiles" || c == "street" {
			return "tiles"
		}
		return product.Other
	}
	got := usage.Spent([]usage.Row{
		{Product: "map", Counts: usage.Counts{
			"b:tiles:freemium:allowed": 5, "b::freemium:allowed": 3, "b:tiles:freemium:qps_exceeded": 9, "b:tiles:freemium:quota_exceeded": 9,
			"b:tiles:paying:allowed": 7, "b:*:freemium:allowed": 100, "b:*:*:allowed": 100, "o:c:allowed": 1000,
		}},
		{Product: "map", Counts: usage.Counts{"b:tiles:freemium:allowed": 1}},
		{Product: "street", Counts: usage.Counts{"b::freemium:allowed": 20}},
	}, group)
	want := map[usage.Spending]int64{{"freemium", "tiles"}: 26, {"freemium", "other"}: 3, {"paying", "tiles"}: 7}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestWhenAQuotaRunsOut: at the rate of the day so far, or not before the period ends.
func TestWhenAQuotaRunsOut(t *testing.T) {
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		left, today int64
		now, want   time.Duration // of the day; 0: it doesn't
	}{
		{left: 50, today: 100, now: 12 * time.Hour, want: 18 * time.Hour},
		{left: 99, today: 100, now: 12 * time.Hour, want: 23*time.Hour + 52*time.Minute + 48*time.Second},
		{left: 100, today: 100, now: 12 * time.Hour},
		{left: 50, today: 0, now: 12 * time.Hour},
		{left: 0, today: 100, now: 12 * time.Hour},
		{left: 50, today: 100, now: 0},
		{left: 1e12, today: 1, now: time.Hour},
	} {
		got := usage.RunsOut(tt.left, tt.today, day.Add(tt.now), day.AddDate(0, 0, 1))
		if want := day.Add(tt.want); !got.Equal(want) && (tt.want != 0 || !got.IsZero()) {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}
