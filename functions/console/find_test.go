package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// findingBy is a console whose API knows the fake key by its secret, as the one with that role.
func findingBy(t *testing.T, matched *string) *walker {
	w := newWalker(t, "owner")
	for _, route := range []string{"POST /v1/accounts/" + account + "/keys/find", "POST /v1/operator/keys/find"} {
		w.api.on(route, func(out http.ResponseWriter, _ *http.Request, body []byte) bool {
			found := []any{}
			if *matched != "" && string(body) == `{"secret_sha256":"`+hashOf(secret)+`"}` {
				w.api.mu.Lock()
				found = append(found, map[string]any{"matched": *matched, "key": w.api.key, "account": api.Account{Id: account, Name: "Demo"}})
				w.api.mu.Unlock()
			}
			reply(out, 200, map[string]any{"matches": found})
			return true
		})
	}
	return w
}

// TestAPastedSecretLeadsToItsKey, without a script too, as it was copied: what the API is asked has the hash alone, no answer, no
// cookie and no log line has the secret, and the page says which secret it was.
func TestAPastedSecretLeadsToItsKey(t *testing.T) {
	matched := ""
	w := findingBy(t, &matched)
	root := "/accounts/" + account + "/keys"
	for path, page := range map[string]string{root: keyPath, "/operator": "/operator/keys/" + keyID} {
		for _, c := range []struct{ matched, to, says string }{
			{"current", page, "belongs to this key"}, {"outgoing", page, "when the rotation ends"}, {"retired", page, "no longer works"}, {"", path, "has the secret you pasted"},
		} {
			matched = c.matched
			for what, form := range map[string]url.Values{
				"the secret": {"q": {secret}, "status": {"active"}}, "with blanks": {"q": {" \t" + secret + "\n"}}, "in a command": {"q": {"curl -H 'X-Api-Key: " + secret + "'"}},
				"in an address": {"q": {"https://p.example/tile?key=" + secret + "&view=x"}}, "the hash": {"q": {""}, hashField: {hashOf(secret)}},
			} {
				w.forget()
				answer := w.ask(http.MethodPost, path, form)
				to := answer.Header.Get("Location")
				if answer.StatusCode != http.StatusSeeOther || to != c.to {
					t.Errorf("%s on %s, %s: %d to %s", what, path, c.matched, answer.StatusCode, to)
				}
				calls := w.called()
				if len(calls) != 1 || calls[0].body != `{"secret_sha256":"`+hashOf(secret)+`"}` {
					t.Errorf("%s on %s: the API is asked %s", what, path, describe(calls))
				}
				if all := fmt.Sprint(answer.Header, answer.text, calls); strings.Contains(all, secret) {
					t.Errorf("%s on %s: the secret is in %s", what, path, all)
				}
				if what == "the secret" {
					shown := w.ask(http.MethodGet, to, nil, "Cookie", w.with(w.noteOf(answer).cookie))
					if !strings.Contains(text(shown.doc), c.says) {
						t.Errorf("%s on %s, %q: the page doesn't say %q", what, path, c.matched, c.says)
					}
				}
			}
		}
	}
	if strings.Contains(w.logs.String(), secret) {
		t.Error("the log has the secret")
	}
}

// TestASecretInAnotherSpellingHasNoAddress: what surrounds a secret, and how it was wrapped, escaped or written, is as it was copied.
// Whatever it is, the key is found, and neither an address nor a form of the page has it.
func TestASecretInAnotherSpellingHasNoAddress(t *testing.T) {
	matched := ""
	w := findingBy(t, &matched)
	made, err := apikey.DefaultPrefix.Generate(keytest.Random(7))
	if err != nil {
		t.Fatal(err)
	}
	whole := made.Reveal()
	wide := strings.Map(func(r rune) rune { return r + 0xfee0 }, whole)
	for typed, cut := range map[string]string{
		"https%3A%2F%2Fp.example%2Ftile%3Fkey%3D" + whole: whole, "TILES_" + whole: whole, "KEY" + whole: whole,
		whole[:20] + " " + whole[20:]: whole[20:], whole[:20] + "-" + whole[20:]: whole[20:], "see " + whole[:20] + "\u200b" + whole[20:]: whole[20:],
		strings.Replace(whole, "_", "%5F", 1): whole[3:], strings.Replace(whole, "_", `\_`, 1): whole[3:], wide: wide[30:],
	} {
		for _, path := range []string{"/accounts/" + account + "/keys", "/operator"} {
			w.forget()
			answer := w.ask(http.MethodPost, path, url.Values{"q": {typed}})
			if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || to != path {
				t.Errorf("%q on %s: %d to %s", typed, path, answer.StatusCode, to)
			}
			if calls := w.called(); len(calls) != 1 || calls[0].body != `{"secret_sha256":"`+hashOf(whole)+`"}` {
				t.Errorf("%q on %s: the API is asked %s", typed, path, describe(calls))
			}
			answer = w.ask(http.MethodGet, path+"?q="+url.QueryEscape(typed), nil)
			if to := answer.Header.Get("Location"); to != path || strings.Contains(answer.text, cut) {
				t.Errorf("%q in the address of %s: to %q, and repeated", typed, path, to)
			}
		}
	}
}

