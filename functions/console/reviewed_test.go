package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/net/html"

	"latchkey/functions/internal/gateway"
	accounts "latchkey/shared/account"
	"latchkey/shared/api"
)

// TestEveryAddressOfEachPageKeepsTheStage: what a page links to, sends a form to or hands to its script is below the stage that it came by.
func TestEveryAddressOfEachPageKeepsTheStage(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	refusedUsage(w.harness)
	lambda := gateway.Proxy(w.app)
	var cookies []string
	for _, c := range w.cookies {
		cookies = append(cookies, c.String())
	}
	targets := slices.Clone(ourPages)
	for _, pattern := range w.routes(http.MethodGet) {
		if !strings.Contains(pattern, "{file}") {
			targets = append(targets, w.page(pattern))
		}
	}
	seen := 0
	for _, target := range targets {
		at, _ := url.Parse(target)
		event := events.APIGatewayProxyRequest{
			Path: at.Path, Resource: "/{proxy+}", PathParameters: map[string]string{"proxy": strings.TrimPrefix(at.Path, "/")}, HTTPMethod: "GET",
			MultiValueHeaders: map[string][]string{"Host": {"console.example"}, "Cookie": {strings.Join(cookies, "; ")}}, MultiValueQueryStringParameters: at.Query(),
		}
		event.RequestContext.Stage, event.RequestContext.Path, event.RequestContext.DomainName = "prod", "/prod"+at.Path, "console.example"
		out, err := lambda(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range out.MultiValueHeaders["Location"] {
			if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "/prod/") {
				t.Errorf("%s leads to %s", target, to)
			}
		}
		doc, _ := html.Parse(strings.NewReader(out.Body))
		elements(doc, func(n *html.Node) {
			for _, a := range n.Attr {
				if (slices.Contains([]string{"href", "src", "action", "formaction"}, a.Key) || strings.HasPrefix(a.Key, "data-")) && strings.HasPrefix(a.Val, "/") {
					if seen++; !strings.HasPrefix(a.Val, "/prod/") {
						t.Errorf("%s: <%s %s=%q>", target, n.Data, a.Key, a.Val)
					}
				}
			}
		})
	}
	if seen < 1000 {
		t.Errorf("only %d addresses", seen)
	}
}

// TestUsageHasAllRemedies that a key's page has no room for, and doesn't lead to itself.
func TestUsageHasAllRemedies(t *testing.T) {
	r := newHarness(t, time.Hour)
	r.api.key.Domains = []string{"shop.example"}
	var origins []api.UsageShare
	for i := range 3 * mostRepairs {
		origins = append(origins, api.UsageShare{Name: fmt.Sprintf("copy-%02d.example", i), Requests: 1, Refused: 1, ByReason: map[string]int64{"domain_not_allowed": 1}})
	}
	r.api.on("GET /v1"+keyPath+"/usage", func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		reply(w, 200, api.Usage{Totals: api.UsageCounts{Requests: 15, Refused: 15, ByReason: map[string]int64{"domain_not_allowed": 15}}, ByOrigin: &origins})
		return true
	})
	r.signIn("owner")
	page := r.get("/accounts/" + account + "/usage?range=30d&key=" + keyID)
	if shown := offeredRepairs(page.doc); len(shown) != len(origins) || strings.Contains(text(page.doc), "more in Usage") {
		t.Errorf("%d of %d: %q", len(shown), len(origins), shown)
	}
}

// TestWhoIsRefusedIsNamedOrCounted: where it is told who was refused most, the others are a number.
func TestWhoIsRefusedIsNamedOrCounted(t *testing.T) {
	w := newWalker(t, "owner")
	v := &visit{app: w.app, lang: w.app.langs.Choose("en", "")}
	by := map[string]int64{"domain_not_allowed": 60}
	var origins, keys []api.UsageShare
	for i := range mostRepairs + 2 {
		origins = append(origins, api.UsageShare{Name: fmt.Sprintf("copy-%02d.example", i), ByReason: by})
		keys = append(keys, api.UsageShare{Key: &api.UsageKey{Id: fmt.Sprint("key_", i), Name: "Site"}, ByReason: by})
	}
	var more []int
	for _, one := range v.whereRefused(api.Usage{Totals: api.UsageCounts{ByReason: by}, ByOrigin: &origins, ByKey: &keys})["domain_not_allowed"] {
		if one.More > 0 {
			more = append(more, one.More)
		}
	}
	if !slices.Equal(more, []int{2, mostRepairs + 2 - mostKeysNamed}) {
		t.Errorf("others are %v", more)
	}
}

