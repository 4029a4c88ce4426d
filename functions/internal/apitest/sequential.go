package apitest

import "testing"

// Sequential leaves a long test out of `go test -short`, the form of the race detector: it sends one request after the other from
// one goroutine, so that there is no race to see, and takes five times as long there.
func Sequential(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: one request after the other")
	}
}
