// Package openid reads what an OpenID issuer publishes and signs: its discovery document, its keys and its tokens. All of it
// is checked by exact names before a library sees it. What a token is good for is decided by those who call.
package openid

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"latchkey/functions/internal/env"
	"latchkey/shared/strictjson"
)

// Config says whose tokens are read.
type Config struct {
	Issuer    string // https, or http on a loopback address, or http on ContainerHost beside a Store of this machine
	Store     string // the endpoint of DynamoDB; "" is AWS's
	Algorithm string // the one allowed; "" is RS256
	Client    *http.Client
	Now       func() time.Time
}

var (
	errIssuer    = errors.New("openid: the issuer must be an https URL, or http on a loopback address (or on host.docker.internal, where DynamoDB is on this machine too)")
	errAlgorithm = errors.New("openid: the algorithm isn't an asymmetric signature")
)

var algorithms = map[string]bool{
	oidc.RS256: true, oidc.RS384: true, oidc.RS512: true, oidc.PS256: true, oidc.PS384: true, oidc.PS512: true,
	oidc.ES256: true, oidc.ES384: true, oidc.ES512: true, oidc.EdDSA: true,
}

// Check reports what is wrong with a configuration, and fills in what has a default.
func (c *Config) Check() error {
	if c.Algorithm == "" {
		c.Algorithm = oidc.RS256
	}
	u, err := url.Parse(c.Issuer)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return errIssuer
	case u.Scheme != "https" && (u.Scheme != "http" || !env.Loopback(u.Hostname()) && (u.Hostname() != ContainerHost || !ofThisMachine(c.Store))):
		return errIssuer
	case !algorithms[c.Algorithm]:
		return errAlgorithm
	}
	return nil
}

// ContainerHost is the name by which `sam local`'s containers reach the machine that they run on.
const ContainerHost = "host.docker.internal"

// ofThisMachine says whether a DynamoDB can't be AWS's: its address is the machine's own. Anybody may give a name to an address of
// theirs where names are looked up, so beside AWS's tables no name is as good as loopback.
func ofThisMachine(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && u.Scheme == "http" && (u.Hostname() == ContainerHost || env.Loopback(u.Hostname()))
}

// Issuer is an issuer whose discovery document was read.
type Issuer struct {
	Provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
}

// Discover asks the issuer for its document. Its keys are read at the first token and kept.
func Discover(ctx context.Context, c Config) (*Issuer, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	client := Strict(c.Client)
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, client), c.Issuer)
	if err != nil {
		return nil, fmt.Errorf("openid: discovery: %w", err)
	}
	var found struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&found); err != nil {
		return nil, fmt.Errorf("openid: discovery: %w", err)
	}
	set := &keySet{url: found.Keys, client: client, algorithm: c.Algorithm, now: c.Now}
	return &Issuer{Provider: provider, verifier: oidc.NewVerifier(c.Issuer, set, &oidc.Config{
		SkipClientIDCheck: true, SupportedSigningAlgs: []string{c.Algorithm}, Now: c.Now,
	})}, nil
}

// Verify checks the form, the signature, the issuer and the times of a token: ErrToken, or a breakdown. A token that doesn't
// expire isn't valid. Its audience and its kind are not looked at.
func (i *Issuer) Verify(ctx context.Context, token string) (Claims, error) {
	c, err := peek(token)
	if err != nil {
		return Claims{}, err
	}
	if !c.Has("exp") {
		return Claims{}, refused("no expiry")
	}
	var broken error // go-oidc flattens the errors of key sets, so a breakdown comes back beside it
	c.checked, err = i.verifier.Verify(context.WithValue(ctx, brokenKey{}, &broken), token)
	if broken != nil {
		return Claims{}, broken
	}
	if err != nil {
		return Claims{}, refused(reason(err))
	}
	return c, nil
}

type brokenKey struct{}

// reason names the kind of an error without quoting the token.
func reason(err error) string {
	var expired *oidc.TokenExpiredError
	if errors.As(err, &expired) {
		return "expired"
	}
	return "signature, form or issuer"
}

// maxDocument is the size of the largest answer of an issuer that is read, in bytes.
const maxDocument = 1 << 20

var errDocument = errors.New("openid: the issuer's answer is not strict JSON")

// documentNames are the members of the issuer's answers that decide anything: discovery, key sets, tokens.
var documentNames = []string{
	"issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "device_authorization_endpoint",
	"end_session_endpoint", "revocation_endpoint", "scopes_supported", "id_token_signing_alg_values_supported",
	"keys", "access_token", "refresh_token", "id_token", "token_type", "expires_in", "scope", "error", "error_description",
	"error_uri",
}

// Strict is the client, made to take no JSON in which a name is there twice, or in another case, or that is longer than
// 1 MiB. For every request to an issuer.
func Strict(client *http.Client) *http.Client {
	if client == nil {
		client = &http.Client{Timeout: 3 * time.Second}
	}
	c := *client
	if _, already := c.Transport.(strict); !already {
		c.Transport = strict{next: c.Transport}
	}
	return &c
}

type strict struct{ next http.RoundTripper }

// RoundTrip makes the request, and reads the whole answer.
func (s strict) RoundTrip(r *http.Request) (*http.Response, error) {
	next := s.next
	if next == nil {
		next = http.DefaultTransport
	}
	response, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	if len(raw) > maxDocument {
		return nil, fmt.Errorf("%w: longer than 1 MiB", errDocument)
	}
	if looksJSON(response.Header.Get("Content-Type"), raw) {
		if _, err := strictjson.Object(raw, documentNames...); err != nil {
			return nil, fmt.Errorf("%w: %w", errDocument, err)
		}
	}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" || kind == "text/plain" {
		// golang.org/x/oauth2 reads tokens and errors from these types as a form, in which names may be there twice. A token answer is
		// JSON (RFC 6749, section 5.1): under another type it is read as that, or not at all.
		response.Header = response.Header.Clone()
		response.Header.Set("Content-Type", "application/octet-stream")
	}
	response.Body = io.NopCloser(bytes.NewReader(raw))
	return response, nil
}

// looksJSON reports whether a library could read an answer as JSON: by its type, or by how it begins.
func looksJSON(contentType string, raw []byte) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	text := bytes.TrimLeft(raw, " \t\r\n")
	return len(text) > 0 && (text[0] == '{' || kind == "application/json" || strings.HasSuffix(kind, "+json"))
}
