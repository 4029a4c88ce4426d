package main

import (
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
