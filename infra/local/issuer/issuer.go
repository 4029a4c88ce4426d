// Package issuer is an OpenID provider for a developer's own machine. It stands in for Cognito: its access tokens
// carry client_id and token_use, it signs with RS256 alone, and it asks for no password, so it answers nobody
// but loopback: it refuses to listen elsewhere and refuses requests whose Host is not a loopback name.
//
// Sign-in page: GET /login lists the ready-made people as plain buttons (no JavaScript) and has a form for anybody else.
// It is shown on every sign-in, also with a session; only prompt=none answers from the existing session.
// Signed-in people, codes and refresh tokens are kept in memory; the signing key is kept in a file, so that tokens that
// were minted before a restart stay good (if the issuer's URL, port included, stays the same).
package issuer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Person is somebody who can sign in. The e-mail is given out as verified.
type Person struct {
	Subject string // the token's sub; 1 to 128 printable characters
	Email   string
	Name    string
	Note    string // one line under the button, never in a token
}

// ReadyMade returns the people that the sign-in page offers when Config names none.
func ReadyMade() []Person {
	return []Person{
		{"owner", "owner@example.com", "Olive Owner", "Owner of the demo account (self-serve)"},
		{"developer", "developer@example.com", "Devi Developer", "Developer in the demo account"},
		{"viewer", "viewer@example.com", "Vic Viewer", "Viewer in the demo account"},
		{"enterprise_owner", "enterprise_owner@example.com", "Enzo Enterprise", "Owner of the enterprise account"},
		{"operator", "operator@example.com", "Opal Operator", "Operator: works for the API company, and decides"},
		{"support", "support@example.com", "Sana Support", "Operator of the rank support: looks, but decides nothing"},
	}
}

// Config configures an issuer.
type Config struct {
	Issuer   string       // the issuer's URL, http://127.0.0.1:port or that of host.docker.internal, without a slash at the end; required
	ClientID string       // the only client; required
	KeyFile  string       // signing key, PKCS #8 PEM, created with mode 0600 if missing; required
	People   []Person     // nil means ReadyMade
	Logger   *slog.Logger // nil means silence

	// RedirectPrefixes narrows where codes (and signed-out browsers) may be sent. Empty means any loopback URL.
	// What is no loopback URL is refused in any case.
	RedirectPrefixes []string

	AccessTTL  time.Duration // life of access and ID tokens from a sign-in; 0 means 1 h
	RefreshTTL time.Duration // life of a refresh token; 0 means 12 h

	// AccessClaims gives what a user pool's pre token generation trigger adds to somebody's access token, at each sign-in and
	// renewal; nil adds nothing. Without it access tokens have neither address nor name, as Cognito's.
	AccessClaims func(context.Context, Person) (map[string]any, error)

	// RefreshOnce replaces a refresh token whenever it is used. Each is good once, as at many issuers: the second use is
	// refused with invalid_grant and ends the tokens that came of it.
	RefreshOnce bool
}

// Issuer is the provider. It is an http.Handler, safe for concurrent use.
type Issuer struct {
	cfg     Config
	store   *store
	handler http.Handler
	faults  faults
}

// New reads or creates the signing key and returns an issuer. It fails if the issuer's URL is not a loopback URL.
func New(cfg Config) (*Issuer, error) {
	if err := checkConfig(&cfg); err != nil {
		return nil, err
	}
	key, err := loadKey(cfg.KeyFile)
	if err != nil {
		return nil, err
	}
	i := &Issuer{cfg: cfg, store: newStore(cfg, key)}
	provider, err := newProvider(cfg, i.store)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	i.handler = loopbackOnly(cfg.Issuer, i.routes(provider))
	return i, nil
}

