package limiter

import (
	"testing"
	"time"
)

// TestThePromisedNumbersAreThese has the times of the rule once more, as literals: all other tests take them from the
// constants, or would pass with others.
func TestThePromisedNumbersAreThese(t *testing.T) {
	for name, pair := range map[string][2]time.Duration{
		"window": {window, time.Second}, "lifeSmall": {lifeSmall, 100 * time.Millisecond}, "lifeLarge": {lifeLarge, time.Second},
		"forgive": {forgive, time.Second}, "expiry": {expiry, 24 * time.Hour}, "longIdle": {longIdle, 20 * time.Second}, "pause": {pause, time.Second},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, promised is %v", name, pair[0], pair[1])
		}
	}
	for name, pair := range map[string][2]int{
		"smallLimit": {smallLimit, 100}, "maxTries": {maxTries, 3}, "leastShare": {leastShare, 8}, "leasesPerSecond": {leasesPerSecond, 20},
		"leaseCalls": {leaseCalls, 34}, "leaseCallsFull": {leaseCallsFull, 64}, "ample": {ample, 4}, "ampleShare": {ampleShare, 32},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %d, promised is %d", name, pair[0], pair[1])
		}
	}
	for limit, want := range map[int64][2]time.Duration{
		1: {100 * time.Millisecond, 100 * time.Millisecond}, 100: {100 * time.Millisecond, 100 * time.Millisecond}, 101: {time.Second, 0},
	} {
		if got := [2]time.Duration{life(limit), wait(limit)}; got != want {
			t.Errorf("a limit of %d: life and wait are %v, want %v", limit, got, want)
		}
	}
	if longIdle < window+2*5*time.Second+8*time.Second {
		t.Error("two clocks that are 5 s wrong, and a write that was 8 s under way, leave less than a window")
	}
	if expiry < 1000*longIdle {
		t.Error("an item is deleted while clocks could still disagree about its window")
	}
}
