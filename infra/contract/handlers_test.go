package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Each route of the management API calls the function whose code registers its pattern: another would answer that there is no such operation.
func TestEveryRouteCallsTheFunctionThatServesIt(t *testing.T) {
	d := render(t, "template.yaml")
	serves := map[string]string{}
	for id, folder := range deployed(t, d) {
		for _, pattern := range patterns(t, folder) {
			method, path, _ := strings.Cut(pattern, " ")
			name := strings.ToLower(method) + " " + path
			if other := serves[name]; other != "" && other != id {
				t.Errorf("%s and %s both serve %s", other, id, name)
			}
			serves[name] = id
		}
	}
	if len(serves) < 60 {
		t.Fatalf("the code registers %d patterns", len(serves))
	}
	for _, r := range routes(d) {
		if r.api != "ManagementApi" || r.method == "options" {
			continue
		}
		if id := serves[r.method+" "+r.path]; id != r.function() {
			t.Errorf("%s %s calls %s, and %q serves it", r.method, r.path, r.function(), id)
		}
	}
}

// patterns are those of management routes that a function's own package registers, as "GET /v1/me": texts, and sums of texts and constants.
func patterns(t *testing.T, folder string) (all []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		constants := map[string]ast.Expr{}
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				for i, name := range v.Names {
					if i < len(v.Values) {
						constants[name.Name] = v.Values[i]
					}
				}
			}
			if c, ok := n.(*ast.CallExpr); ok && len(c.Args) > 1 {
				if _, method := c.Fun.(*ast.SelectorExpr); method {
					p := sum(c.Args[0], constants)
					if method, path, _ := strings.Cut(p, " "); strings.HasPrefix(path, "/") && slices.Contains(methods, strings.ToLower(method)) {
						all = append(all, p)
					}
				}
			}
			return true
		})
	}
	return all
}

// sum is the text of an expression, or "" if it isn't one of texts and constants alone.
func sum(e ast.Expr, constants map[string]ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.Ident:
		if value, ok := constants[e.Name]; ok {
			return sum(value, constants)
		}
	case *ast.BinaryExpr:
		left, right := sum(e.X, constants), sum(e.Y, constants)
		if e.Op == token.ADD && left != "" && right != "" {
			return left + right
		}
	}
	return ""
}
