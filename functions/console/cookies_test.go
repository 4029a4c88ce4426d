package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"latchkey/functions/console/internal/signin"
)

// swelling has characters that encodings make longer.
var swelling = []string{"&", "<", "a", "%26", "\"", "\\", "\xff", "\u2028", "é", "🗝", " ", "=", "\x01", "A7-_", "a&b=<>\u2029"}

// long makes texts up to a length of them.
func long(bytes int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		piece := rapid.SampledFrom(swelling).Draw(t, "piece")
		return rapid.SampledFrom([]string{"", "/", "/x?", "/x?q=", "key_"}).Draw(t, "begin") + strings.Repeat(piece, rapid.IntRange(0, bytes/len(piece)).Draw(t, "times"))
	})
}

// TestNoInputMakesACookieThatBrowsersDrop: of every form and page that sets one, with every field of any length. The cookie of a sign-in
// stays small, since five of them go with a request.
func TestNoInputMakesACookieThatBrowsersDrop(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	set := map[string]bool{}
	for _, piece := range swelling {
		for _, bytes := range []int{1, 100, 590, 6000} {
			path := "/x?" + strings.Repeat(piece, max(1, bytes/len(piece)))
			for _, c := range w.ask(http.MethodGet, "/sign-in?"+url.Values{"return": {path}}.Encode(), nil).Cookies() {
				if size := len(c.String()); size > 1300 {
					t.Errorf("%d bytes of %q make a cookie of %d", bytes, piece, size)
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text, id := long(6000).Draw(t, "text"), long(3000).Draw(t, "id")
		form := url.Values{"key": {id, keyID}, "labels": {text}, "domains": {text}, "language": {text}, "theme": {text}, "return": {text}, "token": {text}, "email": {text}, "role": {"viewer"}, "name": {text}}
		if rapid.Bool().Draw(t, "refused") {
			w.answerWrites(func(out http.ResponseWriter, _ *http.Request) { problem(out, 404, "not_found") })
		} else {
			w.accept()
		}
		at := rapid.SampledFrom([]string{
			"GET /sign-in?", "POST /preferences", "POST /invitations", "POST /accounts", "POST /accounts/" + account + "/account/invitations", "POST " + keysPath + "/selected/disable",
			"POST " + keysPath + "/selected/label", "POST " + keysPath + "/selected/domain", "POST " + keyPath + "/enable", "POST /accounts/ID/keys/ID/disable", "POST /accounts/" + account + "/account/name",
		}).Draw(t, "at")
		method, path, _ := strings.Cut(at, " ")
		if plainID(id) && id != "" {
			path = strings.ReplaceAll(path, "ID", id)
		}
		if strings.HasSuffix(path, "?") {
			path += form.Encode()
		}
		for _, c := range w.ask(method, path, form).Cookies() {
			name, _, _ := strings.Cut(strings.TrimPrefix(c.Name, "__Host-"), "-")
			set[name+c.Name[max(0, len(c.Name)-4):]] = true
			size := len(c.String())
			if size > 4096 {
				t.Fatalf("%s sets a cookie of %d bytes, %.40s", at, size, c.String())
			}
			if p, ok := signin.ReadPending(c.Value); strings.HasPrefix(c.Name, signinCookie) && (!ok || size > 1300 || !strings.HasPrefix(p.Return, "/")) {
				t.Fatalf("the cookie of a sign-in has %d bytes and leads to %.20q", size, p.Return)
			}
		}
	})
	if len(set) < 4 {
		t.Errorf("only %v were set", set)
	}
}

// TestAPathWithManyParametersIsComeBackTo: what the console's own pages have in their addresses has room in the cookie.
func TestAPathWithManyParametersIsComeBackTo(t *testing.T) {
	w := newWalker(t, "")
	path := "/accounts/" + account + "/usage?" + strings.TrimSuffix(strings.Repeat("a=b&", 120), "&")
	for _, c := range w.ask(http.MethodGet, "/sign-in?"+url.Values{"return": {path}}.Encode(), nil).Cookies() {
		if p, ok := signin.ReadPending(c.Value); !ok || p.Return != path {
			t.Errorf("it leads back to %q", p.Return)
		}
	}
}
