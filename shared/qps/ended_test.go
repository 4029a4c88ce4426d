package qps_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/apikey"
	"latchkey/shared/qps"
	"latchkey/shared/rotation"
)

// TestDroppingWhatHasEndedChangesNothingThatHolds: the job cleans a key's record up at some time after a limit's end. What
// holds, and what the customer may set without asking, is the same before and after, whatever was granted, lent and
// lowered until then.
func TestDroppingWhatHasEndedChangesNothingThatHolds(t *testing.T) {
	dropped := 0
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		standard := rapid.IntRange(1, 20).Draw(t, "default")
		k := apikey.Key{Version: 1, CreatedAt: now}
		number, either := rapid.IntRange(1, 60), rapid.Bool()
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			if k.Limits == nil || either.Draw(t, "grant") {
				k.Limits = qps.Grant(k.Limits, "search", number.Draw(t, "granted"), time.Time{}, now)
			}
			if either.Draw(t, "set") {
				wanted := min(number.Draw(t, "wanted"), qps.Free(k.Limits, "search", standard, now))
				k.Limits = qps.Set(k.Limits, "search", wanted, standard, now)
			}
			if either.Draw(t, "lend") {
				ends := now.Add(time.Duration(rapid.IntRange(1, 48).Draw(t, "hours")) * time.Hour)
				k.Limits = qps.Grant(k.Limits, "search", number.Draw(t, "lent"), ends, now)
			}
			now = now.Add(time.Duration(number.Draw(t, "waited")) * time.Hour)
			after, ok := rotation.WithoutEndedLimits(k, now)
			if !ok {
				continue
			}
			dropped++
			for _, days := range []int{0, 1, 2, 10} {
				at := now.AddDate(0, 0, days)
				if got, was := qps.Effective(after.Limits, "search", standard, at), qps.Effective(k.Limits, "search", standard, at); got != was {
					t.Fatalf("%+v is %+v: %d in %d days, it was %d", k.Limits, after.Limits, got, days, was)
				}
				if got, was := qps.Free(after.Limits, "search", standard, at), qps.Free(k.Limits, "search", standard, at); got != was {
					t.Fatalf("%+v is %+v: %d is free in %d days, it was %d", k.Limits, after.Limits, got, days, was)
				}
			}
			if _, again := rotation.WithoutEndedLimits(after, now); again {
				t.Fatalf("%+v has still something to drop", after.Limits)
			}
			if rapid.Bool().Draw(t, "the job has run") {
				k = after
			}
		}
	})
	if dropped == 0 {
		t.Fatal("nothing ever ended")
	}
}
