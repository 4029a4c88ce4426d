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

// becomes lets the API refuse what is done to a request, which is as somebody else has left it.
func (r *harness) becomes(status api.QpsRequestStatus) {
	path := "/v1/accounts/" + account + "/qps-requests/" + requestID1
	for _, act := range []string{"/approve", "/reject", "/withdraw"} {
		r.api.on("POST "+path+act, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
			problem(w, 409, "request_decided")
			return true
		})
	}
	r.api.on("GET "+path, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 200, api.QpsRequest{Id: requestID1, AccountId: account, KeyId: keyID, Class: "map-display", Status: status, DecidedAt: ptr(moment.Of(then))})
		return true
	})
}

// TestARequestThatWasWithdrawnIsSaidToBe, not to have been decided.
func TestARequestThatWasWithdrawnIsSaidToBe(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.signIn("operator")
	fakeAnswers(r, "Demo")
	r.becomes(api.Withdrawn)
	for _, decision := range []string{"approve", "reject"} {
		page := r.post("/operator/qps-requests/"+account+"/"+requestID1, url.Values{"decision": {decision}, "qps": {"50"}, "comment": {"My words"}})
		whole := text(page.doc)
		if page.StatusCode != http.StatusConflict || !strings.Contains(whole, "The customer has withdrawn this request.") || strings.Contains(whole, "decision in force") || strings.Contains(whole, "already been decided") || !strings.Contains(whole, "My words") {
			t.Errorf("%s: %d: %s", decision, page.StatusCode, whole)
		}
	}
}

// TestAWithdrawalThatCameTooLateSaysWhatWasDecided on the request's page.
func TestAWithdrawalThatCameTooLateSaysWhatWasDecided(t *testing.T) {
	request := "/accounts/" + account + "/qps-requests/" + requestID1
	for status, says := range map[api.QpsRequestStatus]string{
		api.Approved: "had already been approved", api.Rejected: "had already been rejected", api.Withdrawn: "was withdrawn",
	} {
		r := newHarness(t, time.Hour)
		r.signIn("owner")
		fakeAnswers(r, "Demo")
		r.becomes(status)
		page := r.post(request+"/withdraw", nil)
		if page.StatusCode != http.StatusOK || page.Request.URL.Path != request || !strings.Contains(text(page.doc), says) {
			t.Errorf("%s: %d at %s: %s", status, page.StatusCode, page.Request.URL, text(page.doc))
		}
		if good := strings.Contains(page.text, "notice good"); good != (status == api.Withdrawn) {
			t.Errorf("%s: said as a success: %t", status, good)
		}
	}
}

// purge has the fake API forget the key of the QPS request, which then has no evidence.
func purge(r *harness) {
	r.api.on("GET /v1/operator/keys/"+keyID, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { problem(w, 404, "not_found"); return true })
	r.api.on("GET /v1/accounts/"+account+"/keys/"+keyID, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { problem(w, 404, "not_found"); return true })
	r.api.on("GET /v1/accounts/"+account+"/qps-requests/"+requestID1, func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 200, api.QpsRequest{Id: requestID1, AccountId: account, KeyId: keyID, Class: "map-display", Status: api.Withdrawn, CreatedAt: moment.Of(then)})
		return true
	})
}

// TestADecisionNamesItsCustomer, by the account's name and type, with links to the account and the key; also where the key is purged.
func TestADecisionNamesItsCustomer(t *testing.T) {
	for _, purged := range []bool{false, true} {
		r := newHarness(t, time.Hour)
		r.signIn("operator")
		fakeAnswers(r, "Fjord & Last")
		if purged {
			purge(r)
		}
		page := r.get("/operator/qps-requests/" + account + "/" + requestID1)
		facts := strings.Join(within(page.doc, "facts"), " ")
		if !strings.Contains(facts, "AccountFjord & Last") || !strings.Contains(facts, "Enterprise") && !strings.Contains(facts, "Self-serve") {
			t.Errorf("purged: %t: the facts are %q", purged, facts)
		}
		if linked := strings.Contains(page.text, `href="/operator/keys/`+keyID+`"><bdi>`); linked == purged || !strings.Contains(page.text, `href="/operator/accounts/`+account+`"><bdi>Fjord`) {
			t.Errorf("purged: %t: the key is linked: %t", purged, linked)
		}
	}
}
