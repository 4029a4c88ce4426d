package main

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// What a whole stack makes of each form that is sent twice: infra/e2e, TestAFormSentTwiceEndsAsTheFirst. Here is what isn't the same form's
// doing, and what can't be told apart.

// TestAChangeThatIsThereAlreadyIsMade: a form that came too late for the key's version, but asks for what the key has become, in whatever
// order and spelling, is no conflict.
func TestAChangeThatIsThereAlreadyIsMade(t *testing.T) {
	r, form := editing(t)
	form.Set("domains", "C.example B.example")
	theirChange(r, func(k *api.KeyWithSecret) { k.Domains = []string{"b.example", "c.example"} })
	page := r.post(keyPath+"/edit", form)
	if shown := text(page.doc); page.StatusCode != http.StatusOK || page.Request.URL.Path != keyPath || !strings.Contains(shown, "Saved.") {
		t.Errorf("%d at %s: %s", page.StatusCode, page.Request.URL.Path, shown)
	}
}

// TestAProposalIsEnforcedOnlyIfTheKeyHasBecomeIt: one that somebody has discarded or changed meanwhile wasn't.
func TestAProposalIsEnforcedOnlyIfTheKeyHasBecomeIt(t *testing.T) {
	proposal := &api.Proposal{Since: moment.Of(then), Domains: &[]string{"next.example"}}
	for name, c := range map[string]struct {
		now  func(*api.KeyWithSecret)
		done bool
	}{
		"enforced":             {func(k *api.KeyWithSecret) { k.Domains = []string{"next.example"} }, true},
		"discarded":            {func(*api.KeyWithSecret) {}, false},
		"enforced and changed": {func(k *api.KeyWithSecret) { k.Domains = []string{"next.example", "later.example"} }, false},
		"proposed again": {func(k *api.KeyWithSecret) {
			k.Domains, k.Proposed = []string{"next.example"}, proposal
		}, false},
	} {
		w := newWalker(t, "owner")
		w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Proposed = proposal })
		form := url.Values{}
		for _, one := range forms(w.ask(http.MethodGet, keyPath+"/promote", nil).doc) {
			if strings.HasSuffix(one.action, "/promote") {
				form = one.values()
			}
		}
		w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Proposed = nil; c.now(k); k.Version++ })
		w.refuse(http.StatusPreconditionFailed, "version_stale")
		answer := w.ask(http.MethodPost, keyPath+"/promote", form)
		if done := answer.StatusCode == http.StatusSeeOther; done != c.done || !done && !strings.Contains(text(answer.doc), "Someone else changed this") {
			t.Errorf("%s: %d: %s", name, answer.StatusCode, text(answer.doc))
		}
	}
}

// TestAProposalIsEnforcedOnlyWithAllThatItHolds: of each list that a proposal can have, alone.
func TestAProposalIsEnforcedOnlyWithAllThatItHolds(t *testing.T) {
	app := api.App{Platform: "ios", BundleId: ptr("com.example.next")}
	for name, proposal := range map[string]api.Proposal{
		"domains":  {Domains: &[]string{"next.example"}},
		"products": {Products: &[]string{"search"}},
		"networks": {Networks: &[]string{"198.51.100.0/24"}},
		"apps":     {Apps: &[]api.App{app}},
	} {
		for _, enforced := range []bool{true, false} {
			w := newWalker(t, "owner")
			proposal.Since = moment.Of(then)
			w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Proposed = &proposal })
			form := url.Values{}
			for _, one := range forms(w.ask(http.MethodGet, keyPath+"/promote", nil).doc) {
				if strings.HasSuffix(one.action, "/promote") {
					form = one.values()
				}
			}
			w.state(func(_ *api.Me, k *api.KeyWithSecret) {
				if k.Proposed = nil; !enforced {
					return
				}
				k.Domains, k.Products = *cmp.Or(proposal.Domains, &k.Domains), *cmp.Or(proposal.Products, &k.Products)
				k.Networks, k.Apps = *cmp.Or(proposal.Networks, &k.Networks), *cmp.Or(proposal.Apps, &k.Apps)
			})
			w.refuse(http.StatusPreconditionFailed, "version_stale")
			answer := w.ask(http.MethodPost, keyPath+"/promote", form)
			if done := answer.StatusCode == http.StatusSeeOther; done != enforced {
				t.Errorf("%s, enforced: %t: %d: %s", name, enforced, answer.StatusCode, text(answer.doc))
			}
		}
	}
}

