package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// unaskable are the addresses that scripts alone send to.
var unaskable = []string{"/domains/check", "/accounts/{account}/usage/keys", "/accounts/{account}/qps-requests/keys"}

// TestWhereAFormIsSentIsAnAddress: a refused form stands at the address that it was sent to, where it can be asked for again, kept or opened in another
// tab. There is the page, or the way to it.
func TestWhereAFormIsSentIsAnAddress(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	checked := 0
	for _, pattern := range w.routes(http.MethodPost) {
		if slices.Contains(unaskable, pattern) {
			continue
		}
		checked++
		at := w.fill(pattern)
		page := w.ask(http.MethodGet, at, nil)
		for range 3 {
			to := page.Header.Get("Location")
			if page.StatusCode != http.StatusSeeOther {
				break
			}
			page = w.ask(http.MethodGet, to, nil)
		}
		if page.StatusCode != http.StatusOK && !strings.Contains(text(page.doc), "Choose") && page.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d: %.200s", pattern, page.StatusCode, strings.Join(strings.Fields(text(page.doc)), " "))
		}
	}
	if checked < 50 {
		t.Errorf("%d addresses", checked)
	}
}

// TestAnErrorOfTheAPILeadsSomewhere: whatever member of a form's body it refuses, the page says so, and each link of its summary leads to an element
// that takes the focus.
func TestAnErrorOfTheAPILeadsSomewhere(t *testing.T) {
	w := newWalker(t, "owner")
	checked := 0
	w.eachForm(func(pattern, page string, one formOf) {
		w.accept()
		w.forget()
		w.ask(http.MethodPost, one.action, filled(one, ""))
		for _, sent := range w.writes() {
			var body map[string]any
			if json.Unmarshal([]byte(sent.body), &body) != nil {
				continue
			}
			for member := range body {
				w.refuse(422, "invalid", api.FieldError{Pointer: "/" + member, Code: "no_such_code"})
				answer := w.ask(http.MethodPost, one.action, filled(one, ""))
				if answer.StatusCode != http.StatusUnprocessableEntity {
					continue
				}
				places, leads := map[string]*html.Node{}, []string{}
				elements(answer.doc, func(n *html.Node) {
					places["#"+attr(n, "id")] = n
					if n.Data == "a" && strings.HasPrefix(attr(n, "href"), "#f-") {
						leads = append(leads, attr(n, "href"))
					}
				})
				for _, to := range leads {
					checked++
					at := places[to]
					if at == nil || !slices.Contains([]string{"input", "select", "textarea"}, at.Data) && attr(at, "tabindex") == "" {
						t.Errorf("%s of %s: %s leads to %s, which can't take the focus", pattern, page, member, to)
					}
				}
			}
		}
	})
	if checked < 40 {
		t.Errorf("%d links", checked)
	}
}

// TestSupportIsShownNoFormOfAdmins: who can't send one isn't asked to fill it in.
func TestSupportIsShownNoFormOfAdmins(t *testing.T) {
	w := newWalker(t, "owner")
	there := "/operator/accounts/" + account
	for _, rank := range []api.Rank{api.Support, api.Admin} {
		w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator, me.Rank = true, ptr(rank) })
		for _, path := range []string{there + "/close", there + "/type", there + "/suspend", "/operator/operators/remove?subject=a%7Cb%2Fc", erasePage, endSessionsPage, "/operator/leaks"} {
			if page := w.ask(http.MethodGet, path, nil); (page.StatusCode == http.StatusForbidden) != (rank == api.Support) {
				t.Errorf("%s, %s: %d", path, rank, page.StatusCode)
			}
		}
	}
}

