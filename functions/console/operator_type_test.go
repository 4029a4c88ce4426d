package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// typeIs makes the fake API know the account with a type, and answer a change of it.
func (w *walker) typeIs(kind api.AccountType, answer func(http.ResponseWriter)) {
	w.api.on("GET /v1/accounts/"+account, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.Account{Id: account, Name: "Demo", Type: kind, CreatedAt: moment.Of(then)})
		return true
	})
	w.api.on("PATCH /v1/accounts/"+account, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool { answer(out); return true })
}

// TestAMappingOfBillingTypesIsSentAsItWasChosen: from what the keys of such an account may have to what fits the other
// type. What isn't chosen is the API's to decide, so it isn't sent.
func TestAMappingOfBillingTypesIsSentAsItWasChosen(t *testing.T) {
	w := newWalker(t, "operator")
	path := "/operator/accounts/" + account + "/type"
	for kind, c := range map[api.AccountType]struct {
		fields string
		chosen url.Values
		body   string
	}{
		api.SelfServe: {
			"billing_freemium=,evaluation,paying,free billing_pay_as_you_grow=,evaluation,paying,free type=enterprise was=self_serve",
			url.Values{"billing_pay_as_you_grow": {"paying"}},
			`{"billing_types":{"pay_as_you_grow":"paying"},"type":"enterprise"}`,
		},
		api.Enterprise: {
			"billing_evaluation=,freemium,pay_as_you_grow billing_free=,freemium,pay_as_you_grow billing_paying=,freemium,pay_as_you_grow type=self_serve was=enterprise",
			url.Values{"billing_paying": {"pay_as_you_grow"}, "billing_free": {"freemium"}, "billing_evaluation": {""}},
			`{"billing_types":{"free":"freemium","paying":"pay_as_you_grow"},"type":"self_serve"}`,
		},
	} {
		w.typeIs(kind, func(out http.ResponseWriter) { reply(out, 202, api.Operation{Id: "op_1", Status: api.Done}) })
		form := forms(w.ask(http.MethodGet, path, nil).doc)[2]
		var got []string
		for _, f := range form.fields {
			got = append(got, f.name+"="+strings.Join(append([]string{f.value}, f.others...), ","))
		}
		if fields := strings.Join(got, " "); form.action != path || fields != c.fields {
			t.Errorf("%s: the form %s has %s", kind, form.action, fields)
		}
		for i, chosen := range []url.Values{{}, c.chosen} {
			w.forget()
			sent := form.values()
			for name, values := range chosen {
				sent[name] = values
			}
			w.ask(http.MethodPost, path, sent)
			want := c.body
			if i == 0 {
				want = `{"type":"` + sent.Get("type") + `"}`
			}
			if got := w.writes(); len(got) != 1 || got[0].body != want {
				t.Errorf("%s: sends %s, want %s", kind, describe(got), want)
			}
		}
	}
}

// TestATypeThatSomeoneElseHasChangedMeanwhileIsSaid: the API answers that the account has the type, and what was chosen for its keys
// would be lost without a word. Nothing is sent, and no form is offered that would change the type back.
func TestATypeThatSomeoneElseHasChangedMeanwhileIsSaid(t *testing.T) {
	path := "/operator/accounts/" + account + "/type"
	for name, c := range map[string]struct {
		chosen url.Values
		row    string
	}{
		"with billing types": {url.Values{"billing_freemium": {"paying"}}, "Type Enterprise Enterprise · Freemium → Paying"},
		"with the usual":     {url.Values{}, "Type Enterprise Enterprise"},
	} {
		w := newWalker(t, "operator")
		fine := func(out http.ResponseWriter) { reply(out, 200, api.Account{Id: account, Type: api.Enterprise}) }
		w.typeIs(api.SelfServe, fine)
		form := forms(w.ask(http.MethodGet, path, nil).doc)[2].values()
		for field, values := range c.chosen {
			form[field] = values
		}
		w.typeIs(api.Enterprise, fine)
		page := w.ask(http.MethodPost, path, form)
		if got := conflictRows(page.doc); page.StatusCode != http.StatusPreconditionFailed || len(w.writes()) > 0 || len(got) != 1 || got[0] != c.row {
			t.Errorf("%s: %d, %q, %s", name, page.StatusCode, got, describe(w.writes()))
		}
		if actionOf(page, "/type") != "" || links(page.doc)["Back to the account"] != "/operator/accounts/"+account {
			t.Errorf("%s: it offers %s", name, text(page.doc))
		}
	}
}

