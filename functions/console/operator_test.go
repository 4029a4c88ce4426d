package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
)

func TestALookUpGoesWhereItsTextPoints(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo")
	var asked url.Values
	r.api.on("GET /v1/operator/accounts", func(w http.ResponseWriter, q *http.Request, _ []byte) bool {
		asked = q.URL.Query()
		reply(w, 200, api.AccountList{Accounts: []api.Account{}})
		return true
	})
	for text, want := range map[string]string{" Demo ": "page_size=25&q=Demo", "owner@example.com": "email=owner%40example.com&page_size=25", account: "page_size=25&q=" + account} {
		r.get("/operator?" + url.Values{"q": {text}}.Encode())
		if asked.Encode() != want {
			t.Errorf("%q asks for %s, want %s", text, asked.Encode(), want)
		}
	}
	if page := r.get("/operator?q=" + keyID); page.Request.URL.Path != "/operator/keys/"+keyID {
		t.Errorf("a key ID leads to %s", page.Request.URL)
	}
}

func TestWhoIsNoOperatorSeesNoOperatorsPage(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	r.api.mu.Lock()
	r.api.me.Operator = false
	r.api.mu.Unlock()
	forbidden := func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { problem(w, 403, "forbidden"); return true }
	for _, route := range []string{"/v1/operator/accounts", "/v1/operator/overview", "/v1/operator/blocked-keys", "/v1/operator/exposed-keys", "/v1/operator/suspended-accounts", "/v1/operator/keys", "/v1/operator/members", "/v1/operator/keys/" + keyID, "/v1/operators", "/v1/operators/audit", "/v1/qps-requests", "/v1/operator/statements/" + lastMonth()} {
		r.api.on("GET "+route, forbidden)
	}
	seen := 0
	for _, path := range ourPages {
		if !strings.HasPrefix(path, "/operator") {
			continue
		}
		seen++
		if page := r.get(path); page.StatusCode != 403 && page.StatusCode != 404 {
			t.Errorf("%s answered %d", path, page.StatusCode)
		}
	}
	if seen < 8 {
		t.Errorf("only %d pages", seen)
	}
}

func TestAnAccountIsClosedOnlyByItsName(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo & Sons")
	route := "POST /v1/accounts/" + account + "/close"
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(w, 200, api.Account{}); return true })
	for _, typed := range []string{"", "Demo", "demo & sons"} {
		page := r.post("/operator/accounts/"+account+"/close", url.Values{"confirm": {typed}})
		if page.StatusCode != http.StatusUnprocessableEntity || len(r.api.seen(route)) != 0 {
			t.Fatalf("%q: %d", typed, page.StatusCode)
		}
	}
	page := r.post("/operator/accounts/"+account+"/close", url.Values{"confirm": {"Demo & Sons"}})
	if len(r.api.seen(route)) != 1 || !strings.Contains(text(page.doc), "The account is closed") {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
}

// TestAnOperatorRevokesAKeyOnlyByItsName: it can't be taken back. What was typed stays, and nothing but the name is refused.
func TestAnOperatorRevokesAKeyOnlyByItsName(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	path, route := "/operator/keys/"+keyID, "POST /v1/operator/keys/"+keyID+"/revoke"
	w.api.on("GET /v1/operator/keys/"+keyID, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.OperatorKey{Key: api.Key{Id: keyID, Name: "Shop  & Co", AccountId: account, Status: api.Active}, Account: &api.Account{Id: account, Name: "Demo"}})
		return true
	})
	w.api.on(route, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.OperatorKey{})
		return true
	})
	for _, typed := range []string{"", "Shop", "shop & co", "Demo"} {
		page := w.ask(http.MethodPost, path+"/revoke", url.Values{"reason": {"Fraud"}, "confirm": {typed}})
		said := strings.Join(strings.Fields(text(page.doc)), " ")
		if page.StatusCode != http.StatusUnprocessableEntity || len(w.api.seen(route)) != 0 || !strings.Contains(said, "Type “Shop & Co” to confirm.") || !strings.Contains(page.text, ">Fraud</textarea>") {
			t.Errorf("%q: %d: %s", typed, page.StatusCode, said)
		}
	}
	w.ask(http.MethodPost, path+"/revoke", url.Values{"reason": {"Fraud"}, "confirm": {" Shop & Co"}})
	if got := w.api.seen(route); len(got) != 1 || got[0].body != `{"reason":"Fraud"}` {
		t.Errorf("%+v", got)
	}
}

