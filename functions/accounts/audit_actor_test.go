package main

import (
	"testing"

	"latchkey/shared/audit"
)

// TestARowIsOfTheWholeAddress: as people are told apart everywhere else, by the case of ASCII letters alone.
func TestARowIsOfTheWholeAddress(t *testing.T) {
	row := audit.Row{Actor: audit.Actor{Email: "kim.s@example.com"}}
	for actor, want := range map[string]bool{
		"": true, "kim.s@example.com": true, "KIM.S@example.COM": true, "\u212aim.s@example.com": false, "kim.\u017f@example.com": false, "kim.s": false, "\u200ekim.s@example.com\u200f": true, "kim.s@\u200bexample.com": true,
	} {
		if (auditFilter{actor: actor}).takes(row) != want {
			t.Errorf("%q: not %v", actor, want)
		}
	}
}
