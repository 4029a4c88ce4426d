package main

import (
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestNoChangeIsMadeTwice(t *testing.T) {
	apitest.Repeats(t, idle, served, map[string]string{"cancelRotation": "rotating", "endRotation": "rotating", "extendRotation": "rotating"})
}
