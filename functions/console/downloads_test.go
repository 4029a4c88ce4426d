package main

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// TestADownloadThatFailsIsAPage: the link to a file says nothing of downloading, so that a browser shows an answer that is no file; and such an answer
// doesn't say that it is one.
func TestADownloadThatFailsIsAPage(t *testing.T) {
	s := newStage(t)
	links := map[string]bool{}
	for _, one := range shots() {
		elements(s.take(one).doc, func(n *html.Node) {
			if has(n, "download") {
				t.Errorf("%s: a browser saves whatever %s answers", one.name, attr(n, "href"))
			}
			for _, name := range []string{"href", "action", "formaction"} {
				if to := attr(n, name); strings.HasPrefix(to, "/") {
					links[strings.TrimPrefix(s.pattern(http.MethodGet, to), "GET ")] = true
				}
			}
		})
	}
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	for path := range downloads {
		if !links[path] {
			t.Errorf("no page leads to %s", path)
		}
		w.api.fault = func(out http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v1/me" {
				return false
			}
			problem(out, 503, "unavailable")
			return true
		}
		answer := w.ask(http.MethodGet, w.page(path), nil)
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Content-Disposition") != "" || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d, %v", path, answer.StatusCode, answer.Header)
		}
	}
}
