package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"latchkey/infra/e2e/guides"
)

// target is a command that makes one of the Makefile's targets.
var target = regexp.MustCompile(`^make ([a-z-]+)( [A-Z]+=\S*)*$`)

// TestTheCommandsOfTheGuidesWork: each is run against a local run, in the order of its page, and prints what the page says.
func TestTheCommandsOfTheGuidesWork(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "guides", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, page := range append(pages, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		list, _ := guides.Steps(string(raw))
		var here []guides.Step
		for _, s := range list {
			// What is made is run by .ci/run and by people; here it has to be there.
			if m := target.FindStringSubmatch(s.Command); m == nil {
				here = append(here, s)
			} else if !strings.Contains(string(makefile), "\n"+m[1]+":") {
				t.Errorf("%s: %s is no target", page, m[1])
			}
		}
		ran += len(list)
		if len(here) > 0 {
			t.Run(filepath.Base(page), func(t *testing.T) { shared.follow(t, here) })
		}
	}
	if ran < 30 {
		t.Errorf("only %d commands found", ran)
	}
}

// follow runs the commands of a page, as if in the repository while a local run on its ports is up.
func (s *stack) follow(t *testing.T, list []guides.Step) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "template.yaml", "samconfig.toml", "infra", "docs", "shared", "authorizer", "functions"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(s.dir, filepath.Join(dir, ".latchkey")); err != nil {
		t.Fatal(err)
	}
	names := []string{
		"http://127.0.0.1:8080", s.ProductsURL, "http://127.0.0.1:8081", s.ManagementURL, "http://127.0.0.1:8082", s.ConsoleURL,
		"ak_…", s.DemoSecret, "go run ./infra/local ", runner + " ",
	}
	for _, problem := range guides.Follow(t.Context(), dir, append(os.Environ(), "LATCHKEY_DATA_DIR="+s.dir), names, list) {
		t.Error(problem)
	}
}
