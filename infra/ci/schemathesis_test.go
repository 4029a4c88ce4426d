package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestAPhaseThatDoesNotEndIsAFinding: one that is cut has shown nothing, and may not look like one that found nothing.
func TestAPhaseThatDoesNotEndIsAFinding(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("Schemathesis needs python3, and so does this")
	}
	for program, want := range map[string]string{
		`print(run.ended(["sleep", "60"], 0.1))`:                "not at its end after 0.1 seconds, so nothing is shown\n1\n",
		`print(run.ended(["true"], 60))`:                        "0\n",
		`print(run.ended(["false"], 60))`:                       "1\n",
		`print([p for p in ("coverage",) if p in run.SECONDS])`: "[]\n", // which Schemathesis would cut in silence
	} {
		text, err := exec.CommandContext(t.Context(), python, "-B", "-c", "import sys; sys.path.insert(0, '../schemathesis'); import run; "+program).CombinedOutput()
		if err != nil || strings.ReplaceAll(string(text), "\r", "") != want {
			t.Errorf("%s: %q, %v", program, text, err)
		}
	}
}
