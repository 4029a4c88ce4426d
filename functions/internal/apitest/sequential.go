package apitest

import (
	"testing"

	"latchkey/shared/keytest"
)

// Sequential leaves a long test out where the race detector watches: it sends one request after the other, and what a request does at the
// same time is seen in shorter tests, such as those of the golden pages. It takes five times as long there.
func Sequential(t testing.TB) {
	t.Helper()
	if keytest.Race {
		t.Skip("one request after the other")
	}
}
