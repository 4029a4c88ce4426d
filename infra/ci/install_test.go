package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tools is a clone in which tools are installed, and a go that only pretends: it notes what it was asked for.
type tools struct{ dir string }

func newTools(t *testing.T) tools {
	t.Helper()
	c := tools{t.TempDir()}
	c.write(t, "infra/tools/install.sh", repositoryFile(t, "infra", "tools", "install.sh"))
	c.write(t, "infra/tools/go.mod", "module tools\n")
	c.write(t, "infra/tools/go.sum", "one\n")
	c.write(t, "bin/go", `#!/bin/bash
case "$1" in
env) cat version ;;
build) echo "$*" >>asked; if [ -e fails ]; then exit 1; fi; for n in golangci-lint gofumpt; do printf '#!/bin/sh\n' >"$5$n"; chmod +x "$5$n"; done ;;
install) echo "$* CGO_ENABLED=${CGO_ENABLED:-}" >>asked; for n in gremlins cyclonedx-gomod gitleaks aws-lambda-rie; do printf '#!/bin/sh\n' >"$GOBIN/$n"; chmod +x "$GOBIN/$n"; done ;;
esac
`)
	c.write(t, "version", "go1 linux amd64\n")
	return c
}

func (c tools) write(t *testing.T, name, text string) {
	t.Helper()
	name = filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// install runs the script, and says how often the go was asked to build or install since the clone was made, and what it printed.
func (c tools) install(t *testing.T, what string) (asked []string, text string, exit int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(c.dir, "infra", "tools", "install.sh"), what)
	cmd.Dir = "/" // wherever it is called from
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(c.dir, "bin")+":"+os.Getenv("PATH"), "XDG_CACHE_HOME="+filepath.Join(c.dir, "cache"))
	out, err := cmd.CombinedOutput()
	raw, _ := os.ReadFile(filepath.Join(c.dir, "asked"))
	return strings.Split(strings.TrimSpace(string(raw)), "\n"), string(out), exitCode(t, err)
}

func (c tools) link(t *testing.T, name string) string {
	t.Helper()
	to, err := filepath.EvalSymlinks(filepath.Join(c.dir, ".tools", name))
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestToolsAreInstalledOnceForEachStateOfTheirInputs: again for other versions, for another toolchain, and where a file of them is gone;
// what was left in the middle isn't taken for whole.
func TestToolsAreInstalledOnceForEachStateOfTheirInputs(t *testing.T) {
	t.Parallel()
	c := newTools(t)
	installs := func(why string, want int) string {
		t.Helper()
		asked, text, exit := c.install(t, "go")
		if exit != 0 || len(asked) != want || (want > 0) != strings.Contains(asked[0], "build -C infra/tools -o ") {
			t.Fatalf("%s: exit %d, asked %q:\n%s", why, exit, asked, text)
		}
		if _, err := os.Stat(filepath.Join(c.link(t, "bin"), "gofumpt")); err != nil {
			t.Errorf("%s: %v", why, err)
		}
		return c.link(t, "bin")
	}
	first := installs("at first", 1)
	installs("again", 1)
	for i, input := range []string{"infra/tools/go.sum", "infra/tools/go.mod", "version"} {
		c.write(t, input, "another\n")
		if installs("another "+input, i+2) == first {
			t.Errorf("another %s is installed in the place of the first", input)
		}
	}
	last := c.link(t, "bin")
	if err := os.Remove(filepath.Join(last, "gofumpt")); err != nil {
		t.Fatal(err)
	}
	installs("a file is gone", 5)
	if err := os.Remove(filepath.Join(last, ".installed")); err != nil {
		t.Fatal(err)
	}
	installs("left in the middle", 6)
	c.write(t, "version", "go1 linux amd64\n")
	c.write(t, "infra/tools/go.sum", "one\n")
	c.write(t, "infra/tools/go.mod", "module tools\n")
	if installs("the first state again", 6) != first {
		t.Error("the link stays where it was")
	}
}

// TestAnInstallationThatFailsIsNone: it fails the target, and the next one begins it again.
func TestAnInstallationThatFailsIsNone(t *testing.T) {
	t.Parallel()
	c := newTools(t)
	c.write(t, "fails", "")
	if _, text, exit := c.install(t, "go"); exit == 0 {
		t.Errorf("taken for installed:\n%s", text)
	}
	if _, err := os.Lstat(filepath.Join(c.dir, ".tools", "bin")); err == nil {
		t.Error("what isn't there is linked")
	}
	if err := os.Remove(filepath.Join(c.dir, "fails")); err != nil {
		t.Fatal(err)
	}
	if asked, text, exit := c.install(t, "go"); exit != 0 || len(asked) != 2 {
		t.Errorf("exit %d, asked %q:\n%s", exit, asked, text)
	}
}

// TestEachToolIsInstalledAtItsVersion, as a module of its own, where its target looks for it.
func TestEachToolIsInstalledAtItsVersion(t *testing.T) {
	t.Parallel()
	for what, want := range map[string][2]string{
		"mutants":  {"gremlins", "install github.com/go-gremlins/gremlins/cmd/gremlins@v0.5.0 CGO_ENABLED="},
		"sbom":     {"cyclonedx-gomod", "install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0 CGO_ENABLED="},
		"gitleaks": {"gitleaks", "install github.com/zricethezav/gitleaks/v8@v8.30.1 CGO_ENABLED=0"},
		"rie":      {"aws-lambda-rie", "install github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@v0.0.0-20261030222936-bef5c4ba774d CGO_ENABLED=0"},
	} {
		c := newTools(t)
		asked, text, exit := c.install(t, what)
		if got := strings.Join(asked, "\n"); exit != 0 || strings.TrimSuffix(got, os.Getenv("CGO_ENABLED")) != strings.TrimSuffix(want[1], os.Getenv("CGO_ENABLED")) {
			t.Errorf("%s: exit %d, asked %q:\n%s", what, exit, asked, text)
		}
		if _, err := os.Stat(filepath.Join(c.link(t, what), want[0])); err != nil {
			t.Error(err)
		}
		if again, _, _ := c.install(t, what); len(again) != 1 {
			t.Errorf("%s is installed twice", what)
		}
	}
	if _, _, exit := newTools(t).install(t, "everything"); exit != 2 {
		t.Errorf("a tool that there isn't: exit %d", exit)
	}
}
