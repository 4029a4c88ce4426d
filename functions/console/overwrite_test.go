package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// overwrites are the forms of one setting: the page, the form, what is typed, what somebody else has made of it meanwhile, the row that
// says both, and what saving anyway sends.
var overwrites = []struct {
	page, action string
	field, typed string
	route        string // that reads it
	theirs       any
	row, sent    string
}{
	{"/accounts/" + account + "/account/details", "/account/name", "name", "Mine", "GET /v1/accounts/" + account, api.Account{Id: account, Name: "Theirs", Type: api.Enterprise, KeyLimit: 100, Version: 3}, "Name Theirs Mine", `{"name":"Mine"}`},
	{"/accounts/" + account + "/account", "/account/role", "role", "owner", "GET /v1/accounts/" + account + "/members", api.MemberList{Members: []api.Member{{Subject: "a|b/c", Role: api.Developer}}}, "Role Developer Owner", `{"role":"owner"}`},
	{"/operator/accounts/" + account, "/key-limit", "key_limit", "7", "GET /v1/accounts/" + account, api.Account{Id: account, Name: "Demo", Type: api.Enterprise, KeyLimit: 50, Version: 3}, "Key limit 50 7", `{"key_limit":7}`},
	{"/operator/accounts/" + account + "/limits", "/limits/map-display", "qps", "7", "GET /v1/accounts/" + account, api.Account{Id: account, Name: "Demo", Type: api.Enterprise, KeyLimit: 100, Version: 3, Limits: []api.AccountLimit{{Class: "map-display", Product: "map-display", Name: "Map display", Qps: 50, SetBy: "operator"}}}, "Requests per second 50 7", `{"qps":7}`},
	{"/operator/accounts/" + account + "/suspend", "/suspend", "reason", "Mine", "GET /v1/accounts/" + account, api.Account{Id: account, Name: "Demo", Type: api.Enterprise, Suspended: &api.Suspension{Reason: "Theirs", At: moment.Of(then)}}, "Suspend account Theirs Mine · 2027-08-03", `"reason":"Mine"`},
	{"/accounts/" + account + "/account/leaks", "/leaks", "mobile", "rotate", "GET /v1/accounts/" + account + "/policy", api.AccountPolicy{Leaks: api.LeakPolicy{Frontend: "refuse", Backend: "refuse", Mobile: "notify"}, Version: 3}, "When a key is leaked Front end: refuse · Back end: refuse · Mobile: show a warning Front end: show a warning · Back end: refuse · Mobile: replace", `{"leaks":{"backend":"refuse","frontend":"notify","mobile":"rotate"}}`},
	{"/accounts/" + account + "/account/rules", "/rules", "max_lifetime_days", "90", "GET /v1/accounts/" + account + "/policy", api.AccountPolicy{FrontendRestricted: true, MaxLifetimeDays: ptr(365), Version: 3}, "Rules for API keys Front-end keys need a restriction · maximum lifetime 365 days No restriction needed · maximum lifetime 90 days", `{"frontend_restricted":false,"max_lifetime_days":90}`},
	{"/operator/operators", "/rank", "rank", "admin", "GET /v1/operators", api.OperatorList{Operators: []api.Operator{{Subject: "o 2/x", Rank: "auditor"}}}, "Rank auditor Admin", `{"rank":"admin"}`},
	{"/operator/keys/" + keyID, "/billing-type", "billing_type", "paying", "GET /v1/operator/keys/" + keyID, keyWith(func(k *api.Key) { k.BillingType = api.Evaluation }), "Billing type Evaluation Paying", `{"billing_type":"paying"}`},
	{"/operator/keys/" + keyID, "/limits/map-display", "qps", "40", "GET /v1/operator/keys/" + keyID, keyWith(func(k *api.Key) { k.Limits[0].Qps = 30 }), "Requests per second 30 40", `{"qps":40}`},
	{"/operator/keys/" + keyID, "/block", "reason", "Mine", "GET /v1/operator/keys/" + keyID, keyWith(func(k *api.Key) { k.Blocked = &api.Block{Reason: "Theirs", At: moment.Of(then)} }), "Block this key Theirs Mine", `{"reason":"Mine"}`},
}

func keyWith(change func(*api.Key)) api.OperatorKey {
	k := newFakeAPI().key.Key
	change(&k)
	return api.OperatorKey{Key: k, Account: &api.Account{Id: account, Name: "Demo", Type: api.Enterprise}}
}

