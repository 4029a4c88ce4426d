package contract

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
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

// TestNoProgramIsAmongTheSources: one that was built in its own folder was nearly committed.
func TestNoProgramIsAmongTheSources(t *testing.T) {
	files := 0
	for _, dir := range []string{"authorizer", "functions", "shared", "infra"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				if e != nil && e.IsDir() && e.Name() == "node_modules" {
					return filepath.SkipDir
				}
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			var begins [4]byte
			if _, err := f.Read(begins[:]); err == nil && bytes.Equal(begins[:], []byte("\x7fELF")) {
				t.Errorf("%s is a program", path)
			}
			files++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 500 {
		t.Errorf("only %d files", files)
	}
}
