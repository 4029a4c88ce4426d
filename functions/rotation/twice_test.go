package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

// TestASecondRequestDuringTheFirstIsItsReplay, also where it names the version that the first one replaces.
func TestASecondRequestDuringTheFirstIsItsReplay(t *testing.T) {
	apitest.Overlapping(t, idle, served, "*")
	apitest.Overlapping(t, idle, served, `"1"`)
}

func TestNoChangeIsMadeTwice(t *testing.T) {
	apitest.Repeats(t, idle, served, map[string]string{"cancelRotation": "rotating", "endRotation": "rotating", "extendRotation": "rotating"})
}
