package main

import (
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// TestEveryClassOfATemplateIsKnownToAStyleOrAScript: one that isn't is a misspelt one, and its page looks as if it had none.
func TestEveryClassOfATemplateIsKnownToAStyleOrAScript(t *testing.T) {
	known := map[string]bool{}
	used := map[string]string{}
	read := func(files fs.FS, pattern string, each func(name, text string)) {
		names, err := fs.Glob(files, pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(names), err)
		}
		for _, name := range names {
			raw, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			each(path.Base(name), string(raw))
		}
	}
	selector := regexp.MustCompile(`\.([a-zA-Z][\w-]*)`)
	knows := func(_, text string) {
		for _, m := range selector.FindAllStringSubmatch(text, -1) {
			known[m[1]] = true
		}
	}
	read(assetFiles, "assets/*.css", knows)
	read(assetFiles, "assets/*.js", knows)
	read(os.DirFS("../../infra/browser"), "*.mjs", knows) // its tests look for two of them
	attribute, action := regexp.MustCompile(`\sclass="((?:\{\{.*?\}\}|[^"])*)"`), regexp.MustCompile(`\{\{.*?\}\}`)
	read(templateFiles, "templates/*.html", func(name, text string) {
		for _, m := range attribute.FindAllStringSubmatch(text, -1) {
			for _, class := range strings.Fields(action.ReplaceAllString(m[1], " ")) {
				used[class] = name
			}
		}
	})
	if len(used) < 50 {
		t.Fatalf("only %d classes were found", len(used))
	}
	for class, name := range used {
		if !known[class] && !strings.HasSuffix(class, "-") {
			t.Errorf("%s: no style sheet and no script knows the class %s", name, class)
		}
	}
}

var (
	sheetLink = regexp.MustCompile(`<link rel="stylesheet" href="[^"]*/([a-z]+)\.[0-9a-f]+\.css">`)
	classList = regexp.MustCompile(`\sclass="([^"]*)"`)
)

// sheets are the classes that each style sheet knows.
var sheets = sync.OnceValue(func() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	names, _ := fs.Glob(assetFiles, "assets/*.css")
	for _, name := range names {
		raw, _ := assetFiles.ReadFile(name)
		known := map[string]bool{}
		for _, m := range regexp.MustCompile(`\.([a-zA-Z][\w-]*)`).FindAllStringSubmatch(string(raw), -1) {
			known[m[1]] = true
		}
		all[strings.TrimSuffix(path.Base(name), ".css")] = known
	}
	return all
})

// unstyled is a class of a page that none of its style sheets knows, but another one does; "" if there is none.
func unstyled(text string) string {
	var linked []map[string]bool
	for _, m := range sheetLink.FindAllStringSubmatch(text, -1) {
		linked = append(linked, sheets()[m[1]])
	}
	if len(linked) == 0 {
		return "" // not a page, or one to put into another
	}
	for _, m := range classList.FindAllStringSubmatch(text, -1) {
		for class := range strings.FieldsSeq(m[1]) {
			knows := func(sheet map[string]bool) bool { return sheet[class] }
			if !slices.ContainsFunc(linked, knows) && slices.ContainsFunc(slices.Collect(maps.Values(sheets())), knows) {
				return class
			}
		}
	}
	return ""
}

// TestCancelIsABorderedButtonEverywhere: in one place it was a link without a border, beside the same buttons.
func TestCancelIsABorderedButtonEverywhere(t *testing.T) {
	cancels := 0
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(templateFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`<(?:a|button)([^>]*)>\{\{t "cancel"\}\}`).FindAllStringSubmatch(string(raw), -1) {
			if cancels++; !strings.Contains(m[1], `class="button"`) {
				t.Errorf("%s: %s", name, m[0])
			}
		}
	}
	if cancels < 10 {
		t.Errorf("only %d", cancels)
	}
}

// TestTheButtonOfAnExposureSaysWhatItDoes: its text says to rotate the key, and so does the button.
func TestTheButtonOfAnExposureSaysWhatItDoes(t *testing.T) {
	w := newWalker(t, "owner")
	w.api.key.Exposures = []api.Exposure{{Secret: "current", Preview: "ak_7Kf2…x9Qd", Source: "github", ExposedAt: moment.Of(time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC))}}
	said := ""
	elements(w.ask(http.MethodGet, keyPath, nil).doc, func(n *html.Node) {
		if n.Data == "a" && strings.HasSuffix(attr(n, "href"), "/rotate?reason=leaked") {
			said = text(n)
		}
	})
	if said != "Rotate…" {
		t.Errorf("the button says %q", said)
	}
}
