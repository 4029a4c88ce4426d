package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/keytest"
)

// typedInAddresses are the fields for text whose forms are sent by GET, by the form's address and the field's name, and how many characters they
// take: no secret is so short.
var typedInAddresses = map[string]string{
	"/accounts/{account}/statements month": "7", // where the browser knows no field for a month
	"/operator/statements month":           "7",
}

// untyped are the kinds of inputs in which nobody puts a text of their own.
var untyped = []string{"hidden", "checkbox", "radio", "submit", "button", "reset", "image", "date", "number"}

// textFields are the inputs of a form into which a text can be pasted.
func textFields(form *html.Node) (list []*html.Node) {
	elements(form, func(n *html.Node) {
		if n.Data == "textarea" || n.Data == "input" && !slices.Contains(untyped, attr(n, "type")) {
			list = append(list, n)
		}
	})
	return list
}

// byGet reports whether a form, or a button of it, is sent by GET.
func byGet(form *html.Node) (get bool) {
	get = !strings.EqualFold(attr(form, "method"), "post")
	elements(form, func(n *html.Node) { get = get || strings.EqualFold(attr(n, "formmethod"), "get") })
	return get
}

// eachPageForm runs f for each form of each golden page: all pages in all states, for everybody, and the answers to forms.
func eachPageForm(t *testing.T, f func(page, action string, form *html.Node)) {
	s := newStage(t)
	for _, one := range shots() {
		elements(s.take(one).doc, func(n *html.Node) {
			if has(n, "form") {
				t.Errorf("%s: <%s name=%s> belongs to a form elsewhere, which no test looks at", one.name, n.Data, attr(n, "name"))
			}
			if n.Data == "form" {
				_, pattern, _ := strings.Cut(s.pattern(cmp.Or(strings.ToUpper(attr(n, "method")), "GET"), attr(n, "action")), " ")
				f(one.name, pattern, n)
			}
		})
	}
}

// TestNoFormPutsATextIntoAnAddress: a secret that is pasted into a field is in no browser history and in no access log. Each form with a
// field for text is sent by POST, but for those of typedInAddresses, with JavaScript off too.
func TestNoFormPutsATextIntoAnAddress(t *testing.T) {
	keytest.OneAtATime(t)
	seen, posted := map[string]bool{}, 0
	eachPageForm(t, func(page, action string, form *html.Node) {
		for _, field := range textFields(form) {
			id := action + " " + attr(field, "name")
			switch most := typedInAddresses[id]; {
			case !byGet(form):
				posted++
			case most == "" || attr(field, "maxlength") != most:
				t.Errorf("%s: the form %s puts %q into an address, up to %q characters", page, action, attr(field, "name"), attr(field, "maxlength"))
			default:
				seen[id] = true
			}
		}
	})
	for id := range typedInAddresses {
		if !seen[id] {
			t.Errorf("no page has the field %s", id)
		}
	}
	if posted < 100 {
		t.Errorf("only %d fields", posted)
	}
}

// secretFinds are the fields in which a secret means its key, and what the address has of it.
var secretFinds = map[string]string{
	"/accounts/{account}/keys q": "/keys/" + keyID, "/operator q": "/operator/keys/" + keyID, "/operator/accounts/{account} q": "/operator/keys/" + keyID,
	"/accounts/{account}/usage find": "/usage?key=" + keyID, "/accounts/{account}/qps-requests/new/key find": "/qps-requests/new?key=" + keyID, "/accounts/{account}/account/audit key": "/audit?key=" + keyID,
	"/accounts/{account}/domains/one find": "/domains/one?find=" + keyID, "/accounts/{account}/domains/new find": "/domains/new?find=" + keyID,
}

// TestASecretInAFieldToSearchByIsInNoAddress: in each field for text of a form that asks for something, as it was copied. Where a key can be meant,
// it leads to the key, by its hash; elsewhere the page says that it was left out. No call of the API, no page and no log has it.
func TestASecretInAFieldToSearchByIsInNoAddress(t *testing.T) {
	fields := map[string]bool{}
	eachPageForm(t, func(_, action string, form *html.Node) {
		for _, field := range textFields(form) {
			if slices.Contains(searches, action) {
				fields[action+" "+attr(field, "name")] = true
			}
		}
	})
	matched := "current"
	w := findingBy(t, &matched)
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator, me.Accounts[0].Type = true, api.Enterprise })
	wrapped := goodSecret[:9] + " " + goodSecret[9:]
	for id := range fields {
		pattern, name, _ := strings.Cut(id, " ")
		for typed, part := range map[string]string{secret: secret, "see https://p.example/tile?view=x&key=" + secret: secret, wrapped: goodSecret[9:], strings.Repeat("x", 250) + " " + goodSecret: goodSecret[:5]} {
			w.forget()
			if slices.Contains(subjects, name) && strings.Contains(typed, secret) {
				continue // the subject of a person may look like it: its checksum is wrong
			}
			answer := w.ask(http.MethodPost, w.fill(pattern), url.Values{name: {typed}, "product": {""}})
			to := answer.Header.Get("Location")
			if held := secretIn(unescaped(to)); answer.StatusCode != http.StatusSeeOther || held != "" || strings.Contains(unescaped(to), part) {
				t.Errorf("%s, %q: %d to %q", id, typed, answer.StatusCode, to)
			}
			finds := part == secret && secretFinds[id] != ""
			if finds && !strings.HasSuffix(to, secretFinds[id]) {
				t.Errorf("%s, %q leads to %q, want %q", id, typed, to, secretFinds[id])
			}
			page := w.ask(http.MethodGet, to, nil, "Cookie", w.with(w.noteOf(answer).cookie))
			if !finds && !strings.Contains(text(page.doc), "you pasted") && !strings.Contains(text(page.doc), "looks like a secret") && !strings.Contains(to, "origin=https%3A%2F%2Fp.example") {
				t.Errorf("%s, %q: %s says nothing of it: %s", id, typed, to, strings.Join(strings.Fields(text(page.doc)), " "))
			}
			if all := answer.text + page.text + fmt.Sprint(answer.Header, w.called()); strings.Contains(all, part) {
				t.Errorf("%s: %q is in %s", id, part, all)
			}
		}
	}
	if strings.Contains(w.logs.String(), secret) || strings.Contains(w.logs.String(), goodSecret[9:]) {
		t.Error("the log has the secret")
	}
	for id := range secretFinds {
		if !fields[id] {
			t.Errorf("no page has the field %s", id)
		}
	}
	if len(fields) < 14 {
		t.Errorf("only the fields %v", fields)
	}
}

