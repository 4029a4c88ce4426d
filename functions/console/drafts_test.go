package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"golang.org/x/net/html"
)

// draftsOf names the forms of a page as the script does that keeps what is typed into them: by action and hidden fields.
func draftsOf(doc *html.Node) (list []string) {
	elements(doc, func(n *html.Node) {
		if n.Data != "form" || attr(n, "action") == "/preferences" || attr(n, "action") == "/sign-out" {
			return
		}
		about := attr(n, "action")
		for _, one := range fields(n) {
			if one.kind == "hidden" && one.name != "idempotency" {
				about += fmt.Sprintf(" %s=%q", one.name, one.value)
			}
		}
		list = append(list, about)
	})
	return list
}

// TestAFormIsTheSameInEachLanguage, and in each answer: what was typed into it finds it again by its action and hidden fields.
func TestAFormIsTheSameInEachLanguage(t *testing.T) {
	w := newWalker(t, "owner")
	seen := 0
	same := func(page string) {
		want := draftsOf(w.ask(http.MethodGet, page, nil).doc)
		seen += len(want)
		for _, language := range []string{"en", "fr", "ar"} {
			if got := draftsOf(w.ask(http.MethodGet, page, nil, "Accept-Language", language).doc); !slices.Equal(got, want) {
				t.Errorf("%s in %s: %q, want %q", page, language, got, want)
			}
		}
	}
	for _, pattern := range w.routes(http.MethodGet) {
		if pattern != callbackPath && pattern != "/sign-in" {
			same(w.page(pattern))
		}
	}
	for _, page := range ourPages {
		same(page)
	}
	if seen < 100 {
		t.Errorf("only %d forms", seen)
	}
}