// TestAnySearchHasAnAddress that holds what was asked for, to come back to, and never a hash.
func TestAnySearchHasAnAddress(t *testing.T) {
	none := ""
	w := findingBy(t, &none)
	root := "/accounts/" + account + "/keys"
	for _, c := range []struct {
		path string
		form url.Values
		want string
	}{
		{root, url.Values{"q": {""}}, root},
		{root, url.Values{"q": {" web shop "}, "status": {"active"}, "product": {""}, "sort": {"name"}}, root + "?q=web+shop&sort=name&status=active"},
		{root, url.Values{"q": {keyID}, hashField: {hashOf(secret)}}, root + "?q=" + keyID},
		{root, url.Values{"q": {keyID}, "label": {secret}, "name": {secret}}, root + "?q=" + keyID},
		{root, url.Values{"q": {"ak_7Kf2...x9Qd"}}, root + "?q=" + url.QueryEscape("ak_7Kf2…x9Qd")},
		{root, url.Values{"q": {"..."}, hashField: {"no hash"}}, root + "?q=..."},
		{"/operator", url.Values{"q": {"Acme"}}, "/operator?q=Acme"},
		{"/operator", url.Values{"q": {"acc_01M805HA7KFVZYHMQR8J2PEF42"}}, "/operator?q=acc_01M805HA7KFVZYHMQR8J2PEF42"},
	} {
		w.forget()
		answer := w.ask(http.MethodPost, c.path, c.form)
		if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || to != c.want || len(w.called()) > 0 {
			t.Errorf("%s %v: %d to %s, want %s", c.path, c.form, answer.StatusCode, to, c.want)
		}
	}
}

// TestAnAddressWithASecretIsLeftAtOnce: what leads there isn't asked of the API by an address, nor kept by the page to sign in.
func TestAnAddressWithASecretIsLeftAtOnce(t *testing.T) {
	matched := "current"
	w := findingBy(t, &matched)
	for _, path := range []string{"/accounts/" + account + "/keys?q=", "/operator?q="} {
		w.forget()
		answer := w.ask(http.MethodGet, path+secret, nil)
		if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || !strings.HasSuffix(to, "/keys/"+keyID) {
			t.Errorf("%s: %d to %s", path, answer.StatusCode, to)
		}
		if calls := fmt.Sprint(w.called()); strings.Contains(calls, secret) {
			t.Errorf("%s: the API is asked %s", path, calls)
		}
		out := w.without()
		for method, late := range map[string]answered{
			http.MethodGet: out.ask(http.MethodGet, path+secret, nil), http.MethodPost: out.ask(http.MethodPost, strings.TrimSuffix(path, "?q="), url.Values{"q": {secret}, "name": {secret}}),
		} {
			if late.StatusCode != http.StatusUnauthorized || strings.Contains(late.text, secret) {
				t.Errorf("%s %s, signed out: %d %s", method, path, late.StatusCode, late.text)
			}
		}
	}
}