// TestASearchIsNoLongerThanItsAPITakes, whatever is in it: only a member's whole email address is searched for whole, and only over all accounts.
func TestASearchIsNoLongerThanItsAPITakes(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	keys, place := "/accounts/"+account+"/keys", "https://maps.example/@48.8584,2.2945,17z/data=!3m1!4b1!4m6!3m5!1s0x47e66e2964e34e2d"
	email := strings.Repeat("o", 80) + "@corp"
	for _, c := range []struct{ path, typed, sent string }{
		{keys, place, place[:mostSought]},
		{"/operator/accounts/" + account, place, place[:mostSought]},
		{"/operator", "see " + place, ("see " + place)[:mostSought]},
		{keys, email, email[:mostSought]},
		{"/operator", email, email},
		{"/operator", "owner@corp", "owner@corp"},
		{"/operator", email + strings.Repeat("x", accounts.MaxEmail), email[:mostSought]},
	} {
		want := c.path + "?q=" + url.QueryEscape(c.sent)
		if to := w.ask(http.MethodPost, c.path, url.Values{"q": {c.typed}}).Header.Get("Location"); to != want {
			t.Errorf("%q on %s leads to %q, want %q", c.typed, c.path, to, want)
		}
		w.forget()
		w.ask(http.MethodGet, c.path+"?q="+url.QueryEscape(c.typed), nil)
		as := "q"
		if c.path == "/operator" && c.sent == c.typed {
			as = "email"
		}
		if !slices.ContainsFunc(w.called(), func(one call) bool { u, _ := url.Parse(one.uri); return u.Query().Get(as) == c.sent }) {
			t.Errorf("%q on %s: the API is asked %s", c.typed, c.path, describe(w.called()))
		}
	}
	w.forget()
	w.ask(http.MethodGet, "/operator?in=name&q="+url.QueryEscape(email), nil)
	if asked := fmt.Sprint(w.called()); !strings.Contains(asked, "q="+email[:mostSought]) || strings.Contains(asked, email) {
		t.Errorf("names: the API is asked %s", asked)
	}
}

// TestAPageThatHasBecomeEmptyLeadsToTheFirst: what stands before it isn't hidden behind a sentence that there is nothing.
func TestAPageThatHasBecomeEmptyLeadsToTheFirst(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	keys, of := "/accounts/"+account+"/keys", "/operator/accounts/"+account
	empty := func(route string, doc any) {
		w.api.on("GET /v1"+route, func(out http.ResponseWriter, _ *http.Request, _ []byte) bool { reply(out, 200, doc); return true })
	}
	empty("/qps-requests", api.QpsRequestList{Requests: []api.QpsRequest{}})
	empty(keys, api.KeyList{Keys: []api.Key{}})
	empty(of+"/keys", api.KeyList{Keys: []api.Key{}})
	for path, want := range map[string]string{
		queuePath + "?page=p2": queuePath, keys + "?status=active&page=p2&back=1": keys + "?status=active", of + "?status=active&page=p2": of + "?status=active#keys",
	} {
		if got := w.ask(http.MethodGet, path, nil); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != want {
			t.Errorf("%s: %d to %q", path, got.StatusCode, got.Header.Get("Location"))
		}
		if got := w.ask(http.MethodGet, want, nil); got.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", want, got.StatusCode)
		}
	}
}

