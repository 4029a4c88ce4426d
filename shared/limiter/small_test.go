package limiter

import (
	"testing"
	"time"
)

// TestASmallLimitsTokensLiveShort, and its windows wait for them. The numbers themselves stand in infra/contract.
func TestASmallLimitsTokensLiveShort(t *testing.T) {
	for limit, want := range map[int64][2]time.Duration{
		1: {100 * time.Millisecond, 100 * time.Millisecond}, 100: {100 * time.Millisecond, 100 * time.Millisecond}, 101: {time.Second, 0},
	} {
		if got := [2]time.Duration{life(limit), wait(limit)}; got != want {
			t.Errorf("a limit of %d: life and wait are %v, want %v", limit, got, want)
		}
	}
}
