package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/console/internal/signin"
	"latchkey/shared/api"
)

// What a person sees who signs in in several tabs of one browser.

// tab is a sign-in that somebody began in a tab: the issuer's page is open.
type tab struct {
	w  *walker
	id string // of the issuer's form
	at string // the issuer's answer, once the person has signed in there
}

// begin opens a sign-in in a new tab.
func (w *walker) begin(back string) *tab {
	w.t.Helper()
	w.browser.CheckRedirect = nil
	page := w.get("/sign-in?" + url.Values{"return": {back}}.Encode())
	return &tab{w: w, id: loginID.FindStringSubmatch(page.text)[1]}
}

// stateOf begins a sign-in and returns its state.
func (w *walker) stateOf(back string) string {
	w.t.Helper()
	w.stop()
	to, err := w.get("/sign-in?" + url.Values{"return": {back}}.Encode()).Location()
	if err != nil {
		w.t.Fatal(err)
	}
	return to.Query().Get("state")
}

// identify signs in at the issuer, which sends the tab back. Redirects to the console's own pages stay unfollowed.
func (tb *tab) identify(person string) *tab {
	tb.w.t.Helper()
	tb.w.browser.CheckRedirect = func(next *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(next.URL.String(), tb.w.url) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	sent := tb.w.read(tb.w.browser.PostForm(tb.w.issuer+"/login", url.Values{"id": {tb.id}, "person": {person}}))
	tb.at = strings.TrimPrefix(sent.Header.Get("Location"), tb.w.url)
	if !strings.HasPrefix(tb.at, callbackPath+"?") {
		tb.w.t.Fatalf("the issuer sent the tab to %q", tb.at)
	}
	return tb
}

// come brings the issuer's answer.
func (tb *tab) come() answered { tb.w.t.Helper(); return tb.w.get(tb.at) }

// leads checks that an answer leads to a page of the console, and that the browser is signed in.
func (w *walker) leads(what string, page answered, to string) {
	w.t.Helper()
	if page.StatusCode != http.StatusSeeOther || page.Header.Get("Location") != to || !w.opens(w.sessionValue()) {
		w.t.Errorf("%s: %d to %q, want %q, signed in", what, page.StatusCode, page.Header.Get("Location"), to)
	}
}

func (w *walker) inProgress() (states []string) {
	at, _ := url.Parse(w.url)
	for _, c := range w.browser.Jar.Cookies(at) {
		if strings.HasPrefix(c.Name, signinCookie) {
			states = append(states, c.Name)
		}
	}
	return states
}

// TestTwoTabsBothSignInInAnyOrder goes through every order of beginning, identifying and coming back.
func TestTwoTabsBothSignInInAnyOrder(t *testing.T) {
	w := newWalker(t, "")
	for _, order := range [][]int{{0, 0, 1, 1}, {0, 1, 0, 1}, {0, 1, 1, 0}, {1, 0, 0, 1}, {1, 0, 1, 0}, {1, 1, 0, 0}} {
		w.browser.Jar, _ = cookiejar.New(nil)
		backs := []string{"/accounts/" + account + "/keys?q=first", "/accounts/" + account + "/usage"}
		tabs := []*tab{w.begin(backs[0]), w.begin(backs[1])}
		done := map[int]bool{}
		for _, i := range order {
			if !done[i] {
				tabs[i].identify("owner")
				done[i] = true
				continue
			}
			w.leads("a tab", tabs[i].come(), backs[i])
		}
		if left := w.inProgress(); len(left) > 0 {
			t.Errorf("%v: cookies are left: %v", order, left)
		}
	}
}

func TestASignInThatFailsTouchesNoOther(t *testing.T) {
	w := newWalker(t, "")
	good := w.begin("/accounts/" + account + "/usage")
	for name, answer := range map[string]func(state string) string{
		"the issuer's no":                     func(state string) string { return "?state=" + state + "&error=access_denied" },
		"a code that the issuer doesn't know": func(state string) string { return "?state=" + state + "&code=x" },
		"a state that nobody has":             func(string) string { return "?state=x&code=y" },
		"no state":                            func(string) string { return "?code=y" },
	} {
		if page := w.get(callbackPath + answer(w.stateOf("/"))); page.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, page.StatusCode)
		}
	}
	w.leads("the other tab", good.identify("owner").come(), "/accounts/"+account+"/usage")
}

func TestAnOldSignInThatComesBackToSomebodyWhoIsSignedInLeadsOn(t *testing.T) {
	w := newWalker(t, "")
	old := w.begin("/accounts/" + account + "/usage").identify("owner")
	w.leads("the first", w.begin("/").identify("owner").come(), "/")
	value := w.sessionValue()
	at, _ := url.Parse(w.url)
	for _, name := range w.inProgress() { // its ten minutes are over
		w.browser.Jar.SetCookies(at, []*http.Cookie{{Name: name, Path: "/", MaxAge: -1, Secure: true}})
	}
	w.leads("an old one", old.come(), "/")
	// A sign-in that was cancelled in another tab, too: it goes to where it was to lead.
	w.leads("one that was cancelled", w.get(callbackPath+"?error=access_denied&state="+w.stateOf("/operator")), "/operator")
	if w.sessionValue() != value {
		t.Error("the session is another one")
	}
	// Who isn't signed in any more sees why nothing happened.
	w.post("/sign-out", nil)
	if page := old.come(); page.StatusCode != http.StatusBadRequest {
		t.Errorf("signed out: %d", page.StatusCode)
	}
}

