package authz_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/shared/api"
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

// TestTheReadmesTableHasEveryCode: in the row of its check, and with the rows in order.
func TestTheReadmesTableHasEveryCode(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	status := map[authz.Class]string{
		authz.ClassCredential: "401", authz.ClassPermission: "403", authz.ClassLimit: "429", authz.ClassOutage: "503",
	}
	var table []authz.Code
	at := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || !strings.Contains("401 403 429 503", strings.TrimSpace(cells[4])) {
			continue
		}
		if number, err := strconv.Atoi(strings.TrimSpace(cells[1])); err == nil {
			at = number
		}
		for i, part := range strings.Split(cells[3], "`") {
			if i%2 == 0 {
				continue
			}
			code := authz.Code(part)
			table = append(table, code)
			if status[code.Class()] != strings.TrimSpace(cells[4]) {
				t.Errorf("%s has the status %s there, and is of class %d", code, cells[4], code.Class())
			}
			if i := slices.Index(listed(), code); i >= 0 && authz.Codes[i].Check != 0 && authz.Codes[i].Check != at {
				t.Errorf("%s stands at check %d, and is given by check %d", code, at, authz.Codes[i].Check)
			}
		}
	}
	if !slices.Equal(table, listed()) {
		t.Errorf("README: %v\n Codes: %v", table, listed())
	}
}

func TestTheContractListsEveryCode(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	var want []any
	for _, c := range append([]authz.Code{authz.Allowed}, listed()...) {
		want = append(want, string(c))
	}
	if got := doc.Components.Schemas["DecisionCode"].Value.Extensions["x-extensible-enum"]; !reflect.DeepEqual(got, want) {
		t.Errorf("the contract: %v\n    Codes: %v", got, want)
	}
}
