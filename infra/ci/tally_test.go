package main

import (
	"io"
	"slices"
	"strings"
	"testing"
)

func TestTallyCountsWhatHappened(t *testing.T) {
	for name, c := range map[string]struct {
		stream         string
		passed, failed int
		shown          string
	}{
		"passed": {`{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":1.5}`, 1, 0, "ok    p  1.5s"},
		"failed with its output": {`{"Action":"output","Package":"p","Test":"TestA","Output":"want 1\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`, 0, 1, "want 1"},
		"parts of a test count once": {`{"Action":"fail","Package":"p","Test":"TestA/one"}
{"Action":"fail","Package":"p","Test":"TestA/two"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`, 0, 1, "FAIL  p"},
		"a package that doesn't build": {`{"ImportPath":"p","Action":"build-output","Output":"undefined: x\n"}
{"Action":"fail","Package":"p"}`, 0, 1, "undefined: x"},
		"a package that crashes after a test passed": {`{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"panic: x\n"}
{"Action":"fail","Package":"p"}`, 1, 1, "panic: x"},
		"a skipped test is neither": {`{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`, 0, 0, "ok"},
		"a skipped test says why": {`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:9: DID NOT RUN:\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"        no history\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`, 0, 0, "SKIP  p TestA: a_test.go:9: DID NOT RUN: no history\n"},
		"so does a part of one": {`{"Action":"output","Package":"p","Test":"TestA/one","Output":"    a_test.go:9: no engine\n"}
{"Action":"skip","Package":"p","Test":"TestA/one"}
{"Action":"pass","Package":"p","Test":"TestA"}`, 1, 0, "SKIP  p TestA/one: a_test.go:9: no engine\n"},
		"foreign lines are passed on": {"added 1 package\n", 0, 0, "added 1 package"},
		"no line end at the end":      {`{"Action":"pass","Package":"p","Test":"TestA"}`, 1, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got tally
			var shown strings.Builder
			if err := got.read(strings.NewReader(c.stream), &shown); err != nil {
				t.Fatal(err)
			}
			if got.passed != c.passed || got.failed != c.failed {
				t.Errorf("%d passed, %d failed; want %d, %d", got.passed, got.failed, c.passed, c.failed)
			}
			if !strings.Contains(shown.String(), c.shown) {
				t.Errorf("shown %q, want %q in it", shown.String(), c.shown)
			}
		})
	}
}

// TestWhatFailedIsKeptShort: the end of a log has room for all of it.
func TestWhatFailedIsKeptShort(t *testing.T) {
	long := `{"Action":"output","Package":"p","Test":"TestA","Output":"` + strings.Repeat("é", 500) + `\n"}` + "\n"
	var got tally
	err := got.read(strings.NewReader(strings.Repeat(long, 20)+`{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"fail","Package":"p"}
{"Action":"output","Package":"q","Output":"panic: x\n"}
{"Action":"fail","Package":"q"}`), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"FAIL  p TestA"}
	for range 12 {
		want = append(want, "    "+strings.Repeat("é", 200)+"…")
	}
	want = append(want, "FAIL  q", "    panic: x")
	if !slices.Equal(got.failures, want) {
		t.Errorf("kept %q, want %q", got.failures, want)
	}
}

func TestAPackageWithoutTestsIsNotToldAsSkipped(t *testing.T) {
	var got tally
	var shown strings.Builder
	if err := got.read(strings.NewReader(`{"Action":"skip","Package":"p"}`), &shown); err != nil || shown.String() != "" {
		t.Errorf("%v, shown %q", err, shown.String())
	}
}

// within reads a stream under budgets of 10 s for each package, 5 s for fast, and 60 s for the whole; 30, 15 and 90 s with race.
func within(t *testing.T, race bool, stream string) (got tally, shown string) {
	t.Helper()
	got = tally{race: race, budgets: budgets{
		fallback: allowance{10, 30}, whole: allowance{60, 90}, packages: map[string]allowance{"latchkey/fast": {5, 15}},
	}}
	var out strings.Builder
	if err := got.read(strings.NewReader(stream), &out); err != nil {
		t.Fatal(err)
	}
	return got, out.String()
}

func TestAPackageOverItsBudgetFails(t *testing.T) {
	for name, c := range map[string]struct {
		race   bool
		stream string
		failed int
		shown  string
	}{
		"within the default":        {false, `{"Action":"pass","Package":"latchkey/p","Elapsed":10}`, 0, "ok    latchkey/p  10.0s"},
		"over the default":          {false, `{"Action":"pass","Package":"latchkey/p","Elapsed":10.1}`, 1, "SLOW  latchkey/p  10.1s, its budget is 10s"},
		"over its own":              {false, `{"Action":"pass","Package":"latchkey/fast","Elapsed":6}`, 1, "SLOW  latchkey/fast"},
		"within its own, with race": {true, `{"Action":"pass","Package":"latchkey/fast","Elapsed":15}`, 0, "ok"},
		"over its own, with race":   {true, `{"Action":"pass","Package":"latchkey/fast","Elapsed":16}`, 1, "SLOW  latchkey/fast  16.0s, its budget is 15s"},
		"over, with a failed test": {false, `{"Action":"fail","Package":"latchkey/p","Test":"TestA","Elapsed":11}
{"Action":"fail","Package":"latchkey/p","Elapsed":11}`, 2, "SLOW"},
		"a slow test alone is not limited": {false, `{"Action":"pass","Package":"latchkey/fast","Test":"TestA","Elapsed":11}`, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, shown := within(t, c.race, c.stream)
			if got.failed != c.failed {
				t.Errorf("%d failed, want %d", got.failed, c.failed)
			}
			if !strings.Contains(shown, c.shown) || strings.Contains(shown, "SLOW") != strings.Contains(c.shown, "SLOW") {
				t.Errorf("shown %q, want %q in it", shown, c.shown)
			}
		})
	}
}

func TestAllPackagesTogetherHaveABudget(t *testing.T) {
	stream := func(end string) string {
		return `{"Time":"2026-01-01T10:00:00Z","Action":"start","Package":"latchkey/p"}
{"Time":"2026-01-01T10:00:40Z","Action":"start","Package":"latchkey/q"}
{"Time":"2026-01-01T10:00:41Z","Action":"pass","Package":"latchkey/q","Elapsed":1}
{"Time":"` + end + `","Action":"pass","Package":"latchkey/p","Elapsed":9}`
	}
	for end, c := range map[string]struct {
		race   bool
		failed int
	}{
		"2026-01-01T10:01:00Z": {false, 0},
		"2026-01-01T10:01:01Z": {false, 1},
		"2026-01-01T10:01:29Z": {true, 0},
		"2026-01-01T10:01:31Z": {true, 1},
	} {
		got, shown := within(t, c.race, stream(end))
		if got.failed != c.failed || strings.Contains(shown, "SLOW  all packages together") != (c.failed > 0) {
			t.Errorf("until %s: %d failed, want %d; shown %q", end, got.failed, c.failed, shown)
		}
	}
}
