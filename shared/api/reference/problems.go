package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"latchkey/shared/api"
)

const written = "Written from `shared/api/problems.go` by `go generate ./shared/api`; don't edit it."

// problemPages are the pages of docs/problems by their file names: one for each code, and the index.
func problemPages() map[string]string {
	pages := map[string]string{}
	var index strings.Builder
	index.WriteString("# Problems\n\n" + written + "\n\n" +
		"What the management API refuses, by the `code` of its problem documents (RFC 9457). With the template's parameter `ProblemDocsUrl`\n" +
		"a problem's `type` is the address of its page; else it is `about:blank`. The codes of the gate are in the [README](../../README.md).\n\n" +
		"| status | code |\n|---|---|\n")
	for _, p := range api.Problems {
		fmt.Fprintf(&index, "| %d | [%s](%s.md) |\n", p.Status, p.Code, p.Code)
		pages[p.Code+".md"] = fmt.Sprintf("# %s\n\n%s\n\nStatus %d.\n\n**Cause.** %s\n\n**What to do.** %s\n\n[All problems](README.md)\n",
			p.Code, written, p.Status, p.Cause, p.Help)
	}
	pages["README.md"] = index.String()
	return pages
}

// writeProblems writes the pages, and removes those of codes that are gone.
func writeProblems(dir string) error {
	pages := problemPages()
	old, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return err
	}
	for _, file := range old {
		if _, ok := pages[filepath.Base(file)]; !ok {
			if err := os.Remove(file); err != nil { //nolint:gosec // a file of the folder that was named
				return err
			}
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // documentation
		return err
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(page), 0o644); err != nil { //nolint:gosec // documentation
			return err
		}
	}
	return nil
}