// TestAnAccountIsClosedByItsNameAsItIsShown: nobody types what doesn't show.
func TestAnAccountIsClosedByItsNameAsItIsShown(t *testing.T) {
	for _, name := range []string{"Prod\u200c", "Prod\ufe0f", "Prod\u3164", "\u2800Prod"} {
		w := newWalker(t, "operator")
		fakeAnswers(w.harness, name)
		w.accept()
		answer := w.ask(http.MethodPost, "/operator/accounts/"+account+"/close", url.Values{"confirm": {"Prod"}})
		if answer.StatusCode != http.StatusSeeOther || len(w.writes()) != 1 {
			t.Errorf("%+q: %d, %s", name, answer.StatusCode, describe(w.writes()))
		}
	}
}

func TestAKeyIsBlockedWithAReason(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo")
	route := "POST /v1/operator/keys/" + keyID + "/block"
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
		if strings.Contains(string(body), `""`) {
			problem(w, 422, "invalid", api.FieldError{Pointer: "/reason", Code: "invalid_reason"})
			return true
		}
		reply(w, 200, api.OperatorKey{})
		return true
	})
	if page := r.post("/operator/keys/"+keyID+"/block", url.Values{"reason": {" "}}); page.StatusCode != 422 || !strings.Contains(text(page.doc), "Enter a reason.") {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
	page := r.post("/operator/keys/"+keyID+"/block", url.Values{"reason": {"Leaked in public.\r\nRotate it."}})
	if got := r.api.seen(route); len(got) != 2 || got[1].body != `{"reason":"Leaked in public.\nRotate it."}` || !strings.Contains(text(page.doc), "The key is blocked.") {
		t.Errorf("%+v: %s", got, text(page.doc))
	}
}

// TestABlocksReasonIsACommonOneDetailsOrBoth: the customer reads them, in the operator's language. What isn't offered is no reason.
func TestABlocksReasonIsACommonOneDetailsOrBoth(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo")
	route := "POST /v1/operator/keys/" + keyID + "/block"
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 200, api.OperatorKey{})
		return true
	})
	r.api.on("GET /v1/operator/keys/"+keyID, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 200, api.OperatorKey{Key: api.Key{Id: keyID, Name: "Key", AccountId: account, Status: api.Active}, Account: &api.Account{Id: account, Name: "Demo"}})
		return true
	})
	page := r.get("/operator/keys/" + keyID)
	if !strings.Contains(text(page.doc), "until an operator lifts it") {
		t.Errorf("the form doesn't say how long a block holds: %s", text(page.doc))
	}
	english, err := catalogueOf("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, common := range blockReasons {
		if said := english["block.reason."+common]["other"]; said == "" || !strings.Contains(text(page.doc), said) {
			t.Errorf("%s isn't offered", common)
		}
	}
	for _, c := range []struct{ common, details, want string }{
		{"terms", "", "This use breaks the terms of use."},
		{"terms", "Section 4.\r\nCall us.", "This use breaks the terms of use.\\nSection 4.\\nCall us."},
		{"", "Call us.", "Call us."},
		{"own", "Call us.", "Call us."},
	} {
		r.post("/operator/keys/"+keyID+"/block", url.Values{"common": {c.common}, "reason": {c.details}})
		if got := r.api.seen(route); got[len(got)-1].body != `{"reason":"`+c.want+`"}` {
			t.Errorf("%q and %q: %s", c.common, c.details, got[len(got)-1].body)
		}
	}
}