// TestADecisionLeadsBackToItsPageOfTheQueue, taken there or on the request's own page, and after a refusal too.
func TestADecisionLeadsBackToItsPageOfTheQueue(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	decide, queue := "/operator/qps-requests/"+account+"/"+requestID1, "/operator/qps-requests?page=p+2"
	formIn := func(page answered) url.Values {
		t.Helper()
		i := slices.IndexFunc(forms(page.doc), func(f formOf) bool { return f.action == decide })
		if i < 0 {
			t.Fatalf("no form: %s", text(page.doc))
		}
		values := forms(page.doc)[i].values()
		values.Set("decision", "approve")
		return values
	}
	list := w.ask(http.MethodGet, queue, nil)
	if !strings.Contains(list.text, `href="`+decide+`?page=p%202"`) {
		t.Errorf("the request's page forgets the queue's: %s", list.text)
	}
	for what, page := range map[string]answered{"in the queue": list, "on its page": w.ask(http.MethodGet, decide+"?page=p+2", nil)} {
		values := formIn(page)
		w.refuse(422, "invalid", api.FieldError{Pointer: "/qps", Code: "above_max"})
		refused := w.ask(http.MethodPost, decide, values)
		if to := links(refused.doc)["QPS queue"]; to != queue {
			t.Errorf("%s: a refusal leads back to %q", what, to)
		}
		again := formIn(refused)
		w.accept()
		if to := w.ask(http.MethodPost, decide, again).Header.Get("Location"); to != queue {
			t.Errorf("%s: leads to %q", what, to)
		}
	}
}

// TestAFilterOfTheAuditTrailSaysWhatItCantRead, rather than that there is nothing, and no file comes of it.
func TestAFilterOfTheAuditTrailSaysWhatItCantRead(t *testing.T) {
	w := newWalker(t, "owner")
	trail := "/accounts/" + account + "/account/audit"
	for query, want := range map[string]string{
		"key=key_01M8": "f-key", "key=Shop": "f-key", "key=key_../x": "f-key", "from=1.8.2026": "f-from", "to=2026-02-30": "f-to", "key=" + keyID + "&from=2026-08-01": "",
	} {
		w.forget()
		page := w.ask(http.MethodGet, trail+"?"+query, nil)
		refused := page.StatusCode == http.StatusBadRequest && strings.Contains(page.text, `href="#`+want+`"`) && strings.Contains(page.text, `aria-invalid="true"`)
		if refused != (want != "") || strings.Contains(text(page.doc), "No activity matches") || want != "" && slices.ContainsFunc(w.called(), func(c call) bool { return strings.HasSuffix(c.route, "/audit") }) {
			t.Errorf("%s: %d: %s", query, page.StatusCode, text(page.doc))
		}
		if file := w.ask(http.MethodGet, trail+".csv?"+query, nil); (file.Header.Get("Location") == trail+"?"+query) != (want != "") {
			t.Errorf("%s: the file: %d to %q", query, file.StatusCode, file.Header.Get("Location"))
		}
	}
	w.api.on("GET /v1"+strings.Replace(trail, "/account/audit", "/audit", 1), func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.AuditList{Rows: []api.AuditRow{}})
		return true
	})
	if got := text(w.ask(http.MethodGet, trail+"?who=olive", nil).doc); !strings.Contains(got, "only found by their full email address") {
		t.Errorf("half an address: %s", got)
	}
}

// TestACutFileSaysSoInItsNameAlone: each of its lines is a row of the audit trail.
func TestACutFileSaysSoInItsNameAlone(t *testing.T) {
	w := newWalker(t, "owner")
	rows, more := []api.AuditRow{{Id: "1", Action: "key.edit", Actor: api.Actor{Subject: "x", Role: "owner"}}}, true
	w.api.on("GET /v1/accounts/"+account+"/audit", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		list := api.AuditList{Rows: rows}
		if more {
			list.NextPageToken = ptr("p")
		}
		reply(out, 200, list)
		return true
	})
	for _, more = range []bool{true, false} {
		file := w.ask(http.MethodGet, "/accounts/"+account+"/account/audit.csv", nil)
		lines := strings.Split(strings.TrimSpace(file.text), "\n")
		if cut := strings.Contains(file.Header.Get("Content-Disposition"), "-newest-20.csv"); cut != more || !strings.Contains(lines[len(lines)-1], "key.edit") {
			t.Errorf("more: %v: %s: %q", more, file.Header.Get("Content-Disposition"), lines)
		}
	}
	if got := text(w.ask(http.MethodGet, "/accounts/"+account+"/account/audit", nil).doc); !strings.Contains(got, "up to 2,000.") {
		t.Errorf("the page doesn't say how long a file can be: %s", got)
	}
}

