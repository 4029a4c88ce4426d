package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

func TestBudgetsOfAPackage(t *testing.T) {
	b, err := parseBudgets(strings.NewReader(`# a comment
default 10 30
whole 300 - # no limit there

infra/e2e 200.5 -
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pkg         string
		plain, race float64
	}{
		{"latchkey/infra/e2e", 200.5, 0},
		{"latchkey/infra/e2e/gates", 10, 30},
		{"latchkey/shared/authz", 10, 30},
	} {
		if plain, race := b.of(c.pkg, false), b.of(c.pkg, true); plain != c.plain || race != c.race {
			t.Errorf("%s: %v and %v seconds, want %v and %v", c.pkg, plain, race, c.plain, c.race)
		}
	}
	if b.whole.in(false) != 300 || b.whole.in(true) != 0 {
		t.Errorf("the whole: %+v", b.whole)
	}
}

func TestUnclearBudgetsAreRefused(t *testing.T) {
	const rest = "default 10 30\nwhole 300 900\n"
	for name, c := range map[string]struct{ text, says string }{
		"a number missing":  {rest + "infra/e2e 10", "line 3"},
		"no number":         {rest + "infra/e2e ten 30", "line 3"},
		"zero":              {rest + "infra/e2e 0 30", "line 3"},
		"below zero":        {rest + "infra/e2e 10 -3", "line 3"},
		"not a number":      {rest + "infra/e2e NaN 30", "line 3"},
		"twice":             {rest + "infra/e2e 10 30\ninfra/e2e 20 60", "stands twice"},
		"no default":        {"whole 300 900", "default"},
		"no whole":          {"default 10 30", "whole"},
		"nothing":           {"", "default"},
		"a line after that": {"default 10\n" + rest, "line 1"},
	} {
		if _, err := parseBudgets(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q in it", name, err, c.says)
		}
	}
}

// A budget of a package that was moved or removed would limit nothing, and nobody would see it.
func TestEachBudgetIsOfAPackageWithTests(t *testing.T) {
	b, err := loadBudgets("budgets.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(b.packages) == 0 {
		t.Error("no package has a budget of its own")
	}
	for pkg := range b.packages {
		if tests := testsOf(t, pkg); len(tests) == 0 {
			t.Errorf("%s has a budget, but no tests", pkg)
		}
	}
	if tests := testsOf(t, module+"infra/gone"); len(tests) != 0 {
		t.Errorf("a package that doesn't exist has %v", tests)
	}
}

func testsOf(t *testing.T, pkg string) []string {
	t.Helper()
	tests, err := filepath.Glob(filepath.Join("..", "..", strings.TrimPrefix(pkg, module), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// noRace are the packages that the race detector leaves out, and those of them that may be because they start nothing beside themselves.
func noRace(t *testing.T) (all, sequential []string) {
	t.Helper()
	text := repositoryFile(t, "Makefile")
	value := func(name string) []string {
		_, list, _ := strings.Cut(text, "\n"+name+" := ")
		list, _, _ = strings.Cut(list, "\n")
		return strings.Fields(list)
	}
	for _, folder := range value("SEQUENTIAL") {
		sequential = append(sequential, module+folder)
	}
	for _, word := range value("NORACE") {
		if strings.HasPrefix(word, module) {
			all = append(all, word)
		}
	}
	return append(all, sequential...), sequential
}

// TestOnlyWhatStartsNoGoroutineIsLeftOutByTheRaceDetector: neither a package, nor its tests.
func TestOnlyWhatStartsNoGoroutineIsLeftOutByTheRaceDetector(t *testing.T) {
	_, sequential := noRace(t)
	if text := repositoryFile(t, "Makefile"); len(sequential) == 0 || strings.Index(text, "\nSEQUENTIAL := ") > strings.Index(text, "\nNORACE := ") {
		t.Fatal("the Makefile names none, or too late for NORACE to have them")
	}
	for _, pkg := range sequential {
		files, err := filepath.Glob(filepath.Join("..", "..", strings.TrimPrefix(pkg, module), "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pkg, len(files), err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, _ := n.(*ast.CallExpr)
				starts := false
				if call != nil {
					method, _ := call.Fun.(*ast.SelectorExpr)
					starts = method != nil && method.Sel.Name == "Go"
				}
				if _, goes := n.(*ast.GoStmt); goes || starts {
					t.Errorf("%s starts a goroutine", name)
				}
				return true
			})
		}
	}
}

// The end-to-end tests start binaries that aren't built for the race detector.
func TestNoRaceBudgetIsGivenToWhatTheRaceDetectorLeavesOut(t *testing.T) {
	b, err := loadBudgets("budgets.txt")
	if err != nil {
		t.Fatal(err)
	}
	all, _ := noRace(t)
	out := map[string]bool{}
	for _, pkg := range all {
		out[pkg] = true
		if b.of(pkg, true) != 0 {
			t.Errorf("%s has a budget for the race detector, which leaves it out", pkg)
		}
	}
	for pkg, a := range b.packages {
		if a.race == 0 && !out[pkg] {
			t.Errorf("%s has no budget for the race detector", pkg)
		}
	}
	if len(out) == 0 {
		t.Error("the Makefile doesn't say what the race detector leaves out")
	}
}
