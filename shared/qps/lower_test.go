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
		if wanted >= current {
			return
		}
		after := qps.Set(limits, "search", wanted, standard, now)
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
		after := qps.Set(limits, "search", wanted, standard, now)
		for at, want := range map[time.Time]int{now: wanted, loan.EndsAt.Add(-time.Nanosecond): wanted, loan.EndsAt: back} {
			if got := qps.Effective(after, "search", standard, at); got != want {
				t.Fatalf("%+v lowered to %d: %+v gives %d at %v, want %d", loan, wanted, after, got, at.Sub(now), want)
			}
		}
	})
}

// TestLoweringIsNoOneWayDoor holds the customer's way back: from any limit, down to anything and, while nothing ends,
// up again to the default, to what was granted and to what held before.
func TestLoweringIsNoOneWayDoor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		standard := rapid.IntRange(1, 20).Draw(t, "default")
		var limits []apikey.Limit
		granted := 0
		switch rapid.SampledFrom([]string{"nothing", "before grants were noted", "for good"}).Draw(t, "granted") {
		case "before grants were noted":
			granted = rapid.IntRange(1, 50).Draw(t, "qps")
			limits = []apikey.Limit{{Class: "search", QPS: granted}}
		case "for good":
			granted = rapid.IntRange(1, 50).Draw(t, "qps")
			limits = qps.Grant(limits, "search", granted, time.Time{}, now)
		}
		way := max(standard, granted)
		for range rapid.IntRange(1, 5).Draw(t, "changes") {
			wanted := rapid.IntRange(1, way).Draw(t, "wanted")
			if wanted == qps.Effective(limits, "search", standard, now) {
				continue
			}
			if err := qps.CheckFree(qps.Effective(limits, "search", standard, now), qps.Free(limits, "search", standard, now), wanted); err != nil {
				t.Fatalf("%d of %d: %v", wanted, way, err)
			}
			limits = qps.Set(limits, "search", wanted, standard, now)
			if got := qps.Effective(limits, "search", standard, now); got != wanted {
				t.Fatalf("%+v: it is %d, want %d", limits, got, wanted)
			}
		}
		if got := qps.Free(limits, "search", standard, now); got != way {
			t.Fatalf("%+v: %d is free, want %d", limits, got, way)
		}
	})
}

// TestALoanCanBeTakenUpAgainUntilItEnds: lowering during a loan is no loss either, and never outlives it.
func TestALoanCanBeTakenUpAgainUntilItEnds(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	end := now.Add(time.Hour)
	limits := qps.Grant(nil, "search", 20, time.Time{}, now)
	limits = qps.Grant(limits, "search", 70, end, now)
	limits = qps.Set(limits, "search", 30, 5, now)
	if got := qps.Free(limits, "search", 5, now); got != 70 {
		t.Errorf("until its end %d is free, want 70", got)
	}
	limits = qps.Set(limits, "search", 60, 5, now)
	for at, want := range map[time.Time]int{now: 60, end: 20} {
		if got := qps.Effective(limits, "search", 5, at); got != want {
			t.Errorf("at %v: %d, want %d", at.Sub(now), got, want)
		}
	}
	if got := qps.Free(limits, "search", 5, end); got != 20 {
		t.Errorf("after its end %d is free, want 20", got)
	}
}

// TestALoanStaysFreeWhateverIsSetMeanwhile: in any number of steps, down and up, all of a loan can be taken up again until
// it ends, and at its end there is no more than without it.
func TestALoanStaysFreeWhateverIsSetMeanwhile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		end := now.Add(time.Hour)
		standard := rapid.IntRange(1, 20).Draw(t, "default")
		loan := standard + rapid.IntRange(3, 50).Draw(t, "lent above the default")
		limits := qps.Grant(nil, "search", loan, end, now)
		for range rapid.IntRange(2, 6).Draw(t, "changes") {
			// Down to the default or less gives the loan back; the loan is what is above it.
			limits = qps.Set(limits, "search", rapid.IntRange(standard+1, loan).Draw(t, "wanted"), standard, now)
			if got := qps.Free(limits, "search", standard, now); got != loan {
				t.Fatalf("%+v: until the end %d is free, want %d", limits, got, loan)
			}
		}
		if got := qps.Free(limits, "search", standard, end); got != standard {
			t.Fatalf("%+v: at the end %d is free, want %d", limits, got, standard)
		}
	})
}
