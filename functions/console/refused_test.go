package main

import (
	"net/http"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// refusedOn is the page that a refused form says it was on: the script leads the way back, and a reload, there, and nothing is sent again.
func refusedOn(page answered) (at string) {
	elements(page.doc, func(n *html.Node) {
		if n.Data == "main" {
			at = attr(n, "data-refused")
		}
	})
	return at
}

// TestARefusedFormLeadsBackToThePageThatItWasOn, whatever is wrong with it; no other page does.
func TestARefusedFormLeadsBackToThePageThatItWasOn(t *testing.T) {
	w := newWalker(t, "owner")
	checked := 0
	w.eachForm(func(pattern, page string, one formOf) {
		shown := w.ask(http.MethodGet, page, nil)
		if at := refusedOn(shown); at != "" {
			t.Errorf("%s is a page, and leads to %s", page, at)
		}
		w.refuse(422, "invalid", api.FieldError{Pointer: "/name", Code: "no_such_code"})
		answer := w.ask(http.MethodPost, one.action, filled(one, ""), "Referer", "https://console.example"+page)
		if answer.StatusCode != http.StatusUnprocessableEntity {
			return
		}
		checked++
		if at := refusedOn(answer); at != page && at != one.action {
			t.Errorf("%s of %s leads back to %q", pattern, page, at)
		}
	})
	if checked < 30 {
		t.Errorf("only %d forms", checked)
	}
	late := w.without().ask(http.MethodPost, keyPath+"/edit", create())
	if at := refusedOn(late); late.StatusCode != http.StatusUnauthorized || at != "" {
		t.Errorf("a form that can be sent once somebody has signed in: %d, leads to %q", late.StatusCode, at)
	}
	w.accept()
	made := w.ask(http.MethodPost, "/accounts/"+account+"/keys/new", create())
	if at := refusedOn(made); made.StatusCode != http.StatusOK || at != "" {
		t.Errorf("the page with a secret: %d, leads to %q", made.StatusCode, at)
	}
}
