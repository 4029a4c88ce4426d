package main

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// within is the text of each element with a class, without blanks beside it.
func within(doc *html.Node, class string) (texts []string) {
	elements(doc, func(n *html.Node) {
		if slices.Contains(strings.Fields(attr(n, "class")), class) {
			texts = append(texts, strings.Join(strings.Fields(text(n)), " "))
		}
	})
	return texts
}

// TestEachOperatorsTabSaysHowMuchWaits: on every page that has the tabs, but for a search of two lists, and nothing where nothing waits.
func TestEachOperatorsTabSaysHowMuchWaits(t *testing.T) {
	w := newWalker(t, "owner")
	answer := api.Overview{PendingRequests: 7, BlockedKeys: 3, ExposedKeys: 60, SuspendedAccounts: 40}
	w.api.on("GET /v1/operator/overview", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(out, 200, answer); return true })
	for _, waits := range []bool{true, false} {
		if !waits {
			answer = api.Overview{}
		}
		for _, path := range []string{"/operator", "/operator?q=a%40example.com", "/operator/qps-requests", "/operator/operators", "/operator/operators/audit", "/operator/statements"} {
			tabs := map[string]bool{}
			page := w.ask(http.MethodGet, path, nil)
			elements(page.doc, func(n *html.Node) {
				if n.Data == "ul" && attr(n, "class") == "segments" {
					for _, tab := range strings.Split(strings.Join(strings.Fields(text(n)), " "), "  ") {
						tabs[tab] = true
					}
				}
			})
			got := fmt.Sprint(tabs)
			if strings.Contains(got, "100+") != waits || strings.Contains(got, "QPS queue 7") != waits {
				t.Errorf("%s, waits: %v: %s", path, waits, got)
			}
		}
	}
}

// TestTheOperatorsHomeLeadsToWhatWaits, and a search doesn't ask for it.
func TestTheOperatorsHomeLeadsToWhatWaits(t *testing.T) {
	w := newWalker(t, "owner")
	hrefs := func(path string) (list []string) {
		elements(w.ask(http.MethodGet, path, nil).doc, func(n *html.Node) {
			if n.Data == "ul" && attr(n, "class") == "waits" {
				elements(n, func(a *html.Node) {
					if a.Data == "a" {
						list = append(list, attr(a, "href"))
					}
				})
			}
		})
		return list
	}
	want := []string{"/operator/qps-requests/" + account + "/" + requestID1, "/operator/keys/" + keyID, "/operator/keys/" + keyID, "/operator/accounts/" + account}
	if got := hrefs("/operator"); !slices.Equal(got, want) {
		t.Errorf("leads to %v, want %v", got, want)
	}
	if got := hrefs("/operator?q=demo"); got != nil {
		t.Errorf("a search leads to %v", got)
	}
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { rank := api.Support; me.Rank = &rank })
	if got := hrefs("/operator"); !slices.Equal(got, append([]string{"/operator/keys/" + keyID}, want[1:]...)) {
		t.Errorf("support, who decides nothing, is led to %v", got)
	}
}

// TestARequestIsDecidedInTheQueue: by the form beside it, with what was asked for filled in; those who don't decide have none.
func TestARequestIsDecidedInTheQueue(t *testing.T) {
	w := newWalker(t, "owner")
	decide := "/operator/qps-requests/" + account + "/" + requestID1
	formThere := func() (found *formOf) {
		for _, one := range forms(w.ask(http.MethodGet, "/operator/qps-requests", nil).doc) {
			if one.action == decide {
				found = &one
			}
		}
		return found
	}
	f := formThere()
	if f == nil || f.values().Get("qps") != "50" {
		t.Fatalf("the queue has the form %+v", f)
	}
	for decision, body := range map[string]string{"approve": `{"comment":"Fine.","qps":50}`, "reject": `{"comment":"Fine."}`} {
		w.accept()
		w.forget()
		values := f.values()
		values.Set("decision", decision)
		values.Set("comment", "Fine.")
		page := w.ask(http.MethodPost, f.action, values)
		if got := w.writes(); len(got) != 1 || !strings.HasSuffix(got[0].route, "/"+decision) || got[0].body != body || page.Header.Get("Location") != "/operator/qps-requests" {
			t.Errorf("%s: %s, leads to %q", decision, describe(got), page.Header.Get("Location"))
		}
	}
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { rank := api.Support; me.Rank = &rank })
	if f := formThere(); f != nil {
		t.Errorf("support is offered %+v", f)
	}
}

