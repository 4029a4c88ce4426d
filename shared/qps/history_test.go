package qps_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/apikey"
	"latchkey/shared/qps"
)

// TestWhatIsSetHoldsAndWhatWasGrantedStaysThroughAnyHistory: grants for good, loans, settings and time in any order, with
// and without the job that cleans up. What a customer sets holds from that moment to the end of a loan that runs, without
// one for good; and once no loan runs, the way back is open to what was granted for good last, and no further.
func TestWhatIsSetHoldsAndWhatWasGrantedStaysThroughAnyHistory(t *testing.T) {
	afterLoans, lentOverGrants := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		standard := rapid.IntRange(1, 20).Draw(t, "default")
		number := rapid.IntRange(1, 60)
		var limits []apikey.Limit
		var ends time.Time // of the last loan
		granted := 0
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"grant", "lend", "set", "set", "wait"}).Draw(t, "step") {
			case "grant":
				granted, ends = number.Draw(t, "granted"), time.Time{}
				limits = qps.Grant(limits, "search", granted, ends, now)
			case "lend":
				if granted > qps.Effective(limits, "search", standard, now) {
					lentOverGrants++
				}
				ends = now.Add(time.Duration(rapid.IntRange(1, 24).Draw(t, "hours")) * time.Hour)
				limits = qps.Grant(limits, "search", number.Draw(t, "lent"), ends, now)
			case "wait":
				now = now.Add(time.Duration(rapid.IntRange(1, 48).Draw(t, "waited")) * time.Hour)
			case "set":
				wanted := min(number.Draw(t, "wanted"), qps.Free(limits, "search", standard, now))
				limits = qps.Set(limits, "search", wanted, standard, now)
				until := now.AddDate(1, 0, 0)
				if now.Before(ends) {
					until = ends.Add(-time.Nanosecond)
				} else if !ends.IsZero() {
					afterLoans++
				}
				for _, at := range []time.Time{now, until} {
					if got := qps.Effective(limits, "search", standard, at); got != wanted {
						t.Fatalf("set to %d: %+v gives %d at %v", wanted, limits, got, at.Sub(now))
					}
				}
			}
			if got, want := qps.Free(limits, "search", standard, now.AddDate(1, 0, 0)), max(standard, granted); got != want {
				t.Fatalf("%+v: without a loan %d is free, want %d", limits, got, want)
			}
		}
	})
	if afterLoans == 0 || lentOverGrants == 0 {
		t.Fatalf("%d settings after a loan, %d loans to somebody who was below their grant", afterLoans, lentOverGrants)
	}
}

// TestALoanLeavesWhatHeldBeforeIt: at the end of a loan comes back what held before, whatever its customer set meanwhile;
// or the last that was set, if that is less. Grants from before grants were noted count as those since.
func TestALoanLeavesWhatHeldBeforeIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		standard := rapid.IntRange(1, 20).Draw(t, "default")
		var limits []apikey.Limit
		before := standard
		if rapid.Bool().Draw(t, "granted") {
			before = rapid.IntRange(standard, 60).Draw(t, "grant")
			limits = qps.Grant(limits, "search", before, time.Time{}, now)
			if rapid.Bool().Draw(t, "before grants were noted") {
				limits[0].Granted = 0
			}
		}
		sets := rapid.IntRange(0, 5).Draw(t, "settings during the loan")
		if sets == 0 && rapid.Bool().Draw(t, "lowered before") {
			before = rapid.IntRange(1, before).Draw(t, "lowered to")
			limits = qps.Set(limits, "search", before, standard, now)
		}
		end := now.Add(time.Hour)
		limits = qps.Grant(limits, "search", rapid.IntRange(1, 60).Draw(t, "lent"), end, now)
		want := before
		for range sets {
			set := rapid.IntRange(1, qps.Free(limits, "search", standard, now)).Draw(t, "set")
			limits = qps.Set(limits, "search", set, standard, now)
			want = min(before, set)
		}
		if got := qps.Effective(limits, "search", standard, end); got != want {
			t.Fatalf("%d held before, %d comes back, want %d: %+v", before, got, want, limits)
		}
	})
}
