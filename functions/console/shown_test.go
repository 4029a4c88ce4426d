package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// TestAFormShowsWhatThereIs: sent untouched, a form changes nothing of the object.
func TestAFormShowsWhatThereIs(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	expires := time.Date(2027, 3, 4, 0, 0, 0, 0, time.UTC)
	w.state(func(_ *api.Me, k *api.KeyWithSecret) {
		k.Usage, k.BillingType, k.MissingOrigin, k.HeaderOnly, k.ExpiresAt, k.Version = api.Mobile, api.Evaluation, api.Allow, true, ptr(moment.Of(expires)), 9
		k.Domains, k.Name = []string{"one.example", "two.example"}, "Site <1>"
		k.RotationPolicy = &api.RotationPolicy{EveryDays: 31, NotifyDaysBefore: 4, Principal: ptr("arn:aws:iam::123456789012:role/x")}
		k.Proposed = &api.Proposal{Since: moment.Of(then), Domains: &[]string{"next.example"}, Products: &[]string{"map-display"}}
		k.Limits[0].Qps = 7
	})
	root := "/accounts/" + account
	for path, want := range map[string]string{
		root + "/keys/" + keyID + "/edit":               `{"apps":[],"domains":["one.example","two.example"],"header_only":true,"labels":["Müller"],"name":"Site \u003c1\u003e","networks":[],"products":["map-display"],"usage":"mobile"}`,
		root + "/keys/" + keyID + "/policy":             `{"every_days":31,"notify_days_before":4,"principal":"arn:aws:iam::123456789012:role/x"}`,
		root + "/keys/" + keyID + "/propose":            `{"domains":["next.example"],"products":["map-display"]}`,
		root + "/keys/" + keyID + "/limits/map-display": `{"qps":7}`,
		root + "/keys/" + keyID + "/quotas/tiles":       `{"day":300}`,
		root + "/keys/" + keyID + "/extend":             `{"grace_seconds":604800}`,
		root + "/keys/" + keyID + "/rotate":             `{"grace_seconds":86400,"reason":"scheduled"}`,
		root + "/account/details":                       `{"name":"Demo"}`,
		"/operator/accounts/" + account:                 `{"key_limit":100}`,
		"/operator/accounts/" + account + "/type":       `{"type":"self_serve"}`,
	} {
		w.forget()
		all := forms(w.ask(http.MethodGet, path, nil).doc)
		i := slices.IndexFunc(all, func(f formOf) bool { return strings.HasPrefix(f.action, strings.TrimSuffix(path, "/details")) })
		if i < 0 {
			t.Errorf("%s has no form", path)
			continue
		}
		values := all[i].values()
		values.Del("was") // by which a form sends what was changed in it alone
		w.ask(http.MethodPost, all[i].action, values)
		if got := w.writes(); len(got) != 1 || got[0].body != want || strings.HasSuffix(path, "/edit") && got[0].match != `"9"` {
			t.Errorf("%s sends %s, want %s", path, describe(got), want)
		}
	}
	// Without a proposal, the form begins with what the key has.
	w.state(func(_ *api.Me, k *api.KeyWithSecret) { k.Proposed = nil })
	w.forget()
	form := forms(w.ask(http.MethodGet, root+"/keys/"+keyID+"/propose", nil).doc)
	w.ask(http.MethodPost, root+"/keys/"+keyID+"/propose", form[len(form)-1].values())
	if got := w.writes(); len(got) != 1 || got[0].body != `{"domains":["one.example","two.example"],"products":["map-display"]}` {
		t.Errorf("a new proposal begins with %s", describe(got))
	}
	// A day that is taken away, or changed, is sent.
	for day, want := range map[string]string{"": `"expires_at":null`, "2028-01-01": `"expires_at":"2028-01-01T00:00:00Z"`} {
		w.forget()
		w.ask(http.MethodPost, root+"/keys/"+keyID+"/edit", url.Values{"expires_at": {day}, "expires_was": {"2027-03-04"}, "version": {"9"}})
		if got := w.writes(); len(got) != 1 || !strings.Contains(got[0].body, want) {
			t.Errorf("the day %q is sent as %s", day, describe(got))
		}
	}
}