// TestARefusedChangeOfTypeKeepsItsDirection: the page that says so offers the same change, though the account's type may be another by then.
func TestARefusedChangeOfTypeKeepsItsDirection(t *testing.T) {
	w := newWalker(t, "operator")
	path := "/operator/accounts/" + account + "/type"
	kind := api.SelfServe
	w.api.on("GET /v1/accounts/"+account, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.Account{Id: account, Name: "Demo", Type: kind, CreatedAt: moment.Of(then)})
		return true
	})
	w.api.on("PATCH /v1/accounts/"+account, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		kind = api.Enterprise // the change that was in the way has ended
		problem(out, http.StatusConflict, "account_type_changing")
		return true
	})
	page := w.ask(http.MethodPost, path, url.Values{"type": {"enterprise"}, "was": {"self_serve"}})
	if got := forms(page.doc)[2].values().Get("type"); page.StatusCode != http.StatusConflict || got != "enterprise" {
		t.Errorf("%d: it offers %q", page.StatusCode, got)
	}
}

// TestAChangeOfTypeIsFollowed from its beginning to either end, on the account's page.
func TestAChangeOfTypeIsFollowed(t *testing.T) {
	w := newWalker(t, "operator")
	here := "/operator/accounts/" + account
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		to     string
	}{
		"running":             {func(out http.ResponseWriter) { reply(out, 202, api.Operation{Id: "op_1", Status: api.Running}) }, here + "?operation=op_1"},
		"done at once":        {func(out http.ResponseWriter) { reply(out, 202, api.Operation{Id: "op_1", Status: api.Done}) }, here},
		"failed at once":      {func(out http.ResponseWriter) { reply(out, 202, api.Operation{Id: "op_1", Status: api.Failed}) }, here + "?operation=op_1"},
		"it had the type":     {func(out http.ResponseWriter) { reply(out, 200, api.Account{Id: account, Type: api.Enterprise}) }, here},
		"refused as a whole":  {func(out http.ResponseWriter) { problem(out, 409, "account_type_changing") }, ""},
		"refused as a member": {func(out http.ResponseWriter) { problem(out, 403, "own_account") }, ""},
	} {
		w.typeIs(api.SelfServe, c.answer)
		if to := w.ask(http.MethodPost, here+"/type", url.Values{"type": {"enterprise"}}).Header.Get("Location"); to != c.to {
			t.Errorf("%s: leads to %q, want %q", name, to, c.to)
		}
	}
	for _, c := range []struct {
		status  api.OperationStatus
		says    string
		follows bool
	}{{api.Running, "The change to Enterprise is in progress.", true}, {api.Done, "All keys have followed", false}, {api.Failed, "stopped before the last key", false}} {
		w.api.on("GET /v1/accounts/"+account+"/operations/op_1", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, api.Operation{Id: "op_1", Status: c.status, Type: api.Enterprise, StartedAt: moment.Of(then)})
			return true
		})
		page := w.ask(http.MethodGet, here+"?operation=op_1", nil)
		follow := `data-follow="` + here + `?operation=op_1"`
		if !strings.Contains(text(page.doc), c.says) || strings.Contains(page.text, follow) != c.follows || (links(page.doc)["Refresh"] == here+"?operation=op_1") != c.follows {
			t.Errorf("%s: %s", c.status, text(page.doc))
		}
	}
}

// An operation that the API has forgotten, or never knew, leaves the page as it is without one.
func TestAnOperationThatIsntThereIsNone(t *testing.T) {
	w := newWalker(t, "operator")
	here := "/operator/accounts/" + account
	for _, id := range []string{"op_2", "", "..", "op_1/../x", "a%2Fb", "%00", "a b"} {
		w.forget()
		page := w.ask(http.MethodGet, here+"?operation="+url.QueryEscape(id), nil)
		if page.StatusCode != 200 || strings.Contains(page.text, `id="operation"`) {
			t.Errorf("%q: %d", id, page.StatusCode)
		}
		for _, c := range w.called() {
			if strings.Contains(c.uri, "/operations") && id != "op_2" {
				t.Errorf("%q asks for %s", id, c.uri)
			}
		}
	}
}
