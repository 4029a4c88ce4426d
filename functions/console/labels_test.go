package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// TestALabelLeadsToTheKeysThatHaveIt, whatever it holds, from the list and from a key's page; and the filter can be taken away.
func TestALabelLeadsToTheKeysThatHaveIt(t *testing.T) {
	const odd = `R&D + "x"=50% é#/?`
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	keys, asked := "/accounts/"+account+"/keys", ""
	r.api.mu.Lock()
	r.api.key.Labels = []string{odd}
	listed := r.api.key.Key
	r.api.mu.Unlock()
	r.api.on("GET /v1"+keys, func(w http.ResponseWriter, q *http.Request, _ []byte) bool {
		asked = q.URL.Query().Get("label") + "|" + q.URL.Query().Get("q")
		reply(w, 200, api.KeyList{Keys: []api.Key{listed}})
		return true
	})
	for _, path := range []string{keys, keys + "/" + keyID} {
		link := ""
		elements(r.get(path).doc, func(n *html.Node) {
			switch href := attr(n, "href"); {
			case strings.HasPrefix(href, keys+"?label="):
				link = href
			case strings.HasPrefix(href, "?label="):
				link = path + href
			}
		})
		if r.get(link); asked != odd+"|" {
			t.Errorf("%s links to %q, which asks for %q", path, link, asked)
		}
	}
	drop, kept := "", ""
	elements(r.get(keys+"?"+url.Values{"label": {odd}, "q": {"site"}}.Encode()).doc, func(n *html.Node) {
		switch {
		case attr(n, "name") == "label":
			kept = attr(n, "value")
		case strings.Contains(attr(n, "aria-label"), odd):
			drop = attr(n, "href")
		}
	})
	if kept != odd {
		t.Errorf("the next search keeps the label %q", kept)
	}
	if r.get(drop); asked != "|site" {
		t.Errorf("without the label, by %q: %q", drop, asked)
	}
}

// TestAFormWithoutLabelsLeavesThem: one that was opened before the upgrade has no such field.
func TestAFormWithoutLabelsLeavesThem(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	path := "/accounts/" + account + "/keys/" + keyID
	for field, want := range map[string]bool{"labels": true, "other": false} {
		r.post(path+"/edit", url.Values{"name": {"Site"}, "usage": {"frontend"}, "products": {"search"}, "version": {"3"}, field: {""}})
		calls := r.api.seen("PATCH /v1" + path)
		if body := calls[len(calls)-1].body; strings.Contains(body, `"labels":[]`) != want || strings.Contains(body, "labels") != want {
			t.Errorf("a form with %s sends %s", field, body)
		}
	}
}
