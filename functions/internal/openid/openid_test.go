package openid

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
	"pgregory.net/rapid"
)

func TestAGoodTokenVerifies(t *testing.T) {
	s := newSource(t)
	c, err := s.discover(t, "").Verify(t.Context(), signed(t, "{"+s.good()+`,"Other":1,"other":2}`, map[jose.HeaderKey]any{"typ": "at+jwt"}))
	if err != nil || c.Subject != "someone" || c.Type != "at+jwt" || len(c.Audience) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

// Each of these was taken once: encoding/json matches names without regard to case, and the last one wins.
func TestClaimsAreReadByTheirExactNames(t *testing.T) {
	s := newSource(t)
	later := strconv.FormatInt(now.Add(2*time.Hour).Unix(), 10)
	for _, more := range []string{
		`"Sub":"operator"`, `"SUB":"operator"`, `"ſub":"operator"`, `"\u017fub":"operator"`, `"\u0053ub":"operator"`,
		`"Exp":` + later, `"EXP":` + later, `"Iss":"https://evil.example"`, `"iſs":"https://evil.example"`, `"Aud":"client"`,
		`"Token_use":"access"`, `"toKen_use":"access"`, `"Client_id":"client"`, `"Nbf":0`, `"Iat":0`, `"Email":"ceo@bank.example"`,
		`"Email_Verified":true`, `"Name":"x"`, `"Typ":"x"`, `"Nonce":"x"`, `"Azp":"client"`,
		`"sub":"operator"`, `"\u0073ub":"operator"`, `"iss":"https://evil.example"`, `"exp":` + later, `"aud":"client"`,
		`"custom":1,"custom":2`, `"custom":{"a":1,"a":2}`,
	} {
		for _, payload := range []string{"{" + s.good() + "," + more + "}", "{" + more + "," + s.good() + "}"} {
			if _, err := s.discover(t, "").Verify(t.Context(), signed(t, payload, nil)); !errors.Is(err, ErrToken) {
				t.Errorf("%s: %v", more, err)
			}
		}
	}
}

// fold changes the case of some letters of a name, by any rune that folds to them.
func fold(t *rapid.T, name string) string {
	var out strings.Builder
	for _, r := range name {
		for range rapid.IntRange(0, 3).Draw(t, "turns") {
			r = unicode.SimpleFold(r)
		}
		if rapid.IntRange(0, 3).Draw(t, "escape") == 0 {
			out.WriteString(`\u` + strings.Repeat("0", 4-len(strconv.FormatInt(int64(r), 16))) + strconv.FormatInt(int64(r), 16))
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

func TestATokenWithANameTwiceOrFoldedNeverVerifies(t *testing.T) {
	s := newSource(t)
	issuer := s.discover(t, "")
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(claimNames).Draw(rt, "claim")
		spelled := fold(rt, name)
		value := rapid.SampledFrom([]string{`"x"`, "1", "true", "null", "{}", "[]", `"client"`}).Draw(rt, "value")
		extra := `"` + spelled + `":` + value
		var plain string
		if unquoted, err := strconv.Unquote(`"` + spelled + `"`); err == nil {
			plain = unquoted
		}
		if plain == name && !strings.Contains(s.good(), `"`+name+`":`) {
			extra = `"` + name + `":1,` + extra // not in the good token: put it in twice
		}
		payload := "{" + s.good() + "," + extra + "}"
		if rapid.Bool().Draw(rt, "first") {
			payload = "{" + extra + "," + s.good() + "}"
		}
		if c, err := issuer.Verify(t.Context(), signed(t, payload, nil)); !errors.Is(err, ErrToken) {
			rt.Fatalf("%s: %+v, %v", extra, c, err)
		}
	})
}

func FuzzPeek(f *testing.F) {
	for _, seed := range []string{`{"sub":"a"}`, `{"sub":"a","Sub":"b"}`, `{"exp":"1"}`, `{"aud":[null]}`, `[]`, `null`, "{\"\xff\":1}"} {
		f.Add(seed)
	}
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`))
	f.Fuzz(func(t *testing.T, payload string) {
		c, err := peek(header + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".x")
		if err != nil {
			return
		}
		for name := range c.members {
			for _, known := range claimNames {
				if name != known && strings.EqualFold(name, known) {
					t.Fatalf("%q was taken for %s", payload, known)
				}
			}
		}
	})
}

func TestTimesAreNumbers(t *testing.T) {
	s := newSource(t)
	in := now.Add(time.Hour).Unix()
	exp := `"exp":` + strconv.FormatInt(in, 10)
	for _, other := range []string{
		`"exp":"` + strconv.FormatInt(in, 10) + `"`, `"exp":null`, `"exp":true`, `"exp":[1]`, `"exp":-1`, `"exp":0`, `"exp":1e300`,
		`"exp":253402300800`, `"exp":1e99999999999`, `"x":1`,
	} {
		if _, err := s.discover(t, "").Verify(t.Context(), signed(t, "{"+strings.Replace(s.good(), exp, other, 1)+"}", nil)); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v", other, err)
		}
	}
	for _, name := range []string{"nbf", "iat"} {
		old := `"` + name + `":` + strconv.FormatInt(now.Unix(), 10)
		for _, other := range []string{`"1"`, "null", "-1", "1e300"} {
			payload := strings.Replace(s.good(), old, `"`+name+`":`+other, 1)
			if _, err := s.discover(t, "").Verify(t.Context(), signed(t, "{"+payload+"}", nil)); !errors.Is(err, ErrToken) {
				t.Errorf("%s %s: %v", name, other, err)
			}
		}
	}
}

func TestHeadersAreReadByTheirExactNames(t *testing.T) {
	s := newSource(t)
	body := base64.RawURLEncoding.EncodeToString([]byte("{" + s.good() + "}"))
	for _, header := range []string{
		`{"alg":"RS256","kid":"k1","Alg":"none"}`, `{"alg":"RS256","kid":"k1","alg":"RS256"}`, `{"alg":"RS256","kid":"k1","Kid":"k1"}`,
		`{"alg":"RS256","ſ":1,"Typ":"at+jwt","kid":"k1"}`, `{"alg":"RS256","kid":"k1","typ":1}`, `{"alg":"RS256","\u212aid":"k1"}`,
	} {
		input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + body
		sum := sha256.Sum256([]byte(input))
		signature, err := rsa.SignPKCS1v15(rand.Reader, signingKey, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		token := input + "." + base64.RawURLEncoding.EncodeToString(signature)
		if _, err := s.discover(t, "").Verify(t.Context(), token); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v", header, err)
		}
	}
	huge := signed(t, "{"+s.good()+`,"x":"`+strings.Repeat("x", maxToken)+`"}`, nil)
	if _, err := s.discover(t, "").Verify(t.Context(), huge); !errors.Is(err, ErrToken) {
		t.Errorf("a huge token: %v", err)
	}
}

func TestTheIssuersDocumentsAreReadByTheirExactNames(t *testing.T) {
	for _, more := range []string{
		`"Jwks_uri":"https://evil.example/keys"`, `"jwkſ_uri":"https://evil.example/keys"`, `"jwks_uri":"https://evil.example/keys"`,
		`"Issuer":"https://evil.example"`, `"Token_endpoint":"https://evil.example"`, `"x":{"a":1,"a":1}`,
	} {
		s := newSource(t)
		s.discovery = strings.TrimSuffix(s.discovery, "}") + "," + more + "}"
		if _, err := Discover(t.Context(), Config{Issuer: s.url, Now: time.Now}); !errors.Is(err, errDocument) {
			t.Errorf("%s: %v", more, err)
		}
	}
	s := newSource(t)
	token := signed(t, "{"+s.good()+"}", nil)
	whole := s.keys
	for _, set := range []string{
		strings.Replace(whole, `"keys"`, `"Keys"`, 1), strings.Replace(whole, `"keys"`, `"keys":[],"keys"`, 1), `[]`, `null`,
		strings.Repeat(" ", maxDocument) + whole,
	} {
		s.keys = set
		if _, err := s.discover(t, "").Verify(t.Context(), token); err == nil || errors.Is(err, ErrToken) {
			t.Errorf("%.60s: %v", set, err)
		}
	}
	s.keys = strings.Replace(whole, `"kid"`, `"Use":"sig","kid"`, 1) // one bad key doesn't spoil the set, and isn't used
	if _, err := s.discover(t, "").Verify(t.Context(), token); !errors.Is(err, ErrToken) {
		t.Errorf("a key with a folded name: %v", err)
	}
}

func TestOnlyStrongKeysForSignaturesAreUsed(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this Go makes no short keys")
	}
	public := signingKey.Public()
	for name, c := range map[string]struct {
		key    any
		change map[string]any
		used   bool
	}{
		"a good one":                 {public, nil, true},
		"one for checking":           {public, map[string]any{"key_ops": []string{"verify"}}, true},
		"one for several":            {public, map[string]any{"key_ops": []string{"encrypt", "verify"}}, true},
		"a short one":                {weak.Public(), nil, false},
		"one for encryption":         {public, map[string]any{"use": "enc"}, false},
		"one for wrapping":           {public, map[string]any{"key_ops": []string{"wrapKey"}}, false},
		"one for nothing":            {public, map[string]any{"key_ops": []string{}}, false},
		"operations of another type": {public, map[string]any{"key_ops": "verify"}, false},
		"another algorithm's":        {public, map[string]any{"alg": "PS256"}, false},
	} {
		s := newSource(t)
		s.publish(t, jwk(t, c.key, c.change))
		set := keySet{url: s.url + "/jwks", client: Strict(nil), algorithm: "RS256", now: func() time.Time { return now }}
		if keys, err := set.find(t.Context(), "k1"); err != nil || (len(keys) == 1) != c.used {
			t.Errorf("%s: %d keys, %v", name, len(keys), err)
		}
	}
}

func TestTheSaltOfPSSignaturesIsAsLongAsTheHash(t *testing.T) {
	s := newSource(t)
	s.publish(t, jwk(t, signingKey.Public(), map[string]any{"alg": "PS256"}))
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"PS256","kid":"k1"}`)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte("{"+s.good()+"}"))
	sum := sha256.Sum256([]byte(input))
	for salt, ok := range map[int]bool{32: true, 0: false, 20: false, 31: false, 64: false} {
		options := &rsa.PSSOptions{SaltLength: salt, Hash: crypto.SHA256}
		if salt == 0 {
			options.SaltLength = 1 // 0 means any length to Go
		}
		signature, err := rsa.SignPSS(rand.Reader, signingKey, crypto.SHA256, sum[:], options)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.discover(t, "PS256").Verify(t.Context(), input+"."+base64.RawURLEncoding.EncodeToString(signature))
		if (err == nil) != ok {
			t.Errorf("a salt of %d bytes: %v", salt, err)
		}
	}
}

