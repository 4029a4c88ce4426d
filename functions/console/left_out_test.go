package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// lacks makes each list and number that the API answers one that leaves records out.
func (w *walker) lacks() {
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	w.api.fault = func(out http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || r.Header.Get("X-Inner") != "" || r.URL.Path == "/v1/me" || r.URL.Path == "/v1/products" {
			return false
		}
		inner, answer := r.Clone(r.Context()), httptest.NewRecorder()
		inner.Header.Set("X-Inner", "1")
		inner.Body = http.NoBody
		w.api.ServeHTTP(answer, inner)
		var doc map[string]any
		if answer.Code != http.StatusOK || json.Unmarshal(answer.Body.Bytes(), &doc) != nil {
			return false
		}
		doc["unreadable"] = 2
		reply(out, answer.Code, doc)
		return true
	}
}

// TestAPageSaysThatRecordsAreLeftOut, whatever it shows: nobody takes a list or a number without them for a whole one.
func TestAPageSaysThatRecordsAreLeftOut(t *testing.T) {
	const says = "Some stored records can’t be read"
	for _, lacking := range []bool{false, true} {
		w := newWalker(t, "owner")
		w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
		if lacking {
			w.lacks()
		}
		said := 0
		for _, pattern := range w.routes(http.MethodGet) {
			w.forget()
			page := w.ask(http.MethodGet, w.page(pattern), nil)
			if page.StatusCode != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
				continue
			}
			reads := 0
			for _, c := range w.called() {
				if c.route != "GET /v1/products" && strings.HasPrefix(c.route, "GET ") && c.route != "GET /v1/me" {
					reads++
				}
			}
			want := lacking && reads > 0
			if got := strings.Contains(text(page.doc), says); got != want {
				t.Errorf("%s, records left out: %v: said: %v", pattern, lacking, got)
			}
			if want {
				said++
			}
		}
		if lacking && said < 30 {
			t.Errorf("%d pages say so", said)
		}
	}
}

// TestAnOperationThatLeftKeysOutSaysSo, and no account is said to have all of its keys revoked where some can't be read.
func TestAnOperationThatLeftKeysOutSaysSo(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	there := "/operator/accounts/" + account
	left := ptr(3)
	w.api.on("GET /v1/accounts/"+account+"/operations/op_1", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.Operation{Id: "op_1", Status: api.Done, Type: api.Enterprise, StartedAt: moment.Of(then), Unreadable: left})
		return true
	})
	for _, n := range []*int{left, nil} {
		left = n
		got := text(w.ask(http.MethodGet, there+"?operation=op_1", nil).doc)
		if strings.Contains(got, "All keys have followed") != (n == nil) || strings.Contains(got, "3 keys couldn’t be read and haven’t followed yet.") != (n != nil) || strings.Contains(got, "Some stored records") {
			t.Errorf("%v left: %s", n, got)
		}
		w.answerWrites(func(out http.ResponseWriter, _ *http.Request) {
			reply(out, 200, api.Account{Id: account, Name: "Demo", UnreadableKeys: n})
		})
		for _, close := range []string{there + "/close", "/accounts/" + account + "/account/close"} {
			answer := w.ask(http.MethodPost, close, map[string][]string{"confirm": {"Demo"}, "confirm_name": {"Demo"}})
			if kept := w.noteOf(answer).Notice; (kept == "closed") != (n == nil) || !strings.HasPrefix(kept, "closed") {
				t.Errorf("%s, %v left: the notice %q", close, n, kept)
			}
		}
	}
	w.answerWrites(func(out http.ResponseWriter, _ *http.Request) {
		reply(out, 202, api.Operation{Id: "op_1", Status: api.Done, Unreadable: ptr(3)})
	})
	w.typeIs(api.SelfServe, func(out http.ResponseWriter) {
		reply(out, 202, api.Operation{Id: "op_1", Status: api.Done, Unreadable: ptr(3)})
	})
	answer := w.ask(http.MethodPost, there+"/type", map[string][]string{"type": {"enterprise"}, "was": {"self_serve"}})
	if to := answer.Header.Get("Location"); to != there+"?operation=op_1" {
		t.Errorf("a change that left keys out leads to %q", to)
	}
}

// TestAnOperatorSeesWhatAnAccountsMembersSee of its state: that it is suspended, and why, or closed.
func TestAnOperatorSeesWhatAnAccountsMembersSee(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator, me.Accounts = true, nil })
	a := api.Account{Id: account, Name: "Demo", Type: api.Enterprise}
	w.api.on("GET /v1/accounts/"+account, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(out, 200, a); return true })
	for what, c := range map[string]struct {
		change            func()
		suspended, closed bool
	}{
		"open":      {func() {}, false, false},
		"suspended": {func() { a.Suspended = &api.Suspension{Reason: "An invoice is overdue.", At: moment.Of(then)} }, true, false},
		"closed":    {func() { at := moment.Of(then); a.ClosedAt = &at }, false, true},
	} {
		a.Suspended, a.ClosedAt = nil, nil
		c.change()
		for _, below := range []string{"/keys", "/usage", "/keys/" + keyID, "/qps-requests"} {
			got := text(w.ask(http.MethodGet, "/accounts/"+account+below, nil).doc)
			if strings.Contains(got, "An invoice is overdue.") != c.suspended || strings.Contains(got, "This account is closed.") != c.closed {
				t.Errorf("%s, %s: %s", what, below, got)
			}
		}
	}
}