// TestABarSaysThatAnOperatorLooksAtAnAccount: on each page of an account that is none of the operator's own, and on no other.
func TestABarSaysThatAnOperatorLooksAtAnAccount(t *testing.T) {
	w := newWalker(t, "owner")
	for _, own := range []bool{true, false} {
		w.state(func(me *api.Me, _ *api.KeyWithSecret) {
			if me.Operator = true; !own {
				me.Accounts = []api.MyAccount{{Id: "acc_09", Name: "Mine", Type: api.Enterprise, Role: api.Owner}}
			}
		})
		seen := 0
		for _, pattern := range w.routes(http.MethodGet) {
			page := w.ask(http.MethodGet, w.page(pattern), nil)
			if page.StatusCode != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
				continue
			}
			bars := within(page.doc, "viewing")
			want := !own && strings.HasPrefix(pattern, "/accounts/{account}")
			if (len(bars) == 1) != want || want && !strings.Contains(bars[0], "as an operator: Demo") {
				t.Errorf("%s, a member's: %v: %q", pattern, own, bars)
			}
			if want {
				seen++
			}
		}
		if !own && seen < 6 {
			t.Errorf("%d pages", seen)
		}
	}
}

// TestTheAuditTrailAsAFile has the rows that the filter takes, over all pages of the API, and no formula.
func TestTheAuditTrailAsAFile(t *testing.T) {
	w := newWalker(t, "owner")
	evil := "=cmd()"
	asked := []url.Values{}
	w.api.on("GET /v1/accounts/"+account+"/audit", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
		q := r.URL.Query()
		asked = append(asked, q)
		doc := api.AuditList{Rows: []api.AuditRow{{
			Id: "aud_" + q.Get("page_token"), At: moment.Of(then), Action: "key.edit", KeyId: ptr(keyID), KeyName: ptr("Shop"), Actor: api.Actor{Subject: "x", Email: &evil, Role: "owner"}, RequestId: "r", SourceIp: ptr("192.0.2.1"),
			Changes: []api.Change{{Field: "name", Before: "a", After: `b "quoted"`}},
		}}}
		if len(asked) < 3 {
			doc.NextPageToken = ptr(fmt.Sprint("p", len(asked)))
		}
		reply(out, 200, doc)
		return true
	})
	page := w.ask(http.MethodGet, "/accounts/"+account+"/account/audit.csv?action=key&from=2026-08-01&to=2026-08-03", nil)
	rows, err := csv.NewReader(strings.NewReader(page.text)).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatal(err, page.text)
	}
	want := []string{"2026-08-03T14:00:00.000Z", "key.edit", keyID, "'=cmd()", "owner", "r", "192.0.2.1", `[{"after":"b \"quoted\"","before":"a","field":"name"}]`, "Shop"}
	for _, row := range rows[1:] {
		if !slices.Equal(row, want) {
			t.Errorf("%q, want %q", row, want)
		}
	}
	for i, q := range asked {
		if q.Get("action") != "key" || q.Get("from") != "2026-08-01T00:00:00.000Z" || q.Get("to") != "2026-08-04T00:00:00.000Z" || q.Get("page_token") != []string{"", "p1", "p2"}[i] {
			t.Errorf("asks for %v", q)
		}
	}
}

