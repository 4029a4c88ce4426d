package main

import (
	"path/filepath"
	"strings"
	"testing"

	"latchkey/shared/keytest"
)

// TestEveryVariantCanBeBuilt: CI's short form of the benchmark has none of them.
func TestEveryVariantCanBeBuilt(t *testing.T) {
	keytest.OneAtATime(t)
	const authorizer = "latchkey/authorizer"
	for _, v := range variants(options{authorizer: authorizer}) {
		dir := filepath.Join(t.TempDir(), "variant")
		overlay, err := v.overlay(options{authorizer: authorizer}, dir)
		if err != nil {
			t.Fatal(err)
		}
		cmd, err := goBuild(v.pkg, overlay, filepath.Join(dir, "bootstrap"), [2]string{"linux", "arm64"}, "-n") // what it would do
		if err != nil {
			t.Fatal(err)
		}
		text, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(text), "link") {
			t.Errorf("%s: %v, and nothing is linked:\n%.2000s", v.name, err, text)
		}
	}
}
