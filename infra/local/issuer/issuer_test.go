package issuer

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

func TestEveryReadyMadePersonSignsIn(t *testing.T) {
	r := start(t, keyFile(t), nil)
	for _, p := range ReadyMade() {
		tok := r.signIn(r.browser(), person(p.Subject))
		want := claims{Issuer: r.url, Subject: p.Subject, ClientID: clientID, TokenUse: "access", Email: p.Email, EmailVerified: "true"} // as a user pool's, with its trigger
		got := r.verify(tok.AccessToken)
		if got.JTI == "" {
			t.Error("access token without jti")
		}
		if got.JTI = ""; got != want {
			t.Errorf("access token: %+v, want %+v", got, want)
		}
		want.TokenUse, want.Nonce, want.Name, want.EmailVerified = "id", "n-1", p.Name, "true"
		id := r.verify(tok.Extra("id_token").(string))
		if id.JTI = ""; id != want {
			t.Errorf("ID token: %+v, want %+v", id, want)
		}
		info, err := r.oidc.UserInfo(t.Context(), oauth2.StaticTokenSource(tok))
		if err != nil || info.Subject != p.Subject || info.Email != p.Email {
			t.Errorf("userinfo: %+v %v", info, err)
		}
	}
}

// TestAccessTokensSayNothingOfAPersonByThemselves: as a user pool's, and where the trigger fails nobody signs in.
func TestAccessTokensSayNothingOfAPersonByThemselves(t *testing.T) {
	r := start(t, keyFile(t), func(c *Config) { c.AccessClaims = nil })
	if c := r.verify(r.signIn(r.browser(), person("owner")).AccessToken); c.Email != "" || c.EmailVerified != "" || c.Name != "" || c.TokenUse != "access" {
		t.Errorf("%+v", c)
	}
	r = start(t, keyFile(t), func(c *Config) {
		c.AccessClaims = func(context.Context, Person) (map[string]any, error) { return nil, errors.New("timed out") }
	})
	v := oauth2.GenerateVerifier()
	to := r.choose(r.browser(), r.authURL(v), person("owner"))
	if token, err := r.oauth.Exchange(t.Context(), to.Query().Get("code"), oauth2.VerifierOption(v)); err == nil {
		t.Errorf("a token without what the trigger adds: %v", token)
	}
}

func TestSomeoneElseSignsInWithAnySubjectAndEmail(t *testing.T) {
	r := start(t, keyFile(t), nil)
	for _, tc := range []struct{ name, subject, email, want string }{
		{"both", "newcomer-1", "new@example.org", "newcomer-1"},
		{"email alone", "", "solo@example.org", "solo@example.org"},
		{"hostile subject", `"><script>`, "x@example.org", `"><script>`},
	} {
		tok := r.signIn(r.browser(), url.Values{"subject": {tc.subject}, "email": {tc.email}, "name": {"Zoé"}})
		if c := r.verify(tok.AccessToken); c.Subject != tc.want || c.Email != tc.email || c.Name != "" {
			t.Errorf("%s: %+v", tc.name, c)
		}
	}
	_, page := r.get(r.browser(), r.authURL(oauth2.GenerateVerifier()))
	id := hiddenID.FindStringSubmatch(page)[1]
	for _, bad := range []url.Values{{}, {"subject": {"a b"}}, {"subject": {"x"}, "email": {"nobody"}}, {"subject": {strings.Repeat("x", 129)}}} {
		bad.Set("id", id)
		if resp, _ := r.read(r.browser().PostForm(r.url+"/login", bad)); resp.StatusCode != 422 {
			t.Errorf("%v: %d, want 422", bad, resp.StatusCode)
		}
	}
}

