package contract

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The page of the security claims names the tests that hold them: each of its sections has some, and each test is where
// the page says.
func TestEverySecurityClaimIsHeldByATest(t *testing.T) {
	raw, err := os.ReadFile(root + "docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	text, table, _ := strings.Cut(string(raw), "## The tests that hold this\n")
	held := map[string]int{}
	for _, line := range strings.Split(table, "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "| ") || len(cells) != 3 || strings.TrimSpace(cells[0]) == "of" {
			continue
		}
		held[strings.TrimSpace(cells[0])]++
		if tests := theirTests(cells[2]); len(tests) == 0 {
			t.Errorf("nothing holds: %s", line)
		} else {
			for test, packages := range tests {
				if len(packages) == 0 {
					t.Errorf("%s is in no package", test)
				}
				for _, folder := range packages {
					if !hasTest(t, folder, test) {
						t.Errorf("%s has no %s", folder, test)
					}
				}
			}
		}
	}
	sections := regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(text, -1)
	for _, section := range sections {
		if held[section[1]] == 0 {
			t.Errorf("no test holds anything of %q", section[1])
		}
		delete(held, section[1])
	}
	if len(held) > 0 || len(sections) < 10 {
		t.Errorf("%d sections; claims of sections that there aren't: %v", len(sections), held)
	}
}

var quoted = regexp.MustCompile("`([^`]+)`")

// theirTests reads "`TestA` in `x` and `y`, `TestB` in `z`".
func theirTests(cell string) map[string][]string {
	tests, last := map[string][]string{}, ""
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		if strings.HasPrefix(m[1], "Test") {
			last = m[1]
			tests[last] = nil
		} else {
			tests[last] = append(tests[last], m[1])
		}
	}
	return tests
}

func hasTest(t *testing.T, folder, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(text), "\nfunc "+test+"(")
	})
}
