package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/infra/local/way"
)

// answer is an HTTP response that was read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// code is the code of a problem document.
func (a answer) code() string {
	var p struct{ Code string }
	_ = json.Unmarshal(a.body, &p)
	return p.Code
}

// is gives an error if the answer has another status or, where one is wanted, another code.
func (a answer) is(status int, code string) error {
	if a.status != status || code != "" && a.code() != code {
		return fmt.Errorf("%d %q, expected %d %s", a.status, short(a.body), status, code)
	}
	return nil
}

func short(b []byte) string { return string(b[:min(len(b), 120)]) }

// newClient speaks HTTP/1.1 alone, so that names and paths arrive as they are written here, and follows no redirect. The issuer of a
// `make sam-local` bears the name that containers know, which this machine may not.
func newClient() *http.Client {
	return &http.Client{
		Timeout: 35 * time.Second,
		Transport: &http.Transport{
			DialContext: way.Dial, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}, MaxIdleConnsPerHost: 8, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// send sends a request whose target is written as it is.
func (s *smoke) send(ctx context.Context, method, base, target, body string, header ...string) (answer, error) {
	u, err := url.Parse(base)
	if err != nil {
		return answer{}, err
	}
	u.Opaque = u.EscapedPath() + target
	u.Path, u.RawPath = "", ""
	req, err := http.NewRequestWithContext(ctx, method, base, bytes.NewReader([]byte(body)))
	if err != nil {
		return answer{}, err
	}
	req.URL = u
	for i := 0; i+1 < len(header); i += 2 {
		req.Header[header[i]] = append(req.Header[header[i]], header[i+1])
	}
	res, err := s.client.Do(req)
	if err != nil {
		return answer{}, hide(err, s.secrets)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 12<<20))
	return answer{res.StatusCode, res.Header, raw}, err
}

// hide keeps secrets out of what is printed: errors of the HTTP client quote the URL.
func hide(err error, secrets []string) error {
	text := err.Error()
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, "…")
	}
	return fmt.Errorf("%s", text)
}

// product calls a product with a secret in the header, or without one.
func (s *smoke) product(ctx context.Context, target, secret string, header ...string) (answer, error) {
	if secret != "" {
		header = append(header, "X-Api-Key", secret)
	}
	return s.send(ctx, http.MethodGet, s.products, target, "", header...)
}

// wants calls a product and gives an error if the answer is another.
func (s *smoke) wants(ctx context.Context, status int, code, target, secret string, header ...string) (answer, error) {
	a, err := s.product(ctx, target, secret, header...)
	if err == nil {
		err = a.is(status, code)
	}
	return a, err
}

// manage calls the management API, and reads the answer's document.
func (s *smoke) manage(ctx context.Context, status int, method, path, body string, into any) error {
	if s.token == "" {
		return left("TOKEN, an access token of somebody who may open an account (-token makes one)")
	}
	a, err := s.send(ctx, method, s.management, path, body, "Authorization", "Bearer "+s.token, "Content-Type", "application/json")
	if err != nil {
		return err
	}
	if err := a.is(status, ""); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(a.body, into)
}
