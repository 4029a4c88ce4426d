package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/shared/api"
)

// strange are IDs that would lead elsewhere if they got into a path of the API as they are.
var strange = []string{
	"..", ".", "%2e%2e", "%2E", "%2e%2e%2foperators", "a%2Fb", "a%5Cb", "%00", "a%00", "%25", "%252e%252e", "a%3Fb", "a%23b", "a%20b", "%20", "a;b", "a:b",
	"%C3%A9", "%FF", "a%0d%0ab", "acc_01%2F..%2Facc_02",
}

// TestNoIDOfAPathGetsIntoTheAPIUnchecked walks every route that has an ID.
func TestNoIDOfAPathGetsIntoTheAPIUnchecked(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	walked := 0
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, pattern := range w.routes(method) {
			for _, name := range []string{"{account}", "{key}", "{request}", "{class}", "{file}"} {
				if !strings.Contains(pattern, name) {
					continue
				}
				for _, id := range strange {
					walked++
					w.forget()
					target := w.fill(pattern, name, id)
					page := w.ask(method, target, url.Values{"qps": {"5"}, "origin": {"https://a.example"}})
					if to := page.Header.Get("Location"); page.StatusCode == http.StatusTemporaryRedirect || page.StatusCode == http.StatusMovedPermanently {
						if strings.Contains(to, "..") || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
							t.Errorf("%s %s leads to %s", method, target, to)
						}
					} else if page.StatusCode != http.StatusNotFound {
						t.Errorf("%s %s answered %d", method, target, page.StatusCode)
					}
					for _, c := range w.called() {
						if name != "{class}" || c.uri != "/v1/accounts/"+account+"/keys/"+keyID {
							t.Errorf("%s %s calls %s", method, target, c.uri)
						}
					}
				}
			}
		}
	}
	if walked < 50*len(strange) {
		t.Errorf("only %d paths", walked)
	}
}

// IDs stand in queries and forms, too.
func TestNoIDOfAQueryOrAFormGetsIntoTheAPIUnchecked(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	root := "/accounts/" + account
	for _, id := range []string{"..", ".", "../operators", "a/b", "a%2Fb", "\x00", "%", "a?b", "a#b", "key_../x", "key_a/../b", "key_ü"} {
		for target, form := range map[string]url.Values{
			root + "/usage?key=" + url.QueryEscape(id):                  nil,
			root + "/usage.csv?key=" + url.QueryEscape(id):              nil,
			root + "/qps-requests/new?key=" + url.QueryEscape(id):       nil,
			"/operator?q=" + url.QueryEscape(id):                        nil,
			root + "/account/remove?subject=" + url.QueryEscape(id):     nil,
			"/operator/operators/remove?subject=" + url.QueryEscape(id): nil,
			root + "/account/invitations/withdraw":                      {"invitation": {id}},
			root + "/account/role":                                      {"subject": {id}, "role": {"viewer"}},
			root + "/account/remove":                                    {"subject": {id}},
			"/operator/operators":                                       {"subject": {id}},
			"/operator/operators/remove":                                {"subject": {id}},
		} {
			w.forget()
			method := http.MethodGet
			if form != nil {
				method = http.MethodPost
			}
			page := w.ask(method, target, form)
			for _, c := range w.called() {
				path, _, _ := strings.Cut(c.uri, "?")
				last := path[strings.LastIndex(path, "/")+1:]
				if strings.Contains(path+"/", "/../") || strings.HasSuffix(path, "/.") || (strings.Contains(target, "usage") && strings.Contains(path, "/keys/")) ||
					(strings.Contains(path, "/members/") || strings.Contains(path, "/v1/operators/")) && last != url.PathEscape(strings.TrimSpace(id)) && last != url.PathEscape(id) {
					t.Errorf("%s with %q calls %s", target, id, c.uri)
				}
			}
			if to := page.Header.Get("Location"); strings.Contains(to, "/"+id) || strings.Contains(to, "..") {
				t.Errorf("%s with %q leads to %s", target, id, to)
			}
		}
	}
}

func TestAnIDOfTheIssuerIsOneSegmentOfAPath(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	const subject = "google|a/b ?#%c"
	for target, want := range map[string]string{
		"/accounts/" + account + "/account/role":   "/v1/accounts/" + account + "/members/google%7Ca%2Fb%20%3F%23%25c",
		"/accounts/" + account + "/account/remove": "/v1/accounts/" + account + "/members/google%7Ca%2Fb%20%3F%23%25c",
		"/operator/operators":                      "/v1/operators/google%7Ca%2Fb%20%3F%23%25c",
		"/operator/operators/remove":               "/v1/operators/google%7Ca%2Fb%20%3F%23%25c",
	} {
		w.forget()
		w.ask(http.MethodPost, target, url.Values{"subject": {subject}, "role": {"viewer"}})
		if got := w.writes(); len(got) != 1 || got[0].uri != want {
			t.Errorf("%s calls %s", target, describe(got))
		}
	}
}

