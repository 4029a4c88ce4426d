package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signIn signs somebody in at the console as a browser does, and returns its Cookie header.
func (m *maker) signIn(person string) string {
	jar := map[string]map[string]string{} // by host; net/http's own sends no Secure cookies to a loopback address
	cookies := func(host string) string {
		var list []string
		for name, value := range jar[host] {
			list = append(list, name+"="+value)
		}
		return strings.Join(list, "; ")
	}
	method, address, form := http.MethodGet, m.s.ConsoleURL+"/sign-in", ""
	for range 10 {
		u, err := url.Parse(address)
		if err != nil {
			m.t.Fatal(err)
		}
		a := browse(m.t, method, address, form, cookies(u.Host))
		for _, c := range (&http.Response{Header: a.header}).Cookies() {
			if jar[u.Host] == nil {
				jar[u.Host] = map[string]string{}
			}
			if jar[u.Host][c.Name] = c.Value; c.Value == "" {
				delete(jar[u.Host], c.Name)
			}
		}
		if next := a.header.Get("Location"); next != "" {
			to, err := u.Parse(next)
			if err != nil {
				m.t.Fatal(err)
			}
			method, address, form = http.MethodGet, to.String(), ""
			continue
		}
		id := hiddenID.FindStringSubmatch(string(a.body))
		if id == nil {
			if a.status != http.StatusOK || !strings.HasPrefix(address, m.s.ConsoleURL) {
				m.t.Fatalf("signing in ended at %s with %d %.300s", address, a.status, a.body)
			}
			return cookies(u.Host)
		}
		method, address, form = http.MethodPost, m.s.IssuerURL+"/login", url.Values{"id": {id[1]}, "person": {person}}.Encode()
	}
	m.t.Fatal("signing in goes in circles")
	return ""
}

// secretText reads a secret of the stack itself.
func (s *stack) secretText(ctx context.Context, name string) (string, error) {
	out, err := s.secretsAs("local").GetSecretValue(ctx, &sm.GetSecretValueInput{SecretId: &name})
	if err != nil {
		return "", err
	}
	return *out.SecretString, nil
}

// browse makes one request and follows no redirect.
func browse(t testing.TB, method, address, form, cookie string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return received(t, res)
}

// refusedReader is a principal that AWS doesn't know: it can't be given access. What plays Secrets Manager takes any.
const refusedReader = "arn:aws:iam::111122223333:role/refused"

// unknownReader stands before a stack's Secrets Manager and refuses that one. The setting it returns is for start; the stack's
// address is told afterwards.
func unknownReader(t *testing.T) (setting string, of func(*stack)) {
	t.Helper()
	var behind atomic.Pointer[url.URL]
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind.Load()) }}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutResourcePolicy") && bytes.Contains(body, []byte(refusedReader)) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"MalformedPolicyDocumentException","Message":"The resource policy contains an unknown principal."}`)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return "LATCHKEY_PARAM_SecretsManagerEndpoint=" + srv.URL, func(s *stack) {
		u, err := url.Parse(s.SecretsURL)
		if err != nil {
			t.Fatal(err)
		}
		behind.Store(u)
	}
}
