package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests of .ci/run call this very binary as the command.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "ci" {
		main()
		return
	}
	os.Exit(m.Run())
}

const (
	passes = `echo '{"Action":"pass","Package":"latchkey/p","Test":"TestA"}'; echo '{"Action":"pass","Package":"latchkey/p","Elapsed":1}'`
	fails  = `echo '{"Action":"fail","Package":"latchkey/p","Test":"TestA"}'; echo '{"Action":"fail","Package":"latchkey/p"}'; exit 2`
	slow   = `echo '{"Action":"pass","Package":"latchkey/p","Test":"TestA"}'; echo '{"Action":"pass","Package":"latchkey/p","Elapsed":11}'`
)

// targets are the commands of make for each target that .ci/run names, in bash.
type targets map[string]string

// checkout is a folder with .ci/run in it, and a make and a go that only pretend. By default all targets pass.
func checkout(t *testing.T, do targets) (dir string, cmd *exec.Cmd) {
	t.Helper()
	dir = t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		// A process that another test starts meanwhile would have the file open for writing, and then it can't be run.
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	write(".ci/run", repositoryFile(t, ".ci", "run"))
	write("infra/ci/budgets.txt", "default 10 30\nwhole 300 900\n")
	write("bin/go", "#!/bin/bash\nif [ \"$2\" = -o ]; then ln -sf "+self+" \"$3\"; fi\n")
	write("bin/git", "#!/bin/bash\necho 86400\n")
	write("bin/make", "#!/bin/bash\nexec bash -eu target/\"$2\"\n")
	for target, text := range map[string]string{"bench-gate": "true", "lint": "true", "test-contract": "true", "scan": "true", "sam-check": "true", "smoke": "true", "chromium": "true", "test-browser": "true", "test": passes, "test-race": passes, "test-bugs": "true"} {
		if text, ok := do[target]; ok {
			write("target/"+target, text)
			continue
		}
		write("target/"+target, text)
	}
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // many times what it takes
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, "bash", filepath.Join(dir, ".ci", "run"))
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "TMPDIR="+filepath.Join(dir, "tmp"), "SLOWER=1")
	return dir, cmd
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func TestRunCountsEverythingAndFailsWithAnyOfIt(t *testing.T) {
	for name, c := range map[string]struct {
		do     targets
		exit   int
		closes string
		shown  string
	}{
		"all passes":                      {nil, 0, "10 passed, 0 failed", "== lint"},
		"the linters complain":            {targets{"lint": "echo unformatted; exit 1"}, 1, "9 passed, 1 failed", "unformatted"},
		"the benchmark is over its gate":  {targets{"bench-gate": "exit 1"}, 1, "9 passed, 1 failed", ""},
		"the benchmark has no verdict":    {targets{"bench-gate": "echo 'no verdict: CPU'"}, 0, "9 passed, 0 failed", "no verdict: CPU"},
		"a test fails":                    {targets{"test": fails}, 1, "9 passed, 1 failed", "FAIL  latchkey/p"},
		"a test fails under race":         {targets{"test-race": fails}, 1, "9 passed, 1 failed", "FAIL  latchkey/p"},
		"a package is over its budget":    {targets{"test": slow}, 1, "10 passed, 1 failed", "SLOW  latchkey/p"},
		"but not over the one under race": {targets{"test-race": slow}, 0, "10 passed, 0 failed", ""},
		"make never gets to the tests":    {targets{"test": "exit 2"}, 1, "9 passed, 1 failed", ""},
		"it dies after a test passed":     {targets{"test": passes + "; exit 2"}, 1, "10 passed, 1 failed", ""},
		"Schemathesis has a finding":      {targets{"test-contract": "echo ST202; exit 1"}, 1, "9 passed, 1 failed", "ST202"},
		"Checkov has a finding":           {targets{"scan": "echo CKV_AWS_1; exit 1"}, 1, "9 passed, 1 failed", "CKV_AWS_1"},
		"an event is answered otherwise":  {targets{"sam-check": "echo FAIL keys-list; exit 1"}, 1, "9 passed, 1 failed", "keys-list"},
		"a stack is otherwise than asked": {targets{"smoke": "echo FAIL key-disabled; exit 1"}, 1, "9 passed, 1 failed", "key-disabled"},
		"a browser test fails":            {targets{"test-browser": "echo axe; exit 1"}, 1, "9 passed, 2 failed", "axe"},
		"there is no browser":             {targets{"chromium": "echo no Chromium; exit 1", "test-browser": "touch run"}, 1, "10 passed, 1 failed", "no Chromium"},
		"both lanes fail":                 {targets{"test": fails, "lint": "exit 1"}, 1, "8 passed, 2 failed", ""},
		"a planted bug isn't caught":      {targets{"test-bugs": "echo MISSED; exit 1"}, 1, "9 passed, 1 failed", "MISSED"},
		"a lane is killed":                {targets{"lint": `kill -KILL "$PPID"`}, 1, "5 passed, 1 failed", "the lane itself ended with 137"},
		"the other lane is killed":        {targets{"test": `kill -KILL 0`}, 1, "9 passed, 1 failed", "the lane itself ended with 137"},
		// Each waits for the other, and both for the tests.
		"the lanes run side by side": {targets{
			"test":      "mkfifo meet && " + passes,
			"lint":      "timeout 20 cat meet",
			"test-race": "timeout 20 bash -c 'echo met >meet' && " + passes,
		}, 0, "10 passed, 0 failed", "met"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, cmd := checkout(t, c.do)
			text, err := cmd.CombinedOutput()
			if exit := exitCode(t, err); exit != c.exit || lastLine(string(text)) != c.closes || !strings.Contains(string(text), c.shown) {
				t.Errorf("exit %d, want %d, %q at the end and %q before it:\n%s", exit, c.exit, c.closes, c.shown, text)
			}
			if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) > 0 {
				t.Errorf("temporary files are left: %v, %v", left, err)
			}
		})
	}
}