func unescaped(to string) string {
	plain, err := url.QueryUnescape(to)
	if err != nil {
		return to
	}
	return plain
}

// TestAPageIsTestedByItsOrigin: the address of a test has what a browser would send of what was typed, and a call without a page is tested.
func TestAPageIsTestedByItsOrigin(t *testing.T) {
	w := newWalker(t, "owner")
	for typed, want := range map[string]string{
		"https://www.bücher.example/a/b?c=d#e": "https://www.xn--bcher-kva.example", "one.example": "https://one.example", "localhost:3000/x": "http://localhost:3000", "http://": "http://", "": "",
	} {
		want := keyPath + "/try?address=203.0.113.7&origin=" + url.QueryEscape(want)
		if to := w.ask(http.MethodPost, keyPath+"/test", url.Values{"origin": {typed}, "address": {"203.0.113.7"}, "app": {""}}).Header.Get("Location"); to != want {
			t.Errorf("%q leads to %q, want %q", typed, to, want)
		}
	}
}

// TestWhatIsLeftOutOfAnAddressIsNamed, and all other fields are kept: what may be a secret, and what is longer than any name.
func TestWhatIsLeftOutOfAnAddressIsNamed(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	long, trail := strings.Repeat("a", mostTyped+1), "/accounts/"+account+"/account/audit"
	for _, c := range []struct{ path, form, to, says string }{
		{keyPath + "/test", "origin=one.example&address=203.0.113.7&app=" + secret, keyPath + "/try?address=203.0.113.7&origin=https%3A%2F%2Fone.example", "App."},
		{keyPath + "/test", "origin=one.example&address=" + secret + "&app=" + long, keyPath + "/try?origin=https%3A%2F%2Fone.example", "IP address, App."},
		{keyPath + "/test", "origin=" + long + "&address=203.0.113.7", keyPath + "/try?address=203.0.113.7", "Page address."},
		{trail, "who=" + goodSecret + "&action=key", trail + "?action=key", "By."},
		{trail, "key=" + long + "&who=me", trail + "?who=me", "Key ID."},
		{endSessionsPage + "/subject", "subject=" + long, endSessionsPage, "Subject."},
		{"/accounts/" + account + "/domains/one", "find=shop&domain=" + long, "/accounts/" + account + "/domains/one?find=shop", "Domain."},
	} {
		form, err := url.ParseQuery(c.form)
		if err != nil {
			t.Fatal(err)
		}
		answer := w.ask(http.MethodPost, c.path, form)
		if to := answer.Header.Get("Location"); to != c.to {
			t.Errorf("%.100s leads to %.200q, want %q", c.form, to, c.to)
			continue
		}
		page := w.ask(http.MethodGet, c.to, nil, "Cookie", w.with(w.noteOf(answer).cookie))
		if want := "Left out, because it looks like a secret or is too long: " + c.says; !strings.Contains(text(page.doc), want) {
			t.Errorf("%.100s: the page doesn't say %q: %s", c.form, want, strings.Join(strings.Fields(text(page.doc)), " "))
		}
	}
}

// TestAPersonsSubjectMayLookLikeASecret: issuers make them, and nothing but a checksum tells the two apart.
func TestAPersonsSubjectMayLookLikeASecret(t *testing.T) {
	w := newWalker(t, "owner")
	subject := "user_2NNEqL2nrIRdJ194ndJqAHwEfxC"
	if secretIn(subject) == "" {
		t.Fatal("it doesn't look like one")
	}
	for _, page := range []string{erasePage, endSessionsPage} {
		if to := w.ask(http.MethodPost, page+"/subject", url.Values{"subject": {subject}}).Header.Get("Location"); to != page+"?subject="+subject {
			t.Errorf("%s leads to %q", page, to)
		}
	}
	if to := w.ask(http.MethodPost, "/operator/operators/audit", url.Values{"who": {subject}, "action": {"person"}}).Header.Get("Location"); to != "/operator/operators/audit?action=person&who="+subject {
		t.Errorf("the audit trail leads to %q", to)
	}
}
