package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// signInPage goes where the console sends somebody who isn't signed in.
func signInPage(ctx context.Context, s *smoke) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := newClient()
	browser.Jar, browser.CheckRedirect = jar, nil
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.console+"/sign-in", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/html")
	res, err := browser.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	page, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || !bytes.Contains(bytes.ToLower(page), []byte("<form")) && !bytes.Contains(page, []byte("<script")) {
		return fmt.Errorf("%s answers %d %q", res.Request.URL.Host, res.StatusCode, short(page))
	}
	if strings.HasPrefix(res.Request.URL.String(), s.console) {
		return errors.New("the console doesn't lead to the issuer")
	}
	return nil
}

// tokenAddress asks whether the token has told the management API an address.
func tokenAddress(ctx context.Context, s *smoke) error {
	var me struct{ Email string }
	if err := s.manage(ctx, http.StatusOK, http.MethodGet, "/v1/me", "", &me); err != nil {
		return err
	}
	if !strings.Contains(me.Email, "@") {
		return errors.New("/v1/me has no email")
	}
	return nil
}

// signIn gets an access token the way the console does. The console refuses the code, which is none that it asked for, and so leaves
// it unused in the browser's address bar.
func signIn(ctx context.Context, t target, in io.Reader, out io.Writer) error {
	var issuer struct {
		Authorize string `json:"authorization_endpoint"`
		Token     string `json:"token_endpoint"`
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return err
	}
	if err := document(req, &issuer); err != nil {
		return err
	}
	verifier, callback := rand.Text()+rand.Text(), t.console+"/callback"
	sum := sha256.Sum256([]byte(verifier))
	_, _ = fmt.Fprintf(out, "Open this in a private window (where nobody is signed in to the console) and sign in:\n\n  %s?%s\n\nThe console then says that it can't sign you in. Paste that page's address here: ", issuer.Authorize, url.Values{
		"response_type": {"code"}, "client_id": {t.client}, "redirect_uri": {callback}, "scope": {"openid email profile"}, "state": {rand.Text()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode())
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && line == "" {
		return err
	}
	at, err := url.Parse(strings.TrimSpace(line))
	if err != nil || at.Query().Get("code") == "" {
		return errors.New("that address has no code")
	}
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {t.client}, "redirect_uri": {callback}, "code": {at.Query().Get("code")}, "code_verifier": {verifier}}
	if req, err = http.NewRequestWithContext(ctx, http.MethodPost, issuer.Token, strings.NewReader(form.Encode())); err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var tokens struct {
		Access string `json:"access_token"`
	}
	if err := document(req, &tokens); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "\n%s\n", tokens.Access)
	return nil
}

func document(req *http.Request, into any) error {
	res, err := newClient().Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %q", req.URL.Host, res.StatusCode, short(raw))
	}
	return json.Unmarshal(raw, into)
}