// TestEnterAnswersForTheFieldThatItIsPressedIn: each answer to the question before a first key is a form with its own field and button.
func TestEnterAnswersForTheFieldThatItIsPressedIn(t *testing.T) {
	w := newWalker(t, "owner")
	root := "/accounts/" + account + "/keys"
	var got []string
	elements(w.ask(http.MethodGet, root+"/first", nil).doc, func(n *html.Node) {
		if n.Data != "form" || attr(n, "action") != root+"/first" {
			return
		}
		var has []string
		elements(n, func(n *html.Node) {
			if name := attr(n, "name"); name == "kind" {
				has = append(has, attr(n, "value"))
			} else if name != "" {
				has = append(has, name)
			}
		})
		got = append(got, strings.Join(has, " "))
	})
	if want := []string{"idempotency domains web", "idempotency apps app", "idempotency networks server"}; !slices.Equal(got, want) {
		t.Errorf("the forms have %q", got)
	}
}

// TestKeysAreCountedOnlyWhereThatIsShown: an act needs no counts, and an account that has too many keys isn't read in vain by each of its pages.
func TestKeysAreCountedOnlyWhereThatIsShown(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	keys, of := "/accounts/"+account+"/keys", "/operator/accounts/"+account
	for _, route := range []string{keys, of + "/keys"} {
		w.api.on("GET /v1"+route, func(out http.ResponseWriter, r *http.Request, _ []byte) bool {
			list := api.KeyList{Keys: []api.Key{{Id: keyID, Name: "Demo", Status: api.Active}}, NextPageToken: ptr("next")}
			if r.URL.Query().Get("page_token") == "" || r.URL.Query().Get("with") != "" {
				list.Sortable = ptr(false)
			}
			reply(out, 200, list)
			return true
		})
	}
	for path, counted := range map[string]bool{
		keys + "?page=p2": true, keys + "?page=p2&many=1": false, keys + "/selected/delete?key=" + keyID + "&page=p2": false, keys + "/selected.csv?key=" + keyID + "&page=p2": false,
		of: false, of + "?page=p2": true, of + "?page=p2&many=1": false,
	} {
		w.forget()
		page := w.ask(http.MethodGet, path, nil)
		if got := strings.Contains(fmt.Sprint(w.called()), "with=counts"); got != counted || page.StatusCode != 200 {
			t.Errorf("%s: counted %v: %d, %s", path, got, page.StatusCode, describe(w.called()))
		}
		if !strings.Contains(path, "selected") && !strings.Contains(page.text, "many=1") {
			t.Errorf("%s: its next page doesn't know that there are too many", path)
		}
	}
}

// TestNoPageComesAfterTheLast: pages begin anywhere once there are more keys before them.
func TestNoPageComesAfterTheLast(t *testing.T) {
	w := newWalker(t, "owner")
	v := &visit{app: w.app, lang: w.app.langs.Choose("en", "")}
	for position, want := range map[int]string{1: "Page 1 of 3", 2: "Page 2 of 3", 13: "Page 2 of 3", 25: "Page 3 of 3", 26: "Page 3 of 3"} {
		if got := v.pageOfKeys(position, 26, 12); got != want {
			t.Errorf("from %d on: %s, want %s", position, got, want)
		}
	}
}

// TestKeysAreSuggestedBesideEachTable: the field for a key has the same to choose from, whatever the chart is split by.
func TestKeysAreSuggestedBesideEachTable(t *testing.T) {
	list := shares(mostShown + 3)
	for _, by := range []string{"", byKeys, byProduct, byReason, byOrigin} {
		p := &usagePage{Usage: api.Usage{ByKey: &list}, Charts: &charts{Group: by}}
		if got := p.Keys(); len(got) != mostShown || got[0].Id != list[0].Key.Id {
			t.Errorf("by %q: %v", by, got)
		}
	}
}

// TestTheListIsComeBackToWithNothingSelected, as it was narrowed.
func TestTheListIsComeBackToWithNothingSelected(t *testing.T) {
	w := newWalker(t, "owner")
	list := "/accounts/" + account + "/keys"
	for from, want := range map[string]string{"?select=all": list, "?q=shop&select=all": list + "?q=shop", "?q=shop": list + "?q=shop"} {
		page := w.ask(http.MethodGet, keyPath, nil, "Referer", "https://console.example"+list+from)
		crumb := ""
		elements(page.doc, func(n *html.Node) {
			if attr(n, "class") == "crumb" {
				crumb = attr(n, "href")
			}
		})
		if crumb != want {
			t.Errorf("from %s back to %q", from, crumb)
		}
	}
}