// TestAFilterThatTakesNothingYetLeadsOn: the page asks a few times, then says that older activity may match.
func TestAFilterThatTakesNothingYetLeadsOn(t *testing.T) {
	w := newWalker(t, "owner")
	n := 0
	w.api.on("GET /v1/accounts/"+account+"/audit", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		n++
		reply(out, 200, api.AuditList{Rows: []api.AuditRow{}, NextPageToken: ptr("next")})
		return true
	})
	root := "/accounts/" + account + "/account/audit"
	page := w.ask(http.MethodGet, root+"?action=key", nil)
	if n != auditReads || !strings.Contains(text(page.doc), "Older activity may match.") || links(page.doc)["Older"] != root+"?action=key&page=next" {
		t.Errorf("%d reads: %s", n, text(page.doc))
	}
	for _, never := range []string{"who=" + strings.Repeat("x", 300), "to=1999-12-30", "to=0001-01-01"} {
		n = 0
		if page := w.ask(http.MethodGet, root+"?"+never, nil); n != 0 || page.StatusCode != 200 || !strings.Contains(text(page.doc), "No activity matches.") {
			t.Errorf("%s: %d reads, %d", never, n, page.StatusCode)
		}
	}
}

// TestDaysThatNoTimeReachesBoundNothing: the API takes times of the years 2000 to 9999 alone.
func TestDaysThatNoTimeReachesBoundNothing(t *testing.T) {
	w := newWalker(t, "owner")
	var asked url.Values
	w.api.on("GET /v1/accounts/"+account+"/audit", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
		asked = r.URL.Query()
		reply(out, 200, api.AuditList{Rows: []api.AuditRow{}})
		return true
	})
	for query, want := range map[string][2]string{
		"to=9999-12-31":                 {"", ""},
		"to=9999-12-30":                 {"", "9999-12-31T00:00:00.000Z"},
		"from=1999-12-31":               {"", ""},
		"from=0001-01-01&to=2026-01-01": {"", "2026-01-02T00:00:00.000Z"},
		"from=9999-12-31&to=9999-12-31": {"9999-12-31T00:00:00.000Z", ""},
		"from=1999-12-30&to=1999-12-31": {"", "2000-01-01T00:00:00.000Z"},
	} {
		asked = nil
		page := w.ask(http.MethodGet, "/accounts/"+account+"/account/audit?"+query, nil)
		if got := [2]string{asked.Get("from"), asked.Get("to")}; page.StatusCode != 200 || asked == nil || got != want {
			t.Errorf("%s: %d, asked for %q, want %q", query, page.StatusCode, got, want)
		}
	}
}

// TestTheConsoleCountsAsFarAsTheContract: a number that isn't a number any more has its plus sign.
func TestTheConsoleCountsAsFarAsTheContract(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	counts := 0
	for name, member := range doc.Components.Schemas["Overview"].Value.Properties {
		if !member.Value.Type.Is("integer") {
			continue
		}
		if counts++; member.Value.Max == nil || *member.Value.Max != mostCounted {
			t.Errorf("%s is at most %v in the contract, %d in the console", name, member.Value.Max, mostCounted)
		}
	}
	if counts != 4 || !orMore(mostCounted) || orMore(mostCounted-1) {
		t.Errorf("of %d numbers, or more: %v and %v", counts, orMore(mostCounted), orMore(mostCounted-1))
	}
}

// TestAHomeWithoutAnAnswerSaysSo: an API of the release before tells neither of exposed keys nor of suspended accounts, which isn't that
// there are none.
func TestAHomeWithoutAnAnswerSaysSo(t *testing.T) {
	w := newWalker(t, "owner")
	none := api.Overview{LastBlocked: []api.BlockedKey{}, LastExposed: []api.ExposedKey{}, LastSuspended: []api.SuspendedAccount{}}
	older := none
	older.LastExposed, older.LastSuspended = nil, nil
	for name, c := range map[string]struct {
		answer  api.Overview
		lacking bool
	}{"none": {none, false}, "of the release before": {older, true}} {
		w.api.on("GET /v1/operator/overview", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(out, 200, c.answer); return true })
		page := text(w.ask(http.MethodGet, "/operator", nil).doc)
		for _, key := range []string{"waiting.exposed", "waiting.suspended"} {
			lang := w.app.langs.Offered()[0]
			if strings.Contains(page, lang.Text(key+".lacking")) != c.lacking || strings.Contains(page, lang.Text(key+".none")) == c.lacking {
				t.Errorf("%s: %s", name, key)
			}
		}
	}
}

