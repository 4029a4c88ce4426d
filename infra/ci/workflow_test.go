package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func repositoryFile(t *testing.T, name ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, name...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheWorkflowRunsTheSameChecksWithTheModulesVersionOfGo(t *testing.T) {
	workflow := repositoryFile(t, ".github", "workflows", "ci.yml")
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(repositoryFile(t, "go.mod"))
	if version == nil || !strings.Contains(workflow, `GO_VERSION: "`+version[1]+`.x"`) {
		t.Errorf("the workflow doesn't take Go %v", version)
	}
	for _, command := range []string{".ci/run", "make vulncheck"} {
		if !strings.Contains(workflow, "- run: "+command+"\n") {
			t.Errorf("the workflow doesn't run %s", command)
		}
	}
}

// A tag can be moved to other code; a commit can't.
func TestActionsArePinnedByCommit(t *testing.T) {
	uses := regexp.MustCompile(`uses: (.*)`).FindAllStringSubmatch(repositoryFile(t, ".github", "workflows", "ci.yml"), -1)
	if len(uses) == 0 {
		t.Error("the workflow uses no action")
	}
	for _, u := range uses {
		if !regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`).MatchString(u[1]) {
			t.Errorf("%q isn't a full commit with its tag", u[1])
		}
	}
}

// A shallow clone lacks the last release, and the tests that build it would skip themselves.
func TestTheChecksHaveTheWholeHistory(t *testing.T) {
	checks, _, _ := strings.Cut(repositoryFile(t, ".github", "workflows", "ci.yml"), "- run: .ci/run\n")
	_, checkout, found := strings.Cut(checks, "- uses: actions/checkout@")
	if checkout, _, _ = strings.Cut(checkout, "- uses: "); !found || !strings.Contains(checkout, "\n          fetch-depth: 0 ") {
		t.Errorf("the checkout before .ci/run fetches the newest commit alone: %s", checkout)
	}
}