// TestADecisionLikeTheOtherIsMade, and one that differs in anything is shown beside it.
func TestADecisionLikeTheOtherIsMade(t *testing.T) {
	approved := api.QpsRequest{Id: requestID1, AccountId: account, Status: api.Approved, ApprovedQps: ptr(33), Comment: ptr("Fine.")}
	rejected := api.QpsRequest{Id: requestID1, AccountId: account, Status: api.Rejected, Comment: ptr("No.")}
	for name, c := range map[string]struct {
		theirs api.QpsRequest
		mine   url.Values
		done   bool
	}{
		"approved alike":       {approved, url.Values{"decision": {"approve"}, "qps": {"33"}, "comment": {"Fine."}}, true},
		"with another number":  {approved, url.Values{"decision": {"approve"}, "qps": {"34"}, "comment": {"Fine."}}, false},
		"with another comment": {approved, url.Values{"decision": {"approve"}, "qps": {"33"}, "comment": {"No."}}, false},
		"the other way":        {approved, url.Values{"decision": {"reject"}, "qps": {"33"}, "comment": {"Fine."}}, false},
		"rejected alike":       {rejected, url.Values{"decision": {"reject"}, "comment": {"No."}}, true},
		"rejected, not so":     {rejected, url.Values{"decision": {"approve"}, "qps": {"0"}, "comment": {"No."}}, false},
	} {
		w := newWalker(t, "owner")
		w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
		w.api.on("GET /v1/accounts/"+account+"/qps-requests/"+requestID1, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, c.theirs)
			return true
		})
		w.refuse(http.StatusConflict, "request_decided")
		answer := w.ask(http.MethodPost, "/operator/qps-requests/"+account+"/"+requestID1, c.mine)
		if done := answer.StatusCode == http.StatusSeeOther; done != c.done || !done && len(conflictRows(answer.doc)) != 1 {
			t.Errorf("%s: %d: %s", name, answer.StatusCode, text(answer.doc))
		}
	}
}

// TestAChangeOfTypeIsTheOperatorsOwn if they have begun the newest one a short while ago.
func TestAChangeOfTypeIsTheOperatorsOwn(t *testing.T) {
	path := "/operator/accounts/" + account + "/type"
	for name, c := range map[string]struct {
		rows []api.AuditRow
		own  bool
	}{
		"theirs":       {[]api.AuditRow{{Action: "account.type.begin", Actor: api.Actor{Subject: "owner"}}}, true},
		"another's":    {[]api.AuditRow{{Action: "account.type.begin", Actor: api.Actor{Subject: "other"}}}, false},
		"none is told": {nil, false},
	} {
		for ago, fresh := range map[time.Duration]bool{time.Minute: true, 11 * time.Minute: false} {
			w := newWalker(t, "operator")
			w.typeIs(api.Enterprise, func(http.ResponseWriter) { t.Errorf("%s: the type is changed", name) })
			w.api.on("GET /v1/accounts/"+account+"/audit", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.URL.Query().Get("action") != "account.type.begin" {
					t.Errorf("asks for %s", r.URL.RawQuery)
				}
				for i := range c.rows {
					c.rows[i].At = moment.Of(w.app.now().Add(-ago))
				}
				reply(out, 200, api.AuditList{Rows: c.rows})
				return true
			})
			answer := w.ask(http.MethodPost, path, url.Values{"type": {"enterprise"}, "was": {"self_serve"}, "billing_freemium": {"paying"}})
			if done := answer.StatusCode == http.StatusSeeOther; done != (c.own && fresh) {
				t.Errorf("%s, %s ago: %d: %s", name, ago, answer.StatusCode, text(answer.doc))
			}
		}
	}
}

