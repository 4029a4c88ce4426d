package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// TestWhatIsNoWholeSecretIsSaidToBeNone: cut, with something behind it, or in capitals. No key is asked for, and no address has it.
func TestWhatIsNoWholeSecretIsSaidToBeNone(t *testing.T) {
	matched := "current"
	w := findingBy(t, &matched)
	root := "/accounts/" + account
	for _, list := range []string{root + "/keys", "/operator", root + "/usage"} {
		field := map[bool]string{true: "find", false: "q"}[strings.HasSuffix(list, "/usage")]
		for what, typed := range map[string]string{"cut": secret[:len(secret)-1], "longer": secret + "x", "in capitals": strings.ToUpper(secret), "sent by the script": ""} {
			w.forget()
			form := url.Values{field: {typed}}
			if typed == "" {
				form.Set(hashField, incomplete)
			}
			answer := w.ask(http.MethodPost, list, form)
			to := answer.Header.Get("Location")
			if shown := text(w.ask(http.MethodGet, to, nil, "Cookie", w.with(w.noteOf(answer).cookie)).doc); !strings.Contains(shown, "This isn’t a complete key.") {
				t.Errorf("%s on %s: %s: %s", what, list, to, shown)
			}
			if typed != "" && strings.Contains(to, typed) {
				t.Errorf("%s on %s leads to %s", what, list, to)
			}
			if calls := w.writes(); len(calls) > 0 {
				t.Errorf("%s on %s: the API is asked %s", what, list, describe(calls))
			}
		}
	}
}

// TestASecretOfAnotherAccountLeadsThere: where the account has no such key, and another open one of the person's has.
func TestASecretOfAnotherAccountLeadsThere(t *testing.T) {
	w := newWalker(t, "owner")
	for closed, want := range map[bool]string{false: "/accounts/acc_02/keys/" + keyID, true: "/accounts/" + account + "/keys"} {
		w.state(func(me *api.Me, _ *api.KeyWithSecret) {
			me.Accounts = []api.MyAccount{me.Accounts[0], {Id: "acc_02", Name: "Other", Role: api.Viewer, Closed: closed}, {Id: "acc_03", Name: "Third", Role: api.Viewer}}
		})
		for id, found := range map[string][]any{account: {}, "acc_02": {map[string]any{"matched": "current", "key": api.Key{Id: keyID}}}, "acc_03": {}} {
			w.api.on("POST /v1/accounts/"+id+"/keys/find", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
				reply(out, 200, map[string]any{"matches": found})
				return true
			})
		}
		if to := w.ask(http.MethodPost, "/accounts/"+account+"/keys", url.Values{"q": {secret}}).Header.Get("Location"); to != want {
			t.Errorf("closed %t: leads to %s", closed, to)
		}
	}
}

// TestTheChecklistIsForWhoCanTakeItsSteps, while all keys are on one page.
func TestTheChecklistIsForWhoCanTakeItsSteps(t *testing.T) {
	w := newWalker(t, "owner")
	var key api.Key
	w.state(func(_ *api.Me, k *api.KeyWithSecret) { key = k.Key; key.LastUsedAt = nil })
	for name, c := range map[string]struct {
		more bool
		role api.Role
		want bool
	}{
		"an owner":    {role: api.Owner, want: true},
		"a developer": {role: api.Developer, want: true},
		"a viewer":    {role: api.Viewer},
		"more keys":   {more: true, role: api.Owner}, // nobody looks at the others
	} {
		w.state(func(me *api.Me, _ *api.KeyWithSecret) {
			me.Accounts = slices.Clone(me.Accounts)
			me.Accounts[0].Role = c.role
		})
		answerKeys(w, func(_, _ string) (int, any) {
			list := api.KeyList{Keys: slices.Repeat([]api.Key{key}, keysPerPage), Sortable: ptr(true)}
			if c.more {
				list.NextPageToken = ptr("next")
			}
			return 200, list
		})
		if lists := within(w.ask(http.MethodGet, "/accounts/"+account+"/keys", nil).doc, "begin"); (len(lists) == 1) != c.want {
			t.Errorf("%s: %q", name, lists)
		}
	}
}

