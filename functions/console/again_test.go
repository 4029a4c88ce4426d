package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// signInLink returns the address that the page comes back to after signing in.
func signInLink(doc *html.Node) (to string) {
	elements(doc, func(n *html.Node) {
		if n.Data == "a" && strings.HasPrefix(attr(n, "href"), "/sign-in") && attr(n, "target") == "" {
			u, err := url.Parse(attr(n, "href"))
			if err == nil {
				to = u.Query().Get("return")
			}
		}
	})
	return to
}

// TestSigningInAgainLeadsBackToTheForm that came too late: to the page that it was on, or to its own where it was in a dialog.
func TestSigningInAgainLeadsBackToTheForm(t *testing.T) {
	w := newWalker(t, "").without()
	const origin = "https://console.example"
	for name, c := range map[string]struct{ to, referer, header, want string }{
		"a page of its own":      {keyPath + "/edit", origin + keyPath + "/edit", "", keyPath + "/edit"},
		"with a query":           {"/accounts/" + account + "/qps-requests/new", origin + "/accounts/" + account + "/qps-requests/new?key=" + keyID, "", "/accounts/" + account + "/qps-requests/new?key=" + keyID},
		"of a part of a page":    {"/accounts/" + account + "/account/name", origin + "/accounts/" + account + "/account", "", "/accounts/" + account + "/account"},
		"a dialog":               {keyPath + "/disable", origin + "/accounts/" + account + "/keys?q=x", "dialog", keyPath + "/disable"},
		"nobody says":            {keyPath + "/edit", "", "", keyPath + "/edit"},
		"another site says":      {keyPath + "/edit", "https://evil.example/accounts", "", keyPath + "/edit"},
		"no page of ours":        {keyPath + "/edit", origin + "/nothing", "", keyPath + "/edit"},
		"an address that is bad": {keyPath + "/edit", "https://console.example:x/%zz", "", keyPath + "/edit"},
		"a secret in it":         {"/sessions/end", origin + "/operator?x=" + strings.Repeat("k", 40), "", ""},
	} {
		headers := []string{"Referer", c.referer}
		if c.header != "" {
			headers = append(headers, "Latchkey-Form", c.header)
		}
		page := w.ask(http.MethodPost, c.to, url.Values{"name": {"x"}}, headers...)
		if got := signInLink(page.doc); page.StatusCode != http.StatusUnauthorized || got != c.want {
			t.Errorf("%s: %d, back to %q, want %q", name, page.StatusCode, got, c.want)
		}
	}
}

// TestWithoutAScriptASessionThatIsOverPromisesOnlyWhatItDoes: what brings the form back is a script, so what says so, and the link that relies on
// it, are shown by the script alone. What works without one is there without one.
func TestWithoutAScriptASessionThatIsOverPromisesOnlyWhatItDoes(t *testing.T) {
	w := newWalker(t, "").without()
	page := w.ask(http.MethodPost, keyPath+"/edit", url.Values{"name": {"Half a name"}})
	byScript := func(n *html.Node) bool {
		for ; n != nil; n = n.Parent {
			if has(n, "hidden") && has(n, "data-script") {
				return true
			}
		}
		return false
	}
	promises := 0
	elements(page.doc, func(n *html.Node) {
		switch {
		case has(n, "data-signin"), n.Data == "p" && strings.Contains(text(n), "with what you entered"):
			if promises++; !byScript(n) {
				t.Errorf("without a script too: %s", text(n))
			}
		case n.Data == "noscript" && byScript(n):
			t.Errorf("only with a script: %s", text(n))
		}
	})
	if promises != 2 || !strings.Contains(page.text, `<noscript><p>Without JavaScript, sign in in another tab`) {
		t.Errorf("%d promises: %s", promises, page.text)
	}
}

// TestAFormThatCameTooLateCanBeSentAgain: every field of every form is in the answer, so that nothing is lost without a script
// either. A form for a secret is the exception.
func TestAFormThatCameTooLateCanBeSentAgain(t *testing.T) {
	w := newWalker(t, "owner")
	late, sent := w.without(), 0
	w.eachForm(func(pattern, page string, one formOf) {
		form := filled(one, "")
		form["several"] = []string{"one", "two"}
		form["several"] = []string{"one", "two"}
		form.Set("odd", "<b>\"'\n&amp;")
		answer := late.ask(http.MethodPost, one.action, form)
		if pattern == "/invitations" {
			if answer.StatusCode != http.StatusSeeOther {
				t.Errorf("an invitation: %d", answer.StatusCode)
			}
			return
		}
		doc, err := html.ParseWithOptions(strings.NewReader(answer.text), html.ParseOptionEnableScripting(false))
		if err != nil {
			t.Fatal(err)
		}
		again := forms(doc)
		i := slices.IndexFunc(again, func(f formOf) bool { return f.action == one.action })
		if i < 0 {
			t.Errorf("%s of %s: the form is gone: %s", pattern, page, answer.text)
			return
		}
		if got := again[i].values(); strings.ReplaceAll(got.Encode(), "%0D%0A", "%0A") != strings.ReplaceAll(form.Encode(), "%0D%0A", "%0A") {
			t.Errorf("%s of %s: sent again as %s, want %s", pattern, page, got.Encode(), form.Encode())
		}
		sent++
	})
	if sent < 30 {
		t.Errorf("only %d forms", sent)
	}
	page := late.ask(http.MethodPost, keyPath+"/try", url.Values{"secret": {canary}})
	if page.StatusCode != http.StatusUnauthorized || strings.Contains(page.text, canary) {
		t.Errorf("a secret that came too late: %d: %s", page.StatusCode, page.text)
	}
}

// TestAPageThatCantBeHadAgainStaysOpen without a script, when the language or the theme is changed.
func TestAPageThatCantBeHadAgainStaysOpen(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	target := func(page answered) (out string) {
		elements(page.doc, func(n *html.Node) {
			if attr(n, "action") == "/preferences" {
				out = attr(n, "target")
			}
		})
		return out
	}
	made := w.ask(http.MethodPost, "/accounts/"+account+"/keys/new", create())
	if got := target(made); got != "_blank" || !strings.Contains(text(made.doc), secret) {
		t.Errorf("the page with the secret: %q", got)
	}
	if got := target(w.ask(http.MethodGet, keyPath, nil)); got != "" {
		t.Errorf("a page: %q", got)
	}
	invited := w.noteOf(w.ask(http.MethodPost, "/accounts/"+account+"/account/invitations", url.Values{"role": {"viewer"}}))
	shown := w.ask(http.MethodGet, "/accounts/"+account+"/account", nil, "Cookie", w.with(invited.cookie))
	if got := target(shown); got != "_blank" || !strings.Contains(text(shown.doc), invitation) {
		t.Errorf("the page with an invitation's link: %q", got)
	}
}
