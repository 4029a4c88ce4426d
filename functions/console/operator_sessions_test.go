package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/shared/api"
)

// TestAnAdminEndsAPersonsSessionsAfterAnotherLook: a link to the person's page changes nothing, and its form ends the sessions
// of that very subject.
func TestAnAdminEndsAPersonsSessionsAfterAnotherLook(t *testing.T) {
	w := newWalker(t, "operator")
	w.api.on("POST /v1/operator/people/end-sessions", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		out.WriteHeader(http.StatusNoContent)
		return true
	})
	page := w.ask(http.MethodGet, endSessionsPage+"?subject=jane%7Cd+2", nil)
	if !strings.Contains(text(page.doc), "jane|d 2") || len(w.writes()) > 0 {
		t.Fatalf("%s: %s", text(page.doc), describe(w.writes()))
	}
	all := forms(page.doc)
	page = w.ask(http.MethodPost, endSessionsPage, all[len(all)-1].values())
	if page.StatusCode != http.StatusSeeOther || page.Header.Get("Location") != endSessionsPage {
		t.Errorf("answered %d to %q", page.StatusCode, page.Header.Get("Location"))
	}
	if got := w.api.seen("POST /v1/operator/people/end-sessions"); len(got) != 1 || got[0].body != `{"subject":"jane|d 2"}` {
		t.Errorf("the API was asked %v", got)
	}
}

// TestBothPagesOfPeopleLeadToTheEndOfTheirSessions, for admins alone.
func TestBothPagesOfPeopleLeadToTheEndOfTheirSessions(t *testing.T) {
	w := newWalker(t, "operator")
	for _, path := range []string{"/operator/accounts/" + account + "/people", "/operator/operators"} {
		for name, c := range map[string]struct {
			me   api.Me
			want bool
		}{"an admin": {api.Me{Subject: "me", Operator: true}, true}, "support": {api.Me{Subject: "me", Operator: true, Rank: &support}, false}} {
			w.state(func(me *api.Me, _ *api.KeyWithSecret) { *me = c.me })
			if page := w.ask(http.MethodGet, path, nil); strings.Contains(page.text, endSessionsPage+"?subject=") != c.want {
				t.Errorf("%s as %s: a link is there: %v", path, name, !c.want)
			}
		}
	}
}

func TestAnEndOfSessionsThatIsRefusedSaysWhy(t *testing.T) {
	w := newWalker(t, "operator")
	w.api.on("POST /v1/operator/people/end-sessions", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		problem(out, 429, "too_many_changes")
		return true
	})
	page := w.ask(http.MethodPost, endSessionsPage, url.Values{"subject": {"jane"}})
	all := forms(page.doc)
	if page.StatusCode != 429 || !strings.Contains(text(page.doc), "You’ve made too many changes in a short time.") || all[len(all)-1].values().Get("subject") != "jane" {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
}
