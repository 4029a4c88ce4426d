package main

import (
	"bytes"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/shared/api"
	"latchkey/shared/keytest"
)

// longest has, for each parameter that a link or a form of the console puts into an address, the longest value that it may have there.
var longest = map[string]string{
	"page": strings.Repeat("tOkEn", 100), "further": strings.Repeat("tOkEn", 100), "key": keyID, "operation": "acc_01M8GA2PVX1D2PH9XMMTNZ71YK",
	"q": strings.Repeat("خ", mostSought), "find": strings.Repeat("خ", 64), "label": strings.Repeat("خ", 32),
	"product": strings.Repeat("map-", 16), "class": strings.Repeat("map.", 16), "domain": "*." + strings.Repeat("a.", 122) + "example:65535",
	"subject": strings.Repeat("auth0|1f", 31), "who": strings.Repeat("a", 242) + "@example.com", "issuer": "https://cognito-idp.ap-southeast-2.amazonaws.com/ap-southeast-2_AbCdEfGhI",
	"origin": "https://" + strings.Repeat("a.", 122) + "example:65535", "address": "2001:db8:1234:5678:9abc:def0:1234:5678",
	"app":    "android " + strings.Repeat("com.example.", 18) + "app " + strings.TrimSuffix(strings.Repeat("DA:", 32), ":"),
	"status": "suspended", "sort": "-last_used_at", "select": "all", "range": "13mo", "from": "2026-08-01", "to": "2026-08-01", "month": "2026-08", "by": "hour", "compare": "1",
	"group": "product", "reason": "leaked", "qps": "20000", "in": "name", "many": "yes", "part": "12", "back": "1", "pages": "12", "action": "key.rotation_announced",
	"invited": "12", "people": "12", "done": "lost", "size": "100", "at": "2026-07-11T10:10:00.000Z", "informing": "1",
}

// TestAPageRepeatsItsAddress with the longest value of each parameter, so that another language or signing in again leads back to it; and
// with none that may be a secret.
func TestAPageRepeatsItsAddress(t *testing.T) {
	for name, value := range longest {
		for text, want := range map[string]bool{value: true, secret: false, "https://x.example/?key=" + secret: false} {
			at := "/accounts/" + account + "/keys?" + url.Values{name: {text}}.Encode()
			u, err := url.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			if got := ownAddress(u); want && got != at || !want && got != "/" {
				t.Errorf("%s: %s", at, got)
			}
		}
	}
	for part, want := range map[string]bool{longest["class"]: true, secret: false} {
		for _, before := range []string{"limits", "quotas", "keys"} {
			at := "/operator/accounts/" + account + "/" + before + "/" + part
			u, err := url.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			if got := ownAddress(u); (got == at) != (want && before != "keys") {
				t.Errorf("%s: %s", at, got)
			}
		}
	}
	for name := range longValues {
		if len(longest[name]) <= maxRepeated {
			t.Errorf("%s has no long value", name)
		}
	}
}

// TestEveryParameterOfAnAddressHasItsLongestValue: of the links of every page in every state, as the golden files have them, and of the
// forms that make an address.
func TestEveryParameterOfAnAddressHasItsLongestValue(t *testing.T) {
	keytest.OneAtATime(t)
	found := map[string]string{}
	files := os.DirFS("testdata/pages")
	names, err := fs.Glob(files, "*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range names {
		raw, err := fs.ReadFile(files, file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := html.Parse(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		elements(doc, func(n *html.Node) {
			to, err := url.Parse(attr(n, "href"))
			if err != nil || to.Host != "" || strings.HasPrefix(to.Path, "/sign-in") {
				return
			}
			for name := range to.Query() {
				found[name] = file
			}
		})
	}
	eachAsked(t, func(action, name string) { found[name] = action })
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if longest[name] == "" {
			t.Errorf("%s: the longest value of %q isn't known", found[name], name)
		}
	}
	if len(found) < 25 {
		t.Errorf("only %v were found", found)
	}
}

// eachAsked runs f for each field of each form that asks for something and so leads to an address with it, by the form's address: of all golden
// pages.
func eachAsked(t *testing.T, f func(action, name string)) {
	seen := map[string]bool{}
	eachPageForm(t, func(_, action string, form *html.Node) {
		if !byGet(form) && !slices.Contains(searches, action) {
			return
		}
		for _, one := range fields(form) {
			if id := action + " " + one.name; one.name != "was" && !seen[id] { // was is compared with what is typed, and goes no further
				seen[id] = true
				f(action, one.name)
			}
		}
	})
	if len(seen) < 30 {
		t.Errorf("only %v", seen)
	}
}

// TestAnAddressHasWhatWasTypedWhole: a domain, an app or a person that is cut is another one, as valid as the first.
func TestAnAddressHasWhatWasTypedWhole(t *testing.T) {
	w := newWalker(t, "owner")
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	eachAsked(t, func(action, name string) {
		if !slices.Contains(searches, action) {
			return
		}
		form := url.Values{name: {longest[name]}}
		if name == "key" {
			form["find"], form["was"] = []string{"Site"}, []string{"Site"} // the key that the page had
		}
		to, err := url.Parse(w.ask(http.MethodPost, w.fill(action), form).Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		if got := to.Query().Get(name); got != longest[name] {
			t.Errorf("%s: %s of %d bytes leads to %q", action, name, len(longest[name]), to)
		}
	})
}
