// Package bearer verifies OpenID Connect bearer tokens: one issuer, one algorithm, one client.
package bearer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
)

// Config names the issuer and client whose tokens are accepted.
type Config struct {
	Issuer    string // https, or http on a loopback address
	ClientID  string // what `aud`, or Cognito's `client_id`, must name
	Algorithm string // the one allowed; "" is RS256
	Client    *http.Client
	Now       func() time.Time
}

// Verifier checks tokens. It finds the issuer's keys at the first token and keeps them.
type Verifier struct {
	config Config

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
}

var (
	errIssuer    = errors.New("bearer: the issuer must be an https URL, or http on a loopback address")
	errClient    = errors.New("bearer: a client ID is required")
	errAlgorithm = errors.New("bearer: the algorithm isn't an asymmetric signature")
)

var algorithms = map[string]bool{
	oidc.RS256: true, oidc.RS384: true, oidc.RS512: true, oidc.PS256: true, oidc.PS384: true, oidc.PS512: true,
	oidc.ES256: true, oidc.ES384: true, oidc.ES512: true, oidc.EdDSA: true,
}

// New checks the configuration. It calls nobody.
func New(c Config) (*Verifier, error) {
	if c.Algorithm == "" {
		c.Algorithm = oidc.RS256
	}
	u, err := url.Parse(c.Issuer)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, errIssuer
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, errIssuer
	case c.ClientID == "":
		return nil, errClient
	case !algorithms[c.Algorithm]:
		return nil, errAlgorithm
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: 3 * time.Second}
	}
	return &Verifier{config: c}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// claims are those that matter here. The address counts only when the issuer says that it is verified.
type claims struct {
	ClientID string    `json:"client_id"`
	Use      *string   `json:"token_use"`
	Email    string    `json:"email"`
	Verified verified  `json:"email_verified"`
	Name     string    `json:"name"`
	Type     string    `json:"typ"`
	Expiry   *jsonZero `json:"exp"`
}

// verified is true for true and for Cognito's "true".
type verified bool

func (v *verified) UnmarshalJSON(raw []byte) error {
	*v = string(raw) == "true" || string(raw) == `"true"`
	return nil
}

// jsonZero only notes that a claim is there.
type jsonZero struct{}

func (*jsonZero) UnmarshalJSON([]byte) error { return nil }

// Verify checks a token and says who it speaks for. The error is gateway.ErrToken for a token that isn't valid, and
// another where the issuer's keys can't be had.
func (v *Verifier) Verify(ctx context.Context, token string) (account.Person, error) {
	verifier, err := v.ready(ctx)
	if err != nil {
		return account.Person{}, err
	}
	var broken error // go-oidc flattens the errors of key sets, so a breakdown comes back beside it
	checked, err := verifier.Verify(context.WithValue(ctx, brokenKey{}, &broken), token)
	if broken != nil {
		return account.Person{}, broken
	}
	if err != nil {
		return account.Person{}, fmt.Errorf("%w: %s", gateway.ErrToken, reason(err))
	}
	var c claims
	if err := checked.Claims(&c); err != nil {
		return account.Person{}, fmt.Errorf("%w: claims", gateway.ErrToken)
	}
	if why := v.audience(checked, c); why != "" {
		return account.Person{}, fmt.Errorf("%w: %s", gateway.ErrToken, why)
	}
	p := account.Person{Subject: account.Subject{Issuer: v.config.Issuer, ID: checked.Subject}, Name: printable(c.Name)}
	if c.Verified && len(c.Email) <= maxEmail {
		p.Email = printable(c.Email)
	}
	return p, nil
}

type brokenKey struct{}

const (
	maxSubject = 255
	maxEmail   = 254
)

// audience says why a token is not meant for this API, "" if it is.
func (v *Verifier) audience(t *oidc.IDToken, c claims) string {
	forClient := false
	for _, aud := range t.Audience {
		forClient = forClient || aud == v.config.ClientID
	}
	access := c.Use != nil && *c.Use == "access"
	switch {
	case c.Use != nil && !access:
		return "token_use"
	case len(t.Audience) > 0 && !forClient:
		return "audience"
	case len(t.Audience) == 0 && (!access || c.ClientID != v.config.ClientID):
		return "client_id"
	case c.Expiry == nil:
		return "no expiry"
	case t.Subject == "" || len(t.Subject) > maxSubject || printable(t.Subject) != t.Subject:
		return "subject"
	default:
		return ""
	}
}

// reason names the kind of an error without quoting the token.
func reason(err error) string {
	var expired *oidc.TokenExpiredError
	if errors.As(err, &expired) {
		return "expired"
	}
	return "signature, form or issuer"
}

// printable is the text, or "" if it holds control characters.
func printable(text string) string {
	for _, r := range text {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ""
		}
	}
	return text
}

// ready finds the issuer's keys, once.
func (v *Verifier) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verifier != nil {
		return v.verifier, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, v.config.Client), v.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("bearer: asking the issuer: %w", err)
	}
	var found struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&found); err != nil {
		return nil, fmt.Errorf("bearer: asking the issuer: %w", err)
	}
	set := &keySet{url: found.Keys, client: v.config.Client, algorithm: v.config.Algorithm, now: v.config.Now}
	v.verifier = oidc.NewVerifier(v.config.Issuer, set, &oidc.Config{
		SkipClientIDCheck: true, SupportedSigningAlgs: []string{v.config.Algorithm}, Now: v.config.Now,
	})
	return v.verifier, nil
}