// A page is there for its own method alone.
func TestPagesOfOtherMethodsAreNotThere(t *testing.T) {
	w := newWalker(t, "owner")
	for _, c := range []struct{ method, path string }{
		{"POST", "/sessions"},
		{"GET", "/domains/check"},
		{"POST", "/sign-in"},
		{"POST", "/callback"},
		{"POST", "/accounts/" + account + "/usage.csv"},
		{"PUT", "/accounts/" + account + "/keys"},
		{"DELETE", "/accounts/" + account + "/keys/" + keyID},
		{"OPTIONS", "/"},
		{"GET", "/accounts/" + account},
		{"GET", "/x"},
		{"GET", "/accounts/" + account + "/keys/"},
		{"GET", "/assets/app.css"},
		{"GET", "/assets/"},
	} {
		w.forget()
		page := w.ask(c.method, c.path, nil, "Sec-Fetch-Site", "same-origin")
		if page.StatusCode != http.StatusNotFound || len(w.called()) > 0 {
			t.Errorf("%s %s answered %d and called %v", c.method, c.path, page.StatusCode, w.called())
		}
	}
}

// TestNothingIsChangedByGET walks every page, signed in and not.
func TestNothingIsChangedByGET(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
	for _, pattern := range w.routes(http.MethodGet) {
		if pattern == callbackPath || pattern == "/sign-in" {
			continue
		}
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			w.forget()
			if page := w.ask(method, w.page(pattern), nil); page.StatusCode != 200 && page.StatusCode != 303 {
				t.Errorf("%s answered %d: %s", pattern, page.StatusCode, text(page.doc))
			}
			if got := w.writes(); len(got) > 0 {
				t.Errorf("%s %s calls %s", method, pattern, describe(got))
			}
		}
		w.forget()
		page := w.without().ask(http.MethodGet, w.page(pattern), nil)
		if got := w.calledForNobody(); len(got) > 0 {
			t.Errorf("%s calls the API for nobody: %v", pattern, got)
		}
		want := http.StatusUnauthorized
		switch pattern {
		case "/assets/{file}", "/{$}", "/invitations":
			want = http.StatusOK
		}
		if page.StatusCode != want {
			t.Errorf("%s without a session answered %d, want %d", pattern, page.StatusCode, want)
		}
	}
}

// TestAFormOfAnotherSiteDoesNothing walks every route that changes something.
func TestAFormOfAnotherSiteDoesNothing(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	for _, pattern := range w.routes(http.MethodPost) {
		for name, headers := range map[string][]string{
			"another site": {"Sec-Fetch-Site", "cross-site"}, "a sibling": {"Sec-Fetch-Site", "same-site"},
			"an old browser": {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, "a sandbox": {"Sec-Fetch-Site", "", "Origin", "null"},
			"another port": {"Sec-Fetch-Site", "", "Origin", "https://console.example:8443"},
		} {
			w.forget()
			page := w.ask(http.MethodPost, w.page(pattern), url.Values{"name": {"x"}, "subject": {"x"}, "language": {"fr"}, "token": {"x"}}, headers...)
			if page.StatusCode != http.StatusForbidden || len(w.called()) > 0 || len(page.Header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s from %s: %d, %v, cookies %v", pattern, name, page.StatusCode, w.called(), page.Header.Values("Set-Cookie"))
			}
		}
	}
	if page := w.ask(http.MethodGet, "/accounts/"+account+"/keys", nil); page.StatusCode != http.StatusOK {
		t.Errorf("the session is gone: %d", page.StatusCode)
	}
}

// TestAPostWithoutASessionDoesNothing walks every route that changes something.
func TestAPostWithoutASessionDoesNothing(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	for _, pattern := range w.routes(http.MethodPost) {
		w.forget()
		page := w.without().ask(http.MethodPost, w.page(pattern), url.Values{"name": {"x"}, "subject": {"x"}, "token": {"x"}})
		want := http.StatusUnauthorized
		switch pattern {
		case "/sign-out", "/preferences", "/invitations":
			want = http.StatusSeeOther
		case "/domains/check":
			want = http.StatusOK
		}
		if page.StatusCode != want || len(w.called()) > 0 || len(w.api.seen("GET /v1/me")) > 0 {
			t.Errorf("%s: %d, want %d, %v", pattern, page.StatusCode, want, w.called())
		}
	}
}

// What was read of a form before it was cut off must not be carried out as if it was all.
func TestAFormThatCantBeReadWholeIsNotCarriedOut(t *testing.T) {
	w := newWalker(t, "owner")
	w.accept()
	for _, pattern := range w.routes(http.MethodPost) {
		for name, form := range map[string]url.Values{"too large": {"name": {"x"}, "comment": {strings.Repeat("x", 300<<10)}}, "of the largest size": {"x": {strings.Repeat("x", 256<<10-2)}}} {
			w.forget()
			page := w.ask(http.MethodPost, w.page(pattern), form)
			if bad := page.StatusCode == http.StatusBadRequest && strings.Contains(text(page.doc), "Nothing was changed."); bad != (name == "too large") {
				t.Errorf("%s, %s, answered %d", pattern, name, page.StatusCode)
			}
			if name == "too large" && len(w.called())+len(page.Header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s calls %s", pattern, describe(w.called()))
			}
		}
	}
	req := httptest.NewRequest(http.MethodPost, "/preferences", strings.NewReader("language=fr&theme=%zz"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	out := httptest.NewRecorder()
	if w.app.ServeHTTP(out, req); out.Code != http.StatusBadRequest {
		t.Errorf("a form with a bad escape answered %d", out.Code)
	}
}
