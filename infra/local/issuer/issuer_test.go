package issuer

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const clientID = "latchkey-local"

// rig is an issuer on a free port, and a client of it.
type rig struct {
	t      *testing.T
	url    string
	issuer *Issuer
	oauth  oauth2.Config
	oidc   *oidc.Provider
}

func start(t *testing.T, keyFile string, change func(*Config)) *rig {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Issuer: "http://" + l.Addr().String(), ClientID: clientID, KeyFile: keyFile}
	if change != nil {
		change(&cfg)
	}
	iss, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(iss)
	srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	t.Cleanup(srv.Close)
	p, err := oidc.NewProvider(t.Context(), cfg.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, url: cfg.Issuer, issuer: iss, oidc: p, oauth: oauth2.Config{
		ClientID: clientID, Endpoint: p.Endpoint(), RedirectURL: "http://127.0.0.1:9/prod/auth/callback",
		Scopes: []string{"openid", "email", "profile", "offline_access"},
	}}
}

func keyFile(t *testing.T) string { return filepath.Join(t.TempDir(), "issuer.pem") }

// browser follows redirects inside the issuer and stops at those that leave it.
func (r *rig) browser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if "http://"+req.URL.Host != r.url {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

func (r *rig) get(b *http.Client, u string) (*http.Response, string) {
	r.t.Helper()
	resp, err := b.Get(u)
	return r.read(resp, err)
}

func (r *rig) read(resp *http.Response, err error) (*http.Response, string) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp, string(body)
}

var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// choose opens the sign-in page and presses a button or fills in the form; it returns where the browser is sent.
func (r *rig) choose(b *http.Client, authURL string, form url.Values) *url.URL {
	r.t.Helper()
	resp, page := r.get(b, authURL)
	m := hiddenID.FindStringSubmatch(page)
	if resp.StatusCode != 200 || m == nil {
		r.t.Fatalf("no sign-in page: %d %s", resp.StatusCode, page)
	}
	form.Set("id", m[1])
	resp, page = r.read(b.PostForm(r.url+"/login", form))
	to, err := resp.Location()
	if err != nil {
		r.t.Fatalf("no redirect: %d %s", resp.StatusCode, page)
	}
	return to
}