// links are the links of a page by their texts.
func links(doc *html.Node) map[string]string {
	out := map[string]string{}
	elements(doc, func(n *html.Node) {
		if n.Data == "a" {
			out[strings.TrimSpace(text(n))] = attr(n, "href")
		}
	})
	return out
}

// TestALinkKeepsTheQuestion: sorting, paging and downloading are about what was asked for.
func TestALinkKeepsTheQuestion(t *testing.T) {
	w := newWalker(t, "owner")
	root := "/accounts/" + account
	next := func(route string, doc map[string]any) {
		doc["next_page_token"] = "next"
		w.api.on("GET "+route, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(out, 200, doc); return true })
	}
	w.state(func(*api.Me, *api.KeyWithSecret) {})
	next("/v1/accounts/"+account+"/keys", map[string]any{"keys": []any{w.api.key}})
	next("/v1/accounts/"+account+"/qps-requests", map[string]any{"requests": []any{}})
	next("/v1/accounts/"+account+"/audit", map[string]any{"rows": []any{}})
	next("/v1/operators/audit", map[string]any{"rows": []any{}})
	next("/v1/operator/accounts", map[string]any{"accounts": []any{}})
	next("/v1/qps-requests", map[string]any{"requests": []any{}})
	next("/v1/operator/blocked-keys", map[string]any{"keys": []any{}})
	next("/v1/operator/exposed-keys", map[string]any{"keys": []any{}})
	next("/v1/operator/suspended-accounts", map[string]any{"accounts": []any{}})
	next("/v1/operator/keys", map[string]any{"keys": []any{}, "searched_keys": 1000, "searched_accounts": 250})
	next("/v1/operator/members", map[string]any{"members": []any{}, "searched_members": 1000, "searched_accounts": 250})
	for _, of := range []string{"/v1/operator", "/v1/accounts/" + account} {
		next(of+"/statements/2026-07", map[string]any{"month": "2026-07", "status": "open", "rows": []any{}})
	}
	for page, want := range map[string]map[string]string{
		root + "/keys": {"Name": root + "/keys?sort=name", "Created": root + "/keys?sort=created_at", "Next page": root + "/keys?page=next"},
		root + "/keys?q=a&status=active&product=search&sort=name": {
			"Name": root + "/keys?product=search&q=a&sort=-name&status=active", "Created": root + "/keys?product=search&q=a&sort=created_at&status=active", "Next page": root + "/keys?page=next&product=search&q=a&sort=name&status=active",
		},
		root + "/keys?sort=-name&page=2":      {"Name": root + "/keys?sort=name", "Next page": root + "/keys?page=next&sort=-name", "First page": root + "/keys?sort=-name"},
		root + "/keys?sort=created_at":        {"Created": root + "/keys"},
		root + "/qps-requests?status=pending": {"Next page": root + "/qps-requests?page=next&status=pending"},
		root + "/account/audit?action=key&who=a&key=" + keyID + "&from=2026-08-01&to=2026-08-02&page=2": {
			"Older": root + "/account/audit?action=key&from=2026-08-01&key=" + keyID + "&page=next&to=2026-08-02&who=a", "First page": root + "/account/audit?action=key&from=2026-08-01&key=" + keyID + "&to=2026-08-02&who=a",
			"Download CSV": root + "/account/audit.csv?action=key&from=2026-08-01&key=" + keyID + "&to=2026-08-02&who=a",
		},
		root + "/account/audit?page=2":              {"Older": root + "/account/audit?page=next", "First page": root + "/account/audit"},
		"/operator/operators/audit?page=2":          {"Older": "/operator/operators/audit?page=next", "First page": "/operator/operators/audit"},
		"/operator?q=a&page=2":                      {"Next page": "/operator?page=next&q=a", "First page": "/operator?q=a"},
		"/operator/statements?month=2026-07&page=2": {"Next page": "/operator/statements?month=2026-07&page=next", "First page": "/operator/statements?month=2026-07", "Download CSV": "/operator/statements.csv?month=2026-07"},
		root + "/statements?month=2026-07":          {"Next page": root + "/statements?month=2026-07&page=next"},
		"/operator/qps-requests":                    {"Next page": "/operator/qps-requests?page=next"},
		"/operator/blocked-keys?page=2":             {"Next page": "/operator/blocked-keys?page=next", "First page": "/operator/blocked-keys"},
		"/operator/exposed-keys":                    {"Next page": "/operator/exposed-keys?page=next"},
		"/operator/exposed-keys?page=2":             {"Next page": "/operator/exposed-keys?page=next", "First page": "/operator/exposed-keys"},
		"/operator?q=demo":                          {"Next page": "/operator?page=next&q=demo", "Search further": "/operator?further=next&q=demo", "Search members’ email addresses instead": "/operator?in=people&q=demo"},
		"/operator?q=demo&further=2":                {"Search further": "/operator?further=next&q=demo", "Search from the start": "/operator?q=demo"},
		"/operator?in=people&q=demo&further=2":      {"Search further": "/operator?further=next&in=people&q=demo", "Search from the start": "/operator?in=people&q=demo", "Search accounts and keys instead": "/operator?in=name&q=demo"},
		"/operator/suspended-accounts?page=2":       {"Next page": "/operator/suspended-accounts?page=next", "First page": "/operator/suspended-accounts"},
		root + "/usage?range=7d&key=" + keyID + "&product=map-display&by=day": {
			"30 days": root + "/usage?key=" + keyID + "&product=map-display&range=30d", "Download CSV": root + "/usage.csv?by=day&key=" + keyID + "&product=map-display&range=7d",
		},
	} {
		got := links(w.ask(http.MethodGet, page, nil).doc)
		for name, to := range want {
			if got[name] != to {
				t.Errorf("%s: %s leads to %q, want %q (%v)", page, name, got[name], to, got)
			}
		}
	}
	// What the page token and the filters are sent as, and that a page that comes short is read on.
	w.forget()
	w.ask(http.MethodGet, root+"/keys?q=+a+&status=active&product=search&sort=name&page=tok", nil)
	if got := w.called(); len(got) != keyReads || got[0].uri != "/v1/accounts/"+account+"/keys?figures=day&page_size=12&page_token=tok&product=search&q=a&sort=name&status=active&with=counts" {
		t.Errorf("asks %v", got)
	}
}

