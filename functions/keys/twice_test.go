package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestASecondRequestDuringTheFirstIsItsReplay(t *testing.T) {
	apitest.Overlapping(t, fixture, served, "*")
}

func TestNoChangeIsMadeTwice(t *testing.T) {
	apitest.Repeats(t, fixture, served, map[string]string{"enableKey": "disabled"})
}
