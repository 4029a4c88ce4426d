package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestASecondRequestDuringTheFirstIsItsReplay(t *testing.T) {
	apitest.Twins(t, fixture, served, "*")
}

func TestNoChangeIsMadeTwice(t *testing.T) {
	apitest.Repeats(t, fixture, served, nil)
}
