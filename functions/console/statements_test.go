package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
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

// cells are the cells of the tables under a heading, as a person reads them.
func cells(page answered, label string) (list []string) {
	elements(page.doc, func(n *html.Node) {
		if n.Data == "td" && attr(n, "data-label") == label {
			list = append(list, strings.Join(strings.Fields(text(n)), " "))
		}
	})
	return list
}

// TestAStatementNamesItsKeys: by their names where these are known, which lead to the keys, with the ID that the file has; or else by that alone.
func TestAStatementNamesItsKeys(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	for page, key := range map[string]string{"/accounts/" + account + "/statements": "/accounts/" + account + "/keys/", "/operator/statements": "/operator/keys/"} {
		w.api.on("GET /v1"+strings.ReplaceAll(page, "/statements", "/statements/2026-07"), func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			s := openStatement()
			s.Rows = []api.StatementRow{{AccountId: account, KeyId: ptr(keyID), KeyName: ptr("Shop")}, {AccountId: account, KeyId: ptr(bareKeyID)}, {AccountId: account}}
			reply(out, 200, s)
			return true
		})
		shown := w.ask(http.MethodGet, page+"?month=2026-07", nil)
		if got, want := cells(shown, "API key"), []string{"Shop" + keyID, bareKeyID, "Keys that no longer exist"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", page, got, want)
		}
		if to := links(shown.doc); to["Shop"] != key+keyID || to[bareKeyID] != key+bareKeyID {
			t.Errorf("%s: the keys lead to %q and %q", page, to["Shop"], to[bareKeyID])
		}
	}
}
