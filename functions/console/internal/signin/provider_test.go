package signin_test

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/functions/console/internal/signin"
)

const (
	clientID = "console-client"
	redirect = "https://console.example/prod/callback"
	access   = "access-token-1"
)

var now = time.Date(2026, 8, 3, 14, 0, 0, 0, time.UTC)

// signingKey is made once: that takes long.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey { return rsaKey() })

func rsaKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// provider is an OpenID provider that does whatever a test wants, also what no honest one would do.
type provider struct {
	url string

	mu         sync.Mutex
	down       bool                        // nothing is answered
	scopes     []string                    // offered
	answer     func(map[string]any)        // changes the answer of the token endpoint
	claims     func(map[string]any)        // changes the ID token
	sign       func(payload []byte) string // signs it
	status     int                         // of the token endpoint
	code       string                      // of its error, invalid_grant unless set
	retryAfter string                      // its header
	nonce      string
	tokenCalls []url.Values
	revoked    []url.Values
	discovered int
}

func newProvider(t *testing.T) *provider {
	p := &provider{scopes: []string{"openid", "email", "profile"}, status: http.StatusOK, sign: func(raw []byte) string { return signed(t, jose.RS256, signingKey(), raw) }}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

func signed(t *testing.T, algorithm jose.SignatureAlgorithm, key any, payload []byte) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "one"))
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *provider) issuer(change ...func(*signin.Config)) *signin.Issuer {
	c := signin.Config{Issuer: p.url, ClientID: clientID, Algorithm: "RS256", Now: func() time.Time { return now }}
	for _, one := range change {
		one(&c)
	}
	return signin.New(c)
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		p.discovered++
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.url, "authorization_endpoint": p.url + "/authorize", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys",
			"end_session_endpoint": p.url + "/logout", "revocation_endpoint": p.url + "/revoke", "scopes_supported": p.scopes,
			"id_token_signing_alg_values_supported": []string{"RS256", "RS512", "ES256", "HS256", "none"},
		})
	case "/keys":
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: signingKey().Public(), KeyID: "one", Use: "sig"}}})
	case "/token":
		_ = r.ParseForm()
		p.tokenCalls = append(p.tokenCalls, r.PostForm)
		if p.status != http.StatusOK {
			if p.retryAfter != "" {
				w.Header().Set("Retry-After", p.retryAfter)
			}
			w.WriteHeader(p.status)
			_, _ = w.Write([]byte(`{"error":"` + cmp.Or(p.code, "invalid_grant") + `"}`))
			return
		}
		_ = json.NewEncoder(w).Encode(p.tokens())
	case "/revoke":
		_ = r.ParseForm()
		p.revoked = append(p.revoked, r.PostForm)
	}
}

func (p *provider) tokens() map[string]any {
	sum := sha256.Sum256([]byte(access))
	claims := map[string]any{
		"iss": p.url, "aud": clientID, "sub": "person-1", "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(), "nonce": p.nonce,
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
	if p.claims != nil {
		p.claims(claims)
	}
	raw, _ := json.Marshal(claims)
	answer := map[string]any{"access_token": access, "refresh_token": "refresh-token-1", "token_type": "Bearer", "expires_in": 3600, "id_token": p.sign(raw)}
	if p.answer != nil {
		p.answer(answer)
	}
	return answer
}

// set changes what the provider does.
func (p *provider) set(change func(*provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}
