package bearer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/apikey"
	"latchkey/shared/text"
	"latchkey/shared/text/texttest"
)

// issuer is an OpenID issuer whose keys the test chooses.
type issuer struct {
	*httptest.Server
	keys  atomic.Pointer[jose.JSONWebKeySet]
	down  atomic.Bool
	reads atomic.Int32
	now   time.Time
}

var rsaKey, otherKey = mustRSA(), mustRSA()

func mustRSA() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	i.publish("k1", rsaKey)
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/jwks"})
	})
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		i.reads.Add(1)
		if i.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(i.keys.Load())
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) publish(kid string, key *rsa.PrivateKey) {
	i.keys.Store(&jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: kid, Algorithm: "RS256", Use: "sig"}}})
}

func (i *issuer) verifier(t *testing.T) *Verifier {
	t.Helper()
	v, err := New(Config{Issuer: i.URL, ClientID: "client", Texts: text.Secrets{"ak"}, Now: func() time.Time { return i.now }})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (i *issuer) claims(change func(map[string]any)) map[string]any {
	c := map[string]any{
		"iss": i.URL, "sub": "someone", "aud": "client", "exp": i.now.Add(time.Hour).Unix(), "iat": i.now.Unix(),
		"email": "a@example.com", "email_verified": true, "name": "Some One", "scope": "openid",
	}
	if change != nil {
		change(c)
	}
	return c
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", kid))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestVerifyTakesTokensForThisClientAlone(t *testing.T) {
	i := newIssuer(t)
	set := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		}
	}
	cognito := func(use string) func(map[string]any) {
		return func(c map[string]any) {
			delete(c, "aud")
			c["client_id"], c["token_use"] = "client", use
		}
	}
	cases := map[string]struct {
		change func(map[string]any)
		ok     bool
	}{
		"a valid token":                   {nil, true},
		"one of several audiences":        {set("aud", []string{"x", "client"}), true},
		"another audience":                {set("aud", "other"), false},
		"no audience":                     {set("aud", nil), false},
		"Cognito's access token":          {cognito("access"), true},
		"Cognito's ID token":              {cognito("id"), false},
		"an ID token with an audience":    {set("token_use", "id"), false},
		"a refresh token by use":          {set("token_use", "refresh"), false},
		"another client's access token":   {func(c map[string]any) { cognito("access")(c); c["client_id"] = "other" }, false},
		"expired":                         {set("exp", i.now.Add(-time.Second).Unix()), false},
		"no expiry":                       {set("exp", nil), false},
		"not yet valid":                   {set("nbf", i.now.Add(time.Hour).Unix()), false},
		"another issuer":                  {set("iss", "https://evil.example"), false},
		"no subject":                      {set("sub", nil), false},
		"a subject with a line break":     {set("sub", "a\nb"), false},
		"a subject that is much too long": {set("sub", strings.Repeat("x", 256)), false},
	}
	v := i.verifier(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), sign(t, jose.RS256, rsaKey, "k1", i.claims(c.change)))
			if (err == nil) != c.ok || (err != nil && !errors.Is(err, gateway.ErrToken)) {
				t.Errorf("%v", err)
			}
		})
	}
	if i.reads.Load() != 1 {
		t.Errorf("the keys were read %d times, want once", i.reads.Load())
	}
}

