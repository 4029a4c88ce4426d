package main

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

var inAccount = regexp.MustCompile(`^(/prod)?(/operator)?/accounts/([^/?#]+)`)

// TestEveryLinkStaysInTheAccountOfThePage crawls from the keys of the second of a person's accounts: every page that can be
// reached, every form on it and every call of the API is about this account, but for the list of accounts to switch to.
func TestEveryLinkStaysInTheAccountOfThePage(t *testing.T) {
	for name, other := range map[string]api.MyAccount{
		"an account before": {Id: "acc_00", Name: "Before", Type: api.SelfServe, Role: api.Viewer}, "an account of the same name": {Id: "acc_02", Name: "Demo", Type: api.Enterprise, Role: api.Owner},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWalker(t, "owner")
			w.accept()
			w.state(func(me *api.Me, k *api.KeyWithSecret) {
				me.Accounts = append([]api.MyAccount{other}, me.Accounts...)
				k.PreviousPreview, k.PreviousSecretExpiresAt, k.Recoverable, k.Proposed = ptr("ak_old…"), ptr(moment.Of(then)), true, &api.Proposal{Since: moment.Of(then)}
				k.RotationPolicy = &api.RotationPolicy{EveryDays: 30}
			})
			queue, pages := []string{"/accounts/" + account + "/keys"}, map[string]bool{}
			seen := map[string]bool{}
			for len(queue) > 0 {
				target := queue[0]
				queue = queue[1:]
				pattern := w.pattern(http.MethodGet, target)
				if seen[target] || pattern == "" {
					continue
				}
				seen[target], pages[pattern] = true, true
				for _, to := range w.staysIn(target) {
					if u, _ := url.Parse(to); !seen[to] && u != nil && (!pages[w.pattern(http.MethodGet, to)] || strings.Contains(to, "?")) {
						queue = append(queue, to)
					}
				}
			}
			if len(pages) < 33 {
				t.Errorf("only %d kinds of pages were reached: %v", len(pages), keysOf(pages))
			}
			for _, c := range w.called() {
				if strings.Contains(c.uri, "/accounts/acc_") && !strings.HasPrefix(strings.Replace(c.uri, "/v1/operator/", "/v1/", 1), "/v1/accounts/"+account) {
					t.Errorf("the API was asked for %s", c.uri)
				}
			}
		})
	}
}

func keysOf(m map[string]bool) (list []string) {
	for key := range m {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}

// staysIn checks the links and forms of a page and returns where its links lead.
func (w *walker) staysIn(target string) (links []string) {
	page := w.ask(http.MethodGet, target, nil)
	if page.StatusCode != http.StatusOK {
		w.t.Errorf("%s answered %d", target, page.StatusCode)
	}
	var walk func(*html.Node, bool)
	walk = func(n *html.Node, switcher bool) {
		switcher = switcher || attr(n, "id") == "accounts"
		for _, name := range []string{"href", "action", "data-domains"} {
			to := attr(n, name)
			if m := inAccount.FindStringSubmatch(to); m != nil && m[3] != account && m[3] != "new" && !switcher {
				w.t.Errorf("%s leads to %s", target, to)
			}
			if name == "href" && n.Data == "a" && !switcher && strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "/accounts/new") && !strings.Contains(to, "usage.csv") && !strings.Contains(to, "export.json") && to != "/" {
				links = append(links, strings.SplitN(to, "#", 2)[0])
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, switcher)
		}
	}
	walk(page.doc, false)
	return links
}

