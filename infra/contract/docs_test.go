package contract

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are the Markdown files that people read, by their paths from the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.md", "infra/*/*.md", "functions/*/*.md"} {
		files, err := fs.Glob(os.DirFS(root), pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			out[file] = ""
		}
	}
	err := fs.WalkDir(os.DirFS(root), "docs", func(file string, _ fs.DirEntry, err error) error {
		if path.Ext(file) == ".md" {
			out[file] = ""
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for file := range out {
		raw, err := os.ReadFile(root + file)
		if err != nil {
			t.Fatal(err)
		}
		out[file] = string(raw)
	}
	if len(out) < 40 {
		t.Fatalf("only %d pages found", len(out))
	}
	return out
}

var (
	fence    = regexp.MustCompile("(?ms)^```.*?^```$")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code     = regexp.MustCompile("`[^`\n]*`")
	heading  = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	notASlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the fragments by which the headings of a page are linked, as GitHub makes them.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		out[strings.ReplaceAll(notASlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return out
}

// linked are the targets of a page's links inside the repository: file and fragment.
func linked(file, text string) (targets [][2]string) {
	prose := code.ReplaceAllString(fence.ReplaceAllString(text, ""), "")
	for _, m := range link.FindAllStringSubmatch(prose, -1) {
		if strings.Contains(m[1], "://") {
			continue
		}
		target, fragment, _ := strings.Cut(m[1], "#")
		if target == "" {
			target = file
		} else {
			target = path.Join(path.Dir(file), target)
		}
		targets = append(targets, [2]string{target, fragment})
	}
	return targets
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	all := pages(t)
	headings := map[string]map[string]bool{}
	for file, page := range all {
		headings[file] = anchors(page)
	}
	n := 0
	for file, text := range all {
		for _, l := range linked(file, text) {
			n++
			if _, err := os.Stat(root + l[0]); err != nil {
				t.Errorf("%s: %v", file, err)
			} else if there, ok := headings[l[0]]; ok && l[1] != "" && !there[l[1]] {
				t.Errorf("%s: %s has no heading for #%s", file, l[0], l[1])
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d links found", n)
	}
}

// docs/README.md leads to every page: by itself, or by the index of the page's folder.
func TestEveryPageIsInTheIndex(t *testing.T) {
	all := pages(t)
	const index = "docs/README.md"
	reached := map[string]bool{index: true}
	for _, l := range linked(index, all[index]) {
		reached[l[0]] = true
	}
	for _, file := range slices.Collect(maps.Keys(reached)) {
		if path.Base(file) == "README.md" {
			for _, l := range linked(file, all[file]) {
				if path.Dir(l[0]) == path.Dir(file) {
					reached[l[0]] = true
				}
			}
		}
	}
	for file := range all {
		if strings.HasPrefix(file, "docs/") && !reached[file] {
			t.Errorf("%s is neither in %s nor in an index of its folder", file, index)
		}
	}
}

var repositoryPath = regexp.MustCompile("`((?:authorizer|functions|shared|infra|docs)/[A-Za-z0-9_./-]*)`")

func TestEveryPathInTheDocsExists(t *testing.T) {
	all := pages(t)
	delete(all, "CHANGELOG.md") // it names what is gone
	for file, text := range all {
		for _, m := range repositoryPath.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			if _, err := os.Stat(root + m[1]); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// Where things are is complete: a new folder is named there.
func TestTheReadmeNamesEveryFolder(t *testing.T) {
	_, section, _ := strings.Cut(pages(t)["README.md"], "\n## Where things are\n")
	section, _, found := strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("README.md has no section \"Where things are\" with another after it")
	}
	for _, parent := range []string{"shared", "infra", "functions/internal", "authorizer/internal"} {
		entries, err := os.ReadDir(root + parent)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() && !regexp.MustCompile(`\b`+e.Name()+`\b`).MatchString(section) {
				t.Errorf("README.md doesn't name %s/%s", parent, e.Name())
			}
		}
	}
}

func TestEveryTestThatTheDocsNameExists(t *testing.T) {
	all := pages(t)
	delete(all, "CHANGELOG.md")
	named := map[string][]string{}
	for file, text := range all {
		for _, m := range regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(text, -1) {
			named[m[1]] = append(named[m[1]], file)
		}
	}
	if len(named) < 5 {
		t.Errorf("only %d tests are named", len(named))
	}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, top := range []string{"authorizer", "functions", "shared", "infra"} {
		err := fs.WalkDir(os.DirFS(root+top), ".", func(file string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if e.IsDir() && e.Name() == "node_modules" {
				return fs.SkipDir
			}
			if !strings.HasSuffix(file, "_test.go") {
				return nil
			}
			raw, err := os.ReadFile(path.Join(root, top, file))
			for _, m := range function.FindAllStringSubmatch(string(raw), -1) {
				delete(named, m[1])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for test, files := range named {
		t.Errorf("%s: there is no %s", strings.Join(files, ", "), test)
	}
}
