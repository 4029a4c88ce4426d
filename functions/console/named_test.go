package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// misnamed lists the links and buttons of a page whose accessible name doesn't begin with the text that is seen, so that nobody who speaks to
// their browser can press them (WCAG 2.5.3), and those that open a dialog and don't end with an ellipsis.
func misnamed(doc *html.Node) (wrong []string) {
	elements(doc, func(n *html.Node) {
		if n.Data != "a" && n.Data != "button" {
			return
		}
		name, seen := legible(attr(n, "aria-label")), legible(seenIn(n))
		if has(n, "data-dialog") && !strings.HasSuffix(seen, "…") {
			wrong = append(wrong, fmt.Sprintf("%q opens a dialog without an ellipsis", seen))
		}
		if name != "" && !strings.HasPrefix(strings.ToLower(name), strings.ToLower(strings.TrimSuffix(seen, "…"))) {
			wrong = append(wrong, fmt.Sprintf("%q is named %q", seen, name))
		}
	})
	return wrong
}

// seenIn is the text of an element without what is for screen readers alone.
func seenIn(n *html.Node) (seen string) {
	if n.Type == html.TextNode {
		return n.Data
	}
	if n.Data == "svg" || has(n, "hidden") || slices.Contains(strings.Fields(attr(n, "class")), "quiet") {
		return ""
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		seen += seenIn(c)
	}
	return seen
}

// legible is a text without isolates, with single blanks.
func legible(text string) string {
	text = strings.NewReplacer("\u2066", "", "\u2068", "", "\u2069", "", "\u00a0", " ", "\u202f", " ").Replace(text)
	return strings.Join(strings.Fields(text), " ")
}

// eachPage asks for every page in each language, in each state of the key, as an owner who is an operator too.
func eachPage(t *testing.T, f func(language, pattern, state string, page answered)) {
	w := newWalker(t, "owner")
	for _, language := range []string{"en", "fr", "ar"} {
		w.inEachState(func(state string) {
			for _, pattern := range w.routes(http.MethodGet) {
				if strings.Contains(pattern, "{file}") || !strings.Contains(pattern, "{key}") && state != "active" {
					continue
				}
				page := w.ask(http.MethodGet, w.page(pattern), nil, "Accept-Language", language)
				if page.StatusCode == http.StatusOK && strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
					f(language, pattern, state, page)
				}
			}
		})
	}
}

// TestLinksAndButtonsAreNamedAsTheyAreSeen, in each language; an ellipsis says that a dialog opens. The golden pages hold it in each state.
func TestLinksAndButtonsAreNamedAsTheyAreSeen(t *testing.T) {
	told := map[string]bool{}
	eachPage(t, func(language, pattern, state string, page answered) {
		for _, wrong := range misnamed(page.doc) {
			if !told[wrong] {
				t.Errorf("%s, %s, %s: %s", language, pattern, state, wrong)
			}
			told[wrong] = true
		}
	})
}

// TestNoTwoPagesShareATitle, of those that customers see and of those that operators see, in any language.
func TestNoTwoPagesShareATitle(t *testing.T) {
	titles := map[string]map[string]bool{}
	eachPage(t, func(language, pattern, state string, page answered) {
		if state != "active" {
			return
		}
		elements(page.doc, func(n *html.Node) {
			if n.Data == "title" && n.Parent.Data == "head" && !strings.HasPrefix(text(n), "Demo · ") { // the name of everything here
				side := "customers"
				if strings.HasPrefix(pattern, "/operator") {
					side = "operators"
				}
				of := language + ", " + side + ": " + text(n)
				if titles[of] == nil {
					titles[of] = map[string]bool{}
				}
				titles[of][pattern] = true
			}
		})
	})
	for title, patterns := range titles {
		if len(patterns) > 1 {
			t.Errorf("%s is the title of %v", title, slices.Sorted(maps.Keys(patterns)))
		}
	}
}

// TestALimitHasOneName wherever a key's limits are shown: its product's, and its own where the product has several.
func TestALimitHasOneName(t *testing.T) {
	const full = "Map Display API: Tile calls"
	w := newWalker(t, "owner")
	w.accept()
	w.api.mu.Lock()
	delete(w.api.answers, "GET /v1/products")
	w.api.products = []api.Product{{Id: "map-display", Name: "Map Display API", Kind: api.Api, Classes: []api.ProductClass{{Id: "map-display", Name: "Tile calls"}, {Id: "static", Name: "Static maps"}}}}
	w.api.key.Limits = []api.Limit{{Class: "map-display", Name: "Tile calls", Product: "map-display", Qps: 10, DefaultQps: 10, FreeQps: 20, MaxQps: 100}}
	w.api.mu.Unlock()
	own := "/accounts/" + account
	for _, path := range []string{own + "/keys/" + keyID, own + "/keys/" + keyID + "/limits/map-display", own + "/qps-requests/new?key=" + keyID, "/operator/keys/" + keyID} {
		page := legible(text(w.ask(http.MethodGet, path, nil).doc))
		if !strings.Contains(page, full) || strings.Contains(strings.ReplaceAll(page, full, ""), "Tile calls") {
			t.Errorf("%s names the limit otherwise", path)
		}
	}
}
