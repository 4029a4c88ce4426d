package authz_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"latchkey/shared/authz"
)

// listed are the refusals of Codes, in their order.
func listed() (codes []authz.Code) {
	for _, c := range authz.Codes {
		codes = append(codes, c.Code)
	}
	return codes
}

// declared are the constants of type Code in the package's source.
func declared(t *testing.T) (codes []authz.Code) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || fmt.Sprint(spec.Type) != "Code" {
			return true
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, authz.Code(text))
		}
		return true
	})
	return codes
}

func TestCodesHasEveryCodeInTheOrderOfItsDeclaration(t *testing.T) {
	want := append([]authz.Code{authz.Allowed}, listed()...)
	if got := declared(t); !slices.Equal(got, want) {
		t.Errorf("declared: %v\nin Codes: %v", got, want)
	}
}

func TestCodesAreInTheOrderOfTheChecks(t *testing.T) {
	last := 0
	for _, c := range authz.Codes {
		if c.Class == authz.ClassOutage {
			if c.Check != 0 {
				t.Errorf("%s is an outage and belongs to no check", c.Code)
			}
			continue
		}
		if c.Check < last || c.Check < 1 || c.Check > 7 {
			t.Errorf("%s: check %d comes after %d", c.Code, c.Check, last)
		}
		last = c.Check
	}
}

func TestACodeThatIsNotListedIsAnOutage(t *testing.T) {
	if authz.Code("").Class() != authz.ClassOutage || authz.Code("unheard_of").Class() != authz.ClassOutage || authz.Allowed.Class() != authz.ClassPass {
		t.Error("an unknown code may pass")
	}
}

// TestCodesAreShortWordsOfSmallLetters: a report with a code that isn't like the others is set aside whole, also by the release
// before.
func TestCodesAreShortWordsOfSmallLetters(t *testing.T) {
	for _, c := range listed() {
		if len(c) > 40 || strings.Trim(string(c), "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("%q", c)
		}
	}
}
