package issuer

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// signInTime is the lifetime of a started sign-in and of its code.
const signInTime = 10 * time.Minute

var errUnknown = errors.New("unknown or expired")

// expiring is a value with an end.
type expiring[T any] struct {
	value T
	until time.Time
}

// shelf holds values under random names until they expire. The store's mutex guards it.
type shelf[T any] map[string]expiring[T]

func (s shelf[T]) put(name string, v T, until time.Time) {
	now := time.Now()
	for k, e := range s { // everything here is small and short-lived: sweep when something is added
		if !now.Before(e.until) {
			delete(s, k)
		}
	}
	s[name] = expiring[T]{v, until}
}

func (s shelf[T]) get(name string) (T, bool) {
	e, ok := s[name]
	if !ok || !time.Now().Before(e.until) {
		var none T
		return none, false
	}
	return e.value, true
}

// session is a browser that has signed in.
type session struct {
	person   Person
	authTime time.Time
}

// store is the smallest op.Storage: one client, one key, no passwords.
type store struct {
	cfg Config
	key *signingKey

	mu       sync.Mutex
	requests shelf[*authRequest] // by ID
	codes    shelf[string]       // code -> request ID
	access   shelf[Person]       // by token ID, for /userinfo
	refresh  shelf[*grant]       // by refresh token
	used     shelf[string]       // refresh token that was good once -> its family
	sessions shelf[session]      // by cookie
}

func newStore(cfg Config, key *signingKey) *store {
	return &store{
		cfg: cfg, key: key,
		requests: shelf[*authRequest]{}, codes: shelf[string]{}, access: shelf[Person]{},
		refresh: shelf[*grant]{}, used: shelf[string]{}, sessions: shelf[session]{},
	}
}

func (s *store) CreateAuthRequest(ctx context.Context, in *oidc.AuthRequest, hinted string) (op.AuthRequest, error) {
	if in.CodeChallenge == "" || in.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE is required: code_challenge with code_challenge_method=S256")
	}
	req := &authRequest{
		grant: grant{clientID: in.ClientID, scopes: in.Scopes},
		id:    rand.Text(), in: *in,
	}
	if slices.Contains(in.Prompt, oidc.PromptNone) {
		found, ok := sessionFrom(ctx)
		tooOld := ok && in.MaxAge != nil && time.Since(found.authTime) > time.Duration(*in.MaxAge)*time.Second
		if !ok || tooOld || (hinted != "" && hinted != found.person.Subject) {
			return nil, oidc.ErrLoginRequired()
		}
		req.person, req.authTime, req.done = found.person, found.authTime, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests.put(req.id, req, time.Now().Add(signInTime))
	return req.copy(), nil
}

// signIn finishes the request as a person and returns the new session's cookie value.
func (s *store) signIn(id string, p Person) (cookie string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	req, ok := s.requests.get(id)
	if !ok {
		return "", errUnknown
	}
	req.person, req.authTime, req.done = p, time.Now(), true
	cookie = rand.Text()
	s.sessions.put(cookie, session{p, req.authTime}, time.Now().Add(s.cfg.RefreshTTL))
	return cookie, nil
}

func (s *store) session(cookie string) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions.get(cookie)
}

func (s *store) endSession(cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, cookie)
}

func (s *store) request(id string) (*authRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	req, ok := s.requests.get(id)
	if !ok {
		return nil, errUnknown
	}
	return req.copy(), nil
}

func (s *store) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	req, err := s.request(id)
	if err != nil {
		return nil, oidc.ErrInvalidRequest().WithDescription("this sign-in is unknown or has expired: start again").WithParent(err)
	}
	return req, nil
}

// AuthRequestByCode burns the code: it works once, even if what follows fails.
func (s *store) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id, ok := s.codes.get(code)
	delete(s.codes, code)
	s.mu.Unlock()
	if !ok {
		return nil, errUnknown
	}
	return s.AuthRequestByID(ctx, id)
}

func (s *store) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes.put(code, id, time.Now().Add(signInTime))
	return nil
}

func (s *store) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	return nil
}

func grantOf(r op.TokenRequest) (*grant, error) {
	switch r := r.(type) {
	case *authRequest:
		return &r.grant, nil
	case *grant:
		return r, nil
	}
	return nil, oidc.ErrUnsupportedGrantType()
}

func (s *store) remember(g *grant, until time.Time) (string, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := rand.Text()
	s.access.put(id, g.person, until)
	return id, until
}

func (s *store) CreateAccessToken(_ context.Context, r op.TokenRequest) (string, time.Time, error) {
	g, err := grantOf(r)
	if err != nil {
		return "", time.Time{}, err
	}
	id, until := s.remember(g, time.Now().Add(s.cfg.AccessTTL))
	return id, until, nil
}

