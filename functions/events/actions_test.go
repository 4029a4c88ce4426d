package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// noActions are texts of the form of an action that name something else.
var noActions = map[string]string{
	"host.docker.internal": "a host",
	"land.bin":             "a file of the demo's map",
}

// writesNothing are the folders of functions that write no audit rows and have many texts of that form.
var writesNothing = map[string]string{
	"functions/console":          "its texts' names; what it changes goes through the management API",
	"functions/events":           "this list",
	"functions/internal/apitest": "the tests' own rows",
}

// actions finds the audit actions in the sources of what writes audit rows: each text that has their form, "key.rotation_end",
// with the file that has it.
func actions(t *testing.T) map[string]string {
	t.Helper()
	form, found := regexp.MustCompile(`^[a-z]+(\.[a-z_]+)+$`), map[string]string{}
	root := os.DirFS("../..")
	for _, folder := range []string{"functions", "shared/dynamo/control"} {
		err := fs.WalkDir(root, folder, func(file string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case e.IsDir() && writesNothing[file] != "":
				return fs.SkipDir
			case filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go"):
				return nil
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", file), nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if text, _ := strconv.Unquote(lit.Value); form.MatchString(text) {
						found[text] = file
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// An action that has no name here would go out under one that is made of its own words, and the reference page and the
// console's texts, which follow from this list, would lack it.
// formerActions are done no longer, but rows of theirs are in people's tables and may still be read.
var formerActions = map[string]string{
	"member.add":          "members were added without an invitation until November 2026",
	"account.type.refuse": "a change of type could be refused until November 2026",
}

func TestEveryActionHasItsEvent(t *testing.T) {
	found := actions(t)
	for _, action := range slices.Sorted(maps.Keys(found)) {
		if detailTypes[action] == "" && noActions[action] == "" {
			t.Errorf("%s: the action %s has no event in detailTypes, or it is none: then say so in noActions", found[action], action)
		}
	}
	for action := range detailTypes {
		if found[action] == "" && formerActions[action] == "" {
			t.Errorf("nothing does %s", action)
		}
	}
	for action := range formerActions {
		if found[action] != "" || detailTypes[action] == "" {
			t.Errorf("%s is no former action", action)
		}
	}
	for text := range noActions {
		if found[text] == "" {
			t.Errorf("nothing needs the excuse of %s any more", text)
		}
	}
}
