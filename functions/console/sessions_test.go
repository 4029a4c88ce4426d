package main

import (
	"cmp"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// elsewhere signs a person in in another browser and returns the session's cookie.
func (w *walker) elsewhere(person string) string {
	w.t.Helper()
	mine := w.browser.Jar
	defer func() { w.browser.Jar = mine }()
	w.browser.Jar, _ = cookiejar.New(nil)
	w.callback(person)
	return w.sessionValue()
}

// as asks as the browser of a session.
func (w *walker) as(cookie, method, target string, form url.Values) answered {
	w.t.Helper()
	return w.ask(method, target, form, "Cookie", sessionCookie+"="+cookie)
}

// rows are the rows of the table of sessions, as a person reads them.
func rows(page answered) (list []string) {
	elements(page.doc, func(n *html.Node) {
		if n.Data == "tbody" {
			elements(n, func(row *html.Node) {
				if row.Data == "tr" {
					list = append(list, strings.Join(strings.Fields(text(row)), " "))
				}
			})
		}
	})
	return list
}

// endable are the sessions that the page has a button for.
func endable(page answered) (ids []string) {
	for _, f := range forms(page.doc) {
		if f.action == "/sessions/end" {
			ids = append(ids, f.values().Get("session"))
		}
	}
	return ids
}

func TestAPersonSeesWhereTheyAreSignedIn(t *testing.T) {
	w := newWalker(t, "")
	ahead := w.clock()
	at := func(d time.Duration) { *ahead = d }
	here := w.elsewhere("owner")
	at(time.Hour)
	w.opens(here)
	other := w.elsewhere("owner")
	w.elsewhere("viewer")
	at(time.Hour + 30*time.Minute)
	page := w.as(here, http.MethodGet, "/sessions", nil)
	got := rows(page)
	if page.StatusCode != http.StatusOK || len(got) != 2 || !strings.HasSuffix(got[0], "just nowThis session") || !strings.HasSuffix(got[1], "30 minutes agoEnd session") {
		t.Errorf("%d: %q", page.StatusCode, got)
	}
	for _, secret := range []string{here, other} {
		if strings.Contains(page.text, secret) {
			t.Error("the page holds a cookie")
		}
	}
	if french := rows(w.ask(http.MethodGet, "/sessions", nil, "Cookie", sessionCookie+"="+here, "Accept-Language", "fr")); !strings.HasSuffix(french[0], "Cette session") {
		t.Errorf("in French: %q", french)
	}
	// The menu leads there from every page.
	if keys := w.as(here, http.MethodGet, "/accounts/"+account+"/keys", nil); !strings.Contains(keys.text, `href="/sessions"`) {
		t.Error("the account menu doesn't lead to the sessions")
	}
}

func TestAPersonEndsASessionOfTheirOwnAndNoOther(t *testing.T) {
	w := newWalker(t, "")
	here, other, foreign := w.elsewhere("owner"), w.elsewhere("owner"), w.elsewhere("viewer")
	mine := endable(w.as(here, http.MethodGet, "/sessions", nil))
	theirs := endable(w.as(w.elsewhere("viewer"), http.MethodGet, "/sessions", nil))
	if len(mine) != 1 || len(theirs) != 1 {
		t.Fatalf("%v and %v", mine, theirs)
	}
	for _, id := range []string{theirs[0], "", "x", here, other} {
		w.as(here, http.MethodPost, "/sessions/end", url.Values{"session": {id}})
	}
	if !w.opens(here) || !w.opens(other) || !w.opens(foreign) {
		t.Fatal("something ended that wasn't asked for, or isn't the person's")
	}
	for range 2 { // pressed twice
		page := w.as(here, http.MethodPost, "/sessions/end", url.Values{"session": {mine[0]}})
		if page.StatusCode != http.StatusSeeOther || page.Header.Get("Location") != "/sessions" {
			t.Errorf("answered %d to %s", page.StatusCode, page.Header.Get("Location"))
		}
	}
	if w.opens(other) || !w.opens(here) || !w.opens(foreign) {
		t.Error("the session is still open, or more has ended")
	}
}

func TestSigningOutEverywhereEndsAllOfThePersonsSessions(t *testing.T) {
	w := newWalker(t, "")
	here, other, foreign := w.elsewhere("owner"), w.elsewhere("owner"), w.elsewhere("viewer")
	s, err := w.app.keeper.Open(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	out := w.as(here, http.MethodPost, "/sessions/end-all", nil)
	if out.StatusCode != http.StatusSeeOther || !strings.HasPrefix(out.Header.Get("Location"), w.issuer+"/end_session?") ||
		masked(out.Header, sessionCookie) != sessionCookie+"=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax" {
		t.Errorf("answered %d to %s, %v", out.StatusCode, out.Header.Get("Location"), out.Header)
	}
	if w.opens(here) || w.opens(other) || !w.opens(foreign) {
		t.Error("a session of the person is open, or one of somebody else has ended")
	}
	if _, err := w.app.issuer.Refresh(t.Context(), s.Tokens); err == nil {
		t.Error("the refresh token is still good")
	}
}

// A browser that signs out forgets pages, and keeps the cookies of other hosts of the domain: the issuer needs its own.
func TestSigningOutClearsWhatTheBrowserKept(t *testing.T) {
	w := newWalker(t, "")
	for _, path := range ends {
		out := w.as(w.elsewhere("owner"), http.MethodPost, path, nil)
		if got := out.Header.Values("Clear-Site-Data"); !slices.Equal(got, []string{`"cache", "storage"`}) || out.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d, %q", path, out.StatusCode, got)
		}
	}
	if page := w.as(w.elsewhere("owner"), http.MethodGet, "/sessions", nil); page.Header.Get("Clear-Site-Data") != "" {
		t.Error("a page clears, too")
	}
}

// agent is a browser's way to the network, which says what browser it is.
type agent struct {
	http.RoundTripper
	name string
}

func (a agent) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", a.name)
	return a.RoundTripper.RoundTrip(r)
}

// TestTheListOfSessionsSaysWhichBrowserEachIsOf, in each language, and nothing where nobody knows. What the browser sent isn't shown.
func TestTheListOfSessionsSaysWhichBrowserEachIsOf(t *testing.T) {
	const phone = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36 canary/1"
	w := newWalker(t, "")
	here := w.elsewhere("owner")
	w.browser.Transport = agent{cmp.Or[http.RoundTripper](w.browser.Transport, http.DefaultTransport), phone}
	w.elsewhere("owner")
	for language, want := range map[string]string{"en": "Chrome on Android", "fr": "Chrome sous Android", "ar": "\u2068Chrome\u2069 على \u2068Android\u2069"} {
		page := w.ask(http.MethodGet, "/sessions", nil, "Cookie", sessionCookie+"="+here, "Accept-Language", language)
		got := rows(page)
		slices.Sort(got)
		named := slices.IndexFunc(got, func(row string) bool { return strings.HasPrefix(row, want) })
		other := slices.IndexFunc(got, func(row string) bool { return strings.HasPrefix(row, "–") })
		if len(got) != 2 || named < 0 || other < 0 || strings.Contains(page.text, "canary/1") || strings.Contains(page.text, "Mozilla") {
			t.Errorf("%s: %q", language, got)
		}
	}
}
