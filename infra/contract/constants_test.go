package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// constant is a number of the code: a constant, or a time-out that stands in a composite literal.
type constant struct {
	name     string // package.Name, or package{Field}
	value    float64
	duration bool // then value is in seconds
	exported bool
}

// constantsOf reads the constants of the code with syntax alone, so that those of programs and unexported ones are read
// like all others.
func constantsOf(t *testing.T) []constant {
	t.Helper()
	c := &constants{declared: map[string]ast.Expr{}, imports: map[string]map[string]string{}}
	var order []string
	for _, top := range []string{"authorizer", "functions", "shared"} {
		err := fs.WalkDir(os.DirFS(root), top, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || notOurs(path) {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			order = append(order, c.read(filepath.ToSlash(filepath.Dir(path)), file)...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var out []constant
	for _, name := range order {
		pkg := name[:strings.LastIndexAny(name, ".{")]
		v, duration, ok := c.value(pkg, c.declared[name])
		if !ok {
			continue
		}
		short := name[len(pkg)+1:]
		out = append(out, constant{name, v, duration, strings.Contains(name, ".") && ast.IsExported(short)})
	}
	return out
}

// notOurs leaves out what no customer and no call meets: helpers of tests, and the demo, which is protected and protects
// nothing.
func notOurs(path string) bool {
	for _, part := range []string{"shared/keytest/", "functions/demo/", "/sim/", "authztest/", "origintest/", "/apitest/", ".gen.go"} {
		if strings.Contains(path, part) {
			return true
		}
	}
	return false
}

type constants struct {
	declared map[string]ast.Expr
	imports  map[string]map[string]string // by package: the folder that a name in front of a dot stands for
}

func (c *constants) read(pkg string, file *ast.File) (names []string) {
	if c.imports[pkg] == nil {
		c.imports[pkg] = map[string]string{}
	}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		if ours, ok := strings.CutPrefix(path, "latchkey/"); ok {
			name := filepath.Base(ours)
			if i.Name != nil {
				name = i.Name.Name
			}
			c.imports[pkg][name] = ours
		}
	}
	add := func(name string, value ast.Expr) {
		if _, twice := c.declared[name]; !twice {
			names = append(names, name)
		}
		c.declared[name] = value
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.GenDecl:
			if x.Tok != token.CONST {
				return true
			}
			for _, s := range x.Specs {
				spec := s.(*ast.ValueSpec)
				for i, name := range spec.Names {
					if i < len(spec.Values) && name.Name != "_" {
						add(pkg+"."+name.Name, spec.Values[i])
					}
				}
			}
			return false
		case *ast.KeyValueExpr:
			if key, ok := x.Key.(*ast.Ident); ok && strings.Contains(key.Name, "Time") && x.Value != nil {
				if _, isDuration, ok := c.value(pkg, x.Value); ok && isDuration {
					add(pkg+"{"+key.Name+"}", x.Value)
				}
			}
		}
		return true
	})
	return names
}

var units = map[string]float64{
	"Nanosecond": 1e-9, "Microsecond": 1e-6, "Millisecond": 1e-3, "Second": 1, "Minute": 60, "Hour": 3600,
}

// value computes an expression of numbers, units of time and other constants.
func (c *constants) value(pkg string, e ast.Expr) (v float64, duration, ok bool) {
	switch x := e.(type) {
	case *ast.BasicLit:
		v, err := strconv.ParseFloat(strings.ReplaceAll(x.Value, "_", ""), 64)
		return v, false, err == nil && (x.Kind == token.INT || x.Kind == token.FLOAT)
	case *ast.ParenExpr:
		return c.value(pkg, x.X)
	case *ast.Ident:
		if declared, found := c.declared[pkg+"."+x.Name]; found {
			return c.value(pkg, declared)
		}
	case *ast.SelectorExpr:
		from, _ := x.X.(*ast.Ident)
		if from == nil {
			return 0, false, false
		}
		if from.Name == "time" {
			v, ok := units[x.Sel.Name]
			return v, true, ok
		}
		if declared, found := c.declared[c.imports[pkg][from.Name]+"."+x.Sel.Name]; found {
			return c.value(c.imports[pkg][from.Name], declared)
		}
	case *ast.BinaryExpr:
		a, da, oka := c.value(pkg, x.X)
		b, db, okb := c.value(pkg, x.Y)
		if !oka || !okb {
			return 0, false, false
		}
		switch x.Op {
		case token.MUL:
			return a * b, da || db, true
		case token.QUO:
			return a / b, da != db, b != 0
		case token.ADD:
			return a + b, da, true
		case token.SUB:
			return a - b, da, true
		case token.SHL:
			return a * float64(int64(1)<<int64(b)), false, true
		}
	}
	return 0, false, false
}
