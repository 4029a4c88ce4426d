package contract

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	contractapi "latchkey/shared/api"
)

// TestTheListOfProblemsIsThatOfTheAnswers: what the management API's functions and its gateway can answer has a page in docs/problems,
// under the same status, and nothing else has. The contract names the same codes.
func TestTheListOfProblemsIsThatOfTheAnswers(t *testing.T) {
	answered := answeredCodes(t)
	for _, p := range contractapi.Problems {
		statuses := answered[p.Code]
		if statuses == nil {
			t.Errorf("nothing answers %s, which shared/api/problems.go has", p.Code)
		}
		for status := range statuses {
			if status != p.Status && !strings.Contains(p.Cause, fmt.Sprint(status)) {
				t.Errorf("%s is answered with %d; shared/api/problems.go says %d", p.Code, status, p.Status)
			}
		}
		delete(answered, p.Code)
		if p.Cause == "" || p.Help == "" || strings.TrimSpace(p.Cause) != p.Cause || !strings.HasSuffix(p.Help, ".") {
			t.Errorf("%s needs a cause and what to do, in sentences", p.Code)
		}
	}
	for code := range answered {
		t.Errorf("shared/api/problems.go has no %s: add it, with its cause and what to do", code)
	}
	if !slices.IsSortedFunc(contractapi.Problems, func(a, b contractapi.ProblemPage) int {
		return strings.Compare(fmt.Sprint(a.Status, a.Code), fmt.Sprint(b.Status, b.Code))
	}) {
		t.Error("shared/api/problems.go isn't sorted by status and code")
	}
	doc, err := openapi3.NewLoader().LoadFromData(contractapi.Contract)
	if err != nil {
		t.Fatal(err)
	}
	listed, _ := doc.Components.Schemas["Problem"].Value.Properties["code"].Value.Extensions["x-extensible-enum"].([]any)
	var want, got []string
	for _, p := range contractapi.Problems {
		want = append(want, p.Code)
	}
	for _, code := range listed {
		got = append(got, fmt.Sprint(code))
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("the contract's Problem.code has %v, want %v", got, want)
	}
}

// answeredCodes collects the codes of problems, and the statuses that they are made with; a status of 0 is left out.
func answeredCodes(t *testing.T) map[string]map[int]bool {
	t.Helper()
	found := map[string]map[int]bool{}
	add := func(code string, status int) {
		if found[code] == nil {
			found[code] = map[int]bool{}
		}
		if status != 0 {
			found[code][status] = true
		}
	}
	statuses := map[string]int{}
	for status := 400; status < 600; status++ {
		statuses["Status"+strings.ReplaceAll(strings.ReplaceAll(http.StatusText(status), " ", ""), "-", "")] = status
	}
	for _, name := range []string{"accounts", "keys", "leaks", "qps", "rotation", "usage", "internal/gateway", "internal/web"} {
		files, err := fs.Glob(os.DirFS(root), "functions/"+name+"/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if code, status, ok := problemIn(n, statuses); ok {
					add(code, status)
				}
				return true
			})
		}
	}
	template, err := os.ReadFile(root + "template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, management, _ := strings.Cut(string(template), "\n  ManagementApi:\n")
	management, _, _ = strings.Cut(management, "DefinitionBody:")
	for _, m := range regexp.MustCompile(`(?:"status":([0-9]+),)?"code":"([a-z_]+)"`).FindAllStringSubmatch(management, -1) {
		status := 0
		_, _ = fmt.Sscan(m[1], &status)
		add(m[2], status)
	}
	if len(found) < 40 {
		t.Fatalf("only %v found", slices.Sorted(maps.Keys(found)))
	}
	return found
}

// problemIn reads NewProblem(status, code, …), conflict(code, …) and Problem{Status: …, Code: …}.
func problemIn(n ast.Node, statuses map[string]int) (code string, status int, ok bool) {
	text := func(e ast.Expr) string {
		if lit, is := e.(*ast.BasicLit); is {
			return strings.Trim(lit.Value, `"`)
		}
		return ""
	}
	named := func(e ast.Expr) string {
		switch x := e.(type) {
		case *ast.SelectorExpr:
			return x.Sel.Name
		case *ast.Ident:
			return x.Name
		}
		return ""
	}
	switch x := n.(type) {
	case *ast.CallExpr:
		switch {
		case named(x.Fun) == "NewProblem" && len(x.Args) == 3 && text(x.Args[1]) != "":
			return text(x.Args[1]), statuses[named(x.Args[0])], true
		case named(x.Fun) == "conflict":
			return text(x.Args[0]), http.StatusConflict, true
		}
	case *ast.CompositeLit:
		if named(x.Type) != "Problem" {
			return "", 0, false
		}
		for _, e := range x.Elts {
			pair, _ := e.(*ast.KeyValueExpr)
			if pair == nil {
				continue
			}
			switch named(pair.Key) {
			case "Code":
				code = text(pair.Value)
			case "Status":
				status = statuses[named(pair.Value)]
			}
		}
		return code, status, code != ""
	}
	return "", 0, false
}
