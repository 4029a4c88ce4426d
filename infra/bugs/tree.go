package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// testTimeout bounds one run of a test. A test that hangs with the bug in the tree hasn't caught it: it has to fail.
const testTimeout = 3 * time.Minute

// tree is a copy of the repository to plant bugs in. It stays between runs, so that Go's build cache helps.
type tree struct {
	dir    string
	passed map[string]bool // tests that passed without a bug, by package and name
}

// newTree brings the n-th copy to where the working tree is, uncommitted changes included.
func newTree(ctx context.Context, root string, n int) (*tree, error) {
	t := &tree{dir: filepath.Join(root, ".build", "bugs", fmt.Sprintf("tree%d", n)), passed: map[string]bool{}}
	if err := os.RemoveAll(t.dir); err != nil {
		return nil, err
	}
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	for _, file := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if err := copyFile(filepath.Join(root, file), filepath.Join(t.dir, file)); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	// So that git apply takes the copy for a work tree of its own, and not for a part of ours that is ignored.
	return t, t.git(ctx, "init", "-q")
}

func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if info.Mode()&os.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

func (t *tree) git(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = t.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %s", args[0], firstLine(out))
	}
	return nil
}

// try plants a bug, runs its test and takes the bug out again. It is caught if the test passes without it and fails,
// not hangs, with it.
func (t *tree) try(ctx context.Context, b bug) (caught bool, why string) {
	name := b.Package + " " + b.Test
	if !t.passed[name] {
		switch r := t.test(ctx, b); r {
		case passed:
			t.passed[name] = true
		default:
			return false, "without the bug the test " + string(r)
		}
	}
	if err := t.git(ctx, "apply", b.File); err != nil {
		return false, "it no longer applies: " + err.Error()
	}
	r := t.test(ctx, b)
	if err := t.git(ctx, "apply", "-R", b.File); err != nil {
		return false, "it can't be taken out again: " + err.Error()
	}
	return r == failed, string(r)
}

// result is the outcome of a test.
type result string

const (
	passed   result = "passes"
	failed   result = "fails"
	hung     result = "hangs"
	noTest   result = "doesn't exist"
	notBuilt result = "doesn't compile"
)

func (t *tree) test(ctx context.Context, b bug) result {
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-vet=off", "-timeout="+testTimeout.String(), "-run", b.Test, b.Package)
	cmd.Dir = t.dir
	out, err := cmd.CombinedOutput()
	return judge(out, err != nil)
}

// judge reads what go test printed.
func judge(out []byte, nonZero bool) result {
	switch {
	case bytes.Contains(out, []byte("[build failed]")), bytes.Contains(out, []byte("[setup failed]")):
		return notBuilt
	case bytes.Contains(out, []byte("panic: test timed out")):
		return hung
	case bytes.Contains(out, []byte("[no tests to run]")), bytes.Contains(out, []byte("[no test files]")):
		return noTest
	case nonZero:
		return failed
	default:
		return passed
	}
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line
}
