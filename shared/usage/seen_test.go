package usage_test

import (
	"testing"

	"latchkey/shared/usage"
)

// TestWhatWasSeenIsEveryAllowedCallOnce: of a page, of none, or of a page that wasn't kept.
func TestWhatWasSeenIsEveryAllowedCallOnce(t *testing.T) {
	rows := []usage.Row{
		{Counts: usage.Counts{
			"c:c:allowed": 90, "c:p:allowed": 10, "c:c:domain_not_allowed": 50, "c:c:qps_exceeded": 5, "o:shop.example:allowed": 60, "o:shop.example:qps_exceeded": 5,
			"o:-:allowed": 7, "o:evil.example:domain_not_allowed": 44, "o:*:allowed": 3, "o:*refused:domain_not_allowed": 6, "m:07": 99, "x:1:allowed": 4,
		}},
		{Counts: usage.Counts{"c:c:allowed": 20, "o:app://localhost:allowed": 15, "o:shop.example:allowed": 1}},
	}
	got := usage.SeenIn(rows)
	if got.Allowed != 120 || got.Missing != 7 || got.Unkept != 120-60-7-15-1 {
		t.Errorf("%+v", got)
	}
	if len(got.Hosts) != 2 || got.Hosts[0].Name != "shop.example" || got.Hosts[0].Allowed != 61 || got.Hosts[1].Name != "app://localhost" || got.Hosts[1].Allowed != 15 {
		t.Errorf("%+v", got.Hosts)
	}
}