// TestALeakedSecretIsKeptByNobodysOversight: who chooses the reason without a script is shown that the secret stops at once, before anything is done; a time that
// was chosen after that is taken.
func TestALeakedSecretIsKeptByNobodysOversight(t *testing.T) {
	w := newWalker(t, "owner")
	for _, path := range []string{keyPath + "/rotate", "/accounts/" + account + "/keys/selected/rotate"} {
		send := func(reason, grace, of string) (status, calls int, page answered) {
			w.forget()
			page = w.ask(http.MethodPost, path, url.Values{"key": {keyID}, "reason": {reason}, "grace_seconds": {grace}, "grace_for": {of}, "idempotency": {"once"}})
			return page.StatusCode, len(w.writes()), page
		}
		status, calls, page := send("leaked", usualGrace, "scheduled")
		if status != http.StatusUnprocessableEntity || calls != 0 {
			t.Errorf("%s: a leak with the usual time: %d, %d calls", path, status, calls)
		}
		list := forms(page.doc)
		form := list[slices.IndexFunc(list, func(f formOf) bool { return f.action == path })].values()
		if form.Get("reason") != "leaked" || form.Get("grace_seconds") != "0" || form.Get("grace_for") != "leaked" {
			t.Errorf("%s: the form comes back as %v", path, form)
		}
		for _, c := range [][3]string{{"leaked", "0", "leaked"}, {"leaked", usualGrace, "leaked"}, {"leaked", "0", "scheduled"}, {"other", usualGrace, "scheduled"}, {"leaked", "", ""}} {
			if _, calls, _ := send(c[0], c[1], c[2]); calls != 1 {
				t.Errorf("%s: %v: %d calls", path, c, calls)
			}
		}
	}
}

// TestAFormThatChangesNothingSaysSo.
func TestAFormThatChangesNothingSaysSo(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	w.state(func(_ *api.Me, k *api.KeyWithSecret) {
		k.RotationPolicy = &api.RotationPolicy{EveryDays: 31, NotifyDaysBefore: 4}
	})
	for page, field := range map[string]string{"/edit": "name", "/policy": "every_days"} {
		list := forms(w.ask(http.MethodGet, keyPath+page, nil).doc)
		form := list[slices.IndexFunc(list, func(f formOf) bool { return f.action == keyPath+page })].values()
		for _, value := range []string{form.Get(field), "33"} {
			want := value != "33"
			form.Set(field, value)
			if got := w.noteOf(w.ask(http.MethodPost, keyPath+page, form)); (got.Notice == "unchanged") != want {
				t.Errorf("%s, unchanged %t: %q", page, want, got.Notice)
			}
		}
	}
}

// TestTheCallThatIsSentIsAnnouncedOnce: its own answer, and not a test's before it.
func TestTheCallThatIsSentIsAnnouncedOnce(t *testing.T) {
	for name, domains := range map[string][]string{"sent": {}, "not sent": {"shop.example"}} {
		r, secret, _ := pasting(t, func(k *api.KeyWithSecret) { k.Domains = domains })
		page := r.post(keyPath+"/try", url.Values{"secret": {secret}, "origin": {strings.Join(domains, "")}})
		var plain string
		elements(page.doc, func(n *html.Node) {
			if n.Data == "noscript" {
				plain += text(n) // who has no script is told by the test
			}
		})
		said := strings.ReplaceAll(text(page.doc), plain, "")
		if strings.Contains(plain, "Allowed.") != (name == "sent") {
			t.Errorf("%s: without a script: %s", name, plain)
		}
		for _, one := range []string{"Allowed.", "aren’t part of this test"} {
			if strings.Contains(said, one) == (name == "sent") {
				t.Errorf("%s: %q: %s", name, one, said)
			}
		}
	}
}

// TestARefusedSecretLeadsToItsRotation from the page that tries it, for those who may rotate it.
func TestARefusedSecretLeadsToItsRotation(t *testing.T) {
	for role, want := range map[api.Role]bool{api.Developer: true, api.Viewer: false} {
		w := newWalker(t, "owner")
		w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Accounts[0].Role = role })
		w.api.on("POST /v1"+keyPath+"/test", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, api.TestResult{Code: "key_exposed"})
			return true
		})
		there := links(w.ask(http.MethodGet, keyPath+"/try?origin=https://www.example.com", nil).doc)["Rotate…"]
		if (there == keyPath+"/rotate?reason=leaked") != want {
			t.Errorf("%s: leads to %q", role, there)
		}
	}
}

