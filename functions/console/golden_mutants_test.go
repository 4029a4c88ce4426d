package main

import (
	"bufio"
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"os"
	"regexp"
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

func (r *recorder) begins(name string, data any) string {
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
		some, err := parse.Parse(file, string(source), "", "", a.pages.functions(a.langs.Offered()[0], ""), map[string]any{
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
	set := template.New("").Funcs(a.pages.functions(a.langs.Offered()[0], "")).Funcs(more)
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
		a.pages.sets = map[[2]string]*template.Template{{"en", ""}: setOf(t, a, all, template.FuncMap{"begins": r.begins})}
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
	data.Body = template.HTML(body.String()) //nolint:gosec // as page.go does
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

// mutant is one change of one template.
type mutant struct {
	what, where  string
	change, undo func()
}

// mutants are all changes of a template. Each is made and taken back in the tree itself.
func mutants(name string, tree *parse.Tree) (all []mutant) {
	source := func(n parse.Node) string { return squeeze(n.String()) }
	line := func(n parse.Node) string {
		where, _ := tree.ErrorContext(n)
		parts := strings.Split(where, ":")
		return strings.TrimPrefix(parts[0], "templates/") + ":" + at(parts, 1)
	}
	add := func(n parse.Node, what string, change, undo func()) {
		all = append(all, mutant{name + ": " + what, line(n), change, undo})
	}
	constant := func(value string) *parse.PipeNode {
		parsed, err := parse.Parse("x", "{{"+value+"}}", "", "")
		if err != nil {
			panic(err)
		}
		return parsed["x"].Root.Nodes[0].(*parse.ActionNode).Pipe
	}
	var walk func(list *parse.ListNode)
	branch := func(b *parse.BranchNode, n parse.Node, kind string) {
		was, otherwise := b.Pipe, b.ElseList
		set := func(to *parse.PipeNode) func() { return func() { b.Pipe = to } }
		back := func() { b.Pipe = was }
		condition := kind + " " + source(was)
		switch {
		case kind == "if":
			add(n, condition+": always", set(constant("true")), back)
			add(n, condition+": never", set(constant("false")), back)
		case len(was.Decl) == 0:
			add(n, condition+": never", set(constant(`""`)), back)
		default:
			add(n, condition+": no body", func() { b.List = &parse.ListNode{NodeType: parse.NodeList} }, func() {})
			body := b.List
			all[len(all)-1].undo = func() { b.List = body }
		}
		if otherwise != nil {
			add(n, condition+": no else", func() { b.ElseList = nil }, func() { b.ElseList = otherwise })
			walk(otherwise)
		}
		walk(b.List)
	}
	walk = func(list *parse.ListNode) {
		var before *parse.ActionNode
		for i, n := range list.Nodes {
			drop := func() { list.Nodes[i] = &parse.TextNode{NodeType: parse.NodeText} }
			back := func() { list.Nodes[i] = n }
			switch node := n.(type) {
			case *parse.IfNode:
				branch(&node.BranchNode, n, "if")
			case *parse.WithNode:
				branch(&node.BranchNode, n, "with")
			case *parse.RangeNode:
				branch(&node.BranchNode, n, "range")
			case *parse.TemplateNode:
				add(n, "without "+source(n), drop, back)
			case *parse.ActionNode:
				if len(node.Pipe.Decl) > 0 {
					continue
				}
				add(n, "without "+source(n), drop, back)
				if before != nil && source(before) != source(node) {
					one, other := before, node
					swap := func() { one.Pipe, other.Pipe = other.Pipe, one.Pipe }
					add(n, source(one)+" and "+source(other)+" exchanged", swap, swap)
				}
				before = node
			case *parse.TextNode:
				attributes(list, i, node, add)
			}
		}
	}
	walk(tree.Root)
	return all
}

func squeeze(text string) string { return strings.TrimSpace(blanks.ReplaceAllString(text, " ")) }

var (
	wholeAttribute = regexp.MustCompile(`\s[a-z-]+(="[^"<>]*")?`)
	begunAttribute = regexp.MustCompile(`\s([a-z-]+)="[^"<>]*$`)
	hiddenField    = regexp.MustCompile(`<input type="hidden" name="$|<input type="hidden" name="[^"]*" value="$`)
)

// attributes adds the changes of a text: without each attribute of its tags, and without a hidden field that begins in it.
func attributes(list *parse.ListNode, i int, node *parse.TextNode, add func(parse.Node, string, func(), func())) {
	text := string(node.Text)
	back := func() { node.Text = []byte(text) }
	inTag := i > 0 && !strings.HasPrefix(text, "<") && endsInTag(list, i)
	for at, c := range []byte(text) {
		switch c {
		case '<':
			inTag = true
		case '>':
			inTag = false
		}
		if !inTag || c != ' ' && c != '\n' {
			continue
		}
		found := wholeAttribute.FindStringIndex(text[at:])
		if found == nil || found[0] != 0 || quotedAt(text, at) {
			continue
		}
		end := at + found[1]
		if begun := begunAttribute.FindString(text[at:]); begun != "" && strings.HasPrefix(text[at:], begun) {
			continue // its value goes on: below
		}
		if end < len(text) && !strings.ContainsRune(" \n/>", rune(text[end])) || end == len(text) && !strings.Contains(text[at:end], `"`) && i+1 < len(list.Nodes) && strings.HasSuffix(text, "=") {
			continue
		}
		add(node, "without "+squeeze(text[at:end])+" in "+around(text, at), func() { node.Text = []byte(text[:at] + text[end:]) }, back)
	}
	begun := begunAttribute.FindStringSubmatchIndex(text)
	if begun != nil {
		cut(list, i, begun[0], `"`, "without "+text[begun[2]:begun[3]]+" in "+around(text, begun[0]), add)
	}
	if hidden := hiddenField.FindStringIndex(text); hidden != nil {
		cut(list, i, hidden[0], ">", "without the field "+text[hidden[0]:], add)
	}
}

// cut adds a change that takes out what begins in the text i and ends behind the first end in a text after it.
func cut(list *parse.ListNode, i, from int, end, what string, add func(parse.Node, string, func(), func())) {
	node := list.Nodes[i].(*parse.TextNode)
	for j := i + 1; j < len(list.Nodes); j++ {
		last, ok := list.Nodes[j].(*parse.TextNode)
		if !ok {
			continue
		}
		to := bytes.Index(last.Text, []byte(end))
		if to < 0 {
			continue
		}
		was := slices.Clone(list.Nodes[i : j+1])
		first, final := string(node.Text), string(last.Text)
		add(node, what, func() {
			node.Text, last.Text = []byte(first[:from]), []byte(final[to+len(end):])
			for k := i + 1; k < j; k++ {
				list.Nodes[k] = &parse.TextNode{NodeType: parse.NodeText}
			}
		}, func() {
			node.Text, last.Text = []byte(first), []byte(final)
			copy(list.Nodes[i:], was)
		})
		return
	}
}

// endsInTag reports whether what is before a text ends within a tag.
func endsInTag(list *parse.ListNode, i int) bool {
	for j := i - 1; j >= 0; j-- {
		if text, ok := list.Nodes[j].(*parse.TextNode); ok && bytes.ContainsAny(text.Text, "<>") {
			return bytes.LastIndexByte(text.Text, '<') > bytes.LastIndexByte(text.Text, '>')
		}
	}
	return false
}

// quotedAt reports whether a place of a text is within a value.
func quotedAt(text string, at int) bool {
	start := max(strings.LastIndexByte(text[:at], '<'), 0)
	return strings.Count(text[start:at], `"`)%2 == 1
}

// around is the tag that a place of a text is in.
func around(text string, at int) string {
	start := max(strings.LastIndexByte(text[:at], '<'), 0)
	return squeeze(text[start:at])
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
