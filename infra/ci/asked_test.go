package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// asking has each target of make note what it was asked for, beside doing what it does.
func asking(t *testing.T, dir string) (asked func() []string) {
	t.Helper()
	make := "#!/bin/bash\necho \"$* CI=${CI:-}\" >>asked\nexec bash -eu target/\"$2\"\n"
	if err := os.WriteFile(filepath.Join(dir, "bin", "make"), []byte(make), 0o755); err != nil {
		t.Fatal(err)
	}
	return func() []string {
		raw, err := os.ReadFile(filepath.Join(dir, "asked"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(raw)), "\n")
	}
}

// TestEachCheckIsAskedForWhatItIs: what is held to times comes first, each alone; a slower machine plants fewer bugs and has longer budgets;
// of bugs, those that concern what changed since the day before.
func TestEachCheckIsAskedForWhatItIs(t *testing.T) {
	t.Parallel()
	dir, cmd := checkout(t, targets{"test": slow})
	asked := asking(t, dir)
	git := "#!/bin/bash\nif [ \"$3\" = --format=%ct ]; then echo 200000; elif [ \"$*\" = \"log -1 --format=%H --before=113600\" ]; then echo daybefore; fi\n"
	if err := os.WriteFile(filepath.Join(dir, "bin", "git"), []byte(git), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "SLOWER=1.5", "CI=")
	if text, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(text), "this machine takes 1.5 times as long") {
		t.Errorf("%v:\n%s", err, text)
	}
	machine := map[string]string{"amd64": "x86_64"}[runtime.GOARCH]
	if machine == "" {
		machine = runtime.GOARCH
	}
	want := []string{
		"--no-print-directory bench-gate CI=1", "--no-print-directory chromium CI=", "--no-print-directory test-browser BROWSERTESTS=speed.test.mjs CI=",
		"--no-print-directory test TESTFLAGS=-json CI=1",
	}
	got := asked()
	if len(got) != 12 || !slices.Equal(got[:4], want) {
		t.Fatalf("asked for %q, want first %q", got, want)
	}
	beside := []string{
		"--no-print-directory lint CI=", "--no-print-directory scan CI=", "--no-print-directory sam-check SAM_ARCHITECTURES=" + machine + " CI=", "--no-print-directory smoke STACK= CI=",
		"--no-print-directory test-browser BROWSERTESTS=but speed.test.mjs CI=", "--no-print-directory test-bugs BUGS=-changed daybefore -at-most 4 CI=",
		"--no-print-directory test-contract CONTRACT=coverage CI=", "--no-print-directory test-race TESTFLAGS=-json CI=",
	}
	slices.Sort(got[4:])
	slices.Sort(beside)
	if !slices.Equal(got[4:], beside) {
		t.Errorf("asked for %q, want %q", got[4:], beside)
	}
}

// TestACommitOfTheDayBeforeIsNeededToLeaveBugsOut: without one, all concern the change.
func TestACommitOfTheDayBeforeIsNeededToLeaveBugsOut(t *testing.T) {
	t.Parallel()
	dir, cmd := checkout(t, nil)
	asked := asking(t, dir)
	git := "#!/bin/bash\nif [ \"$3\" = --format=%ct ]; then echo 200000; fi\n"
	if err := os.WriteFile(filepath.Join(dir, "bin", "git"), []byte(git), 0o755); err != nil {
		t.Fatal(err)
	}
	if text, err := cmd.CombinedOutput(); err != nil || !slices.Contains(asked(), "--no-print-directory test-bugs BUGS=-at-most 6 CI="+os.Getenv("CI")) {
		t.Errorf("%v, asked for %q:\n%s", err, asked(), text)
	}
}

// TestARunOverItsTimeFails, and says so at its end: a machine so fast that it may take none.
func TestARunOverItsTimeFails(t *testing.T) {
	t.Parallel()
	quick := `echo '{"Action":"pass","Package":"latchkey/p","Test":"TestA"}'`
	_, cmd := checkout(t, targets{"test": quick, "test-race": quick, "lint": "sleep 1"})
	cmd.Env = append(cmd.Env, "SLOWER=0.0001")
	text, err := cmd.CombinedOutput()
	if exit := exitCode(t, err); exit != 1 || lastLine(string(text)) != "10 passed, 1 failed" || !strings.Contains(string(text), " s and may take 0\n10 passed") {
		t.Errorf("exit %d:\n%s", exit, text)
	}
}
