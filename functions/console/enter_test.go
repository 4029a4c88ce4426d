package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/keytest"
)

// TestEnterDecidesNothing: Enter in a field presses the first button of its form. In a form with buttons that do different things, or with a
// dangerous one, that is a button which changes nothing, unless the field is the one in which a name is typed to confirm.
func TestEnterDecidesNothing(t *testing.T) {
	keytest.OneAtATime(t)
	s := newStage(t)
	all := shots()
	all = append(all, s.refusals(all)...)
	held := 0
	for _, one := range all {
		doc := s.take(one).doc
		elements(doc, func(n *html.Node) {
			if n.Data != "form" {
				return
			}
			buttons := submitsOf(doc, n)
			if len(buttons) == 0 || !sentByEnter(n) {
				return
			}
			first := buttons[0]
			switch danger := dangerous(buttons); {
			case has(first, "disabled"):
				held++
			case strings.ToLower(cmp.Or(attr(first, "formmethod"), attr(n, "method"))) != "post": // it leads to a page, or to a file
			case danger != "" || different(buttons):
				t.Errorf("%s: Enter in the form for %s presses %q, of %d buttons", one.name, attr(n, "action"), cmp.Or(danger, text(first)), len(buttons))
			}
		})
	}
	if held < 10 {
		t.Errorf("only %d forms with buttons that Enter must not press", held)
	}
}

// submitsOf are the buttons that send a form, in the order of the page: the first is the one that Enter presses.
func submitsOf(doc, form *html.Node) (list []*html.Node) {
	elements(doc, func(n *html.Node) {
		if n.Data != "button" || slices.Contains([]string{"button", "reset"}, attr(n, "type")) {
			return
		}
		if of := attr(n, "form"); of != "" && of == attr(form, "id") || of == "" && inside(n, form) {
			list = append(list, n)
		}
	})
	return list
}

func inside(n, form *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n == form {
			return true
		}
	}
	return false
}

// sentByEnter reports whether a form has a field in which Enter sends it, other than one for a name that confirms what it does.
func sentByEnter(form *html.Node) (sent bool) {
	elements(form, func(n *html.Node) {
		confirms := slices.Contains([]string{"confirm", "confirm_name"}, attr(n, "name"))
		sent = sent || n.Data == "input" && !confirms && !slices.Contains([]string{"hidden", "file", "button"}, attr(n, "type"))
	})
	return sent
}

// dangerous returns the words of a button that can't be taken back, "" for none.
func dangerous(buttons []*html.Node) string {
	for _, b := range buttons {
		if slices.Contains(strings.Fields(attr(b, "class")), "danger") {
			return text(b)
		}
	}
	return ""
}

// different reports whether buttons of a form do different things.
func different(buttons []*html.Node) bool {
	seen := map[string]bool{}
	for _, b := range buttons {
		seen[fmt.Sprint(attr(b, "name"), "=", attr(b, "value"), " to ", attr(b, "formaction"))] = true
	}
	return len(seen) > 1
}

// TestADecisionWithoutItsButtonDecidesNothing, whatever was typed: the form comes back as it was filled in.
func TestADecisionWithoutItsButtonDecidesNothing(t *testing.T) {
	for _, decision := range []string{"", "approved"} {
		r := newHarness(t, time.Hour)
		r.signIn("operator")
		fakeAnswers(r, "Demo")
		page := r.post("/operator/qps-requests/"+account+"/"+requestID1, url.Values{"decision": {decision}, "qps": {"20"}, "comment": {"Too many."}})
		for _, below := range []string{"/approve", "/reject"} {
			if calls := r.api.seen("POST /v1/accounts/" + account + "/qps-requests/" + requestID1 + below); len(calls) > 0 {
				t.Errorf("%q: %s was asked for", decision, below)
			}
		}
		if page.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text(page.doc), "Choose “Approve” or “Reject”") || !strings.Contains(page.text, "Too many.</textarea>") {
			t.Errorf("%q: %d: %s", decision, page.StatusCode, text(page.doc))
		}
	}
}
