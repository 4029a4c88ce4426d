package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/functions/console/internal/session"
	"latchkey/functions/console/internal/signin"
)

const (
	callbackPath = "/callback"
	signInLife   = 10 * time.Minute
	// mostSignIns bounds the sign-ins that a browser may have in progress, in tabs, and so the size of its requests.
	mostSignIns = 5
	longestBack = 600 // bytes of the path to return to; the same reason
)

func (a *app) signInRoutes() {
	a.public("GET /sign-in", a.startSignIn)
	a.public("GET "+callbackPath, a.finishSignIn)
	a.elsewhere("GET /sign-out", "/")
	a.elsewhere("GET /preferences", "/")
	a.public("POST /sign-out", a.signOut)
	a.public("POST /preferences", a.setPreferences)
}

func signInURL(back string) string {
	if back == "/" {
		return "/sign-in"
	}
	return "/sign-in?" + url.Values{"return": {back}}.Encode()
}

func (a *app) startSignIn(v *visit) error {
	back := localPath(v.query("return"))
	if len(back) > longestBack {
		back = "/"
	}
	to, cookie, err := a.issuer.Start(v.ctx(), v.absolute(callbackPath), back)
	if err != nil {
		return err
	}
	inProgress := v.signIns()
	for _, name := range inProgress[:max(0, len(inProgress)-mostSignIns+1)] {
		v.setCookie(name, "", 0)
	}
	p, _ := signin.ReadPending(cookie)
	v.setCookie(signInName(p.State), cookie, signInLife)
	v.w.Header().Set("Location", to)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

func signInName(state string) string { return signinCookie + "-" + state }

// signIns are the names of the cookies of the sign-ins in progress, the oldest first.
func (v *visit) signIns() (names []string) {
	begun := map[string]int64{}
	for _, c := range v.r.Cookies() {
		if strings.HasPrefix(c.Name, signinCookie+"-") {
			p, _ := signin.ReadPending(c.Value)
			begun[c.Name] = p.Begun
		}
	}
	return slices.SortedFunc(maps.Keys(begun), func(one, two string) int {
		return cmp.Or(cmp.Compare(begun[one], begun[two]), strings.Compare(one, two))
	})
}

// finishSignIn takes the issuer's answer. It ends the sign-in that the answer belongs to and touches no other: people sign
// in in two tabs.
func (a *app) finishSignIn(v *visit) error {
	name := signInName(v.query("state"))
	cookie := v.cookie(name)
	if cookie == "" { // of a release that kept one sign-in at a time
		if p, ok := signin.ReadPending(v.cookie(signinCookie)); ok && p.State == v.query("state") {
			name, cookie = signinCookie, v.cookie(signinCookie)
		}
	}
	tokens, back, err := a.issuer.Finish(v.ctx(), v.absolute(callbackPath), cookie, v.r.URL.Query())
	if cookie != "" && (err == nil || errors.Is(err, signin.ErrRefused)) {
		v.setCookie(name, "", 0)
	}
	if errors.Is(err, signin.ErrRefused) {
		a.log.InfoContext(v.ctx(), "sign-in refused", "why", err.Error(), "request_id", v.requestID())
		if _, none := a.keeper.Open(v.ctx(), v.cookie(sessionCookie)); none == nil {
			return v.redirect(localPath(back)) // they have signed in meanwhile, in another tab
		}
	}
	if err != nil {
		return err
	}
	// A new cookie for each sign-in: whatever the browser had before names nobody any more.
	// The old session ends once there is a new one, so that a failure leaves it; one that doesn't end keeps nobody from the new one.
	opened, err := a.keeper.New(v.ctx(), tokens, session.BrowserOf(v.r.UserAgent()))
	if err != nil {
		return err
	}
	v.setCookie(sessionCookie, opened, session.Longest)
	switch s, err := a.end(v.ctx(), v.cookie(sessionCookie)); {
	case err != nil:
		a.log.WarnContext(v.ctx(), "the session of before was not ended", "error", err.Error(), "request_id", v.requestID())
	case s != nil && s.Subject != tokens.Subject: // of one person, an issuer may end both sign-ins with it
		a.revokeNewest(v.ctx(), s)
	}
	return v.redirect(localPath(back))
}

// end ends the session of a cookie, and returns it as it was stored last; nil if there was none.
func (a *app) end(ctx context.Context, cookie string) (*session.Session, error) {
	s, err := a.keeper.Open(ctx, cookie)
	switch {
	case errors.Is(err, session.ErrNone):
		return nil, a.keeper.End(ctx, cookie)
	case err != nil:
		return nil, err
	}
	return s, a.keeper.EndNewest(ctx, s)
}

// revokeNewest revokes the refresh token of a session that has ended, and the one that the store didn't take.
func (a *app) revokeNewest(ctx context.Context, s *session.Session) {
	a.revoke(ctx, s.Tokens)
	if newer, ok := a.unkept.of(s.Refresh); ok {
		a.revoke(ctx, newer)
		a.unkept.drop(s.Refresh)
	}
}

// signOut ends the session here first, then at the issuer.
func (a *app) signOut(v *visit) error {
	s, err := a.end(v.ctx(), v.cookie(sessionCookie))
	if err != nil {
		return err
	}
	return a.signedOut(v, s)
}

// clearSiteData lets a browser forget at sign-out the pages that it kept, and what scripts stored, which is nothing so
// far. It must not say "cookies": that takes those of all hosts of the domain, so the issuer's too, which needs them to end
// its own session.
const clearSiteData = `"cache", "storage"`

// signedOut sends the browser of a session that has ended to the issuer, to end its own. s is nil if there was none.
func (a *app) signedOut(v *visit, s *session.Session) error {
	v.setCookie(sessionCookie, "", 0)
	v.w.Header().Set("Clear-Site-Data", clearSiteData)
	if s == nil {
		return v.redirect("/")
	}
	a.revokeNewest(v.ctx(), s)
	v.w.Header().Set("Location", a.issuer.EndSession(s.Tokens, v.absolute("/")))
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

const preferenceLife = 365 * 24 * time.Hour

// setPreferences keeps the language, the theme and whether "/" leads to the search box in cookies and goes back.
func (a *app) setPreferences(v *visit) error {
	if tag := v.form("language"); tag != "" {
		v.setCookie(languageCookie, a.langs.Choose(tag, "").Tag, preferenceLife)
	}
	switch theme := v.form("theme"); theme {
	case "light", "dark":
		v.setCookie(themeCookie, theme, preferenceLife)
	case "auto":
		v.setCookie(themeCookie, "", 0)
	}
	switch v.form("shortcut") {
	case "off":
		v.setCookie(shortcutCookie, "off", preferenceLife)
	case "on":
		v.setCookie(shortcutCookie, "", 0)
	}
	return v.redirect(localPath(v.form("return")))
}
