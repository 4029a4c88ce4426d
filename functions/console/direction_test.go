package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// TestCodeKeepsItsDirectionInArabic: what runs from left to right (keys, secrets, domains, addresses, code) stands in an element of its
// own direction or is isolated in its text, on every page and in every state.
func TestCodeKeepsItsDirectionInArabic(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Domains = []string{"*.demo.example", "demo.example:8080"} })
	code := regexp.MustCompile(`\*\.[a-z]|https?://|[a-z0-9]@[a-z]|\b(ak|key|acc|inv|qps)_[A-Za-z0-9]|[a-z]\.example`)
	isolated := regexp.MustCompile(`[\x{2066}\x{2068}][^\x{2069}]*\x{2069}`)
	looked := 0
	w.inEachState(func(state string) {
		for _, pattern := range w.routes(http.MethodGet) {
			if strings.Contains(pattern, "{file}") || !strings.Contains(pattern, "{key}") && state != "active" {
				continue
			}
			page := w.ask(http.MethodGet, w.page(pattern), nil, "Accept-Language", "ar")
			if page.StatusCode == http.StatusSeeOther || page.StatusCode == http.StatusFound || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
				continue
			}
			elements(page.doc, func(n *html.Node) {
				if n.Data == "html" && attr(n, "dir") != "rtl" {
					t.Errorf("%s runs %s", pattern, attr(n, "dir"))
				}
				if n.Data == "code" || n.Data == "pre" || strings.Contains(attr(n, "class"), "charts") {
					if !leftToRight(n) {
						t.Errorf("%s, %s: <%s> follows the page: %s", pattern, state, n.Data, text(n))
					}
				}
				for c := n.FirstChild; c != nil; c = c.NextSibling {
					if c.Type == html.TextNode && n.Data != "script" && n.Data != "title" && code.MatchString(isolated.ReplaceAllString(c.Data, "")) {
						looked++
						arabic := regexp.MustCompile(`\p{Arabic}`).MatchString(c.Data)
						if !arabic && !apart(n) {
							t.Errorf("%s, %s: %q follows the page", pattern, state, c.Data)
						}
					}
				}
			})
		}
	})
	if looked < 100 {
		t.Errorf("only %d pieces of code were looked at", looked)
	}
}

// leftToRight reports whether an element or one around it says so.
func leftToRight(n *html.Node) bool {
	for ; n != nil && n.Data != "html"; n = n.Parent {
		if dir := attr(n, "dir"); dir != "" {
			return dir == "ltr"
		}
	}
	return false
}

// apart reports whether an element or one around it, up to a block, has a direction of its own.
func apart(n *html.Node) bool {
	for ; n != nil && n.Data != "body" && n.Data != "html"; n = n.Parent {
		if n.Data == "bdi" || n.Data == "option" || n.Data == "textarea" || attr(n, "dir") != "" {
			return true
		}
	}
	return false
}

// TestStyleSheetsKnowNoLeftAndRight: they hold for both directions of writing. A position that a script measures is one in pixels.
func TestStyleSheetsKnowNoLeftAndRight(t *testing.T) {
	files, err := filepath.Glob("assets/*.css")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	sides := regexp.MustCompile(`(margin|padding|border)-(left|right)|(^|[;{]\s*)(left|right)\s*:|text-align:\s*(left|right)|float:|translateX`)
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := sides.FindString(string(raw)); found != "" {
			t.Errorf("%s says %q", name, found)
		}
	}
}