// CreateAccessAndRefreshTokens keeps a refresh token as it is when it is used, as Cognito does by default: two requests of
// one session that refresh at the same time, or a lost answer, then do no harm. With RefreshOnce it is replaced.
func (s *store) CreateAccessAndRefreshTokens(_ context.Context, r op.TokenRequest, current string) (string, string, time.Time, error) {
	g, err := grantOf(r)
	if err != nil {
		return "", "", time.Time{}, err
	}
	id, until := s.remember(g, time.Now().Add(s.cfg.AccessTTL))
	if current != "" && !s.cfg.RefreshOnce {
		return id, current, until, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := *g
	if current == "" {
		kept.family = rand.Text()
	} else if !s.use(current) { // another request came first
		return "", "", time.Time{}, oidc.ErrInvalidGrant()
	}
	token := rand.Text() + rand.Text()
	s.refresh.put(token, &kept, time.Now().Add(s.cfg.RefreshTTL))
	return id, token, until, nil
}

// use takes a refresh token out and remembers it. The mutex is held.
func (s *store) use(token string) bool {
	g, ok := s.refresh.get(token)
	if ok {
		delete(s.refresh, token)
		s.used.put(token, g.family, time.Now().Add(s.cfg.RefreshTTL))
	}
	return ok
}

// TokenRequestByRefreshToken finds what a refresh token is for. One that was used before ends all that came of it, as the
// standard for OAuth's security (RFC 9700, section 4.14.2) advises.
func (s *store) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if family, used := s.used.get(token); used {
		for k, e := range s.refresh {
			if e.value.family == family {
				delete(s.refresh, k)
			}
		}
		return nil, op.ErrInvalidRefreshToken
	}
	g, ok := s.refresh.get(token)
	if !ok {
		return nil, op.ErrInvalidRefreshToken
	}
	c := *g
	return &c, nil
}

// TerminateSession signs a person out everywhere: their sessions and refresh tokens end.
func (s *store) TerminateSession(_ context.Context, subject, clientID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, e := range s.sessions {
		if e.value.person.Subject == subject {
			delete(s.sessions, k)
		}
	}
	for k, e := range s.refresh {
		if e.value.person.Subject == subject && e.value.clientID == clientID {
			delete(s.refresh, k)
		}
	}
	return nil
}

func (s *store) RevokeToken(_ context.Context, token, _, _ string) *oidc.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.refresh, token)
	delete(s.access, token)
	return nil
}

func (s *store) GetRefreshTokenInfo(_ context.Context, _, token string) (string, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.refresh.get(token)
	if !ok {
		return "", "", op.ErrInvalidRefreshToken
	}
	return g.person.Subject, token, nil
}

func (s *store) SigningKey(context.Context) (op.SigningKey, error) { return s.key, nil }
func (s *store) KeySet(context.Context) ([]op.Key, error)          { return []op.Key{publicKey{s.key}}, nil }

func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s *store) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	if subtle.ConstantTimeCompare([]byte(id), []byte(s.cfg.ClientID)) != 1 {
		return nil, oidc.ErrInvalidClient().WithDescription("unknown client_id")
	}
	return &client{cfg: &s.cfg, store: s, redirect: redirectFrom(ctx)}, nil
}

func (s *store) AuthorizeClientIDSecret(context.Context, string, string) error {
	return oidc.ErrInvalidClient().WithDescription("this client is public and has no secret")
}

func (s *store) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil // SetUserinfoFromRequest does it
}

func (s *store) SetUserinfoFromRequest(_ context.Context, u *oidc.UserInfo, r op.IDTokenRequest, _ []string) error {
	g, err := grantOf(r)
	if err != nil {
		return err
	}
	setUserinfo(u, g.person)
	u.AppendClaims("token_use", "id")
	return nil
}

func (s *store) SetUserinfoFromToken(_ context.Context, u *oidc.UserInfo, tokenID, _, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.access.get(tokenID)
	if !ok {
		return errUnknown
	}
	setUserinfo(u, p)
	return nil
}

func setUserinfo(u *oidc.UserInfo, p Person) {
	u.Subject, u.Name = p.Subject, p.Name
	if p.Email != "" {
		u.Email, u.EmailVerified = p.Email, true
	}
}

// GetPrivateClaimsFromRequest adds what Cognito puts into access tokens (token_use, username): nothing else about the person but
// what Config.AccessClaims adds.
func (s *store) GetPrivateClaimsFromRequest(ctx context.Context, r op.TokenRequest, _ []string) (map[string]any, error) {
	g, err := grantOf(r)
	if err != nil {
		return nil, err
	}
	added := map[string]any{}
	if s.cfg.AccessClaims != nil {
		more, err := s.cfg.AccessClaims(ctx, g.person)
		if err != nil {
			return nil, err
		}
		maps.Copy(added, more)
	}
	added["token_use"], added["username"] = "access", g.person.Subject
	return added, nil
}

func (s *store) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil // GetPrivateClaimsFromRequest does it
}

func (s *store) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errUnknown // not offered
}

func (s *store) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnknown // no client signs anything
}

func (s *store) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, oidc.ErrUnsupportedGrantType()
}

func (s *store) Health(context.Context) error { return nil }
