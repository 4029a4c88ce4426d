package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unpictured are the addresses of which there is no picture: they answer with a file or a redirection.
var unpictured = []string{
	"/assets/{file}", "/sign-in", callbackPath,
	"/accounts/{account}/account/audit.csv", "/accounts/{account}/account/export.json", "/accounts/{account}/keys/selected.csv",
	"/accounts/{account}/statements.csv", "/accounts/{account}/usage.csv",
	"/operator/operators/audit.csv", "/operator/statements.csv",
}

// pictures lists what infra/browser takes pictures of, by page.
func pictures(t *testing.T) (byPage map[string][]string, names []string) {
	t.Helper()
	raw, err := os.ReadFile("../../infra/browser/pictures.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &byPage); err != nil {
		t.Fatal(err)
	}
	for _, some := range byPage {
		names = append(names, some...)
	}
	slices.Sort(names)
	return byPage, names
}

// TestEveryPageHasAPicture: what infra/browser takes pictures of, and the routes.
func TestEveryPageHasAPicture(t *testing.T) {
	byPage, names := pictures(t)
	routes := newWalker(t, "owner").routes(http.MethodGet)
	for _, pattern := range routes {
		if len(byPage[pattern]) == 0 && !slices.Contains(unpictured, pattern) {
			t.Errorf("infra/browser/pictures.json has no picture of %s", pattern)
		}
	}
	for _, pattern := range slices.Concat(unpictured, slices.Sorted(maps.Keys(byPage))) {
		if !slices.Contains(routes, pattern) {
			t.Errorf("%s is no page any more", pattern)
		}
	}
	if twice := slices.Compact(slices.Clone(names)); len(twice) < len(names) {
		t.Error("infra/browser/pictures.json names a picture twice")
	}
}

// TestEveryPictureIsInTheDocuments: in both themes, on the page that lists them, and no other one.
func TestEveryPictureIsInTheDocuments(t *testing.T) {
	const folder = "../../docs/screenshots"
	_, names := pictures(t)
	page, err := os.ReadFile(folder + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed, want []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "- ") {
			listed = append(listed, strings.TrimSpace(line))
		}
	}
	files := map[string]bool{}
	for _, name := range names {
		want = append(want, fmt.Sprintf("- %s: [light](%[1]s-light.png), [dark](%[1]s-dark.png)", name))
		files[name+"-light.png"], files[name+"-dark.png"] = true, true
	}
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf("%s/README.md lists %d pictures, and there are to be %d: `make screenshots` writes it", folder, len(listed), len(want))
	}
	found, err := filepath.Glob(folder + "/*.png")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if !files[filepath.Base(path)] {
			t.Errorf("%s is a picture of nothing any more", path)
		}
		delete(files, filepath.Base(path))
	}
	if len(files) > 0 {
		t.Errorf("%s lacks %s: `MISSING=1 make screenshots`", folder, slices.Sorted(maps.Keys(files)))
	}
}
