// Command reliability runs the tests that hold the promises, keeps what they measured in docs/measurements/promises.json,
// and writes docs/reliability.md from it. LATCHKEY_DEEP=1 runs their long forms; -new runs those alone that have no figure yet.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	figuresFile = "docs/measurements/promises.json"
	page        = "docs/reliability.md"
)

// figure is the result of one run of a test.
type figure struct {
	Package string `json:"package"`
	Test    string `json:"test"`
	Passed  bool   `json:"passed"`
	Says    string `json:"says,omitempty"` // the last line that the test logged
	Commit  string `json:"commit"`
	Day     string `json:"day"`
	Deep    bool   `json:"deep,omitempty"` // the long form
}

func main() {
	fresh := flag.Bool("new", false, "run only the tests that have no figure yet, and keep those of the others")
	flag.Parse()
	if err := run(*fresh); err != nil {
		fmt.Fprintln(os.Stderr, "reliability:", err)
		os.Exit(1)
	}
}

func run(fresh bool) error {
	var known []figure
	if fresh {
		raw, err := os.ReadFile(figuresFile)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &known); err != nil {
			return fmt.Errorf("%s: %w", figuresFile, err)
		}
	}
	commit, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return fmt.Errorf("git rev-parse: %w", err)
	}
	var packages []string
	tests := map[string][]string{}
	for _, p := range promises {
		for _, t := range p.Tests {
			if tests[t.Package] == nil {
				packages = append(packages, t.Package)
			}
			tests[t.Package] = append(tests[t.Package], t.Test)
		}
	}
	var figures []figure
	var failed []error
	for _, pkg := range packages {
		kept, missing := sortOut(known, pkg, tests[pkg])
		figures = append(figures, kept...)
		if len(missing) == 0 {
			continue
		}
		found := runTests(pkg, missing)
		for _, f := range found {
			f.Commit, f.Day, f.Deep = strings.TrimSpace(string(commit)), time.Now().UTC().Format(time.DateOnly), os.Getenv("LATCHKEY_DEEP") == "1"
			if !f.Passed {
				failed = append(failed, fmt.Errorf("%s %s has not passed", f.Package, f.Test))
			}
			figures = append(figures, f)
		}
		fmt.Printf("%s: %d tests\n", pkg, len(found))
	}
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	text, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(figuresFile, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(page, render(figures), 0o644)
}

// sortOut finds the figures that are known of tests of a package, and the tests of which there is none.
func sortOut(known []figure, pkg string, names []string) (kept []figure, missing []string) {
	for _, name := range slices.Compact(slices.Clone(names)) {
		if f := figureOf(known, proof{pkg, name}); f.Passed {
			kept = append(kept, f)
		} else {
			missing = append(missing, name)
		}
	}
	return kept, missing
}

// runTests runs tests of one package and reads what they say.
func runTests(pkg string, names []string) []figure {
	cmd := exec.Command("go", "test", "-count=1", "-json", "-timeout=30m", "-run", "^("+strings.Join(names, "|")+")$", pkg)
	cmd.Stderr = os.Stderr
	out, _ := cmd.Output() // a failure is in the events
	return read(pkg, names, out)
}

// position matches the start that the testing package gives a logged line.
var position = regexp.MustCompile(`^\s*\w+_test\.go:\d+: `)

// line is a logged line and its place among all of them.
type line struct {
	at   int
	text string
}

// read takes the results of tests out of the events of go test -json. A test that isn't in them has not passed.
func read(pkg string, names []string, events []byte) []figure {
	found, logged, last := map[string]figure{}, map[string]line{}, map[string]int{}
	lineNo := 0
	lines := bufio.NewScanner(bytes.NewReader(events))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		name, _, _ := strings.Cut(e.Test, "/")
		f := found[name]
		switch {
		case e.Action == "output" && position.MatchString(e.Output):
			lineNo++
			logged[e.Test] = line{lineNo, strings.TrimSpace(position.ReplaceAllString(e.Output, ""))}
		case e.Action == "pass": // what a skipped part has logged is no figure
			if l := logged[e.Test]; l.at > last[name] {
				f.Says, last[name] = l.text, l.at
			}
			f.Passed = f.Passed || e.Test == name
		}
		found[name] = f
	}
	var out []figure
	for _, name := range slices.Compact(slices.Clone(names)) {
		f := found[name]
		f.Package, f.Test = pkg, name
		out = append(out, f)
	}
	return out
}

// render writes the page.
func render(figures []figure) []byte {
	var b bytes.Buffer
	b.WriteString(`# Reliability

What Latchkey promises today, which tests would fail if it didn't hold, and what they measured. ` + "`make reliability`" + ` runs these tests
and writes this page; numbers are of the machine that it ran on. What is promised about speed is in [Performance](performance.md).

| promise | held by | measured | commit, day |
|---|---|---|---|
`)
	for _, p := range promises {
		for i, t := range p.Tests {
			says := p.Says
			if i > 0 {
				says = ""
			}
			f := figureOf(figures, t)
			measured := f.Says
			if measured == "" {
				measured = "passed"
			}
			if f.Deep {
				measured += " (long form)"
			}
			fmt.Fprintf(&b, "| %s | `%s` in `%s` | %s | %s, %s |\n", says, t.Test, strings.TrimPrefix(t.Package, "./"),
				strings.ReplaceAll(measured, "|", "\\|"), f.Commit, f.Day)
		}
	}
	return b.Bytes()
}

func figureOf(figures []figure, t proof) figure {
	for _, f := range figures {
		if f.Package == t.Package && f.Test == t.Test {
			return f
		}
	}
	return figure{Says: "not run yet", Commit: "–", Day: "–"}
}