// TestWhatCannotBeCalledHasNoExamples, and a key without calls no share of refused ones.
func TestWhatCannotBeCalledHasNoExamples(t *testing.T) {
	for _, status := range []api.Status{api.Active, api.Disabled, api.Revoked, api.Deleted} {
		r, _, _ := pasting(t, func(k *api.KeyWithSecret) { k.Status = status })
		r.api.on("GET /v1"+keyPath+"/usage", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, api.Usage{})
			return true
		})
		page := r.get(keyPath)
		if open := status == api.Active || status == api.Disabled; strings.Contains(page.text, "YOUR_API_KEY") != open {
			t.Errorf("%s: examples: %t", status, !open)
		}
		if strings.Contains(text(page.doc), "0.0%") {
			t.Errorf("%s: a share of no calls", status)
		}
	}
}

// slashLeads are the links to which the key "/" leads.
func slashLeads(page answered) (to []string) {
	elements(page.doc, func(n *html.Node) {
		if attr(n, "aria-keyshortcuts") == "/" {
			to = append(to, attr(n, "href"))
		}
	})
	return to
}

// TestTheKeyToSearchWorksOnEveryPage: it leads to the box, on this page or on the list, unless it is turned off.
func TestTheKeyToSearchWorksOnEveryPage(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	keys := "/accounts/" + account + "/keys"
	for page, want := range map[string]string{
		keys: "", "/operator": "", keyPath: keys, "/accounts/" + account + "/usage": keys, "/accounts/" + account + "/domains": keys, "/accounts/" + account + "/account": keys,
		"/operator/qps-requests": "/operator", "/operator/keys/" + keyID: "/operator",
	} {
		if got := slashLeads(w.ask(http.MethodGet, page, nil)); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %q", page, got, want)
		}
		if got := slashLeads(w.ask(http.MethodGet, page, nil, "Cookie", w.with("")+"; "+shortcutCookie+"=off")); len(got) > 0 {
			t.Errorf("%s, turned off: %q", page, got)
		}
	}
}

// TestTheTabsKeepTheirCountsWhileOneSearches, for as long as they are worth showing.
func TestTheTabsKeepTheirCountsWhileOneSearches(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	w.api.on("GET /v1/operator/overview", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.Overview{PendingRequests: 7})
		return true
	})
	later := time.Duration(0)
	w.app.now = func() time.Time { return time.Now().Add(later) }
	w.ask(http.MethodGet, "/operator", nil)
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {countedLife - time.Second, true}, {countedLife + time.Second, false}} {
		later = c.after
		if got := strings.Contains(tabsOf(w.ask(http.MethodGet, "/operator?q=shop", nil)), "QPS queue 7"); got != c.want {
			t.Errorf("%s later: %t", c.after, got)
		}
	}
}

// tabsOf is the text of the operators' tabs.
func tabsOf(page answered) string { return strings.Join(within(page.doc, "toolbar"), " ") }

// TestNoAccountIsALineWhereKeysAreFound: the box for nothing at all stands where nothing was found.
func TestNoAccountIsALineWhereKeysAreFound(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	w.api.on("GET /v1/operator/accounts", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.AccountList{})
		return true
	})
	for _, keys := range [][]api.FoundKey{nil, {{KeyId: keyID, KeyName: "Shop", AccountId: account, Status: api.Active}}} {
		w.api.on("GET /v1/operator/keys", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			reply(out, 200, api.FoundKeyList{Keys: keys})
			return true
		})
		page := w.ask(http.MethodGet, "/operator?q=shop", nil)
		if boxes := within(page.doc, "empty"); (len(boxes) == 0) != (len(keys) > 0) || !strings.Contains(text(page.doc), "No accounts match.") {
			t.Errorf("%d keys: %q", len(keys), boxes)
		}
	}
}
