package main

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/shared/api"
)

// TestASearchForAnIDThatLeadsNowhereKeepsItsPage: the box with what was typed, and what can be done about it. A part of a key's ID is searched for.
func TestASearchForAnIDThatLeadsNowhereKeepsItsPage(t *testing.T) {
	whole := "key_01JQA7N9Q1S3V5X7Z9B1D3F5H8"
	for q, c := range map[string]struct{ says, asks string }{
		"key_01M8PX":   {"Fleet map", "GET /v1/operator/keys"},
		whole:          {"No key has this ID.", "GET /v1/operator/keys/" + whole},
		"acc_01M8":     {"Account IDs are found only when entered in full.", "GET /v1/operator/accounts"},
		"acc_" + whole: {"Account IDs are found only when entered in full.", "GET /v1/operator/accounts"},
	} {
		w := newWalker(t, "operator")
		w.api.on("GET /v1/operator/accounts", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, api.AccountList{Accounts: []api.Account{}})
			return true
		})
		w.api.on("GET /v1/operator/keys", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
			found := api.FoundKeyList{Keys: []api.FoundKey{}}
			if r.URL.Query().Get("q") == "key_01M8PX" {
				found.Keys = []api.FoundKey{{KeyId: keyID, KeyName: "Fleet map", AccountId: account}}
			}
			reply(out, 200, found)
			return true
		})
		w.forget()
		page := w.ask(http.MethodGet, "/operator?q="+q, nil)
		asked := false
		for _, call := range w.called() {
			asked = asked || call.route == c.asks
		}
		if page.StatusCode != http.StatusOK || !strings.Contains(plainText(page), c.says) || !strings.Contains(page.text, `value="`+q+`"`) || !asked || len(w.called()) > 2 {
			t.Errorf("%s: %d, %v: %s", q, page.StatusCode, w.called(), plainText(page))
		}
	}
}
