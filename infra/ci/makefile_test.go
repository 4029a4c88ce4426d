package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// made runs a target of the Makefile in a folder where every program that it calls only notes how it was called, and fails if its call
// has the text fails in it.
func made(t *testing.T, fails string, args ...string) (called []string, exit int) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	note := `#!/bin/bash
line="${0##*/} $*"
for name in LATCHKEY_DEEP LATCHKEY_STORE CGO_ENABLED GOFLAGS AWS_CA_BUNDLE; do if [ -n "${!name:-}" ]; then line="$name=${!name} $line"; fi; done
echo "$line" >>called
if [ -n "$FAILS" ] && [[ "$line" == *"$FAILS"* ]]; then exit 1; fi
case "$line" in
"go list "*) printf '%s\n' latchkey/a latchkey/infra/e2e latchkey/shared/authz latchkey/shared/dynamo ;;
"git ls-files"*) echo a.go ;;
"gofumpt -l"*) if [ "$FAILS" = unformatted ]; then echo a.go; fi ;;
esac
`
	for _, program := range []string{
		"bin/go", "bin/git", "bin/node", "bin/npm", ".tools/bin/gofumpt", ".tools/bin/golangci-lint", ".tools/venv/bin/cfn-lint", ".tools/venv/bin/python", ".tools/venv/bin/sam",
		".tools/checkov/bin/checkov", ".tools/schemathesis/bin/python", "infra/tools/install.sh",
	} {
		write(program, note)
	}
	write("Makefile", repositoryFile(t, "Makefile"))
	for _, name := range []string{"package.json", "package-lock.json", "node_modules/.package-lock.json"} {
		write("infra/local/"+name, "{}")
		write("infra/browser/"+name, "{}")
	}
	write("infra/alarms.yaml", "")
	write("a/a_test.go", "func FuzzA(f *testing.F) {\nfunc FuzzB(f *testing.F) {\n")
	write("b/b_test.go", "func TestFuzzC(t *testing.T) {\n\tFuzzD()\nfunc FuzzE(f *testing.F) {\n")
	write("infra/local/node_modules/x/x_test.go", "func FuzzOfAnother(f *testing.F) {\n")
	cmd := exec.CommandContext(t.Context(), "make", append([]string{"--no-print-directory"}, args...)...)
	cmd.Dir = dir
	// Nothing else of the surroundings: a make that runs these tests has put its variables there, such as TESTFLAGS.
	cmd.Env = []string{"PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + dir, "FAILS=" + fails, "AWS_CA_BUNDLE=/ca", "GOFLAGS=-mod=mod"}
	out, err := cmd.CombinedOutput()
	t.Logf("make %q: %s", args, out)
	raw, _ := os.ReadFile(filepath.Join(dir, "called"))
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "install.sh ") {
			called = append(called, strings.TrimSpace(line))
		}
	}
	return called, exitCode(t, err)
}

// TestATargetDoesAllThatItSays, in its order, without the flags of the surroundings; and it is red as soon as any part is.
func TestATargetDoesAllThatItSays(t *testing.T) {
	t.Parallel()
	for target, want := range map[string][]string{
		"test":      {"go test -shuffle=on -timeout=10m ./infra/e2e ./shared/product/gen ./..."},
		"test-race": {"go list ./infra/e2e ./shared/product/gen ./...", "CGO_ENABLED=1 go test -race -vet=off -shuffle=on -timeout=15m latchkey/a latchkey/shared/dynamo"},
		"fuzz": {
			"go test ./a -run=^$ -fuzz=^FuzzA$ -fuzztime=1m", "go test ./a -run=^$ -fuzz=^FuzzB$ -fuzztime=1m", "go test ./b -run=^$ -fuzz=^FuzzE$ -fuzztime=1m",
		},
		"lint": {
			"git ls-files *.go :!*.gen.go", "gofumpt -l a.go", "golangci-lint run --allow-parallel-runners ./...", "cfn-lint -- template.yaml infra/alarms.yaml",
			"python infra/lint/render.py template.yaml", "cfn-lint --non-zero-exit-code error -- .build/rendered.json",
		},
		"scan": {
			"python infra/lint/render.py template.yaml", "checkov --directory .build/scan --framework cloudformation --skip-download --soft-fail --compact --output json",
			"go run ./infra/lint/scan infra/lint/checkov.yaml .build/checkov.json .build/scan/alarms.yaml .build/scan/template.json",
		},
		"bench-gate": {"go run ./infra/bench -gate -runs 3 -tries 3 -node=false -more=false -calls 10000 -cold 60"},
		"catalogue":  {"go run ./shared/product/gen -root . -widen  -close  -end", "go test ./infra/contract -count=1 -update"},
		"test-deep": {
			"LATCHKEY_DEEP=1 go test -shuffle=on -timeout=120m ./infra/e2e ./shared/product/gen ./...", "LATCHKEY_STORE=engine go test -shuffle=on -timeout=20m ./functions/...",
			"python infra/schemathesis/run.py all", "LATCHKEY_DEEP=1 node infra/browser/main.mjs",
			"go test ./a -run=^$ -fuzz=^FuzzA$ -fuzztime=1m", "go test ./a -run=^$ -fuzz=^FuzzB$ -fuzztime=1m", "go test ./b -run=^$ -fuzz=^FuzzE$ -fuzztime=1m",
		},
		"smoke": {"go build -o .build/latchkey ./infra/local", "go build -o .build/smoke ./infra/smoke"},
	} {
		called, exit := made(t, "", target)
		if target == "smoke" { // there is none to run
			exit = 0
		}
		if exit != 0 || strings.Join(called, "\n") != strings.Join(want, "\n") {
			t.Errorf("make %s ends with %d and calls\n  %s\nwant\n  %s", target, exit, strings.Join(called, "\n  "), strings.Join(want, "\n  "))
		}
		for i, part := range want {
			if len(want) < 3 || i > 0 && target != "lint" && target != "scan" { // make itself sees to the others
				break
			}
			if called, exit := made(t, part, target); exit == 0 || len(called) != i+1 {
				t.Errorf("make %s ends with %d, and goes on to %q, though %q fails", target, exit, called, part)
			}
		}
	}
	if called, exit := made(t, "unformatted", "lint"); exit == 0 || len(called) != 2 {
		t.Errorf("make lint ends with %d, and goes on to %q, though a file isn't formatted", exit, called)
	}
}
