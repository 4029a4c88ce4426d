package main

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// bug is one planted bug: a small patch, and the test that has to fail with it.
type bug struct {
	Name      string   // area/file, without .patch
	File      string   // the patch, from the root of the repository
	Guarantee string   // what the test promises, in words
	Package   string   // of the test, such as ./shared/authz
	Test      string   // a pattern for go test -run
	Touches   []string // the files that it changes, from the root of the repository
}

// area is the folder that the patch is in.
func (b bug) area() string { return path.Dir(b.Name) }

// load reads all patches below root/infra/bugs, in order.
func load(root string) ([]bug, error) {
	var bugs []bug
	var bad []error
	top := filepath.Join(root, "infra", "bugs")
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".patch" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, name)
		if err != nil {
			return err
		}
		b, err := parse(strings.TrimSuffix(filepath.ToSlash(rel), ".patch"), text)
		if err != nil {
			bad = append(bad, err)
		}
		bugs = append(bugs, b)
		return nil
	})
	return bugs, errors.Join(append(bad, err)...)
}

// parse reads a patch: two lines of ours, then a diff as git writes it.
//
//	guarantee: a key that is disabled opens nothing
//	test: ./shared/authz TestCascade
func parse(name string, text []byte) (bug, error) {
	b := bug{Name: name, File: "infra/bugs/" + name + ".patch"}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "guarantee: ") && len(b.Touches) == 0:
			b.Guarantee = strings.TrimPrefix(line, "guarantee: ")
		case strings.HasPrefix(line, "test: ") && len(b.Touches) == 0:
			b.Package, b.Test, _ = strings.Cut(strings.TrimPrefix(line, "test: "), " ")
		case strings.HasPrefix(line, "+++ b/"):
			b.Touches = append(b.Touches, strings.TrimPrefix(line, "+++ b/"))
		}
	}
	switch {
	case b.area() == ".":
		return b, fmt.Errorf("bug %s: it belongs into a folder, its area", name)
	case b.Guarantee == "":
		return b, fmt.Errorf("bug %s: the line \"guarantee: …\" is missing", name)
	case !strings.HasPrefix(b.Package, "./") || b.Test == "":
		return b, fmt.Errorf("bug %s: the line \"test: ./package TestName\" is missing", name)
	case len(b.Touches) == 0:
		return b, fmt.Errorf("bug %s: the patch changes no file", name)
	}
	return b, nil
}

// touching keeps the bugs that concern changed files: those that change one of their packages, and those whose test is
// in one. A patch that changed itself is always run.
func touching(bugs []bug, changed []string) []bug {
	folders := map[string]bool{}
	for _, file := range changed {
		folders["./"+path.Dir(file)] = true
	}
	return slices.DeleteFunc(slices.Clone(bugs), func(b bug) bool {
		if slices.Contains(changed, b.File) || folders[b.Package] {
			return false
		}
		return !slices.ContainsFunc(b.Touches, func(file string) bool { return slices.Contains(changed, file) })
	})
}

// some keeps at most n of the bugs. Which ones follows from the seed, so that a run can be repeated and the next commit
// tries others.
func some(bugs []bug, seed string, n int) []bug {
	rank := func(b bug) string {
		sum := sha256.Sum256([]byte(seed + " " + b.Name))
		return string(sum[:])
	}
	chosen := slices.SortedFunc(slices.Values(bugs), func(a, b bug) int { return cmp.Compare(rank(a), rank(b)) })
	chosen = chosen[:min(n, len(chosen))]
	slices.SortFunc(chosen, func(a, b bug) int { return cmp.Compare(a.Name, b.Name) })
	return chosen
}