func TestMintedTokenLooksLikeASignInAndSurvivesARestart(t *testing.T) {
	file := keyFile(t)
	r := start(t, file, nil)
	raw, err := r.issuer.Mint(ReadyMade()[0], 12*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c := r.verify(raw)
	if c.Subject != "owner" || c.TokenUse != "access" || c.ClientID != clientID || c.Email != "owner@example.com" {
		t.Errorf("%+v", c)
	}
	again, err := New(Config{Issuer: r.url, ClientID: clientID, KeyFile: file})
	if err != nil {
		t.Fatal(err)
	}
	if again.store.key.id != r.issuer.store.key.id || !again.store.key.key.Equal(r.issuer.store.key.key) {
		t.Error("the restart has another key")
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("key file has mode %v", info.Mode())
	}
	if _, err := r.issuer.Mint(Person{}, time.Hour); err == nil {
		t.Error("minted a token for nobody")
	}
	if _, err := r.issuer.Mint(ReadyMade()[0], 0); err == nil {
		t.Error("minted a token without a life")
	}
}

func TestCodeFlowRefuses(t *testing.T) {
	r := start(t, keyFile(t), nil)
	ctx := t.Context()
	code := func(v string) string {
		return r.choose(r.browser(), r.authURL(v), person("viewer")).Query().Get("code")
	}
	t.Run("a wrong verifier, and burns the code", func(t *testing.T) {
		v := oauth2.GenerateVerifier()
		c := code(v)
		if _, err := r.oauth.Exchange(ctx, c, oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
			t.Error("a wrong verifier got a token")
		}
		if _, err := r.oauth.Exchange(ctx, c, oauth2.VerifierOption(v)); err == nil {
			t.Error("the burnt code got a token")
		}
	})
	t.Run("a code twice", func(t *testing.T) {
		v := oauth2.GenerateVerifier()
		c := code(v)
		if _, err := r.oauth.Exchange(ctx, c, oauth2.VerifierOption(v)); err != nil {
			t.Error(err)
		}
		if _, err := r.oauth.Exchange(ctx, c, oauth2.VerifierOption(v)); err == nil {
			t.Error("the second use got a token")
		}
	})
	t.Run("no PKCE", func(t *testing.T) {
		resp, _ := r.get(r.browser(), r.oauth.AuthCodeURL("s"))
		if to, err := resp.Location(); err != nil || to.Query().Get("error") != "invalid_request" {
			t.Errorf("%v %v", to, err)
		}
	})
	t.Run("the implicit flow", func(t *testing.T) {
		resp, _ := r.get(r.browser(), r.authURL("v", oauth2.SetAuthURLParam("response_type", "id_token token")))
		if to, err := resp.Location(); err != nil || !strings.Contains(to.String(), "error=") {
			t.Errorf("%v %v", to, err)
		}
	})
	t.Run("another client", func(t *testing.T) {
		resp, _ := r.get(r.browser(), r.authURL("v", oauth2.SetAuthURLParam("client_id", "other")))
		if resp.StatusCode < 400 {
			t.Errorf("status %d", resp.StatusCode)
		}
	})
	t.Run("a cross-site post of the form", func(t *testing.T) {
		_, page := r.get(r.browser(), r.authURL("v"))
		form := url.Values{"id": {hiddenID.FindStringSubmatch(page)[1]}, "person": {"operator"}}
		req, _ := http.NewRequest("POST", r.url+"/login", strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", "http://evil.example")
		if resp, _ := r.read(r.browser().Do(req)); resp.StatusCode != 403 {
			t.Errorf("status %d", resp.StatusCode)
		}
	})
}

func TestPromptNoneNeedsASession(t *testing.T) {
	r := start(t, keyFile(t), nil)
	b := r.browser()
	none := func(opts ...oauth2.AuthCodeOption) url.Values {
		resp, body := r.get(b, r.authURL("v", append(opts, oauth2.SetAuthURLParam("prompt", "none"))...))
		to, err := resp.Location()
		if err != nil {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		return to.Query()
	}
	if q := none(); q.Get("error") != "login_required" || q.Get("state") != "state-1" {
		t.Errorf("without a session: %v", q)
	}
	tok := r.signIn(b, person("developer"))
	if q := none(); q.Get("code") == "" {
		t.Errorf("with a session: %v", q)
	}
	if q := none(oauth2.SetAuthURLParam("id_token_hint", tok.Extra("id_token").(string))); q.Get("code") == "" {
		t.Errorf("with a session and its hint: %v", q)
	}
	other := r.signIn(r.browser(), person("owner")).Extra("id_token").(string)
	if q := none(oauth2.SetAuthURLParam("id_token_hint", other)); q.Get("error") != "login_required" {
		t.Errorf("with somebody else's hint: %v", q)
	}
	if _, page := r.get(b, r.authURL("v")); !strings.Contains(page, `value="developer"`) {
		t.Error("without prompt the page lets one choose again")
	}
	resp, _ := r.get(b, r.url+"/end_session?state=bye&id_token_hint="+tok.Extra("id_token").(string)+"&post_logout_redirect_uri="+url.QueryEscape("http://127.0.0.1:9/prod/"))
	if to, err := resp.Location(); err != nil || to.String() != "http://127.0.0.1:9/prod/?state=bye" {
		t.Errorf("end_session: %v %v", to, err)
	}
	if q := none(); q.Get("error") != "login_required" {
		t.Errorf("after signing out: %v", q)
	}
	if _, err := r.oauth.TokenSource(t.Context(), &oauth2.Token{RefreshToken: tok.RefreshToken}).Token(); err == nil {
		t.Error("the refresh token outlived the sign-out")
	}
}

func TestSignOutWithoutHintEndsTheBrowsersSession(t *testing.T) {
	r := start(t, keyFile(t), nil)
	b := r.browser()
	r.signIn(b, person("owner"))
	resp, page := r.get(b, r.url+"/end_session")
	if resp.StatusCode != 200 || !strings.Contains(page, "signed out") {
		t.Errorf("%d %s", resp.StatusCode, page)
	}
	resp, _ = r.get(b, r.authURL("v", oauth2.SetAuthURLParam("prompt", "none")))
	if to, _ := resp.Location(); to == nil || to.Query().Get("error") != "login_required" {
		t.Errorf("still signed in: %v", to)
	}
}

func TestRefreshTokenGivesNewAccessTokensUntilRevoked(t *testing.T) {
	r := start(t, keyFile(t), nil)
	tok := r.signIn(r.browser(), person("operator"))
	if tok.RefreshToken == "" {
		t.Fatal("no refresh token")
	}
	refresh := func() (*oauth2.Token, error) {
		return r.oauth.TokenSource(context.Background(), &oauth2.Token{RefreshToken: tok.RefreshToken}).Token()
	}
	for range 2 { // a lost answer, or two at once, must not sign anybody out
		next, err := refresh()
		if err != nil {
			t.Fatal(err)
		}
		if c := r.verify(next.AccessToken); c.Subject != "operator" || c.TokenUse != "access" || c.Email != "operator@example.com" {
			t.Errorf("%+v", c)
		}
	}
	resp, body := r.read(http.PostForm(r.url+"/revoke", url.Values{"token": {tok.RefreshToken}, "client_id": {clientID}}))
	if resp.StatusCode != 200 {
		t.Fatalf("revoke: %d %s", resp.StatusCode, body)
	}
	if _, err := refresh(); err == nil {
		t.Error("a revoked refresh token works")
	}
}

func TestSignInPageIsPlainHTMLUnderAStrictPolicy(t *testing.T) {
	r := start(t, keyFile(t), nil)
	resp, page := r.get(r.browser(), r.authURL("v", oauth2.SetAuthURLParam("login_hint", `"><b>x`)))
	csp := resp.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "form-action 'self' http://127.0.0.1:9") {
		t.Errorf("policy: %s", csp)
	}
	for _, bad := range []string{"<script", "<style", "style=", "onclick", `"><b>x`} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	for _, p := range ReadyMade() {
		if !strings.Contains(page, `<button type="submit" name="person" value="`+p.Subject+`">`) {
			t.Errorf("no button for %s", p.Subject)
		}
	}
}
