package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBrowserTestsWaitThroughNavigations: Playwright's waitForFunction fails where it looks while a document is gone or half there, which a
// test of pages that lead to others sees now and then. `until` doesn't.
func TestBrowserTestsWaitThroughNavigations(t *testing.T) {
	files, err := filepath.Glob(root + "infra/browser/*.mjs")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, ".waitForFunction(") {
				t.Errorf("%s:%d: use until", strings.TrimPrefix(file, root), i+1)
			}
		}
	}
}
