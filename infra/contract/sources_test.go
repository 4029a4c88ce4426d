package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"latchkey/shared/telemetry"
)

// source describes one package of this module.
type source struct {
	imports []string            // packages of ours, by folder
	reads   []string            // names of environment variables
	unknown []string            // what else it reads variables by, which this test doesn't know as a name
	calls   []string            // names of all that it calls
	needs   map[string][]string // names that a function can't do without, by the function that reads them
	within  map[string][]string // names of all that a function calls, by its name
}

// readers are the functions and methods that are given the name of a variable; the first four are given nothing else.
var readers = []string{"Getenv", "getenv", "LookupEnv", "Need", "Or", "get", "env"}

// known keeps what has been read: packages are shared by many functions.
var known = map[string]source{}

// read parses a folder's files without its tests.
func read(t *testing.T, folder string) source {
	t.Helper()
	if s, ok := known[folder]; ok {
		return s
	}
	s := source{needs: map[string][]string{}, within: map[string][]string{}}
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range parsed.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			if ours, ok := strings.CutPrefix(path, "latchkey/"); ok {
				s.imports = append(s.imports, ours)
			}
		}
		for _, decl := range parsed.Decls {
			s.inspect(decl)
		}
	}
	known[folder] = s
	return s
}

func (s *source) inspect(decl ast.Decl) {
	within := ""
	if f, ok := decl.(*ast.FuncDecl); ok {
		within = f.Name.Name
	}
	ast.Inspect(decl, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		s.calls = append(s.calls, called(call.Fun))
		s.within[within] = append(s.within[within], called(call.Fun))
		if len(call.Args) == 0 || !slices.Contains(readers, called(call.Fun)) {
			return true
		}
		if _, constant := call.Args[0].(*ast.SelectorExpr); constant && slices.Contains(readers[:4], called(call.Fun)) && variableNames[called(call.Args[0])] == "" {
			s.unknown = append(s.unknown, called(call.Args[0]))
		}
		if name := variableIn(call.Args[0]); name != "" {
			s.reads = append(s.reads, name)
			if called(call.Fun) == "Need" || called(call.Fun) == "Or" && emptyText(call.Args) {
				s.needs[within] = append(s.needs[within], name)
			}
		}
		return true
	})
}

// variableIn is the name of a variable that stands in an argument, as a text or as a constant of ours; empty if none does.
func variableIn(arg ast.Expr) string {
	name := variableNames[called(arg)]
	if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		name, _ = strconv.Unquote(lit.Value)
	}
	if !isVariable(name) {
		return ""
	}
	return name
}

// variableNames are the constants that hold the name of a variable.
var variableNames = map[string]string{"NamespaceVariable": telemetry.NamespaceVariable}

// emptyText reports whether the default of a variable is "": then something is switched off without it.
func emptyText(args []ast.Expr) bool {
	lit, ok := args[len(args)-1].(*ast.BasicLit)
	return ok && lit.Value == `""`
}