// wholeLists are the lists that a page reads whole: where they come from, and a page that shows each of them.
var wholeLists = map[string]struct{ route, page string }{
	"members":     {"/v1/accounts/" + account + "/members", "/accounts/" + account + "/account"},
	"invitations": {"/v1/accounts/" + account + "/invitations", "/accounts/" + account + "/account"},
	"accounts":    {"/v1/me", "/accounts/" + account + "/keys"}, // in the menu
	"operators":   {"/v1/operators", "/operator/operators"},
}

// cutAt are the lists of which the console's page shows a part, with the parameter that chooses it.
var cutAt = map[string]string{"members": "people", "invitations": "invited", "operators": "page"}

// TestEveryPageOfALongListIsRead, once and in order, up to the most that is shown; and all of them are shown, the first as
// the last.
func TestEveryPageOfALongListIsRead(t *testing.T) {
	for name, c := range wholeLists {
		t.Run(name, func(t *testing.T) {
			w := newWalker(t, "owner")
			w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = name == "operators" })
			for pages, reads := range map[int]int{1: 1, 3: 3, 9: 5} {
				var asked []string
				w.api.on("GET "+c.route, func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
					asked = append(asked, r.URL.Query().Get("page_token"))
					reply(out, 200, longPage(name, len(asked), pages))
					return true
				})
				page := w.ask(http.MethodGet, c.page, nil)
				want := []string{""}
				for i := 2; i <= reads; i++ {
					want = append(want, fmt.Sprint("page", i))
				}
				if !slices.Equal(asked, want) {
					t.Errorf("%d pages: asked for %v, want %v", pages, asked, want)
				}
				shown := page.text
				for n := 2; cutAt[name] != "" && n <= (100*reads+formsPerPage-1)/formsPerPage; n++ {
					asked = nil
					shown += w.ask(http.MethodGet, c.page+"?"+cutAt[name]+"="+fmt.Sprint(n), nil).text
				}
				for n := 1; n <= reads; n++ {
					for _, i := range []int{0, 99} {
						if id := fmt.Sprintf("%s_%d_%d", name, n, i); !strings.Contains(shown, id) {
							t.Errorf("%d pages: %s isn't shown", pages, id)
						}
					}
				}
			}
		})
	}
}

