package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"latchkey/shared/product"
)

// TestTheGuideAddsAProduct does what docs/guides/products.md says, in a copy of the repository.
func TestTheGuideAddsAProduct(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("no make")
	}
	guide := read(t, repository, "docs/guides/products.md")
	text, command := block(t, guide, "json"), strings.TrimPrefix(block(t, guide, "console"), "$ ")
	var added struct {
		ID         string `json:"id"`
		SamplePath string `json:"sample_path"`
		Classes    []struct{ Prefixes []string }
	}
	if err := json.Unmarshal([]byte(text), &added); err != nil {
		t.Fatal(err)
	}

	for _, p := range product.Default().Products() {
		if string(p.ID) == added.ID {
			t.Skip("somebody has followed the guide already")
		}
	}
	scratch := t.TempDir()
	copyTo(t, scratch)
	catalogue := strings.TrimRight(read(t, scratch, catalogueFile), "\n")
	others, ok := strings.CutSuffix(catalogue, "\n  ]\n}")
	if !ok {
		t.Fatal("catalogue.json doesn't end with its list")
	}
	if err := os.WriteFile(filepath.Join(scratch, catalogueFile), []byte(others+",\n"+text+"\n  ]\n}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, scratch, "sh", "-c", command)

	prefix := added.Classes[0].Prefixes[0]
	if template := read(t, scratch, templateFile); !strings.Contains(template, "\n          "+prefix+"{proxy+}:\n") {
		t.Error("the template has no route for the product")
	}
	surface := read(t, scratch, "infra/contract/testdata/surface.txt")
	for _, line := range []string{"any-method " + prefix + "{proxy+} -> DemoFunction (gate)", "options " + prefix + "{proxy+} -> mock (open)"} {
		if !strings.Contains(surface, "\nProductsApi "+line+"\n") {
			t.Errorf("the surface lacks %s", line)
		}
	}
	// The new product meets the tests that walk the catalogue (those of infra/contract ran with the command); among them, that the API
	// lists each with its sample path.
	run(t, scratch, "go", "test", "./shared/product")
	listed := run(t, scratch, "go", "test", "./functions/accounts", "-v", "-run=^TestEveryProductIsListedWithItsSample$")
	if !strings.Contains(listed, added.ID+" "+added.SamplePath+"\n") {
		t.Errorf("the API lists %s", listed)
	}
}

func read(t *testing.T, root, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// block is the only fenced block of a language in a page.
func block(t *testing.T, page, language string) string {
	t.Helper()
	found := regexp.MustCompile("(?s)\n```"+language+"\n(.*?)\n```\n").FindAllStringSubmatch(page, -1)
	if len(found) != 1 {
		t.Fatalf("the guide has %d blocks of %s", len(found), language)
	}
	return found[0][1]
}

// copyTo copies the repository without what was built or installed.
func copyTo(t *testing.T, to string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(repository), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (d.Name()[0] == '.' || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		raw, err := os.ReadFile(filepath.Join(repository, path))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), raw, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir, name string, arguments ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, arguments...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(arguments, " "), err, out)
	}
	return string(out)
}