func checkConfig(cfg *Config) error {
	u, err := url.Parse(cfg.Issuer)
	if err != nil || (!loopbackURL(u) && u.Hostname() != containerHost) || u.Path != "" || u.RawQuery != "" {
		return fmt.Errorf("issuer: %q is not a loopback origin such as http://127.0.0.1:8089", cfg.Issuer)
	}
	if cfg.ClientID == "" || cfg.KeyFile == "" {
		return errors.New("issuer: ClientID and KeyFile are required")
	}
	if cfg.People == nil {
		cfg.People = ReadyMade()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.AccessTTL == 0 {
		cfg.AccessTTL = time.Hour
	}
	if cfg.RefreshTTL == 0 {
		cfg.RefreshTTL = 12 * time.Hour
	}
	return nil
}

func newProvider(cfg Config, s *store) (*op.Provider, error) {
	config := &op.Config{
		CodeMethodS256: true, GrantTypeRefreshToken: true,
		DefaultLogoutRedirectURI: signedOutPath,
		SupportedScopes:          []string{oidc.ScopeOpenID, oidc.ScopeEmail, oidc.ScopeProfile, oidc.ScopeOfflineAccess},
	}
	// The key only encrypts codes, which die with the process.
	if _, err := io.ReadFull(rand.Reader, config.CryptoKey[:]); err != nil {
		return nil, err
	}
	return op.NewProvider(config, s, op.StaticIssuer(cfg.Issuer),
		op.WithAllowInsecure(), op.WithCORSOptions(nil), op.WithLogger(cfg.Logger))
}

// ServeHTTP answers the provider's endpoints and the sign-in page.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) { i.handler.ServeHTTP(w, r) }

// Mint returns an access token of a person, valid for ttl, exactly as a sign-in with all scopes would give it.
func (i *Issuer) Mint(p Person, ttl time.Duration) (string, error) {
	if err := p.check(); err != nil {
		return "", err
	}
	if ttl <= 0 {
		return "", errors.New("issuer: a token needs a life above zero")
	}
	ctx := op.ContextWithIssuer(context.Background(), i.cfg.Issuer)
	g := &grant{person: p, clientID: i.cfg.ClientID, scopes: []string{oidc.ScopeOpenID, oidc.ScopeEmail, oidc.ScopeProfile}}
	id, _ := i.store.remember(g, time.Now().Add(ttl))
	return op.CreateJWT(ctx, i.cfg.Issuer, g, time.Now().Add(ttl), id, &client{cfg: &i.cfg, store: i.store}, i.store)
}

// containerHost is the name by which Docker's containers reach this machine. An issuer of that name is called by it.
const containerHost = "host.docker.internal"

// loopbackOnly keeps out names that merely resolve to this machine (DNS rebinding) and anybody behind a forwarder.
func loopbackOnly(issuer string, next http.Handler) http.Handler {
	own, _ := url.Parse(issuer)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := url.URL{Host: r.Host}
		remote, err := netip.ParseAddrPort(r.RemoteAddr)
		if (!loopbackHost(u.Hostname()) && r.Host != own.Host) || (err == nil && !remote.Addr().Unmap().IsLoopback()) {
			http.Error(w, "this issuer answers loopback only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func loopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func loopbackURL(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && u.Opaque == "" && u.Fragment == "" && loopbackHost(u.Hostname())
}

// mayRedirect says whether a browser may be sent to the URL with a code.
func (c *Config) mayRedirect(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || !loopbackURL(u) {
		return false
	}
	if len(c.RedirectPrefixes) == 0 {
		return true
	}
	for _, p := range c.RedirectPrefixes {
		if strings.HasPrefix(raw, p) {
			return true
		}
	}
	return false
}

func (p Person) check() error {
	if p.Subject == "" || len(p.Subject) > 128 || strings.ContainsFunc(p.Subject, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return errors.New("issuer: a subject has 1 to 128 characters, no blanks and no control characters")
	}
	if at := strings.IndexByte(p.Email, '@'); p.Email != "" && (at < 1 || at == len(p.Email)-1 || len(p.Email) > 254) {
		return errors.New("issuer: that is no e-mail address")
	}
	return nil
}
