package main

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
)

// erases makes the fake API erase in so many parts; after runs after each.
func (w *walker) erases(parts int, after func(part int)) {
	w.api.on("POST /v1/operator/people/erase", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
		part, _ := strconv.Atoi(r.URL.Query().Get("page_token"))
		part++
		doc := api.Erasure{Pseudonym: "erased_x", Replaced: 1}
		if next := strconv.Itoa(part); part < parts {
			doc.NextPageToken = &next
		}
		after(part)
		reply(out, 200, doc)
		return true
	})
}

// TestAPersonIsErasedToTheEnd, part by part: one form does a bounded number of parts, and the answer goes on where it
// stopped until there is none left.
func TestAPersonIsErasedToTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		parts int
		each  time.Duration // that a part takes
		forms int
	}{"one part": {1, 0, 1}, "a form's worth": {8, 0, 1}, "one more": {9, 0, 2}, "many": {30, 0, 4}, "slow parts": {5, time.Second, 3}} {
		t.Run(name, func(t *testing.T) {
			w := newWalker(t, "operator")
			ahead := w.clock()
			w.erases(c.parts, func(int) { *ahead += c.each })
			page := w.ask(http.MethodPost, erasePage, url.Values{"subject": {"jane|d"}, "confirm": {"jane|d"}})
			sent := 1
			for ; page.StatusCode == http.StatusOK && sent < 50; sent++ {
				if !strings.Contains(text(page.doc), "Not finished yet") || !strings.Contains(page.text, "data-continue") {
					t.Fatalf("form %d: %s", sent, text(page.doc))
				}
				all := forms(page.doc)
				page = w.ask(http.MethodPost, erasePage, all[len(all)-1].values())
			}
			if page.StatusCode != http.StatusSeeOther || page.Header.Get("Location") != erasePage || sent != c.forms {
				t.Errorf("%d forms, the last answered %d to %q", sent, page.StatusCode, page.Header.Get("Location"))
			}
			got := w.api.seen("POST /v1/operator/people/erase")
			for i, one := range got {
				want := "/v1/operator/people/erase"
				if i > 0 {
					want += "?page_token=" + strconv.Itoa(i)
				}
				if one.uri != want || one.body != `{"subject":"jane|d"}` {
					t.Errorf("call %d: %s %s", i, one.uri, one.body)
				}
			}
			if len(got) != c.parts {
				t.Errorf("%d calls", len(got))
			}
		})
	}
}

// TestAnErasureThatLeavesSomethingSaysSo at its end, whichever part and form left it.
func TestAnErasureThatLeavesSomethingSaysSo(t *testing.T) {
	for _, left := range []int{0, 1, 9} { // the part that leaves a record, of nine in two forms
		w := newWalker(t, "operator")
		w.api.on("POST /v1/operator/people/erase", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
			part, _ := strconv.Atoi(r.URL.Query().Get("page_token"))
			part++
			doc := api.Erasure{Pseudonym: "erased_x"}
			if next := strconv.Itoa(part); part < 9 {
				doc.NextPageToken = &next
			}
			if part == left {
				doc.Unreplaced = 1
			}
			reply(out, 200, doc)
			return true
		})
		page := w.ask(http.MethodPost, erasePage, url.Values{"subject": {"jane"}, "confirm": {"jane"}})
		all := forms(page.doc)
		want := "person_erased"
		if left > 0 {
			want = "person_partly_erased"
		}
		if got := w.noteOf(w.ask(http.MethodPost, erasePage, all[len(all)-1].values())); got.Notice != want {
			t.Errorf("left by part %d: %+v", left, got)
		}
	}
}

func TestNobodyIsErasedWithoutTheirSubjectTyped(t *testing.T) {
	w := newWalker(t, "operator")
	w.erases(1, func(int) {})
	for name, form := range map[string]url.Values{
		"nothing": {"subject": {"jane"}}, "another": {"subject": {"jane"}, "confirm": {"janet"}}, "other case": {"subject": {"jane"}, "confirm": {"Jane"}}, "nobody": {"subject": {""}, "confirm": {""}},
		"going on without it": {"subject": {"jane"}, "page": {"3"}},
	} {
		page := w.ask(http.MethodPost, erasePage, form)
		if page.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text(page.doc), "to confirm.") || len(w.writes()) > 0 {
			t.Errorf("%s: %d, %s", name, page.StatusCode, describe(w.writes()))
		}
	}
}

// TestAnErasureThatIsRefusedSaysWhy and can go on from where it was.
func TestAnErasureThatIsRefusedSaysWhy(t *testing.T) {
	w := newWalker(t, "operator")
	for code, c := range map[string]struct {
		status int
		says   string
	}{"person_is_operator": {409, "Remove their operator rights first."}, "too_many_changes": {429, "You’ve made too many changes in a short time."}} {
		w.api.on("POST /v1/operator/people/erase", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
			if next := "2"; r.URL.Query().Get("page_token") == "1" {
				reply(out, 200, api.Erasure{NextPageToken: &next})
				return true
			}
			problem(out, c.status, code)
			return true
		})
		page := w.ask(http.MethodPost, erasePage, url.Values{"subject": {"jane"}, "confirm": {"jane"}, "page": {"1"}})
		all := forms(page.doc)
		last := all[len(all)-1].values()
		if page.StatusCode != c.status || !strings.Contains(text(page.doc), c.says) || last.Get("page") != "2" || last.Get("subject") != "jane" || strings.Contains(page.text, "data-continue") {
			t.Errorf("%s: %d, %v: %s", code, page.StatusCode, last, text(page.doc))
		}
	}
}

// TestAFormOfAdminsIsForAdmins: others don't get as far as filling it in.
func TestAFormOfAdminsIsForAdmins(t *testing.T) {
	w := newWalker(t, "operator")
	for name, c := range map[string]struct {
		me     api.Me
		status int
	}{"an admin": {api.Me{Operator: true}, 200}, "support": {api.Me{Operator: true, Rank: &support}, 403}, "an owner": {member(api.Owner), 404}, "a stranger": {api.Me{}, 404}} {
		w.state(func(me *api.Me, _ *api.KeyWithSecret) { *me = c.me })
		for _, path := range []string{erasePage, erasePage + "?subject=x", endSessionsPage, "/operator/accounts/" + account + "/type"} {
			if page := w.ask(http.MethodGet, path, nil); page.StatusCode != c.status || c.status != 200 && strings.Contains(page.text, `name="confirm"`) {
				t.Errorf("%s: %s answered %d", name, path, page.StatusCode)
			}
		}
	}
}
