package bearer

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"latchkey/functions/internal/gateway"
	local "latchkey/infra/local/issuer"
	"latchkey/shared/account"
	"latchkey/shared/text"
)

// typed signs claims under a header of some type.
func typed(t *testing.T, kind string, claims map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithHeader("kid", "k1")
	if kind != "" {
		options = options.WithType(jose.ContentType(kind))
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: rsaKey}, options)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Other tokens of the issuer, signed by the same keys for the same client, give no access.
func TestOnlyAccessTokensOfThisClientAreTaken(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	type object = map[string]any
	for name, c := range map[string]struct {
		header string
		claims object
		ok     bool
	}{
		"no mark":                              {"", nil, true},
		"a plain JWT":                          {"JWT", nil, true},
		"no word that it gives access":         {"JWT", object{"scope": nil}, false},
		"a client_id in the place of a scope":  {"JWT", object{"scope": nil, "client_id": "client"}, true},
		"scp in the place of a scope":          {"JWT", object{"scope": nil, "scp": "read"}, true},
		"RFC 9068 without a scope":             {"at+jwt", object{"scope": nil}, true},
		"RFC 9068":                             {"at+jwt", nil, true},
		"RFC 9068, in full and another case":   {"Application/AT+JWT", nil, true},
		"RFC 9068 with a copied nonce":         {"at+jwt", object{"nonce": "n"}, true},
		"Keycloak's access token":              {"JWT", object{"typ": "Bearer", "azp": "client", "nonce": "n"}, true},
		"an ID token by its nonce":             {"JWT", object{"nonce": "n"}, false},
		"an ID token by at_hash":               {"JWT", object{"at_hash": "x"}, false},
		"an ID token by c_hash":                {"JWT", object{"c_hash": "x"}, false},
		"at_hash under the header of access":   {"at+jwt", object{"at_hash": "x"}, false},
		"an ID token by typ":                   {"JWT", object{"typ": "ID"}, false},
		"a refresh token by typ":               {"JWT", object{"typ": "Refresh"}, false},
		"an offline token by typ":              {"JWT", object{"typ": "Offline"}, false},
		"a refresh token by token_type":        {"JWT", object{"token_type": "refresh"}, false},
		"an ID token by token_type":            {"at+jwt", object{"token_type": "id_token"}, false},
		"token_type null":                      {"JWT", object{"token_type": nil}, false},
		"token_type of another type":           {"JWT", object{"token_type": []string{"access"}}, false},
		"token_type Bearer":                    {"JWT", object{"token_type": "bearer"}, true},
		"token_type access":                    {"JWT", object{"token_type": "access"}, true},
		"scp null":                             {"JWT", object{"scope": nil, "scp": nil}, false},
		"typ of another type":                  {"JWT", object{"typ": 1}, false},
		"typ null":                             {"JWT", object{"typ": nil}, false},
		"a logout token by its header":         {"logout+jwt", nil, false},
		"a security event by its header":       {"secevent+jwt", nil, false},
		"a DPoP proof by its header":           {"dpop+jwt", nil, false},
		"a logout token by its events":         {"JWT", object{"events": object{"http://schemas.openid.net/event/backchannel-logout": object{}}}, false},
		"another party":                        {"JWT", object{"azp": "other"}, false},
		"another party under the right client": {"JWT", object{"azp": "other", "client_id": "client"}, false},
		"another client with our audience":     {"JWT", object{"client_id": "evil"}, false},
		"client_id of another type":            {"JWT", object{"client_id": []string{"client"}}, false},
		"token_use of another type":            {"JWT", object{"token_use": []string{"access"}}, false},
		"token_use null":                       {"JWT", object{"token_use": nil}, false},
	} {
		token := typed(t, c.header, i.claims(func(all map[string]any) {
			for claim, value := range c.claims {
				if all[claim] = value; claim == "scope" && value == nil {
					delete(all, claim)
				}
			}
		}))
		_, err := v.Verify(t.Context(), token)
		if (err == nil) != c.ok || (err != nil && !errors.Is(err, gateway.ErrToken)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A claim that only looks like e-mail, or like its verification, names nobody.
func TestACustomClaimCannotStandInForARegisteredOne(t *testing.T) {
	i := newIssuer(t)
	v := i.verifier(t)
	for claim, value := range map[string]any{"Sub": "operator", "Email_Verified": true, "Email": "ceo@bank.example", "Aud": "client"} {
		token := typed(t, "", i.claims(func(all map[string]any) { all[claim] = value }))
		if p, err := v.Verify(t.Context(), token); !errors.Is(err, gateway.ErrToken) {
			t.Errorf("%s: %+v, %v", claim, p, err)
		}
	}
}

// TestTheLocalIssuersTokensAreTaken, with the address that the user pool's trigger adds.
func TestTheLocalIssuersTokensAreTaken(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	i, err := local.New(local.Config{
		Issuer: url, ClientID: "client", KeyFile: filepath.Join(t.TempDir(), "key.pem"),
		AccessClaims: func(_ context.Context, p local.Person) (map[string]any, error) {
			return account.AccessClaims(map[string]string{"email": p.Email, "email_verified": "true"}), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(i)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	defer server.Close()
	token, err := i.Mint(local.ReadyMade()[0], time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	v, err := New(Config{Issuer: url, ClientID: "client", Texts: text.Secrets{"ak"}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := v.Verify(t.Context(), token); err != nil || p.Email != local.ReadyMade()[0].Email {
		t.Errorf("%+v, %v", p, err)
	}
}
