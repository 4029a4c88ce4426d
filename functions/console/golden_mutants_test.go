package main

import (
	"bufio"
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template/parse"

	"golang.org/x/net/html"
)

// The templates are changed in one place at a time, and each change has to change a golden page. It is what infra/tools/mutants.sh is
// for packages. What may stay unnoticed is in testdata/mutants.txt, with the reason.

// rendering is a page as it was rendered for a shot, to be rendered again by other templates.
type rendering struct {
	shot  string
	app   *app
	name  string // of the template inside of the layout
	data  page
	uses  map[string]bool // templates
	html  string
	shown string // as the golden file has it
}

// recorder finds out what each page is rendered from: every template says that it begins.
type recorder struct {
	now  *rendering
	list []*rendering
}

// begins is called by a template as it begins. An empty attribute is the one value that prints nothing wherever a template is called.
func (r *recorder) begins(name string, data any) template.HTMLAttr {
	if d, ok := data.(page); ok && d.Body == "" && r.now == nil {
		r.now = &rendering{name: name, data: d, uses: map[string]bool{}}
	}
	if r.now != nil {
		r.now.uses[name] = true
	}
	return ""
}

// trees parses the templates of an app.
func trees(t *testing.T, a *app) map[string]*parse.Tree {
	t.Helper()
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*parse.Tree{}
	for _, file := range files {
		source, err := fs.ReadFile(templateFiles, file)
		if err != nil {
			t.Fatal(err)
		}
		some, err := parse.Parse(file, string(source), "", "", a.pages.functions(a.langs.Offered()[0], setID{}), map[string]any{
			"and": 0, "or": 0, "not": 0, "eq": 0, "ne": 0, "lt": 0, "le": 0, "gt": 0, "ge": 0, "len": 0, "index": 0, "slice": 0, "print": 0, "printf": 0, "begins": 0,
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, tree := range some {
			if strings.HasPrefix(name, "templates/") {
				continue
			}
			all[name] = tree
		}
	}
	return all
}

func setOf(t *testing.T, a *app, all map[string]*parse.Tree, more template.FuncMap) *template.Template {
	t.Helper()
	set := template.New("").Funcs(a.pages.functions(a.langs.Offered()[0], setID{})).Funcs(more)
	for name, tree := range all {
		if _, err := set.AddParseTree(name, tree.Copy()); err != nil {
			t.Fatal(err)
		}
	}
	return set
}

// record renders all golden pages and keeps what each was rendered from.
func (r *recorder) record(t *testing.T, s *stage, list []shot) {
	t.Helper()
	for _, a := range []*app{s.plain, s.branded} {
		all := trees(t, a)
		for name, tree := range all {
			said, err := parse.Parse("x", fmt.Sprintf("{{begins %q .}}", name), "", "", map[string]any{"begins": 0})
			if err != nil {
				t.Fatal(err)
			}
			tree.Root.Nodes = append([]parse.Node{said["x"].Root.Nodes[0]}, tree.Root.Nodes...)
		}
		set := setOf(t, a, all, template.FuncMap{"begins": r.begins})
		a.pages.sets = map[setID]*template.Template{{language: "en"}: set, {language: "en", suspended: true}: set}
	}
	for _, one := range list {
		r.now = nil
		got := s.take(one)
		if r.now == nil {
			continue
		}
		r.now.shot, r.now.app, r.now.html = one.name, s.app, got.text
		r.list = append(r.list, r.now)
	}
	r.now = nil
}

func render(set *template.Template, r *rendering) (string, error) {
	var body, whole bytes.Buffer
	if err := set.ExecuteTemplate(&body, r.name, r.data); err != nil {
		return "", err
	}
	data := r.data
	data.Body = template.HTML(withoutDeadEnds(body.Bytes(), data.Bad)) //nolint:gosec // as templates.go does
	if err := set.ExecuteTemplate(&whole, "layout", data); err != nil {
		return "", err
	}
	return whole.String(), nil
}

func shownAs(t *testing.T, source string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	p := printer{shared: map[string]map[string]string{}}
	text, _ := p.page("", doc)
	for _, kind := range slices.Sorted(maps.Keys(p.shared)) {
		text += p.sharedParts(kind)
	}
	return text
}

// TestAChangedTemplateChangesAGoldenPage takes conditions, attributes, fields and values out of the templates, one at a time.
func TestAChangedTemplateChangesAGoldenPage(t *testing.T) {
	if os.Getenv("LATCHKEY_DEEP") == "" {
		t.Skip("the long form: LATCHKEY_DEEP=1")
	}
	s := newStage(t)
	all := shots()
	r := &recorder{}
	r.record(t, s, append(all, s.refusals(all)...))
	base := trees(t, s.plain)
	plain := setOf(t, s.plain, base, nil)
	byTemplate := map[string][]*rendering{}
	for _, one := range r.list {
		set := plain
		if one.app != s.plain {
			set = setOf(t, one.app, base, nil)
		}
		text, err := render(set, one)
		if err != nil || text != one.html {
			t.Fatalf("%s isn't rendered again as it was: %v", one.shot, err)
		}
		one.shown = shownAs(t, text)
		for name := range one.uses {
			byTemplate[name] = append(byTemplate[name], one)
		}
	}
	excused := excusedMutants(t)
	count, noticed := 0, 0
	for _, name := range slices.Sorted(maps.Keys(base)) {
		for _, m := range mutants(name, base[name]) {
			count++
			m.change()
			sets := map[*app]*template.Template{}
			seen := slices.ContainsFunc(byTemplate[name], func(one *rendering) bool {
				if sets[one.app] == nil {
					sets[one.app] = setOf(t, one.app, base, nil)
				}
				text, err := render(sets[one.app], one)
				return err != nil || text != one.html && shownAs(t, text) != one.shown
			})
			m.undo()
			switch _, known := excused[m.what]; {
			case seen:
				noticed++
			case known:
				excused[m.what] = true
			default:
				t.Logf("unnoticed: %s: %s", m.where, m.what)
			}
		}
	}
	for what, used := range excused {
		if !used {
			t.Errorf("testdata/mutants.txt: %q is noticed, or there is no such change any more", what)
		}
	}
	share := 100 * float64(noticed) / float64(count)
	t.Logf("%d of %d changes are noticed: %.1f %%", noticed, count, share)
	if share < leastNoticed {
		t.Errorf("%.1f %% of the changes are noticed, not %d %%", share, leastNoticed)
	}
}

const leastNoticed = 95 // percent

// excusedMutants are the changes that no page can show. None is true yet: it becomes so when it is met.
func excusedMutants(t *testing.T) map[string]bool {
	t.Helper()
	file, err := os.Open("testdata/mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	list := map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if line := lines.Text(); line != "" && !strings.HasPrefix(line, "#") {
			list[line] = false
		}
	}
	return list
}