// TestEachActOnPeopleComesBackToItsPage, and turning one list leaves the other where it is.
func TestEachActOnPeopleComesBackToItsPage(t *testing.T) {
	w := newWalker(t, "owner")
	w.crowd(120)
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	people, operators := "/accounts/"+account+"/account", "/operator/operators"
	for at, acts := range map[string][]string{
		people + "?invited=2&people=3": {people + "/role", people + "/invitations/withdraw"}, operators + "?page=4": {operators, operators + "/rank"},
	} {
		page := w.ask(http.MethodGet, at, nil)
		w.accept()
		for _, action := range acts {
			i := slices.IndexFunc(forms(page.doc), func(f formOf) bool { return f.action == action })
			values := forms(page.doc)[i].values()
			if action == operators {
				values.Set("subject", "somebody")
			}
			if to := w.ask(http.MethodPost, action, values).Header.Get("Location"); to != at {
				t.Errorf("%s leads to %q, not to %s", action, to, at)
			}
		}
		turned, asked := 0, ""
		elements(page.doc, func(n *html.Node) {
			to := attr(n, "href")
			if attr(n, "rel") == "next" && strings.HasPrefix(at, people) {
				if turned++; !strings.Contains(to, "people=") || !strings.Contains(to, "invited=") {
					t.Errorf("a list is turned by %s", to)
				}
			}
			if asked == "" && strings.Contains(to, "/remove?subject=") {
				asked = to
			}
		})
		if strings.HasPrefix(at, people) && turned != 2 {
			t.Errorf("%d lists are turned", turned)
		}
		asks := w.ask(http.MethodGet, asked, nil)
		if to := links(asks.doc)["Cancel"]; to != at {
			t.Errorf("%s: cancelled, it leads to %q", asked, to)
		}
		i := slices.IndexFunc(forms(asks.doc), func(f formOf) bool { return strings.HasSuffix(f.action, "/remove") })
		w.answerWrites(func(out http.ResponseWriter, _ *http.Request) { reply(out, 200, api.Legacy{}) })
		if to := w.ask(http.MethodPost, forms(asks.doc)[i].action, forms(asks.doc)[i].values()).Header.Get("Location"); to != at {
			t.Errorf("removed, it leads to %q", to)
		}
	}
}

// TestTheFieldForAKeyTakesASecretByItsHash: what is in an address that somebody made leads to its key, is in no call of the API, and no page repeats it.
func TestTheFieldForAKeyTakesASecretByItsHash(t *testing.T) {
	matched := "current"
	w := findingBy(t, &matched)
	root := "/accounts/" + account
	for path, want := range map[string]string{root + "/usage": "key=" + keyID, root + "/qps-requests/new": "key=" + keyID} {
		for _, matched = range []string{"current", ""} {
			w.forget()
			page := w.ask(http.MethodGet, path+"?find="+secret, nil)
			if to := page.Header.Get("Location"); (matched != "") != strings.Contains(to, want) || strings.Contains(to+page.text, secret) {
				t.Errorf("%s, %q: leads to %q: %s", path, matched, to, text(page.doc))
			}
			if asked := fmt.Sprint(w.called()); strings.Contains(asked, secret) || !strings.Contains(asked, hashOf(secret)) {
				t.Errorf("%s: the API is asked %s", path, asked)
			}
		}
	}
	for _, path := range []string{root + "/domains/new?find=", root + "/account/audit?key=", root + "/account/audit.csv?key=", keyPath + "/audit?key="} {
		w.forget()
		if page := w.ask(http.MethodGet, path+secret, nil); strings.Contains(page.text+page.Header.Get("Location"), secret) || strings.Contains(fmt.Sprint(w.called()), secret) {
			t.Errorf("%s: %s, asked %s", path, page.text, describe(w.called()))
		}
	}
}