// TestAPartOfAnEmailAddressIsASearchOfPeople, a whole one leads to their accounts, and each page leads to the other searches.
func TestAPartOfAnEmailAddressIsASearchOfPeople(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	w.api.on("GET /v1/operator/accounts", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(out, 200, api.AccountList{Accounts: []api.Account{}})
		return true
	})
	const people, names = "Search members’ email addresses instead", "Search accounts and keys instead"
	for q, c := range map[string]struct{ asked, says string }{
		"kari@fjordlast.example":           {"accounts email", people + " " + names},
		"kari@":                            {"accounts q, members q", names},
		"@fjordlast.example":               {"accounts q, members q", names},
		"Crafts @ Home":                    {"accounts q, members q", names},
		"copycat.example":                  {"accounts q, keys q", people},
		"kari@fjordlast.example&in=name":   {"accounts q, keys q", people},
		"kari@fjordlast.example&in=people": {"accounts q, members q", names},
		"nilsen&in=people":                 {"accounts q, members q", names},
		"nilsen&in=elsewhere":              {"accounts q, keys q", people},
		account:                            {"accounts q", ""},
	} {
		typed, more, _ := strings.Cut(q, "&")
		w.forget()
		page := w.ask(http.MethodGet, "/operator?q="+url.QueryEscape(typed)+"&"+more, nil)
		var asked []string
		for _, one := range w.called() {
			u, err := url.Parse(one.uri)
			if err != nil {
				t.Fatal(err)
			}
			for _, by := range []string{"q", "email"} {
				if u.Query().Get(by) == typed {
					asked = append(asked, strings.TrimPrefix(u.Path, "/v1/operator/")+" "+by)
				}
			}
		}
		slices.Sort(asked)
		got := strings.Join(strings.Fields(text(page.doc)), " ")
		if list := strings.Join(asked, ", "); list != c.asked || !strings.Contains(got, c.says) || strings.Contains(got, people+" "+names) != (c.says == people+" "+names) {
			t.Errorf("%s asks %s: %s", q, list, got)
		}
	}
}

// TestASearchOfPeopleStaysOne, and so does one of names, until its text is removed.
func TestASearchOfPeopleStaysOne(t *testing.T) {
	w := newWalker(t, "owner")
	for in, kept := range map[string]string{"people": "&in=people", "name": "&in=name", "elsewhere": "", "": ""} {
		page := w.ask(http.MethodGet, "/operator?q=nilsen&in="+in, nil)
		i := slices.IndexFunc(forms(page.doc), func(f formOf) bool { return f.action == "/operator" })
		form := forms(page.doc)[i].values()
		form.Set("q", "hansen")
		if to := w.ask(http.MethodPost, "/operator", form).Header.Get("Location"); to != "/operator?"+strings.TrimPrefix(kept+"&q=hansen", "&") {
			t.Errorf("in %q: %v leads to %q", in, form, to)
		}
	}
	if home := w.ask(http.MethodGet, "/operator?in=people", nil); strings.Contains(home.text, `name="in"`) {
		t.Error("a search without a text is one of people")
	}
}

// TestEachLimitStandsBesideTheBusiestMinute, which is of all products together and so compared with none of them.
func TestEachLimitStandsBesideTheBusiestMinute(t *testing.T) {
	w := newWalker(t, "owner")
	for n, want := range map[int]string{1: "Limits per second: Class 0 10", 2: "Limits per second: Class 0 10, Class 1 11", limitsBeside + 2: "Class 2 12 +2"} {
		w.state(func(_ *api.Me, k *api.KeyWithSecret) {
			k.Limits = nil
			for i := range n {
				k.Limits = append(k.Limits, api.Limit{Class: "c", Product: "map-display", Name: "Class " + string(rune('0'+i)), Qps: 10 + i})
			}
		})
		w.api.on("GET /v1"+keyPath+"/usage", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			used := api.Usage{Totals: api.UsageCounts{Requests: 600, Allowed: 600}, BusiestMinute: &api.BusiestMinute{Requests: 300}, Series: []api.UsagePoint{{Requests: 600, Allowed: 600}}}
			reply(out, 200, used)
			return true
		})
		got := strings.NewReplacer("\u00a0", " ", "\u2068", "", "\u2069", "").Replace(strings.Join(strings.Fields(text(w.ask(http.MethodGet, keyPath, nil).doc)), " "))
		if !strings.Contains(got, want) || !strings.Contains(got, "5 a second on average, all products together") {
			t.Errorf("%d limits: %s", n, got)
		}
	}
}
