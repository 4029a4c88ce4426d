// Package signin signs people in by OpenID Connect: the code flow with PKCE, state and nonce. The browser never sees a
// token; what must survive the way to the issuer and back is kept in a short-lived cookie.
package signin

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"latchkey/functions/console/internal/session"
	"latchkey/functions/internal/openid"
)

// Config names the issuer and the client.
type Config struct {
	Issuer, ClientID string
	Store            string // the endpoint of DynamoDB; "" is AWS's
	Algorithm        string // the one that ID tokens may be signed with
	HTTP             *http.Client
	Now              func() time.Time
}

// Issuer is an OpenID provider. It is discovered when it is first needed, so a cold start doesn't wait for it.
type Issuer struct {
	config Config

	mu    sync.Mutex
	found *discovered
}

type discovered struct {
	provider *oidc.Provider
	issuer   *openid.Issuer
	scopes   []string
	Scopes   []string `json:"scopes_supported"`
	End      string   `json:"end_session_endpoint"`
	Revoke   string   `json:"revocation_endpoint"`
}

// New makes an issuer.
func New(c Config) *Issuer {
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: 8 * time.Second}
	}
	c.HTTP = openid.Strict(c.HTTP)
	return &Issuer{config: c}
}

var (
	// ErrRefused means that a sign-in can't be completed and has to start again. Other errors are breakdowns.
	ErrRefused = errors.New("signin: the sign-in was refused")
	// ErrGrant is the ErrRefused of a refresh token that the issuer doesn't take: it ended, was revoked, or was used before.
	ErrGrant = fmt.Errorf("%w: the refresh token is not valid", ErrRefused)
)

// Unavailable is the error of an issuer that can't answer now and may answer later.
type Unavailable struct {
	RetryAfter time.Duration // how long it asked to be left alone, 0 if it didn't say
	err        error
}

// NewUnavailable makes the error of a caller that doesn't ask the issuer before some time is over, and why.
func NewUnavailable(after time.Duration, why error) *Unavailable {
	return &Unavailable{RetryAfter: after, err: why}
}

func (u *Unavailable) Error() string { return "signin: the issuer can't answer: " + u.err.Error() }

// Unwrap returns the cause.
func (u *Unavailable) Unwrap() error { return u.err }

func (i *Issuer) discover(ctx context.Context) (*discovered, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.found != nil {
		return i.found, nil
	}
	c := i.config
	// The provider keeps the context, so it must outlive the request.
	issuer, err := openid.Discover(context.WithoutCancel(ctx),
		openid.Config{Issuer: c.Issuer, Store: c.Store, Algorithm: c.Algorithm, Client: c.HTTP, Now: c.Now})
	if err != nil {
		return nil, &Unavailable{err: err}
	}
	d := &discovered{provider: issuer.Provider, issuer: issuer, scopes: []string{oidc.ScopeOpenID, "email", "profile"}}
	if err := issuer.Provider.Claims(d); err != nil {
		return nil, fmt.Errorf("signin: discovery: %w", err)
	}
	if slices.Contains(d.Scopes, oidc.ScopeOfflineAccess) {
		d.scopes = append(d.scopes, oidc.ScopeOfflineAccess) // Cognito gives refresh tokens without it, and refuses it
	}
	i.found = d
	return d, nil
}

func (i *Issuer) oauth(d *discovered, redirect string) *oauth2.Config {
	endpoint := d.provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // a client without a secret: trying Basic first would send each code twice
	return &oauth2.Config{ClientID: i.config.ClientID, Endpoint: endpoint, RedirectURL: redirect, Scopes: d.scopes}
}

// Pending is a sign-in on its way, as the cookie keeps it.
type Pending struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Return   string `json:"r"` // a path of the console
	Begun    int64  `json:"t"` // Unix milliseconds
}

// ReadPending reads a cookie that Start made. Anybody can write one: it proves nothing.
func ReadPending(cookie string) (p Pending, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || json.Unmarshal(raw, &p) != nil || p.State == "" {
		return Pending{}, false
	}
	return p, true
}

// LongestPending bounds the bytes of what a sign-in's cookie holds.
const LongestPending = 1100

// pack is the value of a cookie that ReadPending reads.
func (p Pending) pack() (string, error) {
	var raw bytes.Buffer
	e := json.NewEncoder(&raw)
	e.SetEscapeHTML(false) // which would make six bytes of each "&" of a query
	if err := e.Encode(p); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(bytes.TrimSpace(raw.Bytes())), nil
}

// Start begins a sign-in: where to send the browser, and what its cookie holds. A path to return to for which that has no room is left out.
func (i *Issuer) Start(ctx context.Context, redirect, back string) (to, cookie string, err error) {
	d, err := i.discover(ctx)
	if err != nil {
		return "", "", err
	}
	p := Pending{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Return: back, Begun: i.config.Now().UnixMilli()}
	if cookie, err = p.pack(); err == nil && len(cookie) > LongestPending {
		p.Return = "/"
		cookie, err = p.pack()
	}
	to = i.oauth(d, redirect).AuthCodeURL(p.State, oidc.Nonce(p.Nonce), oauth2.S256ChallengeOption(p.Verifier))
	return to, cookie, err
}

