package issuer

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const clientID = "latchkey-local"

// harness is an issuer on a free port, and a client of it.
type harness struct {
	t      *testing.T
	url    string
	issuer *Issuer
	oauth  oauth2.Config
	oidc   *oidc.Provider
}

func start(t *testing.T, keyFile string, change func(*Config)) *harness {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Issuer: "http://" + l.Addr().String(), ClientID: clientID, KeyFile: keyFile}
	cfg.AccessClaims = func(_ context.Context, p Person) (map[string]any, error) {
		return map[string]any{"email": p.Email, "email_verified": "true"}, nil
	}
	if change != nil {
		change(&cfg)
	}
	iss, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(iss)
	srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	t.Cleanup(srv.Close)
	p, err := oidc.NewProvider(t.Context(), cfg.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	return &harness{t: t, url: cfg.Issuer, issuer: iss, oidc: p, oauth: oauth2.Config{
		ClientID: clientID, Endpoint: p.Endpoint(), RedirectURL: "http://127.0.0.1:9/prod/auth/callback",
		Scopes: []string{"openid", "email", "profile", "offline_access"},
	}}
}

func keyFile(t *testing.T) string { return filepath.Join(t.TempDir(), "issuer.pem") }

// browser follows redirects inside the issuer and stops at those that leave it.
func (r *harness) browser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if "http://"+req.URL.Host != r.url {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

func (r *harness) get(b *http.Client, u string) (*http.Response, string) {
	r.t.Helper()
	resp, err := b.Get(u)
	return r.read(resp, err)
}

func (r *harness) read(resp *http.Response, err error) (*http.Response, string) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp, string(body)
}

var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// choose opens the sign-in page and presses a button or fills in the form; it returns where the browser is sent.
func (r *harness) choose(b *http.Client, authURL string, form url.Values) *url.URL {
	r.t.Helper()
	resp, page := r.get(b, authURL)
	m := hiddenID.FindStringSubmatch(page)
	if resp.StatusCode != 200 || m == nil {
		r.t.Fatalf("no sign-in page: %d %s", resp.StatusCode, page)
	}
	form.Set("id", m[1])
	resp, page = r.read(b.PostForm(r.url+"/login", form))
	to, err := resp.Location()
	if err != nil {
		r.t.Fatalf("no redirect: %d %s", resp.StatusCode, page)
	}
	return to
}

func (r *harness) authURL(verifier string, opts ...oauth2.AuthCodeOption) string {
	opts = append(opts, oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", "n-1"))
	return r.oauth.AuthCodeURL("state-1", opts...)
}

func (r *harness) signIn(b *http.Client, form url.Values) *oauth2.Token {
	r.t.Helper()
	v := oauth2.GenerateVerifier()
	to := r.choose(b, r.authURL(v), form)
	if !strings.HasPrefix(to.String(), r.oauth.RedirectURL+"?") || to.Query().Get("state") != "state-1" {
		r.t.Fatalf("sent to %s", to)
	}
	tok, err := r.oauth.Exchange(r.t.Context(), to.Query().Get("code"), oauth2.VerifierOption(v))
	if err != nil {
		r.t.Fatal(err)
	}
	return tok
}

// said is true or "true": issuers write it in either way.
type said string

func (s *said) UnmarshalJSON(raw []byte) error {
	*s = said(strings.Trim(string(raw), `"`))
	return nil
}

type claims struct {
	Issuer        string `json:"iss"`
	Subject       string `json:"sub"`
	ClientID      string `json:"client_id"`
	TokenUse      string `json:"token_use"`
	Email         string `json:"email"`
	EmailVerified said   `json:"email_verified"`
	Name          string `json:"name"`
	Nonce         string `json:"nonce"`
	JTI           string `json:"jti"`
}

// verify checks signature, RS256, issuer, audience and expiry as the API's own verifier does.
func (r *harness) verify(raw string) claims {
	r.t.Helper()
	tok, err := r.oidc.Verifier(&oidc.Config{ClientID: clientID, SupportedSigningAlgs: []string{"RS256"}}).Verify(r.t.Context(), raw)
	if err != nil {
		r.t.Fatal(err)
	}
	var c claims
	if err := tok.Claims(&c); err != nil {
		r.t.Fatal(err)
	}
	return c
}

func person(sub string) url.Values { return url.Values{"person": {sub}} }
