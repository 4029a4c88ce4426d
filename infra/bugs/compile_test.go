package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"latchkey/shared/keytest"
)

// TestEveryPlantedBugStillCompiles: what the compiler refuses is no bug that a test could catch.
func TestEveryPlantedBugStillCompiles(t *testing.T) {
	keytest.OneAtATime(t)
	bugs, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	var patches []patch
	for _, b := range bugs {
		text, err := os.ReadFile(filepath.Join(root, b.File))
		if err != nil {
			t.Fatal(err)
		}
		patches = append(patches, patch{b.Name, string(text)})
	}
	c := newCompiler(t)
	for group := range slices.Chunk(patches, 16) {
		for name, err := range c.refused(group) {
			t.Errorf("%s doesn't compile: %v", name, err)
		}
	}
}

func TestABugThatDoesNotCompileIsSeenAmongOthers(t *testing.T) {
	c := newCompiler(t)
	change := func(name, old, new string) patch {
		const file = "infra/bugs/catalogue.go"
		return patch{name, fmt.Sprintf("--- a/%[1]s\n+++ b/%[1]s\n@@ -28 +28 @@\n-%[2]s\n+%[3]s\n", file, old, new)}
	}
	const area = "func (b bug) area() string { return path.Dir(b.Name) }"
	good := change("good", "\tvar bad []error", "\tbad := []error{nil}")
	for name, line := range map[string]string{
		"unknown":   "func (b bug) area() string { return path.Directory(b.Name) }",
		"type":      "func (b bug) area() int { return path.Dir(b.Name) }",
		"unused":    "func (b bug) area() string { n := 1; return path.Dir(b.Name) }",
		"half":      "func (b bug) area() string {",
		"elsewhere": "func (b bug) Area() string { return path.Dir(b.Name) }",
	} {
		if got := c.refused([]patch{good, change(name, area, line)}); len(got) != 1 || got[name] == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := c.refused([]patch{good, change("same", area, area)}); len(got) != 0 {
		t.Errorf("what compiles: %v", got)
	}
	if got := c.refused([]patch{good, change("gone", "what isn't there", "")}); len(got) != 1 {
		t.Errorf("what has no place: %v", got)
	}
}

// patch is the text of a planted bug.
type patch struct{ name, text string }

// compiler asks go/types, which needs a hundredth of the time of go build. Of tests it says nothing.
type compiler struct {
	packages map[string]listed // by folder, from the root of the repository
	parsed   map[string]*ast.File
	fset     *token.FileSet
	types    types.Config
}

// listed is a package as go list tells of it.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

func newCompiler(t *testing.T) *compiler {
	t.Helper()
	list := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	c := &compiler{packages: map[string]listed{}, parsed: map[string]*ast.File{}, fset: token.NewFileSet()}
	exports := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if folder, err := filepath.Rel(top, p.Dir); err == nil && filepath.IsLocal(folder) {
			c.packages[filepath.ToSlash(folder)] = p
		}
	}
	c.types.Importer = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	return c
}

// refused reports which patches don't compile, and why. Those that compile together compile alone; else it tries halves.
func (c *compiler) refused(patches []patch) map[string]error {
	err := c.compile(patches)
	bad := map[string]error{}
	switch half := len(patches) / 2; {
	case err == nil:
	case half == 0:
		bad[patches[0].name] = err
	default:
		maps.Copy(bad, c.refused(patches[:half]))
		maps.Copy(bad, c.refused(patches[half:]))
	}
	return bad
}

// compile plants patches together, and looks at the packages that they touch.
func (c *compiler) compile(patches []patch) error {
	texts := map[string]string{}
	for _, p := range patches {
		if err := plant(p, texts); err != nil {
			return err
		}
	}
	planted := map[string]*ast.File{}
	folders := map[string]bool{}
	for name, text := range texts {
		f, err := parser.ParseFile(c.fset, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		planted[name] = f
		folders[path.Dir(name)] = true
	}
	for folder := range folders {
		var files []*ast.File
		for _, name := range c.packages[folder].GoFiles {
			f, err := c.file(path.Join(folder, name), planted)
			if err != nil {
				return err
			}
			files = append(files, f)
		}
		if _, err := c.types.Check(c.packages[folder].ImportPath, c.fset, files, nil); err != nil {
			return err
		}
	}
	return nil
}

// file is a file as it is planted, or else as it is on disk.
func (c *compiler) file(name string, planted map[string]*ast.File) (*ast.File, error) {
	if f := planted[name]; f != nil {
		return f, nil
	}
	if c.parsed[name] == nil {
		f, err := parser.ParseFile(c.fset, filepath.Join(root, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		c.parsed[name] = f
	}
	return c.parsed[name], nil
}

// plant changes the texts of Go files by a patch; a file that isn't among them is read.
func plant(p patch, texts map[string]string) error {
	for _, part := range strings.Split(p.text, "\n+++ b/")[1:] {
		name, hunks, _ := strings.Cut(part, "\n")
		if path.Ext(name) != ".go" {
			continue
		}
		text, known := texts[name]
		if !known {
			read, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				return err
			}
			text = string(read)
		}
		for _, hunk := range strings.Split("\n"+hunks, "\n@@ -")[1:] {
			line, _ := strconv.Atoi(hunk[:strings.IndexAny(hunk, ", ")])
			old, new := sides(strings.TrimSuffix(hunk, "\n") + "\n")
			at := nearest(text, old, line)
			if at < 0 {
				return fmt.Errorf("%s has no place for what is at line %d", name, line)
			}
			text = text[:at] + new + text[at+len(old):]
		}
		texts[name] = text
	}
	return nil
}

// sides are the lines that a hunk takes out and the ones that it puts in, those around them included.
func sides(hunk string) (old, new string) {
	_, body, _ := strings.Cut(hunk, "\n")
	for line := range strings.Lines(body) {
		switch line[0] {
		case '-':
			old += line[1:]
		case '+':
			new += line[1:]
		case ' ':
			old, new = old+line[1:], new+line[1:]
		case '\n': // an empty line whose space was taken from it
			old, new = old+line, new+line
		default: // the next file begins
			return old, new
		}
	}
	return old, new
}

// nearest finds lines in a text, as near as possible to the line that a patch names, as git does it; -1 is nowhere.
func nearest(text, lines string, line int) int {
	best, distance := -1, 0
	for at := 0; ; at++ {
		next := strings.Index(text[at:], lines)
		if next < 0 {
			return best
		}
		at += next
		far := strings.Count(text[:at], "\n") + 1 - line
		if far = max(far, -far); (at == 0 || text[at-1] == '\n') && (best < 0 || far < distance) {
			best, distance = at, far
		}
	}
}
