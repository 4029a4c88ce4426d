package qps_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/apikey"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

func TestLoweringNeverRaisesALimitAtAnyTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		standard := rapid.IntRange(1, 20).Draw(t, "default")
		var limits []apikey.Limit
		for _, class := range []product.Class{"search", "routing"} {
			if rapid.Bool().Draw(t, "own") {
				l := apikey.Limit{Class: class, QPS: rapid.IntRange(1, 50).Draw(t, "qps")}
				if rapid.Bool().Draw(t, "ends") {
					l.EndsAt = now.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "hours")) * time.Hour)
					l.Then = rapid.IntRange(0, 50).Draw(t, "then")
				}
				limits = append(limits, l)
			}
		}
		current := qps.Effective(limits, "search", standard, now)
		wanted := rapid.IntRange(1, 50).Draw(t, "wanted")
		if qps.Lower(current, wanted) != nil {
			return
		}
		after := qps.Lowered(limits, "search", wanted, standard, now)
		for hours := range 6 {
			at := now.Add(time.Duration(hours) * time.Hour)
			got, was := qps.Effective(after, "search", standard, at), qps.Effective(limits, "search", standard, at)
			if got > was || got > wanted {
				t.Fatalf("%+v lowered to %d: %+v gives %d after %d h, it was %d", limits, wanted, after, got, hours, was)
			}
			if other := qps.Effective(after, "routing", standard, at); other != qps.Effective(limits, "routing", standard, at) {
				t.Fatalf("another class changed to %d", other)
			}
		}
		if got := qps.Effective(after, "search", standard, now); got != wanted {
			t.Fatalf("it is %d now, want %d", got, wanted)
		}
	})
}

// TestLoweringALoanKeepsItsEnd draws what the property above meets by chance: a limit that ends, with less behind it
// than what is wanted until then.
func TestLoweringALoanKeepsItsEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		back := rapid.IntRange(1, 50).Draw(t, "back")
		wanted := back + rapid.IntRange(1, 50).Draw(t, "above what comes back")
		loan := apikey.Limit{
			Class: "search", QPS: wanted + rapid.IntRange(1, 50).Draw(t, "lowered by"), Then: back,
			EndsAt: now.Add(time.Duration(rapid.IntRange(1, 1000).Draw(t, "minutes")) * time.Minute),
		}
		standard := rapid.IntRange(1, 200).Draw(t, "default")
		if rapid.Bool().Draw(t, "the default comes back") {
			loan.Then, standard = 0, back
		}
		limits := []apikey.Limit{loan}
		if err := qps.Lower(qps.Effective(limits, "search", standard, now), wanted); err != nil {
			t.Fatal(err)
		}
		after := qps.Lowered(limits, "search", wanted, standard, now)
		for at, want := range map[time.Time]int{now: wanted, loan.EndsAt.Add(-time.Nanosecond): wanted, loan.EndsAt: back} {
			if got := qps.Effective(after, "search", standard, at); got != want {
				t.Fatalf("%+v lowered to %d: %+v gives %d at %v, want %d", loan, wanted, after, got, at.Sub(now), want)
			}
		}
	})
}
