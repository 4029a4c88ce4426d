package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/functions/console/internal/session"
	"latchkey/functions/console/internal/signin"
	"latchkey/shared/dynamo/sessions"
)

var signInLine = regexp.MustCompile(`^(__Host-latchkey-signin)-[A-Z2-7]{26}(=.*)$`)

// masked is a Set-Cookie header without what is random.
func masked(header http.Header, name string) string {
	for _, line := range header.Values("Set-Cookie") {
		if strings.HasPrefix(line, name+"=") {
			return regexp.MustCompile(`=[A-Za-z0-9_-]{40,}`).ReplaceAllString(line, "=RANDOM")
		}
		if m := signInLine.FindStringSubmatch(line); m != nil && name == signinCookie {
			return regexp.MustCompile(`=[A-Za-z0-9_-]{40,}`).ReplaceAllString(m[1]+"-STATE"+m[2], "=RANDOM")
		}
	}
	return ""
}

// TestTheCookiesAreWrittenOut compares every cookie with its attributes, whole.
func TestTheCookiesAreWrittenOut(t *testing.T) {
	w := newWalker(t, "")
	w.stop()
	start := w.get("/sign-in")
	if got, want := masked(start.Header, "__Host-latchkey-signin"), "__Host-latchkey-signin-STATE=RANDOM; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("on the way to the issuer:\n%s, want\n%s", got, want)
	}
	finish := w.callback("owner")
	if got, want := masked(finish.Header, "__Host-latchkey-session"), "__Host-latchkey-session=RANDOM; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("the session:\n%s, want\n%s", got, want)
	}
	if got, want := masked(finish.Header, "__Host-latchkey-signin"), "__Host-latchkey-signin-STATE=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("after the sign-in:\n%s, want\n%s", got, want)
	}
	refused := w.get("/callback?state=x&code=y")
	if got, want := masked(refused.Header, "__Host-latchkey-signin"), ""; got != want {
		t.Errorf("after an answer to no sign-in of this browser:\n%s, want\n%s", got, want)
	}
	out := w.post("/sign-out", nil)
	if got, want := masked(out.Header, "__Host-latchkey-session"), "__Host-latchkey-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("after signing out:\n%s, want\n%s", got, want)
	}
	for form, want := range map[string][2]string{
		"language=fr":  {"latchkey-language", "latchkey-language=fr; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax"},
		"language=xx":  {"latchkey-language", "latchkey-language=en; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax"},
		"theme=dark":   {"latchkey-theme", "latchkey-theme=dark; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax"},
		"theme=light":  {"latchkey-theme", "latchkey-theme=light; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax"},
		"theme=auto":   {"latchkey-theme", "latchkey-theme=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"theme=pink":   {"latchkey-theme", ""},
		"shortcut=off": {"latchkey-shortcut", "latchkey-shortcut=off; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax"},
		"shortcut=on":  {"latchkey-shortcut", "latchkey-shortcut=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"shortcut=x":   {"latchkey-shortcut", ""},
		"return=/x":    {"latchkey-language", ""},
		"token=lki_1":  {"__Host-latchkey-invitation", "__Host-latchkey-invitation=lki_1; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"},
	} {
		values, _ := url.ParseQuery(form)
		path := "/preferences"
		if values.Has("token") {
			path = "/invitations"
		}
		if got := masked(w.post(path, values).Header, want[0]); got != want[1] {
			t.Errorf("%s: %q, want %q", form, got, want[1])
		}
	}
}

// callback signs in up to the issuer's answer and returns what the console says to that.
func (w *walker) callback(person string) answered {
	w.t.Helper()
	before := w.browser.CheckRedirect
	defer func() { w.browser.CheckRedirect = before }()
	w.browser.CheckRedirect = nil
	id := loginID.FindStringSubmatch(w.get("/sign-in").text)[1]
	w.browser.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if strings.HasPrefix(next.URL.String(), w.url) && next.URL.Path != callbackPath {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return w.read(w.browser.PostForm(w.issuer+"/login", url.Values{"id": {id}, "person": {person}}))
}

func (w *walker) sessionValue() string {
	at, _ := url.Parse(w.url)
	for _, c := range w.browser.Jar.Cookies(at) {
		if c.Name == sessionCookie {
			return c.Value
		}
	}
	return ""
}

func (w *walker) opens(cookie string) bool {
	return w.ask(http.MethodGet, "/accounts/"+account+"/keys", nil, "Cookie", sessionCookie+"="+cookie).StatusCode == http.StatusOK
}

// TestNoSessionOfBeforeOutlivesASignIn: a person who knew the old cookie, or put one there, has nothing.
func TestNoSessionOfBeforeOutlivesASignIn(t *testing.T) {
	w := newWalker(t, "")
	w.callback("owner")
	first := w.sessionValue()
	if !w.opens(first) {
		t.Fatal("the first sign-in opened nothing")
	}
	w.callback("developer")
	second := w.sessionValue()
	if second == first || !w.opens(second) {
		t.Errorf("the second sign-in has the cookie %q", second)
	}
	if w.opens(first) {
		t.Error("the session of before is still open")
	}
	// A sign-in that fails ends nothing.
	w.get("/callback?state=x&code=y")
	if !w.opens(second) {
		t.Error("a sign-in that failed ended the session")
	}
	// A cookie that somebody else put there is not taken over.
	planted := strings.Repeat("A", 43)
	at, _ := url.Parse(w.url)
	w.browser.Jar.SetCookies(at, []*http.Cookie{{Name: sessionCookie, Value: planted, Path: "/", Secure: true}})
	w.callback("owner")
	if w.opens(planted) || w.sessionValue() == planted {
		t.Error("a planted cookie opens a session")
	}
}

func TestACodeAnswersOneSignInAlone(t *testing.T) {
	w := newWalker(t, "")
	finish := w.callback("owner")
	again := w.ask(http.MethodGet, finish.Request.URL.RequestURI(), nil)
	if again.StatusCode != http.StatusBadRequest || masked(again.Header, sessionCookie) != "" {
		t.Errorf("the answer of before: %d, %v", again.StatusCode, again.Header)
	}
	// For somebody who is signed in it is a reload: the session goes on as it is.
	value := w.sessionValue()
	reload := w.get(finish.Request.URL.RequestURI())
	if reload.StatusCode != http.StatusOK || reload.Request.URL.Path == callbackPath || w.sessionValue() != value || !w.opens(value) {
		t.Errorf("a reload: %d at %s", reload.StatusCode, reload.Request.URL)
	}
	// Another browser has no cookie of this sign-in.
	mine := w.browser.Jar
	w.stop()
	to, _ := w.get("/sign-in").Location()
	w.browser.Jar, _ = cookiejar.New(nil)
	if other := w.get("/callback?code=x&state=" + to.Query().Get("state")); other.StatusCode != http.StatusBadRequest {
		t.Errorf("another browser: %d", other.StatusCode)
	}
	w.browser.Jar = mine
}

func TestASignInLeadsBackToThePageThatAskedForIt(t *testing.T) {
	w := newWalker(t, "")
	for path, want := range map[string]string{
		"/accounts/acc_01/keys?q=a%26b&page=2": "/sign-in?return=%2Faccounts%2Facc_01%2Fkeys%3Fq%3Da%2526b%26page%3D2", "/operator": "/sign-in?return=%2Foperator", "/": "/sign-in", "/invitations": "",
	} {
		page := w.ask(http.MethodGet, path, nil)
		if want != "" && !strings.Contains(page.text, `href="`+want+`"`) {
			t.Errorf("%s doesn't lead to %s: %s", path, want, page.text)
		}
	}
	for in, want := range map[string]string{
		"/accounts/acc_01/keys?q=x": "/accounts/acc_01/keys?q=x", "https://evil.example/": "/", "//evil.example": "/", "": "/",
	} {
		w.browser.Jar, _ = cookiejar.New(nil)
		w.browser.CheckRedirect = nil
		id := loginID.FindStringSubmatch(w.get("/sign-in?return=" + url.QueryEscape(in)).text)[1]
		w.browser.CheckRedirect = func(next *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(next.URL.String(), w.url) && next.URL.Path != callbackPath {
				return http.ErrUseLastResponse
			}
			return nil
		}
		end := w.read(w.browser.PostForm(w.issuer+"/login", url.Values{"id": {id}, "person": {"owner"}}))
		if got := end.Header.Get("Location"); got != want {
			t.Errorf("%q leads to %q, want %q", in, got, want)
		}
	}
}

// clock lets the console's time go on.
func (w *walker) clock() *time.Duration {
	var ahead time.Duration
	now := func() time.Time { return time.Now().Add(ahead) }
	w.app.now, w.app.keeper.Now, w.app.pages.now = now, now, now
	return &ahead
}

// TestASessionsLifeAtAllOfItsEnds goes through the console; the session package holds the exact seconds.
func TestASessionsLifeAtAllOfItsEnds(t *testing.T) {
	w := newWalker(t, "")
	ahead := w.clock()
	w.callback("owner")
	idle := w.sessionValue()
	*ahead = 2*time.Hour + time.Minute
	if w.opens(idle) {
		t.Error("a session that wasn't used for 2 h is open")
	}
	*ahead = 0
	w.browser.Jar, _ = cookiejar.New(nil)
	w.callback("owner")
	used := w.sessionValue()
	for *ahead = 0; *ahead < 12*time.Hour-5*time.Minute; *ahead += 50 * time.Minute {
		if !w.opens(used) {
			t.Fatalf("a session in use is over after %s", *ahead)
		}
	}
	*ahead = 12*time.Hour + time.Second
	if w.opens(used) {
		t.Error("a session in use is open after 12 h")
	}
}

func TestAnAccessTokenIsRenewedAMinuteBeforeItsEnd(t *testing.T) {
	w := newWalker(t, "")
	ahead := w.clock()
	w.callback("owner") // the token lives for an hour
	cookie := w.sessionValue()
	token := func() string {
		w.forget()
		if !w.opens(cookie) {
			t.Fatal("the session is over")
		}
		return w.api.seen("GET /v1/me")[0].token
	}
	first := token()
	*ahead = time.Hour - 75*time.Second
	if token() != first {
		t.Error("renewed too early")
	}
	*ahead = time.Hour - 45*time.Second
	second := token()
	if second == first {
		t.Error("not renewed in time")
	}
	*ahead = 0
	if token() != second {
		t.Error("the new token wasn't kept")
	}
}

// renewing is a session whose access token ends at once, with something else that is wrong.
func renewing(t *testing.T, change func(*session.Tokens)) (*walker, string) {
	w := newWalker(t, "")
	tokens := session.Tokens{Access: "old", Refresh: "no such token", Expires: time.Now(), Subject: "owner"}
	change(&tokens)
	cookie, err := w.app.keeper.New(t.Context(), tokens, session.Browser{})
	if err != nil {
		t.Fatal(err)
	}
	return w, cookie
}

func TestASessionThatCantBeRenewedIsOver(t *testing.T) {
	for name, change := range map[string]func(*session.Tokens){"a refresh token that is refused": func(*session.Tokens) {}, "no refresh token": func(s *session.Tokens) { s.Refresh = "" }} {
		t.Run(name, func(t *testing.T) {
			w, cookie := renewing(t, change)
			page := w.ask(http.MethodGet, "/accounts/"+account+"/keys", nil, "Cookie", sessionCookie+"="+cookie)
			if page.StatusCode != http.StatusUnauthorized || len(w.api.seen("GET /v1/me")) > 0 {
				t.Errorf("answered %d", page.StatusCode)
			}
			if _, err := w.app.keeper.Open(t.Context(), cookie); !errors.Is(err, session.ErrNone) {
				t.Errorf("the session is still there: %v", err)
			}
		})
	}
	// A token without an end is used until the API refuses it.
	w, cookie := renewing(t, func(s *session.Tokens) { s.Expires = time.Time{} })
	if !w.opens(cookie) {
		t.Error("a token without an end isn't used")
	}
	w.api.on("GET /v1/accounts/"+account+"/keys", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
		problem(out, 401, "unauthorized")
		return true
	})
	page := w.ask(http.MethodGet, "/accounts/"+account+"/keys", nil, "Cookie", sessionCookie+"="+cookie)
	if page.StatusCode != http.StatusUnauthorized || !strings.Contains(page.text, "/sign-in?return=") {
		t.Errorf("a token that the API refuses: %d", page.StatusCode)
	}
}

func TestAnIssuerThatCantAnswerEndsNoSession(t *testing.T) {
	w, cookie := renewing(t, func(*session.Tokens) {})
	good := w.app.issuer
	w.app.issuer = unreachableIssuer()
	page := w.ask(http.MethodGet, "/accounts/"+account+"/keys", nil, "Cookie", sessionCookie+"="+cookie)
	if page.StatusCode < 500 {
		t.Errorf("answered %d", page.StatusCode)
	}
	if start := w.ask(http.MethodGet, "/sign-in", nil); start.StatusCode < 500 || masked(start.Header, signinCookie) != "" {
		t.Errorf("a sign-in answered %d", start.StatusCode)
	}
	w.app.issuer = good
	if _, err := w.app.keeper.Open(t.Context(), cookie); err != nil {
		t.Errorf("the session is over: %v", err)
	}
}

// TestSigningOutEndsTheSessionEvenIfTheIssuerCantBeTold.
func TestSigningOutEndsTheSessionEvenIfTheIssuerCantBeTold(t *testing.T) {
	w, cookie := renewing(t, func(s *session.Tokens) {
		s.Revocation, s.EndSession, s.Expires = "http://127.0.0.1:1/revoke", "https://issuer.example/out", time.Time{}
	})
	page := w.ask(http.MethodPost, "/sign-out", nil, "Cookie", sessionCookie+"="+cookie)
	if page.StatusCode != http.StatusSeeOther || !strings.HasPrefix(page.Header.Get("Location"), "https://issuer.example/out?client_id=latchkey-local&") || w.opens(cookie) {
		t.Errorf("%d %s", page.StatusCode, page.Header.Get("Location"))
	}
	if nobody := w.without().ask(http.MethodPost, "/sign-out", nil); nobody.Header.Get("Location") != "/" {
		t.Errorf("nobody is led to %s", nobody.Header.Get("Location"))
	}
}

// TestTheRefreshTokenIsRevokedAtSignOut: a thief of the session's tokens can't go on with them.
func TestTheRefreshTokenIsRevokedAtSignOut(t *testing.T) {
	w := newWalker(t, "")
	w.stop()
	w.callback("owner")
	s, err := w.app.keeper.Open(t.Context(), w.sessionValue())
	if err != nil || s.Refresh == "" {
		t.Fatalf("%v, %v", s, err)
	}
	w.post("/sign-out", nil)
	if _, err := w.app.issuer.Refresh(t.Context(), s.Tokens); err == nil {
		t.Error("the refresh token is still good")
	}
}

// TestASignInEndsTheSessionOfBeforeAndItsRefreshToken, and where the store doesn't end it, the person is signed in all the same.
func TestASignInEndsTheSessionOfBeforeAndItsRefreshToken(t *testing.T) {
	for _, fails := range []bool{false, true} {
		w := newWalker(t, "")
		w.stop()
		w.callback("owner")
		before := w.sessionValue()
		s, err := w.app.keeper.Open(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		if fails {
			w.app.keeper.Store = endless{w.app.keeper.Store}
		}
		w.callback("developer")
		if now := w.sessionValue(); now == before || !w.opens(now) {
			t.Errorf("the store fails %v: the person isn't signed in", fails)
		}
		_, err = w.app.issuer.Refresh(t.Context(), s.Tokens)
		if open := w.opens(before); open != fails || (err == nil) != fails {
			t.Errorf("the store fails %v: the session of before is open %v, its refresh token: %v", fails, open, err)
		}
	}
}

// TestAPersonWhoSignsInAgainKeepsTheirTokens: an issuer may end the new sign-in with the old one's refresh token.
func TestAPersonWhoSignsInAgainKeepsTheirTokens(t *testing.T) {
	w := newWalker(t, "")
	w.stop()
	w.callback("owner")
	before := w.sessionValue()
	s, err := w.app.keeper.Open(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	w.callback("owner")
	if _, err := w.app.issuer.Refresh(t.Context(), s.Tokens); w.opens(before) || err != nil {
		t.Errorf("the session of before is open %v, its refresh token: %v", w.opens(before), err)
	}
}

// endless is a store of sessions that ends none.
type endless struct{ session.Store }

func (endless) Delete(context.Context, string) error { return errors.New("throttled") }

func (endless) DeleteUnchanged(context.Context, sessions.Session) error {
	return errors.New("throttled")
}

// TestASessionIsOfOnePerson: two browsers see their own.
func TestASessionIsOfOnePerson(t *testing.T) {
	w := newWalker(t, "")
	w.callback("owner")
	one := w.sessionValue()
	w.browser.Jar, _ = cookiejar.New(nil)
	w.callback("viewer")
	two := w.sessionValue()
	w.forget()
	if !w.opens(one) || !w.opens(two) {
		t.Fatal("one ended the other")
	}
	calls := w.api.seen("GET /v1/me")
	if len(calls) != 2 || calls[0].token == calls[1].token {
		t.Errorf("%d calls", len(calls))
	}
}

func unreachableIssuer() *signin.Issuer {
	return signin.New(signin.Config{Issuer: "http://127.0.0.1:1", ClientID: "latchkey-local", Algorithm: "RS256", Now: time.Now})
}

// TestTheScriptKnowsWhichAddressesASignInReturnsTo: it follows the others itself, to the form that was left there.
func TestTheScriptKnowsWhichAddressesASignInReturnsTo(t *testing.T) {
	script, err := os.ReadFile("assets/app.js")
	if want := fmt.Sprintf("const longestBack = %d;", longestBack); err != nil || !strings.Contains(string(script), want) {
		t.Errorf("the script hasn't %q, %v", want, err)
	}
}
