package rotation_test

import (
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/rotation"
)

// TestAGraceThatIsSaidHoldsWhateverTheReason: only where none is said does the reason decide.
func TestAGraceThatIsSaidHoldsWhateverTheReason(t *testing.T) {
	for _, reason := range []string{rotation.Other, rotation.Scheduled, rotation.Leaked} {
		for _, seconds := range []int64{0, 1, 60, 2592000} {
			grace, err := rotation.ParseGrace(&seconds, reason)
			if err != nil {
				t.Fatal(err)
			}
			k, err := rotation.Rotate(apikey.Key{}, apikey.StoredSecret{Hash: apikey.Hash{1}}, grace, reason, noon)
			if err != nil {
				t.Fatal(err)
			}
			if got := k.Outgoing != nil && k.Outgoing.EndsAt.Equal(noon.Add(time.Duration(seconds)*time.Second)); got != (seconds > 0) {
				t.Errorf("%s, %d s: the old secret %+v", reason, seconds, k.Outgoing)
			}
		}
	}
}
