package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

func TestARequestIsFiledOnceAboutTheChosenLimit(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	route := "POST /v1/accounts/" + account + "/qps-requests"
	r.api.on(route, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 201, api.QpsRequest{Id: requestID1})
		return true
	})
	form := url.Values{
		"key_id": {keyID}, "class": {"map-display"}, "requested_qps": {"50"}, "justification": {"More vans"}, "ends_at": {"2027-01-31"}, "idempotency": {"once"},
	}
	page := r.post("/accounts/"+account+"/qps-requests/new", form)
	calls := r.api.seen(route)
	want := `{"class":"map-display","ends_at":"2027-01-31T00:00:00.000Z","justification":"More vans","key_id":"` + keyID + `","product":"map-display","requested_qps":50}`
	if len(calls) != 1 || calls[0].body != want || calls[0].idempotency != "once" {
		t.Errorf("the calls: %+v", calls)
	}
	if page.Request.URL.Path != "/accounts/"+account+"/qps-requests/"+requestID1 || !strings.Contains(text(page.doc), "Request sent.") {
		t.Errorf("it ends at %s: %s", page.Request.URL, text(page.doc))
	}
}

func TestARefusedRequestKeepsWhatWasTyped(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	for name, c := range map[string]struct {
		status int
		code   string
		field  api.FieldError
		form   url.Values
		says   string
	}{
		"above the most":  {422, "invalid", api.FieldError{Pointer: "/requested_qps", Code: "above_max"}, url.Values{"requested_qps": {"5000"}}, "no higher than the product’s maximum"},
		"no number":       {0, "", api.FieldError{}, url.Values{"requested_qps": {"many"}}, "Enter a whole number."},
		"one is open":     {409, "request_open", api.FieldError{}, url.Values{"requested_qps": {"50"}}, "There’s already an open request"},
		"the wrong class": {422, "invalid", api.FieldError{Pointer: "/product", Code: "not_limited"}, url.Values{"requested_qps": {"50"}}, "Choose a product that has a limit."},
	} {
		t.Run(name, func(t *testing.T) {
			r.api.on("POST /v1/accounts/"+account+"/qps-requests", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
				if c.field.Code == "" {
					problem(w, c.status, c.code)
				} else {
					problem(w, c.status, c.code, c.field)
				}
				return true
			})
			c.form.Set("key_id", keyID)
			c.form.Set("class", "map-display")
			c.form.Set("justification", "Because of the vans")
			page := r.post("/accounts/"+account+"/qps-requests/new", c.form)
			whole := text(page.doc)
			if !strings.Contains(whole, c.says) || !strings.Contains(whole, "Because of the vans") || page.StatusCode < 400 || page.StatusCode > 422 {
				t.Errorf("%d: %s", page.StatusCode, whole)
			}
		})
	}
}

func TestASelfServeAccountSeesWhereToAsk(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("owner")
	fakeAnswers(r, "Demo")
	r.api.mu.Lock()
	r.api.me.Accounts[0].Type = api.SelfServe
	r.api.mu.Unlock()
	for _, path := range []string{"", "/new?key=" + keyID} {
		page := r.get("/accounts/" + account + "/qps-requests" + path)
		if whole := text(page.doc); !strings.Contains(whole, "contact support") || !strings.Contains(whole, account) || strings.Contains(page.text, "<textarea") {
			t.Errorf("%s: %s", path, whole)
		}
	}
}

func TestTheOperatorWhoComesSecondSeesTheDecision(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo")
	path := "/v1/accounts/" + account + "/qps-requests/" + requestID1
	r.api.on("POST "+path+"/approve", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		problem(w, 409, "request_decided")
		return true
	})
	comment, by := "Twenty will do.", "other@example.com"
	r.api.on("GET "+path, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 200, api.QpsRequest{Id: requestID1, AccountId: account, KeyId: keyID, Class: "map-display", Status: api.Rejected, Comment: &comment, DecidedBy: &by, DecidedAt: ptr(moment.Of(time.Now()))})
		return true
	})
	page := r.post("/operator/qps-requests/"+account+"/"+requestID1, url.Values{"decision": {"approve"}, "qps": {"50"}})
	whole := text(page.doc)
	for _, want := range []string{"already been decided", "Your decision wasn’t saved", comment, by, "Rejected"} {
		if !strings.Contains(whole, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if page.StatusCode != http.StatusConflict || strings.Contains(page.text, `name="decision"`) {
		t.Errorf("answered %d: %s", page.StatusCode, whole)
	}
}

func TestADecisionCarriesItsValueAndComment(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo")
	path := "POST /v1/accounts/" + account + "/qps-requests/" + requestID1
	for decision, want := range map[string]string{"approve": `{"comment":"Fine","qps":20}`, "reject": `{"comment":"Fine"}`} {
		r.api.on(path+"/"+decision, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(w, 200, api.QpsRequest{})
			return true
		})
		page := r.post("/operator/qps-requests/"+account+"/"+requestID1, url.Values{"decision": {decision}, "qps": {"20"}, "comment": {"Fine"}})
		if calls := r.api.seen(path + "/" + decision); len(calls) != 1 || calls[0].body != want || page.Request.URL.Path != "/operator/qps-requests" {
			t.Errorf("%s: %+v, ends at %s", decision, calls, page.Request.URL)
		}
	}
	r.api.on(path+"/reject", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		problem(w, 422, "invalid", api.FieldError{Pointer: "/comment", Code: "bad_length"})
		return true
	})
	page := r.post("/operator/qps-requests/"+account+"/"+requestID1, url.Values{"decision": {"reject"}, "qps": {"20"}})
	if !strings.Contains(text(page.doc), "Enter a comment to reject the request.") || !strings.Contains(page.text, `value="20"`) {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
}
