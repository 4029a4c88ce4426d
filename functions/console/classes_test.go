package main

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
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
