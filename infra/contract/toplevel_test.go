package contract

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestTheTopLevelHoldsNothingElse: a binary that was built there by mistake was once committed.
func TestTheTopLevelHoldsNothingElse(t *testing.T) {
	known := []string{
		"functions", "authorizer", "shared", "infra", "docs", "template.yaml", "samconfig.toml", "go.mod", "go.sum", "Makefile",
		"README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(known, e.Name()) {
			t.Errorf("%s doesn't belong at the top level", e.Name())
		}
	}
}
