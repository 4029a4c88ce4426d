package signin_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/functions/console/internal/session"
	"latchkey/functions/console/internal/signin"
)

func start(t *testing.T, i *signin.Issuer) (url.Values, string) {
	t.Helper()
	to, cookie, err := i.Start(t.Context(), redirect, "/accounts/acc_01/keys?q=x")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query(), cookie
}

func TestTheRequestForACodeIsWhole(t *testing.T) {
	p := newProvider(t)
	i := p.issuer()
	to, _, err := i.Start(t.Context(), redirect, "/")
	if err != nil || !strings.HasPrefix(to, p.url+"/authorize?") {
		t.Fatalf("%s, %v", to, err)
	}
	q, _ := start(t, i)
	again, _ := start(t, i)
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(name)) < 26 || q.Get(name) == again.Get(name) {
			t.Errorf("%s: %q, then %q", name, q.Get(name), again.Get(name))
		}
		q.Del(name)
	}
	want := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirect}, "scope": {"openid email profile"}, "code_challenge_method": {"S256"},
	}
	if !reflect.DeepEqual(q, want) {
		t.Errorf("asks for %v, want %v", q, want)
	}
}

func TestRefreshTokensAreAskedForWhereTheIssuerOffersThem(t *testing.T) {
	p := newProvider(t)
	p.scopes = append(p.scopes, "offline_access")
	if q, _ := start(t, p.issuer()); q.Get("scope") != "openid email profile offline_access" {
		t.Errorf("asks for %s", q.Get("scope"))
	}
}

func TestACodeIsExchangedWithTheVerifierOfItsChallenge(t *testing.T) {
	p := newProvider(t)
	i := p.issuer()
	q, cookie := start(t, i)
	p.nonce = q.Get("nonce")
	tokens, back, err := i.Finish(t.Context(), redirect, cookie, url.Values{"state": {q.Get("state")}, "code": {"code-1"}})
	if err != nil {
		t.Fatal(err)
	}
	expires := tokens.Expires
	tokens.Expires = time.Time{}
	want := session.Tokens{Access: access, Refresh: "refresh-token-1", Subject: "person-1", EndSession: p.url + "/logout", Revocation: p.url + "/revoke"}
	if tokens != want || back != "/accounts/acc_01/keys?q=x" {
		t.Errorf("got %+v and %s, want %+v", tokens, back, want)
	}
	if left := time.Until(expires); left < 59*time.Minute || left > time.Hour {
		t.Errorf("the access token ends in %s", left)
	}
	if len(p.tokenCalls) != 1 {
		t.Fatalf("%d calls", len(p.tokenCalls))
	}
	sent := p.tokenCalls[0]
	sum := sha256.Sum256([]byte(sent.Get("code_verifier")))
	if base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") {
		t.Errorf("the verifier %q doesn't fit the challenge %q", sent.Get("code_verifier"), q.Get("code_challenge"))
	}
	sent.Del("code_verifier")
	if want := (url.Values{"grant_type": {"authorization_code"}, "code": {"code-1"}, "client_id": {clientID}, "redirect_uri": {redirect}}); !reflect.DeepEqual(sent, want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
}

func without(name string) func(map[string]any) {
	return func(m map[string]any) { delete(m, name) }
}

func with(name string, value any) func(map[string]any) {
	return func(m map[string]any) { m[name] = value }
}