func TestStrictLeavesOtherAnswersAlone(t *testing.T) {
	s := newSource(t)
	s.keys = "plain text"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/none", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := Strict(Strict(nil)).Do(request)
	if err != nil || response.StatusCode != http.StatusNotFound {
		t.Errorf("%v", err)
	}
	if err == nil {
		_ = response.Body.Close()
	}
}

// TestNoFormIsReadAsTokens: golang.org/x/oauth2 would read an answer of these types as a form, in which names may be there twice.
func TestNoFormIsReadAsTokens(t *testing.T) {
	for _, kind := range []string{"application/x-www-form-urlencoded", "text/plain", "Text/Plain; charset=utf-8"} {
		for body, taken := range map[string]bool{
			"access_token=a&access_token=b&token_type=Bearer": false,
			"access_token=a&token_type=Bearer":                false,
			`{"access_token":"a","token_type":"Bearer"}`:      true,
		} {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				_, _ = io.WriteString(w, body)
			}))
			ctx := context.WithValue(t.Context(), oauth2.HTTPClient, Strict(nil))
			c := oauth2.Config{ClientID: "client", Endpoint: oauth2.Endpoint{TokenURL: s.URL, AuthStyle: oauth2.AuthStyleInParams}}
			token, err := c.Exchange(ctx, "code")
			if (err == nil) != taken || taken && token.AccessToken != "a" {
				t.Errorf("%s as %s: %+v, %v", body, kind, token, err)
			}
			s.Close()
		}
	}
}