// TestTheEndOfARunSaysWhatFailed: of a long log often only the end is kept.
func TestTheEndOfARunSaysWhatFailed(t *testing.T) {
	t.Parallel()
	_, cmd := checkout(t, targets{
		"lint": "exit 1",
		"test": `echo '{"Action":"output","Package":"latchkey/p","Test":"TestA","Output":"want 1\n"}'; ` + fails,
	})
	text, _ := cmd.CombinedOutput()
	_, end, _ := strings.Cut(string(text), "\nWhat failed:\n")
	if want := "make lint\nFAIL  latchkey/p TestA\n    want 1\n8 passed, 2 failed\n"; end != want {
		t.Errorf("it ends with %q, want %q", end, want)
	}
}

func TestRunForgetsTheCountsOfTheLastOne(t *testing.T) {
	t.Parallel()
	dir, cmd := checkout(t, nil)
	if err := os.Mkdir(filepath.Join(dir, ".build"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".build", "tally.test"), []byte("7 7\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	text, err := cmd.CombinedOutput()
	if exit := exitCode(t, err); exit != 0 || lastLine(string(text)) != "10 passed, 0 failed" {
		t.Errorf("exit %d:\n%s", exit, text)
	}
}

func TestRunThatIsEndedLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	dir, cmd := checkout(t, targets{
		"test": `touch "$TMPDIR/file"; echo said so far; sleep 600 & echo "$!" >started; wait`,
	})
	if err := syscall.Mkfifo(filepath.Join(dir, "started"), 0o600); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read, err := exec.Command("timeout", "20", "cat", filepath.Join(dir, "started")).Output()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(read)))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if exit := exitCode(t, cmd.Wait()); exit != 143 {
		t.Errorf("exit %d, want 143", exit)
	}
	if !regexp.MustCompile(`^\d+ passed, 1 failed$`).MatchString(lastLine(text.String())) {
		t.Errorf("ended with %q", lastLine(text.String()))
	}
	if !strings.Contains(text.String(), "said so far") {
		t.Error("what the lane said until then isn't shown")
	}
	// Killed, a process that waits for a processor is still there for a moment.
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		state, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(state), ") Z ") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("what a lane started still runs: %s", state)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}