// TestEveryCheckOfASignInIsMade changes one thing of a sign-in that succeeds, at a time.
func TestEveryCheckOfASignInIsMade(t *testing.T) {
	empty := base64.RawURLEncoding.EncodeToString([]byte(`{"s":"","n":"","v":"v","r":"/"}`))
	for name, c := range map[string]struct {
		change func(*provider)
		query  func(url.Values)
		cookie func(string) string
		calls  int // of the token endpoint
	}{
		"another state":                 {query: func(q url.Values) { q.Set("state", q.Get("state")+"x") }},
		"the state in another case":     {query: func(q url.Values) { q.Set("state", strings.ToLower(q.Get("state"))) }},
		"no state":                      {query: func(q url.Values) { q.Del("state") }},
		"no cookie":                     {cookie: func(string) string { return "" }},
		"a cookie that is no text":      {cookie: func(string) string { return "%%%" }},
		"a cookie that is no JSON":      {cookie: func(string) string { return "AAAA" }},
		"a cookie without state":        {cookie: func(string) string { return empty }, query: func(q url.Values) { q.Del("state") }},
		"the issuer's no":               {query: func(q url.Values) { q.Set("error", "access_denied") }},
		"another nonce":                 {change: func(p *provider) { p.claims = with("nonce", "another") }, calls: 1},
		"no nonce":                      {change: func(p *provider) { p.claims = without("nonce") }, calls: 1},
		"another issuer":                {change: func(p *provider) { p.claims = with("iss", "https://evil.example") }, calls: 1},
		"another audience":              {change: func(p *provider) { p.claims = with("aud", "another-client") }, calls: 1},
		"no audience":                   {change: func(p *provider) { p.claims = without("aud") }, calls: 1},
		"expired":                       {change: func(p *provider) { p.claims = with("exp", now.Unix()-1) }, calls: 1},
		"no expiry":                     {change: func(p *provider) { p.claims = without("exp") }, calls: 1},
		"not valid yet":                 {change: func(p *provider) { p.claims = with("nbf", now.Add(time.Hour).Unix()) }, calls: 1},
		"another access token":          {change: func(p *provider) { p.answer = with("access_token", "access-token-2") }, calls: 1},
		"a hash of another":             {change: func(p *provider) { p.claims = with("at_hash", "AAAAAAAAAAAAAAAAAAAAAA") }, calls: 1},
		"no ID token":                   {change: func(p *provider) { p.answer = without("id_token") }, calls: 1},
		"an ID token that names nobody": {change: func(p *provider) { p.claims = with("sub", "") }, calls: 1},
		"an ID token that is no JWT":    {change: func(p *provider) { p.answer = with("id_token", "x.y.z") }, calls: 1},
		"signed by somebody else":       {change: func(p *provider) { p.sign = func(raw []byte) string { return signed(t, jose.RS256, rsaKey(), raw) } }, calls: 1},
		"signed by another algorithm": {change: func(p *provider) {
			p.claims = without("at_hash") // it would be of another length
			p.sign = func(raw []byte) string { return signed(t, jose.RS512, signingKey(), raw) }
		}, calls: 1},
		"signed by a key of another kind": {change: func(p *provider) {
			key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			p.sign = func(raw []byte) string { return signed(t, jose.ES256, key, raw) }
		}, calls: 1},
		"signed with the client's ID": {change: func(p *provider) {
			p.sign = func(raw []byte) string { return signed(t, jose.HS256, []byte(strings.Repeat(clientID, 4)), raw) }
		}, calls: 1},
		"not signed": {change: func(p *provider) {
			p.sign = func(raw []byte) string {
				return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(raw) + "."
			}
		}, calls: 1},
		"a code that the issuer doesn't know": {change: func(p *provider) { p.status = http.StatusBadRequest }, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			i := p.issuer()
			q, cookie := start(t, i)
			p.nonce = q.Get("nonce")
			answer := url.Values{"state": {q.Get("state")}, "code": {"code-1"}}
			if c.change != nil {
				p.set(c.change)
			}
			if c.query != nil {
				c.query(answer)
			}
			if c.cookie != nil {
				cookie = c.cookie(cookie)
			}
			tokens, _, err := i.Finish(t.Context(), redirect, cookie, answer)
			if !errors.Is(err, signin.ErrRefused) || tokens != (session.Tokens{}) {
				t.Errorf("got %+v, %v", tokens, err)
			}
			if len(p.tokenCalls) != c.calls {
				t.Errorf("%d codes were exchanged, want %d", len(p.tokenCalls), c.calls)
			}
		})
	}
}

