package openid

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

var signingKey = mustRSA(2048)

func mustRSA(bits int) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// source is an issuer that publishes exactly what a test says.
type source struct {
	url             string
	discovery, keys string
}

func newSource(t *testing.T) *source {
	t.Helper()
	s := &source{}
	mux := http.NewServeMux()
	answer := func(text *string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(*text))
		}
	}
	mux.HandleFunc("/.well-known/openid-configuration", answer(&s.discovery))
	mux.HandleFunc("/jwks", answer(&s.keys))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	s.discovery = fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, s.url, s.url+"/jwks")
	s.publish(t, jwk(t, signingKey.Public(), nil))
	return s
}

// jwk is a public key as an issuer publishes it, with members changed.
func jwk(t *testing.T, key any, change map[string]any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: "k1", Use: "sig"})
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]any{}
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	for name, value := range change {
		members[name] = value
	}
	return members
}

func (s *source) publish(t *testing.T, keys ...map[string]any) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	s.keys = string(raw)
}

func (s *source) discover(t *testing.T, algorithm string) *Issuer {
	t.Helper()
	i, err := Discover(t.Context(), Config{Issuer: s.url, Algorithm: algorithm, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// good are the claims of a token that verifies, without the braces around them.
func (s *source) good() string {
	return fmt.Sprintf(`"iss":%q,"sub":"someone","aud":"client","exp":%d,"nbf":%d,"iat":%d,"client_id":"client",`+
		`"token_use":"access","email":"a@example.com","email_verified":false,"name":"Some One"`,
		s.url, now.Add(time.Hour).Unix(), now.Unix(), now.Unix())
}

// signed signs any text as the payload.
func signed(t testing.TB, payload string, headers map[jose.HeaderKey]any) string {
	t.Helper()
	options := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"kid": "k1"}}
	for name, value := range headers {
		options.ExtraHeaders[name] = value
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: signingKey}, options)
	if err != nil {
		t.Fatal(err)
	}
	object, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
