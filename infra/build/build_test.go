package main

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latchkey/infra/local/build"
)

const root = "../.."

// The same commit is the same binary, in whatever folder and with whatever history and settings: a change of the documents replaces
// no function. It is made as `sam build` makes it, and the local run makes the same.
func TestTwoFoldersBuildTheSameBinary(t *testing.T) {
	here := made(t, root, "x86_64")
	t.Setenv("GOFLAGS", "-gcflags=-N")
	t.Setenv("CGO_ENABLED", "1")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("GOOS", "darwin")
	if there := made(t, elsewhere(t), "x86_64"); here != there {
		t.Errorf("%s here, %s in another folder with another history and other settings", here, there)
	}
	file := filepath.Join(t.TempDir(), "bootstrap")
	if out, err := build.Command(filepath.Join(root, "functions/demo"), file, "linux", "amd64").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if local := hash(t, file); here != local {
		t.Errorf("`sam build` makes %s, the local run %s", here, local)
	}
}

// What is deployed runs on Amazon Linux whatever it was built on, and is no larger than it must be.
func TestAFunctionIsStaticAndStrippedForItsArchitecture(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"arm64": elf.EM_AARCH64, "x86_64": elf.EM_X86_64} {
		dir := t.TempDir()
		bySAM(t, root, arch, dir)
		f, err := elf.Open(filepath.Join(dir, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		libraries, _ := f.ImportedLibraries()
		symbols, _ := f.Symbols()
		if f.Machine != machine || len(libraries) > 0 || len(symbols) > 0 || f.Section(".debug_info") != nil || f.Section(".zdebug_info") != nil {
			t.Errorf("%s: machine %v, libraries %v, %d symbols", arch, f.Machine, libraries, len(symbols))
		}
		raw, err := os.ReadFile(filepath.Join(dir, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		if abs, _ := filepath.Abs(root); bytes.Contains(raw, []byte(abs)) || bytes.Contains(raw, []byte("vcs.revision")) {
			t.Errorf("%s: the binary says where it was built, or from which commit", arch)
		}
		_ = f.Close()
	}
}

func TestWhatIsNoFunctionIsNotBuilt(t *testing.T) {
	out := filepath.Join(t.TempDir(), "bootstrap")
	for _, bad := range [][2]string{{"arm64", "NoFunction"}, {"arm", "DemoFunction"}, {"", "DemoFunction"}} {
		if err := run(filepath.Join(root, "template.yaml"), bad[0], out, bad[1]); err == nil {
			t.Errorf("%q is built for %q", bad[1], bad[0])
		}
	}
}

// made is the hash of the demo as `sam build` makes it in a folder.
func made(t *testing.T, dir, arch string) string {
	t.Helper()
	out := t.TempDir()
	bySAM(t, dir, arch, out)
	return hash(t, filepath.Join(out, "bootstrap"))
}

func bySAM(t *testing.T, dir, arch, out string) {
	t.Helper()
	cmd := exec.Command("make", "--makefile", "infra/build/"+arch+"/Makefile", "build-DemoFunction") //nolint:noctx,gosec // a test
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ARTIFACTS_DIR="+out)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

func hash(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file) //nolint:gosec // a test's own
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// elsewhere is a copy of the code in a repository of its own.
func elsewhere(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git := func(in string, args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", in, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...) //nolint:noctx,gosec // a test
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
		return string(out)
	}
	files := strings.Split(strings.TrimSpace(git(root, "ls-files", "--cached", "--others", "--exclude-standard", "--",
		"*.go", "go.mod", "go.sum", "template.yaml", "infra/*.yaml", "infra/build", "shared", "functions/demo", "functions/internal")), "\n")
	slices.Sort(files)
	for _, f := range slices.Compact(files) {
		raw, err := os.ReadFile(filepath.Join(root, f))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git(dir, "init", "-q")
	git(dir, "add", "-A")
	git(dir, "commit", "-q", "-m", "another history")
	return dir
}
