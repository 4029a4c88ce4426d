package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/keytest"
)

const root = "../.."

// TestEveryPlantedBugStillApplies: a patch that the code has left behind says nothing any more. Whether each is caught
// is what `make test-bugs` looks at.
func TestEveryPlantedBugStillApplies(t *testing.T) {
	keytest.OneAtATime(t)
	bugs, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string][]string{}
	for _, b := range bugs {
		check := exec.Command("git", "apply", "--check", b.File)
		check.Dir = root
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s no longer applies: %s", b.Name, firstLine(out))
		}
		if functions[b.Package] == nil {
			functions[b.Package] = tests(t, b.Package)
		}
		first, _, _ := strings.Cut(b.Test, "/") // what is behind it names a part of the test
		for _, pattern := range strings.Split(strings.Trim(first, "()"), "|") {
			if !slices.ContainsFunc(functions[b.Package], regexp.MustCompile(pattern).MatchString) {
				t.Errorf("%s names %s, which %s doesn't have", b.Name, pattern, b.Package)
			}
		}
	}
}

var testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)\w*)\(`)

// tests lists the test functions of a package.
func tests(t *testing.T, pkg string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Errorf("%s has no tests (%v)", pkg, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range testFunction.FindAllSubmatch(text, -1) {
			names = append(names, string(found[1]))
		}
	}
	return names
}

func TestAPatchNamesItsGuaranteeAndItsTest(t *testing.T) {
	const good = "guarantee: it holds\ntest: ./shared/x TestX\n--- a/shared/x/x.go\n+++ b/shared/x/x.go\n"
	b, err := parse("gate/one", []byte(good))
	if err != nil || b.Package != "./shared/x" || b.Test != "TestX" || len(b.Touches) != 1 || b.area() != "gate" {
		t.Errorf("%+v %v", b, err)
	}
	for what, text := range map[string]string{
		"no guarantee": strings.Replace(good, "guarantee", "note", 1),
		"no test":      strings.Replace(good, "test: ", "run: ", 1),
		"no diff":      good[:strings.Index(good, "---")],
	} {
		if _, err := parse("gate/one", []byte(text)); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
	if _, err := parse("one", []byte(good)); err == nil {
		t.Error("a patch without an area was taken")
	}
}

func TestOnlyAFailingTestCatchesABug(t *testing.T) {
	for out, want := range map[string]result{
		"--- FAIL: TestX (0.00s)\nFAIL\tlatchkey/x\t0.1s\n":        failed,
		"FAIL\tlatchkey/x [build failed]\n":                        notBuilt,
		"panic: test timed out after 3m0s\nFAIL\tlatchkey/x\t180s": hung,
		"ok  \tlatchkey/x\t0.1s [no tests to run]\n":               noTest,
		"ok  \tlatchkey/x\t0.1s\n":                                 passed,
	} {
		if got := judge([]byte(out), strings.HasPrefix(out, "-") || strings.Contains(out, "FAIL")); got != want {
			t.Errorf("%q: %s, want %s", out, got, want)
		}
	}
}

func TestAChangeChoosesTheBugsThatConcernIt(t *testing.T) {
	bugs := []bug{
		{Name: "a/1", File: "infra/bugs/a/1.patch", Package: "./shared/a", Touches: []string{"shared/a/a.go"}},
		{Name: "b/1", File: "infra/bugs/b/1.patch", Package: "./infra/contract", Touches: []string{"template.yaml"}},
		{Name: "c/1", File: "infra/bugs/c/1.patch", Package: "./shared/c", Touches: []string{"shared/c/c.go"}},
	}
	for changed, want := range map[string]string{
		"shared/a/other.go":     "a/1",
		"template.yaml":         "b/1",
		"infra/bugs/c/1.patch":  "c/1",
		"docs/security.md":      "",
		"infra/contract/x_test": "b/1",
	} {
		var got []string
		for _, b := range touching(bugs, []string{changed}) {
			got = append(got, b.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %q", changed, got, want)
		}
	}
}

func TestABoundChoosesTheSameBugsForACommitAndOthersForTheNext(t *testing.T) {
	var bugs []bug
	for n := range 100 {
		bugs = append(bugs, bug{Name: fmt.Sprintf("a/%02d", n)})
	}
	names := func(bugs []bug) string {
		var all []string
		for _, b := range bugs {
			all = append(all, b.Name)
		}
		return strings.Join(all, " ")
	}
	first := some(bugs, "one commit", 10)
	if len(first) != 10 || names(first) != names(some(bugs, "one commit", 10)) {
		t.Errorf("chosen for one commit: %s, then %s", names(first), names(some(bugs, "one commit", 10)))
	}
	if names(first) == names(some(bugs, "the next", 10)) {
		t.Errorf("two commits have the same bugs: %s", names(first))
	}
	if len(some(bugs[:3], "one commit", 10)) != 3 {
		t.Error("of three bugs not all three were chosen")
	}
}