// TestASearchBoxIsReachedByOneKey that it names to assistive technology, and keeps nothing of what was pasted.
func TestASearchBoxIsReachedByOneKey(t *testing.T) {
	w := newWalker(t, "owner")
	for _, path := range []string{"/accounts/" + account + "/keys", "/operator"} {
		boxes := 0
		elements(w.ask(http.MethodGet, path, nil).doc, func(n *html.Node) {
			if attr(n, "aria-keyshortcuts") == "/" {
				boxes++
				if attr(n, "name") != "q" || attr(n, "autocomplete") != "off" {
					t.Errorf("%s: the box is %v", path, n.Attr)
				}
			}
			if n.Data == "form" && has(n, "data-find") && (attr(n, "method") != "post" || !has(n, "data-nodraft")) {
				t.Errorf("%s: the form is %v", path, n.Attr)
			}
		})
		if boxes != 1 {
			t.Errorf("%s has %d boxes", path, boxes)
		}
	}
}

// TestOperatorsFindAPreviewAmongAllKeys, however its dots are typed.
func TestOperatorsFindAPreviewAmongAllKeys(t *testing.T) {
	w := newWalker(t, "owner")
	for _, q := range []string{"ak_7Kf2…x9Qd", "ak_7Kf2...x9Qd"} {
		to := w.ask(http.MethodPost, "/operator", url.Values{"q": {q}}).Header.Get("Location")
		w.forget()
		w.ask(http.MethodGet, to, nil)
		if asked := fmt.Sprint(w.called()); !strings.Contains(asked, "/v1/operator/keys?page_size=15&q="+url.QueryEscape("ak_7Kf2…x9Qd")) {
			t.Errorf("%q: the API is asked %s", q, asked)
		}
	}
}

// TestTheKeyThatLeadsToTheSearchCanBeTurnedOff (WCAG 2.1.4), and is remembered.
func TestTheKeyThatLeadsToTheSearchCanBeTurnedOff(t *testing.T) {
	w := newWalker(t, "owner")
	for _, path := range []string{keysPath, "/operator"} {
		if page := w.ask(http.MethodGet, path, nil); strings.Count(page.text, `aria-keyshortcuts="/"`) != 1 || !strings.Contains(page.text, `name="shortcut" value="off" aria-pressed="false"`) {
			t.Errorf("%s has no key that leads to its search, or no way to turn it off", path)
		}
		off := w.ask(http.MethodGet, path, nil, "Cookie", shortcutCookie+"=off; "+sessionCookie+"="+w.sessionValue())
		if strings.Contains(off.text, "aria-keyshortcuts") || !strings.Contains(off.text, `name="shortcut" value="off" aria-pressed="true"`) {
			t.Errorf("%s: turned off, it is still there", path)
		}
	}
}

// TestNoSearchBoxCutsWhatIsPasted: browsers cut at a box's bound, and a secret that stands behind an address would be searched for in vain,
// or stand in the next address. What is too long to search for is cut afterwards, where no secret is in it.
func TestNoSearchBoxCutsWhatIsPasted(t *testing.T) {
	matched := "current"
	w := findingBy(t, &matched)
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	long := "https://tiles.customers.example/a/path/that/is/longer/than/what/a/name/may/be/tile.png?view=Unified&key="
	boxes := 0
	for _, path := range []string{"/accounts/" + account + "/keys", "/operator", "/operator/accounts/" + account} {
		elements(w.ask(http.MethodGet, path, nil).doc, func(n *html.Node) {
			if n.Data == "input" && attr(n, "name") == "q" {
				if boxes++; has(n, "maxlength") {
					t.Errorf("%s: the box is bounded: %v", path, n.Attr)
				}
			}
		})
		if to := w.ask(http.MethodPost, path, url.Values{"q": {long + secret + "&more=" + long}}).Header.Get("Location"); !strings.HasSuffix(to, "/keys/"+keyID) {
			t.Errorf("%s: a secret in an address leads to %q", path, to)
		}
		cut := url.QueryEscape(strings.TrimSpace(long[:mostSought]))
		if to := w.ask(http.MethodPost, path, url.Values{"q": {long}}).Header.Get("Location"); to != path+"?q="+cut {
			t.Errorf("%s: an address leads to %q", path, to)
		}
		w.forget()
		w.ask(http.MethodGet, path+"?q="+url.QueryEscape(long), nil)
		if asked := fmt.Sprint(w.called()); !strings.Contains(asked, "q="+cut) || strings.Contains(asked, "Unified") {
			t.Errorf("%s: the API is asked %s", path, asked)
		}
	}
	if boxes != 3 {
		t.Errorf("%d boxes", boxes)
	}
}