func TestABrowserHasFiveSignInsInProgressAtMost(t *testing.T) {
	w := newWalker(t, "")
	ahead := w.clock()
	w.app.issuer = signin.New(signin.Config{Issuer: w.issuer, ClientID: "latchkey-local", Algorithm: "RS256", Now: w.app.now})
	var tabs []*tab
	var cookies []string
	for range 7 {
		*ahead += time.Second
		before := w.inProgress()
		tabs = append(tabs, w.begin("/"))
		now := w.inProgress()
		cookies = append(cookies, slices.DeleteFunc(slices.Clone(now), func(c string) bool { return slices.Contains(before, c) })...)
		if len(now) > 5 {
			t.Fatalf("%d cookies", len(now))
		}
	}
	left := map[string]bool{}
	for _, c := range w.inProgress() {
		left[c] = true
	}
	want := map[string]bool{}
	for _, c := range cookies[2:] {
		want[c] = true
	}
	if !maps.Equal(left, want) {
		t.Errorf("left are %v, want the last five of %v", left, cookies)
	}
	w.leads("the third", tabs[2].identify("owner").come(), "/")
	// A cookie that nobody can read goes first.
	at, _ := url.Parse(w.url)
	w.browser.Jar.SetCookies(at, []*http.Cookie{{Name: signinCookie + "-PLANTED", Value: "x", Path: "/", Secure: true}})
	w.begin("/")
	if slices.Contains(w.inProgress(), signinCookie+"-PLANTED") {
		t.Error("a cookie that can't be read outlives a sign-in")
	}
}

// Requests with all their cookies must fit into what API Gateway takes, 10,240 bytes of headers.
func TestTheCookiesOfSignInsStaySmall(t *testing.T) {
	w := newWalker(t, "")
	w.stop()
	kept := "/x?" + strings.Repeat("q", 597)
	for path, want := range map[string]string{kept: kept, kept + "q": "/", "/x?" + strings.Repeat("q", 3000): "/"} {
		start := w.get("/sign-in?" + url.Values{"return": {path}}.Encode())
		if len(start.Cookies()) == 0 {
			t.Errorf("no cookie begins the sign-in that is to lead to %.20q", want)
		}
		for _, c := range start.Cookies() {
			p, ok := signin.ReadPending(c.Value)
			if !ok || p.Return != want || len(c.Name)+len(c.Value) > 1400 {
				t.Errorf("a cookie of %d bytes leads to %.20q", len(c.Value), p.Return)
			}
		}
	}
}

// A sign-in that was begun at the release before, which had one cookie for all.
func TestASignInOfTheReleaseBeforeIsFinished(t *testing.T) {
	w := newWalker(t, "")
	tb := w.begin("/accounts/" + account + "/usage").identify("owner")
	at, _ := url.Parse(w.url)
	for _, c := range w.browser.Jar.Cookies(at) {
		if !strings.HasPrefix(c.Name, signinCookie) {
			continue // the issuer's, on the same host
		}
		w.browser.Jar.SetCookies(at, []*http.Cookie{
			{Name: signinCookie, Value: c.Value, Path: "/", Secure: true}, {Name: c.Name, Path: "/", MaxAge: -1, Secure: true},
		})
	}
	if got := w.inProgress(); !slices.Equal(got, []string{signinCookie}) {
		t.Fatalf("the cookies are %v", got)
	}
	w.leads("it", tb.come(), "/accounts/"+account+"/usage")
	if left := w.inProgress(); len(left) > 0 {
		t.Errorf("cookies are left: %v", left)
	}
}

// The issuer that can't exchange the code now may do so at a reload.
func TestASignInGoesOnWhenTheIssuerAnswersAgain(t *testing.T) {
	w := newWalker(t, "")
	tb := w.begin("/").identify("owner")
	good := w.app.issuer
	w.app.issuer = unreachableIssuer()
	if page := tb.come(); page.StatusCode != http.StatusServiceUnavailable || page.Header.Get("Retry-After") != "1" {
		t.Errorf("answered %d, Retry-After %q", page.StatusCode, page.Header.Get("Retry-After"))
	}
	w.app.issuer = good
	w.leads("a reload", tb.come(), "/")
}

// TestALongListOfAccountsCanBeSearched, which the script does; a short one has no box in the way.
func TestALongListOfAccountsCanBeSearched(t *testing.T) {
	w := newWalker(t, "owner")
	for n, want := range map[int]int{1: 0, 5: 0, 6: 1, 40: 1} {
		w.state(func(me *api.Me, _ *api.KeyWithSecret) {
			me.Accounts = me.Accounts[:1:1]
			for i := 1; i < n; i++ {
				me.Accounts = append(me.Accounts, api.MyAccount{Id: fmt.Sprintf("acc_%02d", i+1), Name: fmt.Sprintf("Account %d", i), Type: api.SelfServe, Role: api.Viewer})
			}
		})
		page := w.ask(http.MethodGet, "/accounts/"+account+"/keys", nil)
		if got := strings.Count(page.text, "data-narrows"); got != want || strings.Count(page.text, "<li data-item>") != n {
			t.Errorf("%d accounts: %d search boxes, %d accounts to choose from", n, got, strings.Count(page.text, "<li data-item>"))
		}
	}
}
