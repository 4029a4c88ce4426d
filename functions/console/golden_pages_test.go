package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// goldenFolder has the golden pages. How they are read and renewed: docs/guides/changing.md.
const goldenFolder = "testdata/pages"

// TestPagesAreAsTheirGoldenFiles: each page in each state, for each person who sees something else, to the last attribute, with the
// style sheets that its classes need, no ID twice, and without markup among its texts.
func TestPagesAreAsTheirGoldenFiles(t *testing.T) {
	s := newStage(t)
	g := newGallery()
	all := shots()
	all = append(all, s.refusals(all)...)
	for _, one := range all {
		got := s.take(one)
		if got.StatusCode >= 500 && !strings.HasPrefix(one.name, "failure.") && one.name != "sign_in.no_issuer" {
			t.Errorf("%s breaks down: %d", one.name, got.StatusCode)
		}
		if shows, says := refusing(got.doc); shows && !says {
			t.Errorf("%s shows what is refused, and its title doesn't say so", one.name)
		}
		g.hang(one, got, s)
		if strings.Contains(got.text, "&lt;time ") {
			t.Errorf("%s shows the markup of a time", one.name)
		}
		if id := twiceIn(got.doc); id != "" {
			t.Errorf("%s has the ID %s twice", one.name, id)
		}
		for _, wrong := range misnamed(got.doc) {
			t.Errorf("%s: %s", one.name, wrong)
		}
		if class := unstyled(got.text); class != "" {
			t.Errorf("%s has the class %s, and no style sheet that knows it", one.name, class)
		}
	}
	g.compare(t)
	for _, pattern := range s.routes(http.MethodGet) {
		if pattern == callbackPath || strings.HasPrefix(pattern, "/assets") {
			continue
		}
		if !slices.ContainsFunc(all, func(one shot) bool { return one.form == nil && s.pattern(http.MethodGet, one.target) == "GET "+pattern }) {
			t.Errorf("no golden file shows %s", pattern)
		}
	}
}

// twiceIn returns an ID that two elements of a page have, "" for none.
func twiceIn(doc *html.Node) (twice string) {
	seen := map[string]bool{}
	elements(doc, func(n *html.Node) {
		if id := attr(n, "id"); id != "" {
			if seen[id] {
				twice = id
			}
			seen[id] = true
		}
	})
	return twice
}

// refusing reports whether an English page shows something that was refused in a form or an address, and whether its title says so.
func refusing(doc *html.Node) (shows, says bool) {
	english := false
	elements(doc, func(n *html.Node) {
		switch {
		case n.Data == "html":
			english = attr(n, "lang") == "en"
		case n.Data == "title" && n.Parent.Data == "head":
			says = strings.HasPrefix(text(n), "Error: ")
		case attr(n, "aria-invalid") == "true", attr(n, "class") == "errors":
			shows = true
		}
	})
	return shows && english, says
}

// gallery is the golden files of all pages.
type gallery struct {
	printer printer
	files   map[string]string // by name
	pages   map[string]string // the file's name by the text
	index   strings.Builder
	headers []string
}

func newGallery() *gallery {
	return &gallery{printer: printer{shared: map[string]map[string]string{}}, files: map[string]string{}, pages: map[string]string{}}
}

// hang writes an answer down.
func (g *gallery) hang(one shot, got answered, s *stage) {
	method := "GET"
	if one.form != nil {
		method = "POST"
	}
	fmt.Fprintf(&g.index, "%s: %s %s, %s\n", one.name, method, one.target, cmp.Or(one.as, "nobody"))
	fmt.Fprintf(&g.index, "\t%d, headers %d, %s\n", got.StatusCode, g.headersOf(got.Header), g.body(one, got))
	g.index.WriteString(s.cookiesOf(got))
	if got.StatusCode < 400 { // else reads may be given up
		reads, _ := s.api.asked()
		for _, read := range reads {
			fmt.Fprintf(&g.index, "\t%s\n", read)
		}
	}
	_, writes := s.api.asked()
	g.index.WriteString(written(writes))
}