// TestOperatorsSearchTheKeysOfAnAccount as its members do; a secret leads to its key, and never into an address.
func TestOperatorsSearchTheKeysOfAnAccount(t *testing.T) {
	w := newWalker(t, "operator")
	fakeAnswers(w.harness, "Demo")
	path := "/operator/accounts/" + account
	to := w.ask(http.MethodPost, path, url.Values{"q": {"  oslo customer "}}).Header.Get("Location")
	if to != path+"?q=oslo+customer" {
		t.Fatalf("a search leads to %q", to)
	}
	w.forget()
	page := w.ask(http.MethodGet, to, nil)
	var asked []string
	for _, call := range w.api.seen("GET /v1/accounts/" + account + "/keys") {
		asked = append(asked, call.uri)
	}
	if len(asked) != 1 || !strings.Contains(asked[0], "q=oslo+customer") || !strings.Contains(page.text, `value="oslo customer"`) {
		t.Errorf("the API is asked for %q: %s", asked, text(page.doc))
	}
	secret := "ak_" + strings.Repeat("a", 33)
	w.forget()
	answer := w.ask(http.MethodPost, path, url.Values{"q": {secret}})
	if calls := w.called(); len(calls) != 1 || calls[0].body != `{"secret_sha256":"`+hashOf(secret)+`"}` || strings.Contains(answer.Header.Get("Location"), secret) {
		t.Errorf("a secret: %s, to %s", describe(calls), answer.Header.Get("Location"))
	}
}

