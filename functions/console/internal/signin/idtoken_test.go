package signin

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// provider is an OpenID issuer whose ID token's payload the test writes.
type provider struct {
	*httptest.Server
	key     *rsa.PrivateKey
	payload func(nonce string) string
	kind    string // the typ of the header
	answer  string // in place of the token endpoint's answer
	nonce   string
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key}
	mux := http.NewServeMux()
	write := func(w http.ResponseWriter, doc any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(doc)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{
			"issuer": p.URL, "jwks_uri": p.URL + "/jwks", "token_endpoint": p.URL + "/token", "authorization_endpoint": p.URL + "/auth",
		})
	})
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		write(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1"}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, _ *http.Request) {
		if p.answer != "" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(p.answer))
			return
		}
		write(w, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": p.sign(t)})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) sign(t *testing.T) string {
	options := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"kid": "k1"}}
	if p.kind != "" {
		options = options.WithType(jose.ContentType(p.kind))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: p.key}, options)
	if err != nil {
		t.Error(err)
		return ""
	}
	object, err := signer.Sign([]byte(p.payload(p.nonce)))
	if err != nil {
		t.Error(err)
		return ""
	}
	token, _ := object.CompactSerialize()
	return token
}

// signIn goes through a whole sign-in.
func (p *provider) signIn(t *testing.T) error {
	t.Helper()
	i := New(Config{Issuer: p.URL, ClientID: "console", Algorithm: "RS256", Now: time.Now})
	to, cookie, err := i.Start(t.Context(), "https://console.example/callback", "/")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	p.nonce = u.Query().Get("nonce")
	_, _, err = i.Finish(t.Context(), "https://console.example/callback", cookie, url.Values{"state": {u.Query().Get("state")}, "code": {"c"}})
	return err
}

func TestOnlyIDTokensForThisClientSignIn(t *testing.T) {
	p := newProvider(t)
	sum := sha256.Sum256([]byte("access"))
	hash := base64.RawURLEncoding.EncodeToString(sum[:16])
	type object = map[string]any
	for name, c := range map[string]struct {
		kind   string
		claims object
		ok     bool
	}{
		"a good one":                        {"", nil, true},
		"with the access token's hash":      {"JWT", object{"at_hash": hash}, true},
		"Cognito's":                         {"", object{"token_use": "id"}, true},
		"Keycloak's":                        {"JWT", object{"typ": "ID", "azp": "console"}, true},
		"several audiences, this party":     {"", object{"aud": []string{"console", "x"}, "azp": "console"}, true},
		"several audiences, no party":       {"", object{"aud": []string{"console", "x"}}, true},
		"another party":                     {"", object{"azp": "other"}, false},
		"another audience":                  {"", object{"aud": "other"}, false},
		"no subject":                        {"", object{"sub": ""}, false},
		"another nonce":                     {"", object{"nonce": "x"}, false},
		"another access token's hash":       {"", object{"at_hash": "x"}, false},
		"an empty hash":                     {"", object{"at_hash": ""}, false},
		"an access token by token_use":      {"", object{"token_use": "access"}, false},
		"an access token by its header":     {"at+jwt", nil, false},
		"a refresh token by typ":            {"", object{"typ": "Refresh"}, false},
		"a logout token by its header":      {"logout+jwt", nil, false},
		"a logout token by its events":      {"", object{"events": object{}}, false},
		"an expiry that is text":            {"", object{"exp": fmt.Sprint(time.Now().Add(time.Hour).Unix())}, false},
		"a claim that looks like sub":       {"", object{"Sub": "operator"}, false},
		"a claim that folds to nonce":       {"", object{"Nonce": "x"}, false},
		"a claim that folds to the issuer":  {"", object{"iſs": "x"}, false},
		"a claim that looks like at_hash":   {"", object{"At_hash": hash}, false},
		"an expired one whose Exp is later": {"", object{"exp": 1, "Exp": time.Now().Add(time.Hour).Unix()}, false},
	} {
		p.kind = c.kind
		p.payload = func(nonce string) string {
			claims := object{"iss": p.URL, "sub": "someone", "aud": "console", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "nonce": nonce}
			maps.Copy(claims, c.claims)
			raw, _ := json.Marshal(claims)
			return string(raw)
		}
		if err := p.signIn(t); (err == nil) != c.ok || (err != nil && !errors.Is(err, ErrRefused)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.payload = func(nonce string) string {
		return fmt.Sprintf(`{"iss":%q,"sub":"someone","sub":"operator","aud":"console","exp":%d,"nonce":%q}`, p.URL, time.Now().Add(time.Hour).Unix(), nonce)
	}
	if err := p.signIn(t); !errors.Is(err, ErrRefused) {
		t.Errorf("sub twice: %v", err)
	}
}

func TestTheTokenEndpointsAnswerIsReadByItsExactNames(t *testing.T) {
	p := newProvider(t)
	for _, answer := range []string{
		`{"access_token":"a","access_token":"b","token_type":"Bearer","id_token":"x"}`,
		`{"access_token":"a","Access_token":"b","token_type":"Bearer","id_token":"x"}`,
	} {
		p.answer = answer
		if err := p.signIn(t); err == nil || errors.Is(err, ErrRefused) { // a breakdown of the issuer, not of the person
			t.Errorf("%s: %v", answer, err)
		}
	}
}
