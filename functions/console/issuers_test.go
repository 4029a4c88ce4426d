package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
)

// A member of an issuer before is another person than who has the same subject, and than who looks: each form and link names them with the
// issuer, and no session of theirs can be ended.
func TestAMemberOfAnIssuerBeforeIsNamedAsSuch(t *testing.T) {
	const before = "https://before.example/a b"
	r := newHarness(t, time.Hour)
	fakeAnswers(r, "Demo")
	members := "/v1/accounts/" + account + "/members"
	issuer := before
	r.api.on("GET "+members, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 200, api.MemberList{Members: []api.Member{{Subject: "owner", Issuer: &issuer, Role: api.Owner}, {Subject: "owner", Role: api.Owner}}})
		return true
	})
	var asked []string
	for _, method := range []string{"PUT ", "DELETE "} {
		r.api.on(method+members+"/owner", func(w http.ResponseWriter, q *http.Request, _ []byte) bool {
			asked = append(asked, q.Method+" "+q.URL.Query().Get("issuer"))
			reply(w, 200, api.Member{Subject: "owner", Issuer: &issuer})
			return true
		})
	}
	r.signIn("owner")
	const people = "/accounts/" + account + "/account"
	named := url.Values{"subject": {"owner"}, "issuer": {before}}
	remove := people + "/remove?" + named.Encode()
	list := r.get(people)
	if said := text(list.doc); strings.Count(said, before) != 1 || strings.Count(said, "(you)") != 1 || !strings.Contains(said, "only one owner") {
		t.Errorf("%s", said)
	}
	if strings.Count(list.text, `name="issuer"`) != 1 || strings.Count(list.text, "&amp;issuer=") != 1 {
		t.Errorf("%s", list.text)
	}
	if page := r.get(remove); page.StatusCode != 200 || !strings.Contains(text(page.doc), before) || !strings.Contains(page.text, `name="issuer"`) {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
	r.post(people+"/role", url.Values{"subject": {"owner"}, "issuer": {before}, "role": {"viewer"}})
	if back := r.post(people+"/remove", named); back.Request.URL.Path == "/" {
		t.Error("to remove somebody else is to leave")
	}
	if got := strings.Join(asked, ", "); got != "PUT "+before+", DELETE "+before {
		t.Errorf("the API is asked: %s", got)
	}
}

// An operator who erases somebody of an issuer before erases them alone, in each part.
func TestAPersonOfAnIssuerBeforeIsErasedAsSuch(t *testing.T) {
	w := newWalker(t, "operator")
	w.erases(9, func(int) {})
	w.ask(http.MethodGet, erasePage+"?subject=jane&issuer=https%3A%2F%2Fbefore.example", nil)
	page := w.ask(http.MethodPost, erasePage, url.Values{"subject": {"jane"}, "issuer": {"https://before.example"}, "confirm": {"jane"}})
	all := forms(page.doc)
	w.ask(http.MethodPost, erasePage, all[len(all)-1].values())
	got := w.api.seen("POST /v1/operator/people/erase")
	for _, one := range got {
		if one.body != `{"issuer":"https://before.example","subject":"jane"}` {
			t.Errorf("%s", one.body)
		}
	}
	if len(got) != 9 {
		t.Errorf("%d parts", len(got))
	}
}
