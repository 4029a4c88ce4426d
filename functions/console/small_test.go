package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/shared/api"
)

// TestALimitThatStaysIsNotSaidToHaveChanged: the notice says what has become of the form.
func TestALimitThatStaysIsNotSaidToHaveChanged(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	for qps, want := range map[string]string{"10": "limit_same", "5": "limit"} {
		answer := w.ask(http.MethodPost, "/accounts/"+account+"/keys/"+keyID+"/limits/map-display", url.Values{"qps": {qps}})
		if got := w.noteOf(answer).Notice; got != want {
			t.Errorf("from 10 to %s: %s, want %s", qps, got, want)
		}
	}
}

// TestACapThatStaysIsNotSaidToHaveChanged, and an empty field lifts it.
func TestACapThatStaysIsNotSaidToHaveChanged(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	for day, want := range map[string][2]string{"300": {"cap_same", `{"day":300}`}, "5": {"cap", `{"day":5}`}, "": {"cap", `{"day":null}`}} {
		w.forget()
		answer := w.ask(http.MethodPost, "/accounts/"+account+"/keys/"+keyID+"/quotas/tiles", url.Values{"day": {day}})
		got := w.writes()
		if note := w.noteOf(answer).Notice; note != want[0] || len(got) != 1 || got[0].body != want[1] {
			t.Errorf("from 300 to %q: %s, %+v, want %s", day, note, got, want)
		}
	}
}

// TestOnlyAPendingRequestIsOfferedToBeWithdrawn, also to who comes by an old address.
func TestOnlyAPendingRequestIsOfferedToBeWithdrawn(t *testing.T) {
	w := newWalker(t, "owner")
	page := "/accounts/" + account + "/qps-requests/" + requestID1
	for _, status := range requestStatuses {
		w.api.on("GET /v1/accounts/"+account+"/qps-requests/"+requestID1, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, api.QpsRequest{Id: requestID1, AccountId: account, KeyId: keyID, Class: "map-display", Status: status})
			return true
		})
		pending := status == api.Pending
		if answer := w.ask(http.MethodGet, page+"/withdraw", nil); (answer.StatusCode == http.StatusOK) != pending || !pending && answer.Header.Get("Location") != page {
			t.Errorf("%s: %d to %q", status, answer.StatusCode, answer.Header.Get("Location"))
		}
		if offered := strings.Contains(w.ask(http.MethodGet, page, nil).text, `/withdraw"`); offered != pending {
			t.Errorf("%s: offered: %v", status, offered)
		}
	}
}

// TestProductsAndDomainsOfAKeyCanBeTakenIn: products stand as in the catalogue, and of many domains the first.
func TestProductsAndDomainsOfAKeyCanBeTakenIn(t *testing.T) {
	w := newWalker(t, "owner")
	w.api.mu.Lock()
	delete(w.api.answers, "GET /v1/products")
	w.api.products = []api.Product{{Id: "search", Name: "Search API"}, {Id: "map-display", Name: "Map Display API"}}
	w.api.key.Products, w.api.key.PendingPaths = []string{"map-display", "search"}, nil
	for i := range 30 {
		w.api.key.Domains = append(w.api.key.Domains, fmt.Sprintf("d%02d.example", i))
	}
	w.api.mu.Unlock()
	page := w.ask(http.MethodGet, "/accounts/"+account+"/keys/"+keyID, nil)
	if whole := text(page.doc); strings.Index(whole, "Search API") > strings.Index(whole, "Map Display API") {
		t.Error("the products aren't in the order of the catalogue")
	}
	open, folded, _ := strings.Cut(page.text, "Show all 31 domains")
	if !strings.Contains(open, "d06.example") || strings.Contains(open, "d07.example") || !strings.Contains(folded, "d29.example") {
		t.Error("not eight domains are open, or some are lost")
	}
}
