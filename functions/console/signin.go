package main

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"latchkey/functions/console/internal/session"
	"latchkey/functions/console/internal/signin"
)

const (
	callbackPath = "/callback"
	signInLife   = 10 * time.Minute
)

func (a *app) signInRoutes() {
	a.public("GET /sign-in", a.startSignIn)
	a.public("GET "+callbackPath, a.finishSignIn)
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
	to, cookie, err := a.issuer.Start(v.ctx(), v.absolute(callbackPath), localPath(v.query("return")))
	if err != nil {
		return err
	}
	v.setCookie(signinCookie, cookie, signInLife)
	v.w.Header().Set("Location", to)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

func (a *app) finishSignIn(v *visit) error {
	tokens, back, err := a.issuer.Finish(v.ctx(), v.absolute(callbackPath), v.cookie(signinCookie), v.r.URL.Query())
	if errors.Is(err, signin.ErrRefused) {
		a.log.InfoContext(v.ctx(), "sign-in refused", "why", err.Error(), "request_id", v.requestID())
	}
	v.setCookie(signinCookie, "", 0)
	if err != nil {
		return err
	}
	// A new cookie for each sign-in: whatever the browser had before names nobody any more.
	if err := a.keeper.End(v.ctx(), v.cookie(sessionCookie)); err != nil {
		return err
	}
	cookie, err := a.keeper.New(v.ctx(), tokens)
	if err != nil {
		return err
	}
	v.setCookie(sessionCookie, cookie, session.Longest)
	return v.redirect(localPath(back))
}

// signOut ends the session here first, then at the issuer.
func (a *app) signOut(v *visit) error {
	cookie := v.cookie(sessionCookie)
	s, err := a.keeper.Open(v.ctx(), cookie)
	if err != nil && !errors.Is(err, session.ErrNone) {
		return err
	}
	if err := a.keeper.End(v.ctx(), cookie); err != nil {
		return err
	}
	v.setCookie(sessionCookie, "", 0)
	if s == nil {
		return v.redirect("/")
	}
	if err := a.issuer.Revoke(v.ctx(), s.Tokens); err != nil {
		a.log.WarnContext(v.ctx(), "the refresh token was not revoked", "error", err.Error(), "request_id", v.requestID())
	}
	v.w.Header().Set("Location", a.issuer.EndSession(s.Tokens, v.absolute("/")))
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

const preferenceLife = 365 * 24 * time.Hour

// setPreferences keeps the language and the theme in cookies and goes back.
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
	return v.redirect(localPath(v.form("return")))
}
