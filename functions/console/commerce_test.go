package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
)

func (r *harness) as(change func(*api.MyAccount)) {
	r.api.mu.Lock()
	defer r.api.mu.Unlock()
	change(&r.api.me.Accounts[0])
}

func TestALeakSetsTheGraceAndSaysSo(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	path := "/accounts/" + account + "/keys/" + keyID + "/rotate"
	page := r.get(path + "?reason=leaked").text
	for _, want := range []string{`<option value="leaked" selected>`, `<option value="0" selected>`, "stops working within 10 seconds"} {
		if !strings.Contains(page, want) {
			t.Errorf("the dialog of a leak lacks %q", want)
		}
	}
	r.post(path, url.Values{"reason": {"leaked"}, "grace_seconds": {""}, "idempotency": {"once"}})
	calls := r.api.seen("POST /v1" + path)
	if len(calls) != 1 || calls[0].body != `{"reason":"leaked"}` {
		t.Errorf("without a choice the API goes by the reason: %+v", calls)
	}
}

func TestNobodyGetsAFormThatTheyCantSend(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	keys := "/accounts/" + account + "/keys"
	forms := []string{keys + "/new", keys + "/" + keyID + "/edit", keys + "/" + keyID + "/rotate", keys + "/" + keyID + "/revoke", keys + "/" + keyID + "/disable"}
	for _, path := range forms {
		if page := r.get(path); page.StatusCode != http.StatusOK {
			t.Errorf("an owner on %s: %d", path, page.StatusCode)
		}
	}
	for name, change := range map[string]func(*api.MyAccount){
		"a viewer":                     func(a *api.MyAccount) { a.Role = api.Viewer },
		"an owner of a closed account": func(a *api.MyAccount) { a.Role, a.Closed = api.Owner, true },
	} {
		r.as(change)
		for _, path := range forms {
			if page := r.get(path); page.StatusCode != http.StatusForbidden || strings.Contains(page.text, "idempotency") {
				t.Errorf("%s on %s: %d", name, path, page.StatusCode)
			}
		}
	}
}

func TestAClosedAccountIsNotAmongThoseToSwitchTo(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	entry := `href="/accounts/` + account + `/keys" aria-current="true"`
	if page := r.get("/accounts/" + account + "/keys").text; !strings.Contains(page, entry) {
		t.Fatal("an open account isn't in the list, so this test shows nothing")
	}
	r.as(func(a *api.MyAccount) { a.Closed = true })
	if page := r.get("/accounts/" + account + "/keys").text; strings.Contains(page, entry) {
		t.Error("a closed account is offered")
	}
}

func TestAKeptSecretIsNotSaidToBeLost(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	kept := newFakeAPI().key
	kept.Recoverable, kept.Secret = true, ptr("ak_secret")
	r.api.on("POST /v1/accounts/"+account+"/keys/"+keyID+"/rotate", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(w, 200, kept); return true })
	page := r.post("/accounts/"+account+"/keys/"+keyID+"/rotate", url.Values{"reason": {"other"}, "grace_seconds": {"3600"}, "idempotency": {"once"}})
	if shown := text(page.doc); strings.Contains(shown, "can’t be shown again") || !strings.Contains(shown, "An owner can reveal it again") {
		t.Errorf("%d: %s", page.StatusCode, shown)
	}
}

func TestOperatorsSetWhatAKeyCostsAndMayDo(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo")
	root := "/operator/accounts/" + account + "/keys/" + keyID
	for path, c := range map[string]struct {
		form url.Values
		body string
	}{
		"/billing-type":             {url.Values{"billing_type": {"paying"}}, `{"billing_type":"paying"}`},
		"/limits/map-display.tiles": {url.Values{"qps": {"40"}}, `{"qps":40}`},
	} {
		route := "PUT /v1" + root + path
		r.api.on(route, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(w, 200, api.Key{}); return true })
		r.post(root+path, c.form)
		if got := r.api.seen(route); len(got) != 1 || got[0].body != c.body {
			t.Errorf("%s: %+v", path, got)
		}
	}
}
