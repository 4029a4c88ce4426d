package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestAStatementIsDownloadedWholeOrNotAtAll: its rows are added up by who gets it, so a part of it is no answer. One that is longer than an answer
// leads back to the page, which says where to take it.
func TestAStatementIsDownloadedWholeOrNotAtAll(t *testing.T) {
	w := newWalker(t, "owner")
	for page, route := range map[string]string{
		"/accounts/" + account + "/statements": "/v1/accounts/" + account + "/statements/2026-07",
		"/operator/statements":                 "/v1/operator/statements/2026-07",
	} {
		w.api.on("GET "+route, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, openStatement())
			return true
		})
		for pages := 1; pages <= filePages+2; pages++ {
			w.api.on("GET "+route, func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.Header.Get("Accept") != "text/csv" {
					reply(out, 200, openStatement())
					return true
				}
				n := 1
				if token := r.URL.Query().Get("page_token"); token != "" {
					_, _ = fmt.Sscan(token, &n)
				}
				if n < pages {
					out.Header().Set("X-Next-Page-Token", fmt.Sprint(n+1))
				}
				_, _ = fmt.Fprintf(out, "row %d\n", n)
				return true
			})
			answer := w.ask(http.MethodGet, page+".csv?month=2026-07", nil)
			if pages > filePages {
				if answer.StatusCode != http.StatusConflict || answer.Header.Get("Content-Disposition") != "" || !strings.Contains(text(answer.doc), "too long for a download") || strings.Contains(answer.text, "row 1") {
					t.Errorf("%s of %d pages: %d, %s: %.300s", page, pages, answer.StatusCode, answer.Header.Get("Content-Disposition"), answer.text)
				}
				continue
			}
			want := ""
			for n := range pages {
				want += fmt.Sprintf("row %d\n", n+1)
			}
			if answer.StatusCode != http.StatusOK || answer.text != want || answer.Header.Get("Content-Disposition") == "" {
				t.Errorf("%s of %d pages: %d, %q", page, pages, answer.StatusCode, answer.text)
			}
		}
	}
}
