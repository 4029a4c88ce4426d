package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
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

// pastedInto are the fields that a secret or an invitation's token is pasted into, alone or in an address.
var pastedInto = []string{"address", "app", "find", "key", "origin", "q", "secret", "token"}

// TestNoFormThatASecretIsPastedIntoIsKept: a draft waits in the tab's storage, readable for 15 minutes, and a form for a secret takes no part in it; neither
// when its page is answered again with what was wrong.
func TestNoFormThatASecretIsPastedIntoIsKept(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, k *api.KeyWithSecret) {
		me.Operator, k.Networks, k.Apps = true, []string{"192.0.2.0/24"}, []api.App{{Platform: "ios", BundleId: ptr("com.example.app")}}
	})
	seen := map[string]bool{}
	check := func(page string, answer answered) {
		elements(answer.doc, func(form *html.Node) {
			if form.Data != "form" {
				return
			}
			for _, f := range fields(form) {
				if !slices.Contains(pastedInto, f.name) || slices.Contains([]string{"hidden", "checkbox", "radio", "select", "button"}, f.kind) {
					continue
				}
				seen[f.name+" "+w.pattern(http.MethodPost, attr(form, "action"))] = true
				if !has(form, "data-nodraft") {
					t.Errorf("%s: %s is pasted into the form for %s, which is kept as a draft", page, f.name, attr(form, "action"))
				}
			}
		})
	}
	w.inEachState(func(string) {
		for _, pattern := range w.routes(http.MethodGet) {
			if pattern != callbackPath && pattern != "/sign-in" {
				check(pattern, w.ask(http.MethodGet, w.page(pattern), nil))
			}
		}
	})
	for _, page := range ourPages {
		check(page, w.ask(http.MethodGet, page, nil))
	}
	for page, typed := range map[string]url.Values{keyPath + "/try": {"secret": {"x"}}, "/operator/leaks": {"secret": {"x"}}, "/invitations": {"token": {"x"}}} {
		check(page+", sent", w.ask(http.MethodPost, page, typed))
	}
	for _, want := range []string{
		"secret POST /accounts/{account}/keys/{key}/try", "secret POST /operator/leaks", "token POST /invitations", "key POST /accounts/{account}/account/audit",
		"q POST /accounts/{account}/keys", "q POST /operator", "origin POST /accounts/{account}/keys/{key}/test",
	} {
		if !seen[want] {
			t.Errorf("%s wasn't seen, of %q", want, slices.Sorted(maps.Keys(seen)))
		}
	}
}
