package main

import (
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
)

func TestASecondRequestDuringTheFirstIsItsReplay(t *testing.T) {
	apitest.Overlapping(t, fixture, served, "*")
}

func TestNoChangeIsMadeTwice(t *testing.T) {
	apitest.Repeats(t, fixture, served, nil)
}

// TestALimitThatHoldsIsNotWrittenAgain, whichever was set last.
func TestALimitThatHoldsIsNotWrittenAgain(t *testing.T) {
	r := newHarness(t)
	put := func(class string, qps int) string {
		return r.Want(t, 200, apitest.Call{As: "operator", Method: "PUT", Path: "/v1/operator" + strings.TrimPrefix(r.path("keys", string(r.key.ID), "limits", class), "/v1"), Body: map[string]any{"qps": qps}}).Header.Get("ETag")
	}
	put("search", 50)
	set := put("map-display", 60)
	if again := put("search", 50); again != set {
		t.Errorf("the key is %s, was %s", again, set)
	}
}