// written are changes of the API as golden files have them.
func written(writes []call) string {
	var b strings.Builder
	for _, c := range writes {
		method, _, _ := strings.Cut(c.route, " ")
		fmt.Fprintf(&b, "\t%s %s", method, c.uri)
		if c.match != "" {
			fmt.Fprintf(&b, ", If-Match %s", c.match)
		}
		if c.idempotency != "" {
			fmt.Fprintf(&b, ", once %s", stable(c.idempotency))
		}
		fmt.Fprintf(&b, "\n")
		if c.body != "" {
			fmt.Fprintf(&b, "\t\t%s\n", strings.TrimSpace(c.body))
		}
	}
	return b.String()
}

// headersOf numbers the headers of an answer by what they say.
func (g *gallery) headersOf(h http.Header) int {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			switch name {
			case "X-Request-Id":
				value = "{random}"
			case "Location":
				value = "as above"
			}
			fmt.Fprintf(&b, "\t%s: %s\n", name, sealed(value))
		}
	}
	i := slices.Index(g.headers, b.String())
	if i < 0 {
		i, g.headers = len(g.headers), append(g.headers, b.String())
	}
	return i + 1
}

// sealed takes out of a header what is sealed.
func sealed(value string) string {
	if name, rest, ok := strings.Cut(value, "="); ok && strings.HasPrefix(name, "__Host-latchkey") {
		if old, flags, _ := strings.Cut(rest, ";"); old != "" {
			return name + "={sealed};" + flags
		}
	}
	return value
}

func (g *gallery) body(one shot, got answered) string {
	kind, _, _ := strings.Cut(got.Header.Get("Content-Type"), ";")
	switch {
	case got.text == "":
		return "to " + got.Header.Get("Location")
	case kind != "text/html":
		name := one.name + map[string]string{"text/csv": ".csv"}[kind]
		if kind == "application/json" {
			g.files[name+".json"] = indented([]byte(got.text))
			return name + ".json"
		}
		g.files[name] = got.text
		return name
	}
	text, parts := g.printer.page(one.name, got.doc)
	name, ok := g.pages[text]
	if !ok {
		name = one.name + ".html"
		g.pages[text], g.files[name] = name, text
	}
	return name + " with the " + strings.Join(parts, ", ")
}

// all are the files with their contents.
func (g *gallery) all() map[string]string {
	out := maps.Clone(g.files)
	for i, h := range g.headers {
		fmt.Fprintf(&g.index, "headers %d\n%s", i+1, h)
	}
	out["index.txt"] = known.Replace(g.index.String())
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		out["shared.icons.txt"] += name + " " + string(icon(name)) + "\n"
	}
	for kind := range g.printer.shared {
		if kind == "" {
			continue // in the pages
		}
		out["shared."+kind+".html"] = g.printer.sharedParts(kind)
	}
	return out
}

// compare holds the files against those of the folder.
func (g *gallery) compare(t *testing.T) {
	t.Helper()
	compareFolder(t, goldenFolder, g.all())
}

func compareFolder(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	there, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		for _, name := range there {
			if _, kept := files[filepath.Base(name)]; !kept {
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // read by everybody
			t.Fatal(err)
		}
	}
	for _, name := range there {
		if _, kept := files[filepath.Base(name)]; !kept && !*update {
			t.Errorf("%s is of no page any more. If that is meant: go test ./functions/console -update", name)
		}
	}
	differ := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if *update {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(files[name]), 0o644); err != nil { //nolint:gosec // read by everybody
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil && string(want) == files[name] {
			continue
		}
		if differ++; differ <= 5 {
			t.Errorf("%s/%s:\n%s", folder, name, firstDifference(string(want), files[name]))
		}
	}
	if differ > 0 {
		t.Errorf("%d golden files differ. If that is meant: go test ./functions/console -update, and read the diff", differ)
	}
}

// firstDifference shows the first lines that differ.
func firstDifference(want, got string) string {
	was, is := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(was), len(is)) {
		if a, b := at(was, i), at(is, i); a != b {
			return fmt.Sprintf("line %d\n\twas %s\n\tis  %s", i+1, a, b)
		}
	}
	return ""
}
