// Package bearer verifies OpenID Connect bearer tokens: one issuer, one algorithm, one client.
package bearer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/openid"
	"latchkey/shared/account"
	"latchkey/shared/text"
)

// Config names the issuer and client whose tokens are accepted.
type Config struct {
	Issuer    string       // as openid.Config has it
	Store     string       // the endpoint of DynamoDB; "" is AWS's
	ClientID  string       // what `aud`, or Cognito's `client_id`, must name
	Algorithm string       // the one allowed; "" is RS256
	Texts     text.Secrets // finds secrets in claims that are stored
	Client    *http.Client
	Now       func() time.Time
}

// Verifier checks tokens. It finds the issuer's keys at the first token and keeps them.
type Verifier struct {
	config Config

	mu     sync.Mutex
	issuer *openid.Issuer
}

var (
	errClient = errors.New("bearer: a client ID is required")
	errTexts  = errors.New("bearer: the prefix of secrets is required")
)

// New checks the configuration. It calls nobody.
func New(c Config) (*Verifier, error) {
	if c.ClientID == "" {
		return nil, errClient
	}
	if len(c.Texts) == 0 {
		return nil, errTexts
	}
	check := openid.Config{Issuer: c.Issuer, Store: c.Store, Algorithm: c.Algorithm}
	if err := check.Check(); err != nil {
		return nil, err
	}
	return &Verifier{config: c}, nil
}

// Verify checks a token and says who it speaks for. The error is gateway.ErrToken for a token that isn't valid, and
// another where the issuer's keys can't be had.
func (v *Verifier) Verify(ctx context.Context, token string) (account.Person, error) {
	issuer, err := v.ready(ctx)
	if err != nil {
		return account.Person{}, err
	}
	c, err := issuer.Verify(ctx, token)
	if errors.Is(err, openid.ErrToken) {
		return account.Person{}, fmt.Errorf("%w: %w", gateway.ErrToken, err)
	}
	if err != nil {
		return account.Person{}, err
	}
	for _, check := range []func(openid.Claims) string{isAccess, v.forClient, v.subject} {
		if why := check(c); why != "" {
			return account.Person{}, fmt.Errorf("%w: %s", gateway.ErrToken, why)
		}
	}
	name, _ := c.Text("name")
	p := account.Person{Subject: account.Subject{Issuer: v.config.Issuer, ID: c.Subject}, Name: v.shown(name)}
	// The address counts only when the issuer says that it is verified; Cognito says it in a string.
	if said := c.Raw("email_verified"); said == "true" || said == `"true"` {
		if email, ok := c.Text("email"); ok && len(email) <= account.MaxEmail {
			p.Email = v.shown(email)
		}
	}
	return p, nil
}

// isAccess says why a token is no access token, "" if it is one. Issuers mark them differently, or not at all: the header's
// type (RFC 9068), Cognito's token_use, Keycloak's typ, others' token_type. Any other mark, and whatever belongs to ID and logout tokens alone,
// refuses.
func isAccess(c openid.Claims) string {
	use, okUse := c.Text("token_use")
	kind, okKind := c.Text("typ")
	named, okNamed := c.Text("token_type")
	header := strings.TrimPrefix(strings.ToLower(c.Type), "application/")
	marked := header == "at+jwt" || use == "access" || strings.EqualFold(kind, "Bearer")
	switch {
	case header != "" && header != "jwt" && header != "at+jwt":
		return "typ of the header"
	case !okUse || (c.Has("token_use") && use != "access"):
		return "token_use"
	case !okKind || (c.Has("typ") && !strings.EqualFold(kind, "Bearer")):
		return "typ"
	case !okNamed || (c.Has("token_type") && !slices.Contains([]string{"bearer", "access", "access_token"}, strings.ToLower(named))):
		return "token_type"
	case c.Has("at_hash"), c.Has("c_hash"), c.Has("s_hash"), c.Has("nonce") && !marked: // some issuers copy the nonce
		return "an ID token"
	case c.Has("events"):
		return "a logout or event token"
	case !marked && !c.Has("client_id") && !says(c, "scope") && !says(c, "scp"): // an ID token has none of these
		return "nothing says that it is an access token"
	default:
		return ""
	}
}

// says reports whether there is a claim that isn't null.
func says(c openid.Claims, name string) bool { return c.Has(name) && c.Raw(name) != "null" }

// forClient says why a token is not meant for this API, "" if it is.
func (v *Verifier) forClient(c openid.Claims) string {
	for _, name := range []string{"client_id", "azp"} {
		if client, ok := c.Text(name); !ok || (c.Has(name) && client != v.config.ClientID) {
			return name
		}
	}
	use, _ := c.Text("token_use")
	switch {
	case len(c.Audience) > 0 && !slices.Contains(c.Audience, v.config.ClientID):
		return "audience"
	case len(c.Audience) == 0 && (use != "access" || !c.Has("client_id")): // Cognito's have no aud
		return "client_id"
	default:
		return ""
	}
}

// subject says why a subject can't be anybody's, "" if it can. It names the person in rows, events and logs, so one with a
// secret in it is refused: the person can't be known by anything else.
func (v *Verifier) subject(c openid.Claims) string {
	if _, err := account.ParseSubject(v.config.Issuer, c.Subject); err != nil || v.config.Texts.In(c.Subject) {
		return "subject"
	}
	return ""
}

// shown is a claim as it may be stored and shown: without a secret in it, or control characters, else "". A person whose address
// holds a secret is one without an address, as if it weren't verified: they can still sign in and replace the key.
func (v *Verifier) shown(claim string) string {
	if v.config.Texts.In(claim) {
		return ""
	}
	return printable(claim)
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

// ready finds the issuer, once.
func (v *Verifier) ready(ctx context.Context) (*openid.Issuer, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.issuer != nil {
		return v.issuer, nil
	}
	c := v.config
	issuer, err := openid.Discover(ctx, openid.Config{Issuer: c.Issuer, Store: c.Store, Algorithm: c.Algorithm, Client: c.Client, Now: c.Now})
	if err != nil {
		return nil, fmt.Errorf("bearer: asking the issuer: %w", err)
	}
	v.issuer = issuer
	return issuer, nil
}
