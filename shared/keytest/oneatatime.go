package keytest

import "testing"

// OneAtATime leaves a test out under the race detector: a long walk that makes one call after another. What goes on beside a call
// is the same in each of them, and watched in shorter tests of the same code.
func OneAtATime(t testing.TB) {
	t.Helper()
	if Race {
		t.Skip("one call after another: the race detector watches shorter tests")
	}
}
