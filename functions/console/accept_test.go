package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
)

// pendingPaths are those of the fake API's key: what its product has come to cover.
var pendingPaths = []api.PendingPaths{{Product: "map-display", Version: "3-8c1d22ef01", Paths: []string{"/static-map/", "/atlas/"}}}

// TestAnOwnerAcceptsThePathsThatThePageShows, by the version that they belong to; others are told who can. Where the catalogue has
// changed they are asked to look and accept again; where nothing can be accepted they aren't.
func TestAnOwnerAcceptsThePathsThatThePageShows(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	r.api.key.PendingPaths = pendingPaths
	const page = "/accounts/" + account + "/keys/" + keyID
	for _, role := range []api.Role{api.Viewer, api.Developer, api.Owner} {
		r.api.me.Accounts[0].Role = role
		shown := r.get(page)
		leads := strings.Contains(shown.text, page+"/accept?product=map-display")
		if !strings.Contains(text(shown.doc), "/static-map/") || leads != (role == api.Owner) || strings.Contains(text(shown.doc), "An owner can accept them.") == leads {
			t.Errorf("the %s sees %s", role, text(shown.doc))
		}
		if status := r.get(page + "/accept?product=map-display").StatusCode; (status == http.StatusOK) != (role == api.Owner) {
			t.Errorf("the form of a %s: %d", role, status)
		}
	}
	form := r.get(page + "/accept?product=map-display")
	for _, path := range pendingPaths[0].Paths {
		if !strings.Contains(text(form.doc), path) {
			t.Errorf("the form doesn't show %s", path)
		}
	}
	answer, code := 409, "catalogue_changed"
	r.api.on("POST /v1/accounts/"+account+"/products/map-display/accept", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		if answer != 200 {
			problem(w, answer, code)
			return true
		}
		reply(w, 200, api.Account{Id: account})
		return true
	})
	sent := url.Values{"product": {"map-display"}, "version": {"3-8c1d22ef01"}}
	for problem, says := range map[string]string{
		"catalogue_changed":  "The products changed in the meantime. Check the new paths again, then accept them.",
		"catalogue_conflict": "New paths can’t be accepted right now because of an error in our product catalogue. Our team has been notified. Try again later.",
	} {
		code = problem
		if refused := r.post(page+"/accept", sent); refused.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text(refused.doc), "/static-map/") || !strings.Contains(text(refused.doc), says) {
			t.Errorf("%s: %d, %s", problem, refused.StatusCode, text(refused.doc))
		} else if offered := strings.Contains(text(first(refused.doc, "confirm")), "Accept for all keys"); offered != (problem == "catalogue_changed") {
			t.Errorf("%s: another try is offered: %v", problem, offered)
		}
	}
	answer = 200
	if done := r.post(page+"/accept", sent); done.StatusCode != http.StatusOK || !strings.Contains(text(done.doc), "The new paths are accepted.") {
		t.Errorf("accepted: %d", done.StatusCode)
	}
	calls := r.api.seen("POST /v1/accounts/" + account + "/products/map-display/accept")
	if len(calls) != 3 || !strings.Contains(calls[2].body, `"version":"3-8c1d22ef01"`) {
		t.Errorf("sent %+v", calls)
	}
	r.api.key.PendingPaths = nil
	if nothing := r.get(page + "/accept?product=map-display"); strings.Contains(text(nothing.doc), "Accept the new paths") {
		t.Error("nothing is left to accept, and the form is shown")
	}
}
