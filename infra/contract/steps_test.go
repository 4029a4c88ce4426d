package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var step = regexp.MustCompile("`([a-z0-9_/]+\\.go)`\\s+`([A-Za-z.]+)`")

// The four paths of the architecture name files and functions: a rename that forgets them turns this red.
func TestEveryStepOfTheFourPathsExists(t *testing.T) {
	raw, err := os.ReadFile(root + architecture)
	if err != nil {
		t.Fatal(err)
	}
	steps := step.FindAllStringSubmatch(string(raw), -1)
	for _, m := range steps {
		if !slices.Contains(declared(t, m[1]), m[2]) {
			t.Errorf("%s has no %s", m[1], m[2])
		}
	}
	if len(steps) < 40 {
		t.Errorf("only %d steps found", len(steps))
	}
	begun := regexp.MustCompile(`(?m)^\d+\. `).FindAllStringIndex(string(raw), -1)
	for _, at := range begun {
		line, _, _ := strings.Cut(string(raw)[at[1]:], "\n")
		if !step.MatchString(line) {
			t.Errorf("a step without file and function: %s", line)
		}
	}
}

// declared are the functions of a file, methods with their type before a dot.
func declared(t *testing.T, file string) (names []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return nil
	}
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := f.Name.Name
		if f.Recv != nil {
			receiver := f.Recv.List[0].Type
			if star, ok := receiver.(*ast.StarExpr); ok {
				receiver = star.X
			}
			if id, ok := receiver.(*ast.Ident); ok {
				name = id.Name + "." + name
			}
		}
		names = append(names, name)
	}
	return names
}