// longPage is page n of a list with so many pages of 100 entries. Whatever the entries are, their names hold list, page and
// place.
func longPage(name string, n, pages int) map[string]any {
	list := []any{}
	for i := range 100 {
		id := fmt.Sprintf("%s_%d_%d", name, n, i)
		list = append(list, map[string]any{"id": id, "name": "Name " + id, "subject": id, "email": id, "role": "viewer", "rank": "support"})
	}
	if name == "accounts" && n == 1 { // the page's own
		list = append(list, map[string]any{"id": account, "name": "Own", "role": "owner"})
	}
	doc := map[string]any{name: list}
	if n < pages {
		doc["next_page_token"] = fmt.Sprint("page", n+1)
	}
	return doc
}

// TestEveryListThatIsReadWholeIsTested: a list that is read page by page has its line above.
func TestEveryListThatIsReadWholeIsTested(t *testing.T) {
	read := 0
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") {
			read += strings.Count(string(source), "management.Pages(")
		}
	}
	if read != len(wholeLists) {
		t.Errorf("%d lists are read whole, %d are tested", read, len(wholeLists))
	}
}

// spared are the reads that a page does without, and what it says then.
var spared = map[string]string{
	"/accounts/{account}/keys/{key} /keys/{key}/usage":       "The figures can’t be loaded right now.",
	"/accounts/{account}/qps-requests/{request} /keys/{key}": "", "/accounts/{account}/qps-requests/{request}/withdraw /keys/{key}": "", "/operator/qps-requests/{account}/{request} /v1/operator/keys/{key}": "",
	"/operator/keys/{key} /keys/{key}/usage": "", "/accounts/{account}/usage.csv /v1/me": "",
	"/accounts/{account}/keys/selected.csv /v1/me": "", "/accounts/{account}/account/audit.csv /v1/me": "", "/operator/operators/audit.csv /v1/me": "",
	"/operator/accounts /v1/operator/overview": "", "/operator /v1/qps-requests": "Pending requests can’t be loaded right now.", "/operator /v1/operator/overview": "Blocked keys can’t be loaded right now.",
	"/operator/qps-requests /v1/operator/overview": "", "/operator/operators /v1/operator/overview": "", "/operator/operators/audit /v1/operator/overview": "", "/operator/statements /v1/operator/overview": "",
	"/accounts/{account}/statements.csv /v1/me": "", "/operator/statements.csv /v1/me": "",
}

// TestAPageThatCantReadSomethingSaysSo lets each read of each page fail, alone: the page is an error then, but for what it
// can do without.
func TestAPageThatCantReadSomethingSaysSo(t *testing.T) {
	w := newWalker(t, "owner")
	failed := 0
	for _, pattern := range w.routes(http.MethodGet) {
		if pattern == "/sign-in" || pattern == callbackPath || strings.HasPrefix(pattern, "/assets") {
			continue
		}
		for _, route := range w.reads(w.page(pattern)) {
			if route == "GET /v1/products" {
				continue // kept for a while
			}
			w.api.mu.Lock()
			before, was := w.api.answers[route]
			w.api.answers[route] = func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
				problem(out, 500, "internal")
				return true
			}
			w.api.mu.Unlock()
			page := w.ask(http.MethodGet, w.page(pattern), nil)
			w.api.mu.Lock()
			if w.api.answers[route] = before; !was {
				delete(w.api.answers, route)
			}
			w.api.mu.Unlock()
			failed++
			of := strings.NewReplacer("GET ", "", "/v1/accounts/"+account, "", keyID, "{key}").Replace(route)
			says, fine := spared[pattern+" "+of]
			if want := map[bool]int{true: 200, false: 500}[fine]; page.StatusCode != want || !strings.Contains(text(page.doc), says) {
				t.Errorf("%s without %s answered %d: %s", pattern, of, page.StatusCode, strings.Join(strings.Fields(text(page.doc)), " "))
			}
		}
	}
	if failed < 60 {
		t.Errorf("only %d reads", failed)
	}
}