func TestChangesOfAnAccountSendOnlyWhatChanges(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo")
	route := "PATCH /v1/accounts/" + account
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 202, api.Operation{Status: api.Done})
		return true
	})
	r.post("/operator/accounts/"+account+"/type", url.Values{"type": {"enterprise"}})
	r.post("/operator/accounts/"+account+"/key-limit", url.Values{"key_limit": {"250"}})
	r.post("/operator/accounts/"+account+"/key-limit", url.Values{"key_limit": {"lots"}})
	r.post("/accounts/"+account+"/account/name", url.Values{"name": {" New name "}})
	var bodies []string
	for _, c := range r.api.seen(route) {
		bodies = append(bodies, c.body)
	}
	if got, want := strings.Join(bodies, " "), `{"type":"enterprise"} {"key_limit":250} {"name":"New name"}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		problem(w, 409, "billing_type_conflict")
		return true
	})
	page := r.post("/operator/accounts/"+account+"/type", url.Values{"type": {"self_serve"}})
	if page.StatusCode != 409 || !strings.Contains(text(page.doc), "fit the account type") {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
}

func TestAnOperatorsOwnRightsStay(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo")
	r.api.on("DELETE /v1/operators/owner", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		problem(w, 409, "not_yourself")
		return true
	})
	page := r.post("/operator/operators/remove", url.Values{"subject": {"owner"}})
	if page.StatusCode != 409 || !strings.Contains(text(page.doc), "You can’t remove your own rights") {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
	route := "PUT /v1/operators/new person"
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 201, api.Operator{})
		return true
	})
	r.post("/operator/operators", url.Values{"subject": {"new person"}, "email": {"n@example.com"}})
	if got := r.api.seen(route); len(got) != 1 || got[0].body != `{"email":"n@example.com"}` {
		t.Errorf("the calls: %+v", got)
	}
}

// Somebody of an issuer before is another person than who looks, with the same subject or not: named with the issuer, to be removed alone.
func TestAnOperatorOfAnIssuerBeforeIsRemovedAsSuch(t *testing.T) {
	const before = "https://before.example/a b"
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo")
	r.api.on("GET /v1/operators", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		issuer := before
		reply(w, 200, api.OperatorList{Operators: []api.Operator{{Subject: "owner", Issuer: &issuer, Rank: api.Admin}, {Subject: "owner", Rank: api.Admin}}})
		return true
	})
	asked := ""
	r.api.on("DELETE /v1/operators/owner", func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		asked = r.URL.Query().Get("issuer")
		w.WriteHeader(http.StatusNoContent)
		return true
	})
	list := r.get("/operator/operators")
	if said := text(list.doc); strings.Count(said, before) != 1 {
		t.Errorf("%s", said)
	}
	remove := "/operator/operators/remove?subject=owner&issuer=https%3a%2f%2fbefore.example%2fa%20b"
	if html := list.text; strings.Count(html, "/operators/remove?") != 1 || !strings.Contains(html, strings.ReplaceAll(remove, "&", "&amp;")) || strings.Contains(html, "/operators/rank") || strings.Contains(html, "end-sessions?subject=owner") {
		t.Errorf("%s", html)
	}
	if page := r.get(remove); page.StatusCode != 200 || !strings.Contains(text(page.doc), before) {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
	r.post("/operator/operators/remove", url.Values{"subject": {"owner"}, "issuer": {before}})
	if asked != before {
		t.Errorf("the API is asked to remove the operator of %q", asked)
	}
}

// TestAnAccountsLimitIsSetOrLeftToTheCatalogue: an empty field lifts it, and what is no number is sent to nobody. An account whose
// form began with the number that there is names its version.
func TestAnAccountsLimitIsSetOrLeftToTheCatalogue(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo")
	route, here := "PUT /v1/operator/accounts/"+account+"/limits/map-display", "/operator/accounts/"+account+"/limits/map-display"
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 200, api.Account{Id: account})
		return true
	})
	for _, typed := range []string{"250", "", "lots", "2.5"} {
		page := r.post(here, url.Values{"qps": {typed}, "was": {""}})
		if bad := typed == "lots" || typed == "2.5"; bad != (page.StatusCode == http.StatusUnprocessableEntity) {
			t.Errorf("%q: %d", typed, page.StatusCode)
		}
	}
	var bodies []string
	for _, c := range r.api.seen(route) {
		bodies = append(bodies, c.body+c.match)
	}
	if got, want := strings.Join(bodies, " "), `{"qps":250}"2" {"qps":null}"2"`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	if page := r.post("/operator/accounts/"+account+"/limits/a%2Fb", url.Values{"qps": {"5"}}); page.StatusCode != http.StatusNotFound {
		t.Errorf("no class: %d", page.StatusCode)
	}
}

// TestAnAccountsQuotaIsSetOrLeftToTheCatalogue: an empty field leaves its period to the catalogue, what is no number is sent to nobody, and
// what somebody else has set meanwhile is shown first.
func TestAnAccountsQuotaIsSetOrLeftToTheCatalogue(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo")
	route, here := "PUT /v1/operator/accounts/"+account+"/quotas/tiles", "/operator/accounts/"+account+"/quotas/tiles"
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 200, api.Account{Id: account})
		return true
	})
	for _, tt := range []struct {
		day, month, was string
		status          int
	}{
		{"250", "", "", http.StatusOK},
		{"", "9000", "", http.StatusOK},
		{"", "", "", http.StatusOK},
		{"lots", "5", "", http.StatusUnprocessableEntity},
		{"5", "2.5", "", http.StatusUnprocessableEntity},
		{"5", "", "7/", http.StatusPreconditionFailed},
	} {
		page := r.post(here, url.Values{"billing_type": {"paying"}, "day": {tt.day}, "month": {tt.month}, "was": {tt.was}})
		if page.StatusCode != tt.status {
			t.Errorf("%+v: %d", tt, page.StatusCode)
		}
	}
	var bodies []string
	for _, c := range r.api.seen(route) {
		bodies = append(bodies, c.body+c.match)
	}
	const want = `{"billing_type":"paying","day":250,"month":null}"2" {"billing_type":"paying","day":null,"month":9000}"2" {"billing_type":"paying","day":null,"month":null}"2"`
	if got := strings.Join(bodies, " "); got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	if page := r.post("/operator/accounts/"+account+"/quotas/a%2Fb", url.Values{"day": {"5"}}); page.StatusCode != http.StatusNotFound {
		t.Errorf("no group: %d", page.StatusCode)
	}
}