// Finish takes the issuer's answer. ErrRefused if it doesn't belong to the cookie, or the issuer said no.
func (i *Issuer) Finish(ctx context.Context, redirect, cookie string, answer url.Values) (session.Tokens, string, error) {
	var none session.Tokens
	p, ok := ReadPending(cookie)
	if !ok || subtle.ConstantTimeCompare([]byte(p.State), []byte(answer.Get("state"))) != 1 {
		return none, "", fmt.Errorf("%w: the state doesn't match", ErrRefused)
	}
	if code := answer.Get("error"); code != "" {
		return none, p.Return, fmt.Errorf("%w: the issuer refused", ErrRefused)
	}
	d, err := i.discover(ctx)
	if err != nil {
		return none, p.Return, err
	}
	token, err := i.oauth(d, redirect).Exchange(i.client(ctx), answer.Get("code"), oauth2.VerifierOption(p.Verifier))
	if err != nil {
		return none, p.Return, i.refusedOr(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := d.issuer.Verify(ctx, raw)
	if err != nil && !errors.Is(err, openid.ErrToken) {
		return none, p.Return, &Unavailable{err: fmt.Errorf("its keys: %w", err)}
	}
	if err != nil || !i.isID(id) {
		return none, p.Return, fmt.Errorf("%w: the ID token is not valid", ErrRefused)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(p.Nonce)) != 1 {
		return none, p.Return, fmt.Errorf("%w: the nonce doesn't match", ErrRefused)
	}
	if id.Has("at_hash") && !id.Binds(token.AccessToken) {
		return none, p.Return, fmt.Errorf("%w: the access token doesn't belong to the ID token", ErrRefused)
	}
	return session.Tokens{
		Access: token.AccessToken, Refresh: token.RefreshToken, Expires: token.Expiry, Subject: id.Subject,
		EndSession: d.End, Revocation: d.Revoke,
	}, p.Return, nil
}

// isID reports whether a token is an ID token for this client (OpenID Connect Core, section 3.1.3.7).
func (i *Issuer) isID(c openid.Claims) bool {
	use, okUse := c.Text("token_use")
	kind, okKind := c.Text("typ")
	party, okParty := c.Text("azp")
	header := strings.TrimPrefix(strings.ToLower(c.Type), "application/")
	switch {
	case header != "" && header != "jwt", !okUse, !okKind, !okParty:
		return false
	case c.Has("token_use") && use != "id", c.Has("typ") && !strings.EqualFold(kind, "ID"), c.Has("events"):
		return false
	case !slices.Contains(c.Audience, i.config.ClientID):
		return false
	default:
		return c.Subject != "" && (!c.Has("azp") || party == i.config.ClientID)
	}
}

// Refresh gets a new access token. ErrGrant if the issuer doesn't take the refresh token, ErrRefused if it can't be had
// for another reason that stays, Unavailable if it may be had later.
func (i *Issuer) Refresh(ctx context.Context, t session.Tokens) (session.Tokens, error) {
	if t.Refresh == "" {
		return t, fmt.Errorf("%w: there is no refresh token", ErrRefused)
	}
	d, err := i.discover(ctx)
	if err != nil {
		return t, err
	}
	token, err := i.oauth(d, "").TokenSource(i.client(ctx), &oauth2.Token{RefreshToken: t.Refresh}).Token()
	if err != nil {
		var no *oauth2.RetrieveError
		refused := i.refusedOr(err)
		if errors.Is(refused, ErrRefused) && errors.As(err, &no) && no.ErrorCode == "invalid_grant" {
			return t, ErrGrant
		}
		return t, refused
	}
	t.Access, t.Expires = token.AccessToken, token.Expiry
	if token.RefreshToken != "" {
		t.Refresh = token.RefreshToken
	}
	return t, nil
}

// Revoke makes the refresh token worthless, if the issuer offers that. A failure is no reason not to sign out.
func (i *Issuer) Revoke(ctx context.Context, t session.Tokens) error {
	if t.Revocation == "" || t.Refresh == "" {
		return nil
	}
	form := url.Values{"token": {t.Refresh}, "token_type_hint": {"refresh_token"}, "client_id": {i.config.ClientID}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.Revocation, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := i.config.HTTP.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// EndSession returns the issuer's sign-out URL, which ends its session and sends the browser back. The URL holds no
// token, since it ends up in the browser's history.
func (i *Issuer) EndSession(t session.Tokens, back string) string {
	if t.EndSession == "" {
		return back
	}
	q := url.Values{"client_id": {i.config.ClientID}, "post_logout_redirect_uri": {back}, "logout_uri": {back}} // the last is Cognito's
	return t.EndSession + "?" + q.Encode()
}

func (i *Issuer) client(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, i.config.HTTP)
}

// passing are the answers below 500 that say nothing about what was asked: too slow, too many, or something before the
// issuer (a firewall) that doesn't let the call through.
var passing = []int{http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}

// refusedOr tells an issuer's no from an issuer that can't answer.
func (i *Issuer) refusedOr(err error) error {
	var no *oauth2.RetrieveError
	if !errors.As(err, &no) || no.Response == nil {
		return &Unavailable{err: err}
	}
	if code := no.Response.StatusCode; code >= http.StatusInternalServerError || slices.Contains(passing, code) {
		return &Unavailable{RetryAfter: retryAfter(no.Response.Header.Get("Retry-After"), i.config.Now()), err: fmt.Errorf("status %d", code)}
	}
	return fmt.Errorf("%w: %s", ErrRefused, no.ErrorCode)
}

// retryAfter reads the header in both of its forms; 0 for anything else.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return max(0, time.Duration(min(seconds, 1<<20))*time.Second)
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