// TestEveryAnswerToAFormStaysInTheAccount walks the forms of all pages of the second account.
func TestEveryAnswerToAFormStaysInTheAccount(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) {
		me.Accounts = append([]api.MyAccount{{Id: "acc_00", Name: "Before", Role: api.Viewer}}, me.Accounts...)
	})
	for _, pattern := range w.routes(http.MethodPost) {
		if !strings.Contains(pattern, "{account}") {
			continue
		}
		form := url.Values{
			"subject": {"a|b/c"}, "invitation": {"inv_1"}, "grace_seconds": {"0"}, "every_days": {"1"}, "notify_days_before": {"1"}, "qps": {"1"}, "requested_qps": {"1"}, "key_limit": {"1"}, "confirm": {"Demo"},
		}
		for _, prepare := range []func(){w.accept, func() { w.refuse(422, "invalid") }, func() { w.refuse(403, "forbidden") }, func() { w.refuse(409, "key_limit") }} {
			prepare()
			w.forget()
			page := w.ask(http.MethodPost, w.page(pattern), form)
			for _, c := range w.called() {
				if strings.Contains(c.uri, "/accounts/") && !strings.HasPrefix(strings.Replace(c.uri, "/v1/operator/", "/v1/", 1), "/v1/accounts/"+account) {
					t.Errorf("%s calls %s", pattern, c.uri)
				}
			}
			to := page.Header.Get("Location")
			if m := inAccount.FindStringSubmatch(to); m != nil && m[3] != account {
				t.Errorf("%s leads to %s", pattern, to)
			}
			elements(page.doc, func(n *html.Node) {
				if m := inAccount.FindStringSubmatch(attr(n, "action")); m != nil && m[3] != account {
					t.Errorf("%s shows a form for %s", pattern, attr(n, "action"))
				}
			})
		}
	}
}

// TestThePageSaysWhereItIs holds the marks of the navigation: the current tab and the current account.
func TestThePageSaysWhereItIs(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) {
		me.Accounts = append([]api.MyAccount{{Id: "acc_00", Name: "Before", Role: api.Viewer}}, me.Accounts...)
	})
	root := "/accounts/" + account
	for path, want := range map[string]string{
		root + "/keys": root + "/keys", root + "/keys/" + keyID: root + "/keys", root + "/keys/" + keyID + "/edit": root + "/keys", root + "/usage": root + "/usage",
		root + "/qps-requests/new": root + "/qps-requests", root + "/statements": root + "/usage", root + "/statements?month=2026-07": root + "/usage", root + "/account/audit": root + "/account", "/operator/qps-requests": "/operator", "/operator": "/operator", "/accounts/new": "", "/invitations": "",
	} {
		page := w.ask(http.MethodGet, path, nil)
		var tabs, accounts []string
		elements(page.doc, func(n *html.Node) {
			if n.Data != "a" {
				return
			}
			if attr(n, "aria-current") == "true" && attr(n.Parent.Parent.Parent, "id") == "accounts" {
				accounts = append(accounts, attr(n, "href"))
			}
			if attr(n, "aria-current") == "page" && !strings.HasPrefix(attr(n, "href"), "/operator/") {
				tabs = append(tabs, attr(n, "href"))
			}
		})
		if got := strings.Join(slices.Compact(tabs), " "); got != want {
			t.Errorf("%s marks %q, want %q", path, got, want)
		}
		if strings.HasPrefix(path, root) && !slices.Equal(accounts, []string{want}) || !strings.HasPrefix(path, root) && len(accounts) > 0 {
			t.Errorf("%s marks the accounts %v", path, accounts)
		}
	}
}

// TestARowIsAboutOnePerson: all that a row of people offers is about the same person, and no other row about them.
func TestARowIsAboutOnePerson(t *testing.T) {
	w := newWalker(t, "owner")
	rows := 0
	for _, path := range ourPages {
		of := map[string]bool{}
		elements(w.ask(http.MethodGet, path, nil).doc, func(tr *html.Node) {
			if tr.Data != "tr" {
				return
			}
			named := map[string]bool{}
			elements(tr, func(n *html.Node) {
				if to, err := url.Parse(attr(n, "href")); err == nil && to.Query().Get("subject") != "" {
					named[to.Query().Get("subject")] = true
				}
				if attr(n, "name") == "subject" {
					named[attr(n, "value")] = true
				}
			})
			if len(named) > 1 {
				t.Errorf("%s: a row is about %v", path, slices.Sorted(maps.Keys(named)))
			}
			for who := range named {
				if rows++; of[who] {
					t.Errorf("%s: two rows are about %s", path, who)
				}
				of[who] = true
			}
		})
	}
	if rows < 3 {
		t.Errorf("only %d rows", rows)
	}
}