func (r *rig) authURL(verifier string, opts ...oauth2.AuthCodeOption) string {
	opts = append(opts, oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", "n-1"))
	return r.oauth.AuthCodeURL("state-1", opts...)
}

func (r *rig) signIn(b *http.Client, form url.Values) *oauth2.Token {
	r.t.Helper()
	v := oauth2.GenerateVerifier()
	to := r.choose(b, r.authURL(v), form)
	if !strings.HasPrefix(to.String(), r.oauth.RedirectURL+"?") || to.Query().Get("state") != "state-1" {
		r.t.Fatalf("sent to %s", to)
	}
	tok, err := r.oauth.Exchange(r.t.Context(), to.Query().Get("code"), oauth2.VerifierOption(v))
	if err != nil {
		r.t.Fatal(err)
	}
	return tok
}

type claims struct {
	Issuer        string `json:"iss"`
	Subject       string `json:"sub"`
	ClientID      string `json:"client_id"`
	TokenUse      string `json:"token_use"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	Name          string `json:"name"`
	Nonce         string `json:"nonce"`
	JTI           string `json:"jti"`
}

// verify checks signature, RS256, issuer, audience and expiry as the API's own verifier does.
func (r *rig) verify(raw string) claims {
	r.t.Helper()
	tok, err := r.oidc.Verifier(&oidc.Config{ClientID: clientID, SupportedSigningAlgs: []string{"RS256"}}).Verify(r.t.Context(), raw)
	if err != nil {
		r.t.Fatal(err)
	}
	var c claims
	if err := tok.Claims(&c); err != nil {
		r.t.Fatal(err)
	}
	return c
}

func person(sub string) url.Values { return url.Values{"person": {sub}} }

func TestEveryReadyMadePersonSignsIn(t *testing.T) {
	r := start(t, keyFile(t), nil)
	for _, p := range ReadyMade() {
		tok := r.signIn(r.browser(), person(p.Subject))
		want := claims{Issuer: r.url, Subject: p.Subject, ClientID: clientID, TokenUse: "access", Email: p.Email, EmailVerified: true, Name: p.Name}
		got := r.verify(tok.AccessToken)
		if got.JTI == "" {
			t.Error("access token without jti")
		}
		if got.JTI = ""; got != want {
			t.Errorf("access token: %+v, want %+v", got, want)
		}
		want.TokenUse, want.Nonce = "id", "n-1"
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

func TestSomeoneElseSignsInWithAnySubjectAndEmail(t *testing.T) {
	r := start(t, keyFile(t), nil)
	for _, tc := range []struct{ name, subject, email, want string }{
		{"both", "newcomer-1", "new@example.org", "newcomer-1"},
		{"email alone", "", "solo@example.org", "solo@example.org"},
		{"hostile subject", `"><script>`, "x@example.org", `"><script>`},
	} {
		tok := r.signIn(r.browser(), url.Values{"subject": {tc.subject}, "email": {tc.email}, "name": {"Zoé"}})
		if c := r.verify(tok.AccessToken); c.Subject != tc.want || c.Email != tc.email || c.Name != "Zoé" {
			t.Errorf("%s: %+v", tc.name, c)
		}
	}
	resp, page := r.get(r.browser(), r.authURL(oauth2.GenerateVerifier()))
	id := hiddenID.FindStringSubmatch(page)[1]
	for _, bad := range []url.Values{{}, {"subject": {"a b"}}, {"subject": {"x"}, "email": {"nobody"}}, {"subject": {strings.Repeat("x", 129)}}} {
		bad.Set("id", id)
		if resp, _ = r.read(r.browser().PostForm(r.url+"/login", bad)); resp.StatusCode != 422 {
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

func TestRedirectsGoToLoopbackOnly(t *testing.T) {
	free := &Config{}
	narrow := &Config{RedirectPrefixes: []string{"http://127.0.0.1:8082/"}}
	for _, tc := range []struct {
		url          string
		free, narrow bool
	}{
		{"http://127.0.0.1:8082/auth/callback", true, true},
		{"http://localhost:8082/auth/callback", true, false},
		{"http://[::1]:8082/x", true, false},
		{"http://127.0.0.1:80820/x", true, false},
		{"http://127.0.0.1:8082@evil.example/", false, false},
		{"http://127.0.0.1.evil.example/", false, false},
		{"https://example.com/", false, false},
		{"javascript:alert(1)", false, false},
		{"http://user@127.0.0.1:8082/", false, false},
		{"//127.0.0.1/x", false, false},
		{"http://127.0.0.1:8082/#x", false, false},
		{"", false, false},
	} {
		if got := free.mayRedirect(tc.url); got != tc.free {
			t.Errorf("%q: %v", tc.url, got)
		}
		if got := narrow.mayRedirect(tc.url); got != tc.narrow {
			t.Errorf("%q with prefixes: %v", tc.url, got)
		}
	}
	r := start(t, keyFile(t), nil)
	r.oauth.RedirectURL = "https://evil.example/cb"
	if resp, _ := r.get(r.browser(), r.authURL("v")); resp.StatusCode < 400 {
		t.Errorf("authorize answered %d for a foreign redirect", resp.StatusCode)
	}
	for _, q := range []string{"?post_logout_redirect_uri=https://evil.example/", "?client_id=" + clientID + "&post_logout_redirect_uri=http://127.0.0.1:1@evil.example/"} {
		if resp, _ := r.get(r.browser(), r.url+"/end_session"+q); resp.StatusCode < 400 {
			t.Errorf("end_session%s: %d", q, resp.StatusCode)
		}
	}
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

func TestAnswersLoopbackOnly(t *testing.T) {
	r := start(t, keyFile(t), nil)
	port := r.url[strings.LastIndex(r.url, ":"):]
	for host, want := range map[string]int{
		"localhost" + port: 200, "127.0.0.1" + port: 200, "[::1]" + port: 200, "127.1.2.3": 200,
		"evil.example" + port: 421, "127.0.0.1.nip.io" + port: 421, "10.0.0.1" + port: 421, "": 421,
	} {
		req := httptest.NewRequest("GET", "/keys", nil)
		req.RemoteAddr, req.Host = "127.0.0.1:5", host
		w := httptest.NewRecorder()
		r.issuer.ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
	}
	req := httptest.NewRequest("GET", "/keys", nil)
	req.RemoteAddr, req.Host = "192.0.2.7:5", "localhost"
	w := httptest.NewRecorder()
	if r.issuer.ServeHTTP(w, req); w.Code != 421 {
		t.Errorf("a remote caller: %d", w.Code)
	}
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "nonsense"} {
		if l, err := Listen(addr); err == nil {
			l.Close()
			t.Errorf("listens on %q", addr)
		}
	}
	for _, u := range []string{"https://login.example.com", "http://0.0.0.0:1", "http://127.0.0.1:1/path", ""} {
		if _, err := New(Config{Issuer: u, ClientID: clientID, KeyFile: keyFile(t)}); err == nil {
			t.Errorf("New accepts the issuer %q", u)
		}
	}
}

func TestDiscoveryPromisesWhatIsThere(t *testing.T) {
	r := start(t, keyFile(t), nil)
	_, body := r.get(r.browser(), r.url+"/.well-known/openid-configuration")
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"issuer":                                r.url,
		"response_types_supported":              "[code]",
		"grant_types_supported":                 "[authorization_code refresh_token]",
		"id_token_signing_alg_values_supported": "[RS256]",
		"code_challenge_methods_supported":      "[S256]",
	}
	for k, v := range want {
		got := doc[k]
		if s, ok := got.([]any); ok {
			parts := make([]string, len(s))
			for i := range s {
				parts[i], _ = s[i].(string)
			}
			got = "[" + strings.Join(parts, " ") + "]"
		}
		if got != v {
			t.Errorf("%s: %v, want %v", k, got, v)
		}
	}
	for k, v := range doc {
		if u, ok := v.(string); ok && strings.HasPrefix(u, r.url+"/") {
			if resp, _ := r.get(r.browser(), u); resp.StatusCode == 404 {
				t.Errorf("%s points at nothing", k)
			}
		}
	}
	for _, p := range []string{"/device_authorization", "/oauth/introspect"} {
		if resp, _ := r.get(r.browser(), r.url+p); resp.StatusCode != 404 {
			t.Errorf("%s answers %d", p, resp.StatusCode)
		}
	}
	_, jwks := r.get(r.browser(), r.url+"/keys")
	if strings.Contains(jwks, `"d"`) || !strings.Contains(jwks, `"RS256"`) {
		t.Errorf("JWKS: %s", jwks)
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

func TestKeyFileThatOthersCanReadIsRefused(t *testing.T) {
	file := keyFile(t)
	if _, err := loadKey(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := loadKey(file); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("%v", err)
	}
	for _, content := range []string{"", "no pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		bad := keyFile(t)
		if err := os.WriteFile(bad, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadKey(bad); err == nil {
			t.Errorf("%q is taken for a key", content)
		}
	}
}
