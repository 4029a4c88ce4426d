package main

import (
	"net/http"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
)

// several gives the person three accounts, of which the last one is closed.
func (w *walker) several() {
	w.state(func(me *api.Me, _ *api.KeyWithSecret) {
		me.Accounts = []api.MyAccount{
			{Id: account, Name: "Demo", Type: api.Enterprise, Role: api.Owner},
			{Id: "acc_02", Name: "Second", Type: api.SelfServe, Role: api.Viewer},
			{Id: "acc_03", Name: "Third", Type: api.Enterprise, Role: api.Owner, Closed: true},
		}
	})
}

// TestHomeLeadsToTheAccountThatWasUsedLast, if it is the person's own and open, and else to their first.
func TestHomeLeadsToTheAccountThatWasUsedLast(t *testing.T) {
	w := newWalker(t, "owner")
	w.several()
	for last, want := range map[string]string{"acc_02": "acc_02", account: account, "acc_03": account, "acc_99": account, "../operator": account, "": account} {
		answer := w.ask(http.MethodGet, "/", nil, "Cookie", accountCookie+"="+last+"; "+sessionCookie+"="+w.sessionValue())
		if to := answer.Header.Get("Location"); to != "/accounts/"+want+"/keys" {
			t.Errorf("after %q it leads to %q", last, to)
		}
	}
}

// TestTheSwitcherKeepsThePage that another account has too: its keys, usage, requests or settings.
func TestTheSwitcherKeepsThePage(t *testing.T) {
	w := newWalker(t, "owner")
	w.several()
	for from, want := range map[string]string{
		"/keys": "/keys", "/keys/" + keyID: "/keys", "/keys/new": "/keys", "/usage": "/usage", "/account": "/account", "/account/audit": "/account",
		"/qps-requests": "/keys", // of a self-serve account there are none
	} {
		page := w.ask(http.MethodGet, "/accounts/"+account+from, nil)
		if to := links(page.doc)["Second Viewer"]; to != "/accounts/acc_02"+want {
			t.Errorf("from %s it leads to %q", from, to)
		}
	}
}

// TestTheWayBackToTheListIsTheListAsItWas, without a script too; an address of another page, site or account, or with a secret in it, is none.
func TestTheWayBackToTheListIsTheListAsItWas(t *testing.T) {
	w := newWalker(t, "owner")
	list, site := "/accounts/"+account+"/keys", "https://console.example"
	for from, want := range map[string]string{
		site + list + "?q=shop&sort=name&page=p2": list + "?page=p2&q=shop&sort=name", site + list: list, "": list,
		"https://evil.example" + list + "?q=shop": list, site + "/accounts/acc_02/keys?q=shop": list, site + list + "?q=" + secret: list, site + list + "/new?q=x": list,
	} {
		page := w.ask(http.MethodGet, keyPath, nil, "Referer", from)
		to := ""
		elements(page.doc, func(n *html.Node) {
			if attr(n, "class") == "crumb" {
				to = attr(n, "href")
			}
		})
		if to != want {
			t.Errorf("from %s it leads to %q, want %q", from, to, want)
		}
	}
}
