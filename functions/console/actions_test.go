package main

import (
	"os"
	"regexp"
	"testing"
	"time"
)

var listedAction = regexp.MustCompile("(?m)^\\| [^|]+ \\| `([a-z_]+(?:\\.[a-z_]+)+)` \\|")

// The page of the events lists all actions, which a test of functions/events holds.
func TestEveryActionHasItsText(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/events.md")
	if err != nil {
		t.Fatal(err)
	}
	actions := listedAction.FindAllSubmatch(page, -1)
	if len(actions) < 50 {
		t.Fatalf("only %d actions were found", len(actions))
	}
	r := newHarness(t, time.Hour)
	for _, lang := range r.app.langs.Offered() {
		for _, action := range actions {
			if key := "action." + string(action[1]); !lang.Has(key) {
				t.Errorf("%s has no text for %s", lang.Tag, key)
			}
		}
	}
}
