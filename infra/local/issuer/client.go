package issuer

import (
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// grant is a person's permission to a client, from which tokens are made (op.TokenRequest, op.IDTokenRequest,
// op.RefreshTokenRequest).
type grant struct {
	person   Person
	clientID string
	scopes   []string
	authTime time.Time
	family   string // of refresh tokens that came of one sign-in
}

func (g *grant) GetSubject() string               { return g.person.Subject }
func (g *grant) GetAudience() []string            { return []string{g.clientID} }
func (g *grant) GetScopes() []string              { return g.scopes }
func (g *grant) GetAMR() []string                 { return nil }
func (g *grant) GetAuthTime() time.Time           { return g.authTime }
func (g *grant) GetClientID() string              { return g.clientID }
func (g *grant) SetCurrentScopes(scopes []string) { g.scopes = scopes }

// authRequest is a sign-in on its way (op.AuthRequest).
type authRequest struct {
	grant
	id   string
	in   oidc.AuthRequest
	done bool
}

func (a *authRequest) copy() *authRequest                 { c := *a; return &c }
func (a *authRequest) GetID() string                      { return a.id }
func (a *authRequest) GetACR() string                     { return "" }
func (a *authRequest) GetNonce() string                   { return a.in.Nonce }
func (a *authRequest) GetRedirectURI() string             { return a.in.RedirectURI }
func (a *authRequest) GetResponseType() oidc.ResponseType { return a.in.ResponseType }
func (a *authRequest) GetResponseMode() oidc.ResponseMode { return a.in.ResponseMode }
func (a *authRequest) GetState() string                   { return a.in.State }
func (a *authRequest) Done() bool                         { return a.done }
func (a *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: a.in.CodeChallenge, Method: a.in.CodeChallengeMethod}
}

// client is the one public client. redirect is where this request wants to be sent: it counts as registered
// if Config lets codes go there.
type client struct {
	cfg      *Config
	store    *store
	redirect string
}

func (c *client) RedirectURIs() []string {
	if c.cfg.mayRedirect(c.redirect) {
		return []string{c.redirect}
	}
	return nil
}

// LoginURL sends a browser to the sign-in page, or straight back if prompt=none has found a session.
func (c *client) LoginURL(id string) string {
	q := "?" + url.Values{"id": {id}}.Encode()
	if req, err := c.store.request(id); err == nil && req.done {
		return callbackPath + q
	}
	return loginPath + q
}

func (c *client) GetID() string                       { return c.cfg.ClientID }
func (c *client) PostLogoutRedirectURIs() []string    { return c.RedirectURIs() }
func (c *client) ApplicationType() op.ApplicationType { return op.ApplicationTypeNative }
func (c *client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodNone }
func (c *client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c *client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}
func (c *client) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeJWT }
func (c *client) IDTokenLifetime() time.Duration       { return c.cfg.AccessTTL }
func (c *client) DevMode() bool                        { return false }
func (c *client) IsScopeAllowed(string) bool           { return false }
func (c *client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c *client) ClockSkew() time.Duration             { return 0 }

func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}

func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}