func called(fun ast.Expr) string {
	switch f := fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func isVariable(name string) bool {
	return name != "" && strings.ToUpper(name) == name && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == ""
}

// needed are the names that a function can't do without, be it that another one of its package reads them for it.
func (s *source) needed(function string) (names []string) {
	seen := map[string]bool{}
	for todo := []string{function}; len(todo) > 0; todo = todo[1:] {
		if !seen[todo[0]] {
			seen[todo[0]] = true
			names = append(names, s.needs[todo[0]]...)
			todo = append(todo, s.within[todo[0]]...)
		}
	}
	return names
}

// closure reads a folder and all of ours that it imports.
func closure(t *testing.T, folder string) map[string]source {
	t.Helper()
	seen := map[string]source{}
	for todo := []string{folder}; len(todo) > 0; todo = todo[1:] {
		if _, ok := seen[todo[0]]; !ok {
			seen[todo[0]] = read(t, todo[0])
			todo = append(todo, seen[todo[0]].imports...)
		}
	}
	return seen
}

// deployed maps each function's logical ID to its folder.
func deployed(t *testing.T, d document) map[string]string {
	t.Helper()
	out := map[string]string{}
	for id, p := range d.ofType("AWS::Serverless::Function") {
		folder := strings.Trim(p["CodeUri"].(string), "/")
		out[id] = folder
		if _, err := os.Stat(filepath.Join(root, folder, "main.go")); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	return out
}

// ofGo are variables that Go itself reads.
var ofGo = []string{"GOMAXPROCS", "SSL_CERT_DIR"}

// fromLambda are variables that Lambda itself sets.
func fromLambda(name string) bool { return strings.HasPrefix(name, "AWS_") || name == "_HANDLER" }

func TestEveryVariableThatAFunctionReadsIsDeclared(t *testing.T) {
	d := render(t, "template.yaml")
	folders := deployed(t, d)
	// The demo has nothing but what all have.
	common, _ := at(d.properties(t, "DemoFunction"), "Environment", "Variables").(object)
	anywhere := map[string]bool{}
	for id := range folders {
		variables, _ := at(d.properties(t, id), "Environment", "Variables").(object)
		for name := range maps.Keys(variables) {
			anywhere[name] = true
		}
	}
	everyone := map[string]bool{} // what any function reads
	for id, folder := range folders {
		variables, _ := at(d.properties(t, id), "Environment", "Variables").(object)
		read := map[string]bool{}
		packages := closure(t, folder)
		for pkg, s := range packages {
			for _, name := range s.unknown {
				t.Errorf("%s reads a variable by %s, which is none of the names that are known here", pkg, name)
			}
			for function := range s.within {
				for _, name := range s.needed(function) {
					if _, ok := variables[name]; !ok && slices.Contains(packages[folder].calls, function) {
						t.Errorf("%s calls %s of %s, which needs %s", id, function, pkg, name)
					}
				}
			}
			for _, name := range s.reads {
				read[name], everyone[name] = true, true
				_, declared := variables[name]
				switch {
				case fromLambda(name) || declared:
				case pkg == folder:
					t.Errorf("%s reads %s, which its Environment lacks", id, name)
				case !anywhere[name]:
					t.Errorf("%s reads %s, which no function's Environment has", pkg, name)
				}
			}
		}
		for name := range variables {
			if _, everywhere := common[name]; !everywhere && !read[name] && !slices.Contains(ofGo, name) {
				t.Errorf("%s is given %s, and nothing in it reads that", id, name)
			}
		}
	}
	for name := range common {
		if !everyone[name] && !slices.Contains(ofGo, name) {
			t.Errorf("all functions are given %s, and none reads that", name)
		}
	}
}

// The management API has no authorizer: each of its functions verifies tokens, by one package.
func TestFunctionsOfTheManagementAPIVerifyTokens(t *testing.T) {
	d := render(t, "template.yaml")
	folders := deployed(t, d)
	checked := map[string]bool{}
	for _, r := range routes(d) {
		if r.api != "ManagementApi" || checked[r.function()] {
			continue
		}
		checked[r.function()] = true
		if _, ok := closure(t, folders[r.function()])["functions/internal/gateway/bearer"]; !ok {
			t.Errorf("%s serves %s and knows nothing of tokens", r.function(), r.path)
		}
	}
}

// One playbook for each alarm, and none for an alarm that is gone.
func TestEveryAlarmHasItsPlaybook(t *testing.T) {
	written := map[string]bool{}
	err := fs.WalkDir(os.DirFS(root+"docs/playbooks"), ".", func(path string, e fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(path, ".md"); ok && name != "README" {
			written[name] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	alarms := render(t, "infra/alarms.yaml").ofType("AWS::CloudWatch::Alarm")
	for id, p := range alarms {
		description, _ := p["AlarmDescription"].(string)
		name, ok := strings.CutSuffix(description[strings.LastIndex(description, " ")+1:], ".md")
		name, inside := strings.CutPrefix(name, "docs/playbooks/")
		if !ok || !inside || !written[name] {
			t.Errorf("%s: its description ends with no playbook: %q", id, description)
		}
		delete(written, name)
		if p["TreatMissingData"] == nil {
			t.Errorf("%s doesn't say what no data means", id)
		}
	}
	for name := range written {
		t.Errorf("docs/playbooks/%s.md belongs to no alarm", name)
	}
	if len(alarms) < 8 {
		t.Errorf("only %d alarms", len(alarms))
	}
}

// TestEveryFunctionLogsByOnePackage: so that all lines have the same keys. The gate writes its lines with its own code and has a test
// of its own that compares them.
func TestEveryFunctionLogsByOnePackage(t *testing.T) {
	for id, folder := range deployed(t, render(t, "template.yaml")) {
		for pkg, s := range closure(t, folder) {
			if pkg == "shared/telemetry" {
				continue
			}
			for _, name := range []string{"NewJSONHandler", "NewTextHandler", "SetDefault", "Printf", "Println", "Print", "Fatal", "Fatalf"} {
				if slices.Contains(s.calls, name) {
					t.Errorf("%s logs by %s of %s instead of shared/telemetry", id, name, pkg)
				}
			}
		}
	}
}
