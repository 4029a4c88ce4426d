package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// event is a line of `go test -json`.
type event struct {
	Time       time.Time
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
	Elapsed    float64
}

// tally counts top-level tests, packages that failed without one (those that don't build or crash), and exceeded budgets.
type tally struct {
	budgets
	race           bool // which of the budgets hold
	passed, failed int
	failures       []string // what failed, each with the beginning of what it printed
	output         map[string][]string
	broken         map[string]bool
	began, ended   time.Time // the first package's start, the last one's end
}

// read consumes the stream. Lines that aren't events are passed on: npm's, make's.
func (t *tally) read(in io.Reader, out io.Writer) error {
	t.output, t.broken = map[string][]string{}, map[string]bool{}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
				fmt.Fprint(out, line)
			} else {
				t.take(e, out)
			}
		}
		if err == io.EOF {
			t.limit(out, "all packages together", t.ended.Sub(t.began).Seconds(), t.whole.in(t.race))
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (t *tally) take(e event, out io.Writer) {
	id := e.Package + " " + e.Test
	switch e.Action {
	case "start":
		if t.began.IsZero() {
			t.began = e.Time
		}
	case "output":
		t.output[id] = append(t.output[id], e.Output)
	case "build-output":
		fmt.Fprint(out, e.Output)
	case "skip":
		t.skip(e, id, out)
		t.end(e, id, out)
	case "pass":
		t.end(e, id, out)
	case "fail":
		t.broken[e.Package] = t.broken[e.Package] || e.Test != ""
		fmt.Fprint(out, strings.Join(t.output[id], ""))
		t.keep(e, id)
		t.end(e, id, out)
	}
}

// keep notes what failed, for the end of a log of which only the end may be read. A package is noted where no test of it was.
func (t *tally) keep(e event, id string) {
	const most, longest = 12, 400 // lines, and bytes of one
	if e.Test == "" && t.broken[e.Package] {
		return
	}
	t.failures = append(t.failures, strings.TrimSpace("FAIL  "+id))
	for i, line := range strings.Split(strings.TrimSpace(strings.Join(t.output[id], "")), "\n") {
		if i == most {
			break
		}
		if len(line) > longest {
			line = strings.ToValidUTF8(line[:longest], "") + "…"
		}
		t.failures = append(t.failures, "    "+line)
	}
}

// skip prints why a test didn't run, for a check that is left out in silence looks like one that passed. Packages without
// tests are skipped too; nothing is said of them.
func (t *tally) skip(e event, id string, out io.Writer) {
	if e.Test == "" {
		return
	}
	var why []string
	for _, line := range strings.Split(strings.Join(t.output[id], ""), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			why = append(why, line)
		}
	}
	fmt.Fprintf(out, "SKIP  %s %s: %s\n", e.Package, e.Test, strings.Join(why, " "))
}

// end counts a test or a package that is over, and forgets its output.
func (t *tally) end(e event, id string, out io.Writer) {
	delete(t.output, id)
	if e.Test == "" {
		t.ended = e.Time
		defer t.limit(out, e.Package, e.Elapsed, t.of(e.Package, t.race))
	}
	switch {
	case strings.Contains(e.Test, "/"): // a part of a test that is counted itself
	case e.Test != "" && e.Action == "pass":
		t.passed++
	case e.Test != "" && e.Action == "fail":
		t.failed++
	case e.Test == "" && e.Action == "fail":
		if !t.broken[e.Package] {
			t.failed++
		}
		fmt.Fprintf(out, "FAIL  %s\n", e.Package)
	case e.Test == "" && e.Action == "pass":
		fmt.Fprintf(out, "ok    %s  %.1fs\n", e.Package, e.Elapsed)
	}
}

// limit counts what took longer than its budget as a failure.
func (t *tally) limit(out io.Writer, what string, took, budget float64) {
	if budget == 0 || took <= budget {
		return
	}
	t.failed++
	slow := fmt.Sprintf("SLOW  %s  %.1fs, its budget is %gs", what, took, budget)
	t.failures = append(t.failures, slow)
	fmt.Fprintln(out, slow)
}