// TestWhatAFormMakesIsMadeOnce: each form that makes something sends the Idempotency-Key that its page was given, another for each page.
func TestWhatAFormMakesIsMadeOnce(t *testing.T) {
	for name, c := range map[string]struct{ page, action, call string }{
		"an account":    {"/accounts/new", "/accounts", "POST /v1/accounts"},
		"an invitation": {"/accounts/" + account + "/account", "/accounts/" + account + "/account/invitations", "POST /v1/accounts/" + account + "/invitations"},
		"a key":         {"/accounts/" + account + "/keys/new", "/accounts/" + account + "/keys/new", "POST /v1/accounts/" + account + "/keys"},
		"a first key":   {"/accounts/" + account + "/keys/first", "/accounts/" + account + "/keys/first", "POST /v1/accounts/" + account + "/keys"},
	} {
		w := newWalker(t, "owner")
		w.accept()
		given := func() string {
			for _, one := range forms(w.ask(http.MethodGet, c.page, nil).doc) {
				if one.action == c.action {
					return filled(one, "").Get("idempotency")
				}
			}
			t.Fatalf("%s: the page has no such form", name)
			return ""
		}
		first, second := given(), given()
		if len(first) < 20 || first == second {
			t.Errorf("%s: the pages have %q and %q", name, first, second)
		}
		w.forget()
		w.ask(http.MethodPost, c.action, url.Values{"idempotency": {first}, "name": {"Mine"}, "role": {"viewer"}, "kind": {"server"}, "usage": {"backend"}, "products": {"search"}})
		if sent := w.writes(); len(sent) != 1 || sent[0].route != c.call || sent[0].idempotency != first {
			t.Errorf("%s: %s", name, describe(sent))
		}
	}
}

// TestAnInvitationThatWasMadeBeforeHasNoLinkToShow: of a form that came twice, the page says what there is.
func TestAnInvitationThatWasMadeBeforeHasNoLinkToShow(t *testing.T) {
	for code, says := range map[string]string{"": "notice.invitation_again", "invitation_not_found": "notice.invitation_gone"} {
		w := newWalker(t, "owner")
		w.api.on("POST /v1/accounts/"+account+"/invitations", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			if code != "" {
				problem(out, 404, code)
				return true
			}
			out.Header().Set("Idempotent-Replayed", "true")
			reply(out, 201, api.InvitationWithToken{Id: "inv_1", Role: api.Viewer, TokenUnavailable: ptr(true)})
			return true
		})
		answer := w.ask(http.MethodPost, "/accounts/"+account+"/account/invitations", url.Values{"role": {"viewer"}, "idempotency": {"once"}})
		if left := w.noteOf(answer); answer.StatusCode != http.StatusSeeOther || left.Link != "" || "notice."+left.Notice != says {
			t.Errorf("%q: %d %+v", code, answer.StatusCode, left)
		}
	}
}

// TestNobodyIsWelcomedWhoHasNotJoined: an invitation that is used up welcomes those alone who are members of the account that the form was
// for.
func TestNobodyIsWelcomedWhoHasNotJoined(t *testing.T) {
	for offered, want := range map[string]int{account: http.StatusSeeOther, "acc_02": http.StatusNotFound, "": http.StatusNotFound} {
		w := newWalker(t, "owner")
		w.cookies = append(w.cookies, &http.Cookie{Name: invitationName, Value: "lki_one"})
		w.refuse(http.StatusNotFound, "invitation_not_found")
		answer := w.ask(http.MethodPost, invitationPage, url.Values{"account": {offered}})
		if answer.StatusCode != want {
			t.Errorf("%q: %d: %s", offered, answer.StatusCode, text(answer.doc))
		}
	}
}