// TestASearchSaysWhetherThereMayBeMore: the API looks at so many accounts at a time, and a page may have none of those that follow.
func TestASearchSaysWhetherThereMayBeMore(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	var next *string
	w.api.on("GET /v1/operator/accounts", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.AccountList{Accounts: []api.Account{}, NextPageToken: next})
		return true
	})
	for token, says := range map[string]string{"": "No accounts match.", "more": "No accounts match so far."} {
		next = tokenOf(token)
		page := w.ask(http.MethodGet, "/operator?q=mobility", nil)
		if got := text(page.doc); !strings.Contains(got, says) || strings.Contains(got, "No accounts match.") != (token == "") || strings.Contains(page.text, "page=more") != (token != "") {
			t.Errorf("next is %q: %s", token, got)
		}
	}
}

// TestASearchOfAllKeysSaysHowFarItGot, and goes on from there: what was found before isn't asked for again.
func TestASearchOfAllKeysSaysHowFarItGot(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	w.api.on("GET /v1/operator/accounts", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.AccountList{Accounts: []api.Account{{Id: account, Name: "An account", Type: api.SelfServe}}})
		return true
	})
	w.api.on("GET /v1/operator/keys", func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
		switch r.URL.Query().Get("page_token") {
		case "":
			reply(out, 200, api.FoundKeyList{Keys: []api.FoundKey{}, SearchedKeys: 4000, SearchedAccounts: 250, NextPageToken: ptr("t")})
		default:
			reply(out, 200, api.FoundKeyList{Keys: []api.FoundKey{
				{KeyId: keyID, KeyName: "Fleet map", Domains: []string{"a.example", "b.example", "c.example", "d.example"}, Preview: "ak_7Kf2…x9Qd", Status: api.Active, AccountId: account, AccountName: "An account"},
			}, SearchedKeys: 4120, SearchedAccounts: 260})
		}
		return true
	})
	first := w.ask(http.MethodGet, "/operator?q=map+fleet", nil)
	for _, says := range []string{"An account", "No matches so far.", "Searched so far: 4,000 keys in 250 accounts."} {
		if !strings.Contains(plainText(first), says) {
			t.Errorf("the first page lacks %q: %s", says, plainText(first))
		}
	}
	if !strings.Contains(first.text, `href="/operator?further=t&amp;q=map&#43;fleet"`) {
		t.Errorf("it leads on to no place: %s", first.text)
	}
	w.forget()
	second := w.ask(http.MethodGet, "/operator?further=t&q=map+fleet", nil)
	for _, says := range []string{"Fleet map", "ak_7Kf2…x9Qd", "c.example +1", "Searched everything: 4,120 keys in 260 accounts."} {
		if !strings.Contains(plainText(second), says) {
			t.Errorf("the second page lacks %q: %s", says, plainText(second))
		}
	}
	if calls := fmt.Sprint(w.called()); strings.Contains(calls, "/operator/accounts") || strings.Contains(plainText(second), "so far") {
		t.Errorf("the second page asks %s", calls)
	}
}

// TestAKeySearchThatFailsHidesNoAccount, and the page says so.
func TestAKeySearchThatFailsHidesNoAccount(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	w.api.on("GET /v1/operator/accounts", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.AccountList{Accounts: []api.Account{{Id: account, Name: "An account", Type: api.SelfServe}}})
		return true
	})
	for q, of := range map[string]string{"x": "keys", "x@": "members"} {
		w.api.on("GET /v1/operator/"+of, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			problem(out, 503, "unavailable")
			return true
		})
		page := w.ask(http.MethodGet, "/operator?q="+q, nil)
		if got := strings.ToLower(plainText(page)); page.StatusCode != http.StatusOK || !strings.Contains(got, "an account") || !strings.Contains(got, of+" can’t be searched") {
			t.Errorf("%s: %d %s", q, page.StatusCode, got)
		}
	}
}

// plainText returns what a page says, without what isolates directions and keeps lines together.
func plainText(page answered) string {
	return strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2068", "", "\u2069", "").Replace(strings.Join(strings.Fields(text(page.doc)), " "))
}