// What an issuer may leave out, and the last second of an ID token.
func TestASignInNeedsNoMoreThanTheStandardSays(t *testing.T) {
	for name, change := range map[string]func(*provider){
		"no hash of the access token": func(p *provider) { p.claims = without("at_hash") },
		"several audiences":           func(p *provider) { p.claims = with("aud", []string{"another", clientID}) },
		"the last second":             func(p *provider) { p.claims = with("exp", now.Unix()) },
		"no refresh token":            func(p *provider) { p.answer = without("refresh_token") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			i := p.issuer()
			q, cookie := start(t, i)
			p.nonce = q.Get("nonce")
			p.set(change)
			if _, _, err := i.Finish(t.Context(), redirect, cookie, url.Values{"state": {q.Get("state")}, "code": {"c"}}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheCookieOfASignInHoldsWhatTheBrowserWasSentWith(t *testing.T) {
	p := newProvider(t)
	q, cookie := start(t, p.issuer())
	raw, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		t.Fatal(err)
	}
	var pending signin.Pending
	if err := json.Unmarshal(raw, &pending); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(pending.Verifier))
	if pending.State != q.Get("state") || pending.Nonce != q.Get("nonce") || base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") {
		t.Errorf("%+v for %v", pending, q)
	}
	if pending.State == pending.Nonce || pending.Verifier == pending.State {
		t.Error("one secret serves twice")
	}
}

func TestAnIssuerThatCantAnswerIsNoRefusal(t *testing.T) {
	p := newProvider(t)
	i := p.issuer()
	q, cookie := start(t, i)
	p.nonce = q.Get("nonce")
	answer := url.Values{"state": {q.Get("state")}, "code": {"c"}}
	p.set(func(p *provider) { p.status = http.StatusInternalServerError })
	if _, back, err := i.Finish(t.Context(), redirect, cookie, answer); err == nil || errors.Is(err, signin.ErrRefused) || back == "" {
		t.Errorf("Finish: %v", err)
	}
	if _, err := i.Refresh(t.Context(), session.Tokens{Refresh: "r"}); err == nil || errors.Is(err, signin.ErrRefused) {
		t.Errorf("Refresh: %v", err)
	}
	p.set(func(p *provider) { p.status = 499 })
	if _, err := i.Refresh(t.Context(), session.Tokens{Refresh: "r"}); !errors.Is(err, signin.ErrRefused) {
		t.Errorf("Refresh: %v", err)
	}
}

func TestTheIssuerIsDiscoveredOnceAndAgainAfterAFailure(t *testing.T) {
	p := newProvider(t)
	i := p.issuer()
	p.set(func(p *provider) { p.down = true })
	if _, _, err := i.Start(t.Context(), redirect, "/"); err == nil || errors.Is(err, signin.ErrRefused) {
		t.Fatalf("an issuer that is down: %v", err)
	}
	p.set(func(p *provider) { p.down = false })
	// The first request ends before the key set is fetched.
	ctx, cancel := context.WithCancel(t.Context())
	if _, _, err := i.Start(ctx, redirect, "/"); err != nil {
		t.Fatal(err)
	}
	cancel()
	q, cookie := start(t, i)
	p.nonce = q.Get("nonce")
	if _, _, err := i.Finish(t.Context(), redirect, cookie, url.Values{"state": {q.Get("state")}, "code": {"c"}}); err != nil {
		t.Error(err)
	}
	if p.discovered != 1 {
		t.Errorf("it was discovered %d times", p.discovered)
	}
}

func TestAnIssuerOfAnotherNameIsNotTaken(t *testing.T) {
	p := newProvider(t)
	i := p.issuer(func(c *signin.Config) { c.Issuer = strings.Replace(p.url, "127.0.0.1", "localhost", 1) })
	if _, _, err := i.Start(t.Context(), redirect, "/"); err == nil {
		t.Error("it was taken")
	}
}

func TestARefreshKeepsWhatTheIssuerDoesntReplace(t *testing.T) {
	old := session.Tokens{
		Access: "old", Refresh: "refresh-0", Expires: now, Subject: "person-1", EndSession: "https://issuer.example/out", Revocation: "https://issuer.example/revoke",
	}
	for name, c := range map[string]struct {
		change  func(*provider)
		refresh string
	}{
		"a new refresh token": {func(*provider) {}, "refresh-token-1"},
		"the old one stays":   {func(p *provider) { p.answer = without("refresh_token") }, "refresh-0"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.set(c.change)
			got, err := p.issuer().Refresh(t.Context(), old)
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(got.Expires); left < 59*time.Minute || left > time.Hour {
				t.Errorf("the access token ends in %s", left)
			}
			want := old
			want.Access, want.Refresh, want.Expires = access, c.refresh, got.Expires
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if want := (url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"refresh-0"}, "client_id": {clientID}}); !reflect.DeepEqual(p.tokenCalls[0], want) {
				t.Errorf("sent %v, want %v", p.tokenCalls[0], want)
			}
		})
	}
	p := newProvider(t)
	if _, err := p.issuer().Refresh(t.Context(), session.Tokens{Access: "old"}); !errors.Is(err, signin.ErrRefused) || len(p.tokenCalls) > 0 {
		t.Errorf("without a refresh token: %v, %d calls", err, len(p.tokenCalls))
	}
}

func TestSigningOutRevokesTheRefreshToken(t *testing.T) {
	p := newProvider(t)
	i := p.issuer()
	if err := i.Revoke(t.Context(), session.Tokens{Refresh: "r", Revocation: p.url + "/revoke"}); err != nil {
		t.Fatal(err)
	}
	want := url.Values{"token": {"r"}, "token_type_hint": {"refresh_token"}, "client_id": {clientID}}
	if len(p.revoked) != 1 || !reflect.DeepEqual(p.revoked[0], want) {
		t.Errorf("sent %v, want %v", p.revoked, want)
	}
	for _, nothing := range []session.Tokens{{Refresh: "r"}, {Revocation: p.url + "/revoke"}} {
		if err := i.Revoke(t.Context(), nothing); err != nil || len(p.revoked) != 1 {
			t.Errorf("%+v: %v, %v", nothing, p.revoked, err)
		}
	}
	if err := i.Revoke(t.Context(), session.Tokens{Refresh: "r", Revocation: "http://127.0.0.1:1/"}); err == nil {
		t.Error("nobody hears that it failed")
	}
}

func TestTheIssuersOwnSessionEndsWithoutAToken(t *testing.T) {
	i := signin.New(signin.Config{ClientID: clientID})
	got := i.EndSession(session.Tokens{Access: "a", Refresh: "r", EndSession: "https://issuer.example/out"}, "https://console.example/prod/")
	want := "https://issuer.example/out?client_id=console-client&logout_uri=https%3A%2F%2Fconsole.example%2Fprod%2F&post_logout_redirect_uri=https%3A%2F%2Fconsole.example%2Fprod%2F"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := i.EndSession(session.Tokens{}, "https://console.example/"); got != "https://console.example/" {
		t.Errorf("an issuer that can't: %s", got)
	}
}