// TestNobodysChangeIsOverwrittenUnseen: a form of one setting that somebody else has changed meanwhile shows both versions and changes
// nothing; saving it anyway makes the change.
func TestNobodysChangeIsOverwrittenUnseen(t *testing.T) {
	for _, c := range overwrites {
		t.Run(strings.Trim(c.action, "/"), func(t *testing.T) {
			w := newWalker(t, "owner")
			w.accept()
			w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.BillingType = api.PayAsYouGrow })
			mine := func(page answered) url.Values {
				for _, one := range forms(page.doc) {
					values := one.values()
					if strings.HasSuffix(one.action, c.action) && values.Get("subject") != "owner" {
						return values
					}
				}
				t.Fatalf("no form %s: %s", c.action, text(page.doc))
				return nil
			}
			form := mine(w.ask(http.MethodGet, c.page, nil))
			action := actionOf(w.ask(http.MethodGet, c.page, nil), c.action)
			form.Set(c.field, c.typed)
			raw, _ := json.Marshal(c.theirs)
			w.api.on(c.route, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
				reply(out, 200, json.RawMessage(raw))
				return true
			})
			page := w.ask(http.MethodPost, action, form)
			if rows := conflictRows(page.doc); page.StatusCode != http.StatusPreconditionFailed || len(w.writes()) > 0 || !slices.Equal(rows, []string{c.row}) {
				t.Fatalf("%d, %q, %s", page.StatusCode, rows, describe(w.writes()))
			}
			if whole := text(page.doc); !strings.Contains(whole, "Someone else changed this while you were editing it") || !strings.Contains(whole, "Save anyway") {
				t.Errorf("it says %s", whole)
			}
			again := mine(page)
			if again.Get(c.field) != c.typed {
				t.Errorf("the form has %q", again.Get(c.field))
			}
			saved := w.ask(http.MethodPost, action, again)
			if got := w.writes(); saved.StatusCode != http.StatusSeeOther || len(got) != 1 || !strings.Contains(got[0].body, c.sent) {
				t.Errorf("saving anyway: %d, %s", saved.StatusCode, describe(got))
			}
		})
	}
}

func actionOf(page answered, ending string) string {
	for _, one := range forms(page.doc) {
		if strings.HasSuffix(one.action, ending) {
			return one.action
		}
	}
	return ""
}

// TestADecisionThatCameTooLateIsShownBesideTheOther with what was typed.
func TestADecisionThatCameTooLateIsShownBesideTheOther(t *testing.T) {
	w := newWalker(t, "owner")
	w.refuse(http.StatusConflict, "request_decided")
	page := w.ask(http.MethodPost, "/operator/qps-requests/"+account+"/"+requestID1, url.Values{"decision": {"approve"}, "qps": {"33"}, "comment": {"My words"}})
	if rows := conflictRows(page.doc); page.StatusCode != http.StatusConflict || len(rows) != 1 || !strings.HasSuffix(rows[0], "Approve 33 · My words") && !strings.HasSuffix(rows[0], "Approve · 33 · My words") {
		t.Errorf("%d: %q", page.StatusCode, rows)
	}
}

// TestAChangeOfSomethingElseRefusesNoForm: what somebody else has changed in the moment of the write, but not what the form is
// about, is no business of the person's: the change is made on what is there then.
func TestAChangeOfSomethingElseRefusesNoForm(t *testing.T) {
	for _, c := range overwrites {
		w := newWalker(t, "owner")
		w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.BillingType = api.PayAsYouGrow })
		form := url.Values{}
		for _, one := range forms(w.ask(http.MethodGet, c.page, nil).doc) {
			if values := one.values(); strings.HasSuffix(one.action, c.action) && values.Get("subject") != "owner" {
				form = values
			}
		}
		form.Set(c.field, c.typed)
		tries := 0
		w.answerWrites(func(out http.ResponseWriter, _ *http.Request) {
			if tries++; tries == 1 {
				problem(out, http.StatusPreconditionFailed, "version_stale")
				return
			}
			reply(out, 200, map[string]any{"id": keyID})
		})
		saved := w.ask(http.MethodPost, actionOf(w.ask(http.MethodGet, c.page, nil), c.action), form)
		if saved.StatusCode != http.StatusSeeOther || tries != 2 {
			t.Errorf("%s: %d after %d tries: %s", c.action, saved.StatusCode, tries, text(saved.doc))
		}
	}
}

// TestWhatIsRefusedEveryTimeIsNotSaidToBeDone: the last try's refusal is shown, with what was typed.
func TestWhatIsRefusedEveryTimeIsNotSaidToBeDone(t *testing.T) {
	for _, c := range overwrites {
		w := newWalker(t, "owner")
		w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.BillingType = api.PayAsYouGrow })
		page := w.ask(http.MethodGet, c.page, nil)
		form := url.Values{}
		for _, one := range forms(page.doc) {
			if values := one.values(); strings.HasSuffix(one.action, c.action) && values.Get("subject") != "owner" {
				form = values
			}
		}
		form.Set(c.field, c.typed)
		w.refuse(http.StatusPreconditionFailed, "version_stale")
		refused := w.ask(http.MethodPost, actionOf(page, c.action), form)
		if refused.StatusCode != http.StatusPreconditionFailed || len(w.writes()) != mostOvertaken || !strings.Contains(refused.text, `role="alert"`) {
			t.Errorf("%s: %d after %d tries: %s", c.action, refused.StatusCode, len(w.writes()), text(refused.doc))
		}
	}
}
