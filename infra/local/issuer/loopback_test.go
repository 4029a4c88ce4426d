package issuer

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestRedirectsGoToLoopbackOnly(t *testing.T) {
	free := &Config{}
	narrow := &Config{RedirectPrefixes: []string{"http://127.0.0.1:8082/"}}
	for _, tc := range []struct {
		url          string
		free, narrow bool
	}{
		{"http://127.0.0.1:8082/auth/callback", true, true},
		{"http://localhost:8082/auth/callback", true, false},
		{"http://[::1]:8082/x", true, false},
		{"http://127.0.0.1:80820/x", true, false},
		{"http://127.0.0.1:8082@evil.example/", false, false},
		{"http://127.0.0.1.evil.example/", false, false},
		{"https://example.com/", false, false},
		{"javascript:alert(1)", false, false},
		{"http://user@127.0.0.1:8082/", false, false},
		{"//127.0.0.1/x", false, false},
		{"http://127.0.0.1:8082/#x", false, false},
		{"", false, false},
	} {
		if got := free.mayRedirect(tc.url); got != tc.free {
			t.Errorf("%q: %v", tc.url, got)
		}
		if got := narrow.mayRedirect(tc.url); got != tc.narrow {
			t.Errorf("%q with prefixes: %v", tc.url, got)
		}
	}
	r := start(t, keyFile(t), nil)
	r.oauth.RedirectURL = "https://evil.example/cb"
	if resp, _ := r.get(r.browser(), r.authURL("v")); resp.StatusCode < 400 {
		t.Errorf("authorize answered %d for a foreign redirect", resp.StatusCode)
	}
	for _, q := range []string{"?post_logout_redirect_uri=https://evil.example/", "?client_id=" + clientID + "&post_logout_redirect_uri=http://127.0.0.1:1@evil.example/"} {
		if resp, _ := r.get(r.browser(), r.url+"/end_session"+q); resp.StatusCode < 400 {
			t.Errorf("end_session%s: %d", q, resp.StatusCode)
		}
	}
}

func TestAnswersLoopbackOnly(t *testing.T) {
	r := start(t, keyFile(t), nil)
	port := r.url[strings.LastIndex(r.url, ":"):]
	for host, want := range map[string]int{
		"localhost" + port: 200, "127.0.0.1" + port: 200, "[::1]" + port: 200, "127.1.2.3": 200,
		"evil.example" + port: 421, "127.0.0.1.nip.io" + port: 421, "10.0.0.1" + port: 421, "": 421,
	} {
		req := httptest.NewRequest("GET", "/keys", nil)
		req.RemoteAddr, req.Host = "127.0.0.1:5", host
		w := httptest.NewRecorder()
		r.issuer.ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
	}
	req := httptest.NewRequest("GET", "/keys", nil)
	req.RemoteAddr, req.Host = "192.0.2.7:5", "localhost"
	w := httptest.NewRecorder()
	if r.issuer.ServeHTTP(w, req); w.Code != 421 {
		t.Errorf("a remote caller: %d", w.Code)
	}
	for _, u := range []string{"https://login.example.com", "http://0.0.0.0:1", "http://127.0.0.1:1/path", ""} {
		if _, err := New(Config{Issuer: u, ClientID: clientID, KeyFile: keyFile(t)}); err == nil {
			t.Errorf("New accepts the issuer %q", u)
		}
	}
}

func TestDiscoveryPromisesWhatIsThere(t *testing.T) {
	r := start(t, keyFile(t), nil)
	_, body := r.get(r.browser(), r.url+"/.well-known/openid-configuration")
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"issuer":                                r.url,
		"response_types_supported":              "[code]",
		"grant_types_supported":                 "[authorization_code refresh_token]",
		"id_token_signing_alg_values_supported": "[RS256]",
		"code_challenge_methods_supported":      "[S256]",
	}
	for k, v := range want {
		got := doc[k]
		if s, ok := got.([]any); ok {
			parts := make([]string, len(s))
			for i := range s {
				parts[i], _ = s[i].(string)
			}
			got = "[" + strings.Join(parts, " ") + "]"
		}
		if got != v {
			t.Errorf("%s: %v, want %v", k, got, v)
		}
	}
	for k, v := range doc {
		if u, ok := v.(string); ok && strings.HasPrefix(u, r.url+"/") {
			if resp, _ := r.get(r.browser(), u); resp.StatusCode == 404 {
				t.Errorf("%s points at nothing", k)
			}
		}
	}
	for _, p := range []string{"/device_authorization", "/oauth/introspect"} {
		if resp, _ := r.get(r.browser(), r.url+p); resp.StatusCode != 404 {
			t.Errorf("%s answers %d", p, resp.StatusCode)
		}
	}
	_, jwks := r.get(r.browser(), r.url+"/keys")
	if strings.Contains(jwks, `"d"`) || !strings.Contains(jwks, `"RS256"`) {
		t.Errorf("JWKS: %s", jwks)
	}
}

func TestKeyFileThatOthersCanReadIsRefused(t *testing.T) {
	file := keyFile(t)
	if _, err := loadKey(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := loadKey(file); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("%v", err)
	}
	for _, content := range []string{"", "no pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		bad := keyFile(t)
		if err := os.WriteFile(bad, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadKey(bad); err == nil {
			t.Errorf("%q is taken for a key", content)
		}
	}
}

// Under the name that containers know, an issuer answers to that name too, and to no other; browsers are sent to loopback as ever.
func TestTheIssuerOfContainersAnswersToTheirName(t *testing.T) {
	i, err := New(Config{Issuer: "http://host.docker.internal:8085", ClientID: clientID, KeyFile: keyFile(t)})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{
		"host.docker.internal:8085": 200, "127.0.0.1:8085": 200, "host.docker.internal:80": 421, "host.docker.internal.evil.example:8085": 421, "evil.example": 421,
	} {
		req := httptest.NewRequest("GET", "/keys", nil)
		req.RemoteAddr, req.Host = "127.0.0.1:5", host
		w := httptest.NewRecorder()
		i.ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("%s: %d", host, w.Code)
		}
	}
	if i.cfg.mayRedirect("http://host.docker.internal:3000/callback") {
		t.Error("a code is sent off loopback")
	}
	if _, err := New(Config{Issuer: "http://issuer.example", ClientID: clientID, KeyFile: keyFile(t)}); err == nil {
		t.Error("an issuer of any name is made")
	}
}