func TestVerifyTakesOneAlgorithmAlone(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(rsaKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	none := "eyJhbGciOiJub25lIn0." + strings.Split(sign(t, jose.RS256, rsaKey, "k1", i.claims(nil)), ".")[1] + "."
	for name, token := range map[string]string{
		"none": none, "HS256 by the public key": sign(t, jose.HS256, public, "k1", i.claims(nil)),
		"ES256": sign(t, jose.ES256, ec, "k1", i.claims(nil)), "RS512": sign(t, jose.RS512, rsaKey, "k1", i.claims(nil)),
		"another key": sign(t, jose.RS256, otherKey, "k1", i.claims(nil)), "not a token": "abc", "empty": "", "dots": "..",
	} {
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, gateway.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEmailCountsOnlyWhenVerified(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	for verified, want := range map[any]string{true: "a@example.com", "true": "a@example.com", false: "", "false": "", 1: "", nil: ""} {
		token := sign(t, jose.RS256, rsaKey, "k1", i.claims(func(c map[string]any) { c["email_verified"] = verified }))
		p, err := v.Verify(t.Context(), token)
		if err != nil || p.Email != want || p.Name != "Some One" || p.Subject.ID != "someone" || p.Subject.Issuer != i.URL {
			t.Errorf("email_verified %v: %+v, %v", verified, p, err)
		}
	}
}

// Claims are stored: the address and the name with each change that the person makes, the subject as who they are.
func TestNoClaimThatIsStoredHoldsASecret(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	made, err := apikey.Prefix("ak").Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, spelled := range texttest.Spellings(made.Reveal()) {
		claims := i.claims(func(c map[string]any) {
			c["email_verified"], c["email"], c["name"] = true, spelled+"@example.com", spelled
		})
		p, err := v.Verify(t.Context(), sign(t, jose.RS256, rsaKey, "k1", claims))
		if err != nil || p.Subject.ID != "someone" || p.Email != "" || p.Name != "" {
			t.Errorf("%s in the address and the name: %+v, %v", name, p, err)
		}
		claims = i.claims(func(c map[string]any) { c["sub"] = "auth0|" + spelled })
		if _, err := v.Verify(t.Context(), sign(t, jose.RS256, rsaKey, "k1", claims)); !errors.Is(err, gateway.ErrToken) || strings.Contains(err.Error(), made.Reveal()) {
			t.Errorf("%s in the subject: %v", name, err)
		}
	}
	if _, err := New(Config{Issuer: i.URL, ClientID: "client"}); err == nil {
		t.Error("a verifier that knows no prefix finds no secret")
	}
}

func TestNewKeysAreFoundAndInventedOnesAreNotAskedFor(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	verify := func(kid string, key *rsa.PrivateKey) error {
		_, err := v.Verify(t.Context(), sign(t, jose.RS256, key, kid, i.claims(nil)))
		return err
	}
	if err := verify("k1", rsaKey); err != nil {
		t.Fatal(err)
	}
	i.publish("k2", otherKey)
	i.now = i.now.Add(5 * time.Second)
	if err := verify("k2", otherKey); err != nil {
		t.Errorf("the new key isn't found: %v", err)
	}
	if err := verify("k1", rsaKey); !errors.Is(err, gateway.ErrToken) {
		t.Errorf("the withdrawn key: %v", err)
	}
	before := i.reads.Load()
	for range 50 {
		if err := verify("invented", otherKey); !errors.Is(err, gateway.ErrToken) {
			t.Fatal(err)
		}
	}
	if got := i.reads.Load() - before; got > 1 {
		t.Errorf("50 invented key IDs made %d requests to the issuer", got)
	}
}

// TestAKeyThatTheIssuerWithdrawsIsGoodForAnHourAtMost, though no token by another key makes anybody look: from the first
// answer of the issuer after that hour on. While the issuer is down the keys that are known go on.
func TestAKeyThatTheIssuerWithdrawsIsGoodForAnHourAtMost(t *testing.T) {
	for name, down := range map[string]time.Duration{"the issuer is up": 0, "the issuer is down for two hours": 2 * time.Hour} {
		i := newIssuer(t)
		v := i.verifier(t)
		began := i.now
		good := func() bool {
			t.Helper()
			_, err := v.Verify(t.Context(), sign(t, jose.RS256, rsaKey, "k1", i.claims(nil)))
			if err != nil && !errors.Is(err, gateway.ErrToken) {
				t.Fatal(err)
			}
			return err == nil
		}
		if !good() {
			t.Fatal("it isn't taken")
		}
		i.publish("k2", otherKey)
		i.down.Store(down > 0)
		for age := 10 * time.Minute; age < 4*time.Hour; age += 10 * time.Minute {
			i.now = began.Add(age + time.Second)
			if age >= down {
				i.down.Store(false)
			}
			if got, want := good(), age < max(time.Hour, down); got != want {
				t.Errorf("%s: %v after the withdrawal it is good: %v", name, age, got)
			}
		}
	}
}

func TestAnIssuerThatIsDownIsABreakdownAndKnownKeysGoOn(t *testing.T) {
	i := newIssuer(t)
	i.down.Store(true)
	v := i.verifier(t)
	token := sign(t, jose.RS256, rsaKey, "k1", i.claims(nil))
	if _, err := v.Verify(t.Context(), token); err == nil || errors.Is(err, gateway.ErrToken) {
		t.Errorf("without keys: %v", err)
	}
	i.down.Store(false)
	i.now = i.now.Add(5 * time.Second)
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("the issuer is back: %v", err)
	}
	i.down.Store(true)
	i.now = i.now.Add(2 * time.Hour)
	token = sign(t, jose.RS256, rsaKey, "k1", i.claims(nil))
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("a known key while the issuer is down: %v", err)
	}
	gone := newIssuer(t)
	w := gone.verifier(t)
	gone.Close()
	if _, err := w.Verify(t.Context(), token); err == nil || errors.Is(err, gateway.ErrToken) {
		t.Errorf("no issuer at all: %v", err)
	}
}

func TestNewRefusesUnsafeConfigurations(t *testing.T) {
	for name, c := range map[string]Config{
		"http to another host":                       {Issuer: "http://issuer.example", ClientID: "c"},
		"looks like loopback":                        {Issuer: "http://127.0.0.1.evil.example", ClientID: "c"},
		"a container's host beside AWS's tables":     {Issuer: "http://host.docker.internal:8085", ClientID: "c"},
		"a container's host beside tables elsewhere": {Issuer: "http://host.docker.internal:8085", ClientID: "c", Store: "http://dynamodb.us-east-1.amazonaws.com"},
		"a container's host beside tables by https":  {Issuer: "http://host.docker.internal:8085", ClientID: "c", Store: "https://host.docker.internal:8000"},
		"looks like a container's host":              {Issuer: "http://host.docker.internal.evil.example", ClientID: "c", Store: "http://127.0.0.1:8000"},
		"another host beside tables of this machine": {Issuer: "http://issuer.example", ClientID: "c", Store: "http://127.0.0.1:8000"},
		"userinfo":        {Issuer: "https://127.0.0.1@evil.example", ClientID: "c"},
		"no issuer":       {ClientID: "c"},
		"no client":       {Issuer: "https://issuer.example"},
		"a shared secret": {Issuer: "https://issuer.example", ClientID: "c", Algorithm: "HS256"},
		"no signature":    {Issuer: "https://issuer.example", ClientID: "c", Algorithm: "none"},
	} {
		c.Texts = text.Secrets{"ak"}
		if _, err := New(c); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for _, c := range []Config{
		{Issuer: "https://issuer.example/pool", ClientID: "c"},
		{Issuer: "http://[::1]:1", ClientID: "c", Algorithm: "ES256"},
		{Issuer: "http://host.docker.internal:8085", ClientID: "c", Store: "http://host.docker.internal:8000"},
		{Issuer: "http://host.docker.internal:8085", ClientID: "c", Store: "http://127.0.0.1:8000"},
	} {
		c.Texts = text.Secrets{"ak"}
		if _, err := New(c); err != nil {
			t.Errorf("%s: %v", c.Issuer, err)
		}
	}
}
