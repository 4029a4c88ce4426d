package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestNoChangeIsMadeTwice(t *testing.T) {
	apitest.Repeats(t, fixture, served, nil)
}
