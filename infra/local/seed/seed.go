// Package seed makes the ready-made people's accounts and a key, over HTTP alone, as any client would.
package seed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Config names the API to seed and the people to do it as.
type Config struct {
	ManagementURL, ProductsURL string
	Tokens                     map[string]string // by person
	StateFile                  string            // what was made; mode 0600
	Client                     *http.Client
}

// State lists the seeded objects. The secret is not kept: the demo key is a recoverable one, and its owner reveals it
// on each start.
type State struct {
	DemoAccount       string `json:"demo_account"`
	EnterpriseAccount string `json:"enterprise_account"`
	DemoKey           string `json:"demo_key"`
	DemoSecret        string `json:"-"`
	// Sample is the path of a call that the demo key may make: the sample of the first product that has one.
	Sample string `json:"-"`
	// NoOperator says that the store has operators already, of another sign-in than this one, and they alone name others.
	NoOperator bool `json:"-"`
}

// Run makes what is missing and keeps what exists. It may be cut off anywhere and run again.
func Run(ctx context.Context, c Config) (State, error) {
	s := load(c.StateFile)
	step := func(what string, err error) error {
		if err != nil {
			return fmt.Errorf("seed: %s: %w", what, err)
		}
		return save(c.StateFile, s)
	}
	err := c.operators(ctx)
	if s.NoOperator = errors.Is(err, errNoOperator); s.NoOperator {
		err = nil
	}
	if err := step("operators", err); err != nil {
		return s, err
	}
	s.DemoAccount, err = c.account(ctx, "owner", "Demo", s.DemoAccount)
	if err := step("demo account", err); err != nil {
		return s, err
	}
	for _, role := range []string{"developer", "viewer"} {
		if err := step("member "+role, c.member(ctx, s.DemoAccount, role)); err != nil {
			return s, err
		}
	}
	s.EnterpriseAccount, err = c.account(ctx, "enterprise_owner", "Enterprise", s.EnterpriseAccount)
	if err := step("enterprise account", err); err != nil {
		return s, err
	}
	if !s.NoOperator {
		if err := step("enterprise type", c.makeEnterprise(ctx, s.EnterpriseAccount)); err != nil {
			return s, err
		}
	}
	products, sample, err := c.products(ctx)
	if err := step("products", err); err != nil {
		return s, err
	}
	s.Sample = sample
	s.DemoKey, s.DemoSecret, err = c.key(ctx, s, products)
	return s, step("demo key", err)
}

var errNoOperator = errors.New("the store has operators, and this run's is none of them")

// operators makes the person "operator" the first one, who names another of the rank support.
func (c Config) operators(ctx context.Context) error {
	err := c.put(ctx, "operator", "/v1/operators/operator", map[string]string{})
	var answered *refusal
	if errors.As(err, &answered) && answered.status == http.StatusForbidden {
		return errNoOperator
	}
	if err != nil {
		return err
	}
	return c.put(ctx, "operator", "/v1/operators/support", map[string]string{"rank": "support"})
}

// account returns the account with a name that the person owns, and makes it if there is none.
func (c Config) account(ctx context.Context, person, name, known string) (string, error) {
	var me struct {
		Accounts []struct{ ID, Name, Role string } `json:"accounts"`
	}
	if err := c.call(ctx, person, http.MethodGet, "/v1/me", nil, &me, 200); err != nil {
		return "", err
	}
	byName := ""
	for _, a := range me.Accounts {
		if a.ID != known && (a.Name != name || a.Role != "owner" || byName != "") {
			continue
		}
		open, err := c.open(ctx, person, a.ID)
		switch {
		case err != nil:
			return "", err
		case open && a.ID == known:
			return a.ID, nil
		case open:
			byName = a.ID
		}
	}
	if byName != "" {
		return byName, nil
	}
	var made struct {
		ID string `json:"id"`
	}
	err := c.call(ctx, person, http.MethodPost, "/v1/accounts", map[string]string{"name": name}, &made, 201)
	if err == nil && made.ID == "" {
		err = errors.New("the new account has no id")
	}
	return made.ID, err
}

// member makes the person of a role a member of the owner's account: by an invitation, as there is no other way. One
// that was made before and not accepted does no harm: it is for that person alone, and ends in a week.
func (c Config) member(ctx context.Context, account, role string) error {
	var list struct {
		Members []struct{ Subject string } `json:"members"`
	}
	path := "/v1/accounts/" + account
	if err := c.call(ctx, "owner", http.MethodGet, path+"/members?page_size=100", nil, &list, 200); err != nil {
		return err
	}
	for _, m := range list.Members {
		if m.Subject == role {
			return nil
		}
	}
	var made struct {
		Token string `json:"token"`
	}
	body := map[string]string{"role": role, "email": role + "@example.com"}
	if err := c.call(ctx, "owner", http.MethodPost, path+"/invitations", body, &made, 201); err != nil {
		return err
	}
	return c.call(ctx, role, http.MethodPost, "/v1/invitations/accept", map[string]string{"token": made.Token}, nil, 200, 409)
}

// open reports whether an account is neither closed nor being closed.
func (c Config) open(ctx context.Context, person, account string) (bool, error) {
	var a struct {
		Closing  bool    `json:"closing"`
		ClosedAt *string `json:"closed_at"`
	}
	err := c.call(ctx, person, http.MethodGet, "/v1/accounts/"+account, nil, &a, 200)
	return err == nil && !a.Closing && a.ClosedAt == nil, err
}

func (c Config) makeEnterprise(ctx context.Context, account string) error {
	path := "/v1/accounts/" + account
	var a struct {
		Type string `json:"type"`
	}
	if err := c.call(ctx, "enterprise_owner", http.MethodGet, path, nil, &a, 200); err != nil || a.Type == "enterprise" {
		return err
	}
	return c.call(ctx, "operator", http.MethodPatch, path, map[string]string{"type": "enterprise"}, nil, 202)
}

// products are the APIs of the catalogue, as many as a key may have, and the sample path of the first.
func (c Config) products(ctx context.Context) (ids []string, sample string, err error) {
	var list struct {
		Products []struct {
			ID, Kind   string
			SamplePath string `json:"sample_path"`
		}
	}
	err = c.call(ctx, "owner", http.MethodGet, "/v1/products", nil, &list, 200)
	for _, p := range list.Products {
		if p.Kind != "api" || len(ids) == 50 {
			continue
		}
		if ids = append(ids, p.ID); sample == "" {
			sample = p.SamplePath
		}
	}
	return ids, sample, err
}

// key returns the demo key with its secret if that still opens the gate, and makes a new key otherwise.
func (c Config) key(ctx context.Context, s State, products []string) (id, secret string, err error) {
	var key struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	}
	keys := "/v1/accounts/" + s.DemoAccount + "/keys"
	if s.DemoKey != "" {
		err := c.call(ctx, "owner", http.MethodPost, keys+"/"+s.DemoKey+"/reveal", map[string]string{}, &key, 200, 403, 404, 409)
		if err != nil {
			return "", "", err
		}
		if key.Secret != "" {
			if works, err := c.opens(ctx, s.Sample, key.Secret); works || err != nil {
				return key.ID, key.Secret, err
			}
		}
		key.ID, key.Secret = "", ""
	}
	body := map[string]any{"name": "Demo key", "usage": "backend", "products": products, "recoverable": true}
	err = c.call(ctx, "owner", http.MethodPost, keys, body, &key, 201)
	if err == nil && key.Secret == "" {
		err = errors.New("the new key has no secret")
	}
	return key.ID, key.Secret, err
}

func (c Config) opens(ctx context.Context, path, secret string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.ProductsURL+path+"?key="+secret, nil)
	if err != nil {
		return false, errors.New("the probe's URL can't be read")
	}
	res, err := c.Client.Do(req)
	if err != nil {
		return false, errors.New("the products API can't be reached") // the error itself holds the URL, secret included
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusForbidden, nil
}

func (c Config) put(ctx context.Context, person, path string, body any) error {
	return c.call(ctx, person, http.MethodPut, path, body, nil, 200, 201, 204)
}

// refusal is an answer with another status than those that were wanted.
type refusal struct {
	call   string
	status int
	text   string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s answered %d: %s", r.call, r.status, r.text) }

// call makes one call of the management API. Answers of 429 and 5xx are tried again for a while.
func (c Config) call(ctx context.Context, person, method, path string, body, into any, want ...int) error {
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		status, text, _, err := c.once(ctx, person, method, path, body, "")
		if err == nil && status == http.StatusPreconditionRequired { // a change wants the version it builds on
			var etag string
			if _, _, etag, err = c.once(ctx, person, http.MethodGet, path, nil, ""); err == nil {
				status, text, _, err = c.once(ctx, person, method, path, body, etag)
			}
		}
		if err != nil {
			return err
		}
		for _, w := range want {
			if status == w && into != nil {
				return json.Unmarshal(text, into)
			}
			if status == w {
				return nil
			}
		}
		if status != http.StatusTooManyRequests && status < 500 || wait > 2*time.Second {
			return &refusal{method + " " + path, status, snippet(text)}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (c Config) once(ctx context.Context, person, method, path string, body any, etag string) (int, []byte, string, error) {
	var r io.Reader
	if body != nil {
		doc, err := json.Marshal(body)
		if err != nil {
			return 0, nil, "", err
		}
		r = bytes.NewReader(doc)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.ManagementURL+path, r)
	if err != nil {
		return 0, nil, "", err
	}
	req.Header.Set("Authorization", "Bearer "+c.Tokens[person])
	switch {
	case method == http.MethodPatch:
		req.Header.Set("Content-Type", "application/merge-patch+json")
	case body != nil:
		req.Header.Set("Content-Type", "application/json")
	}
	if etag != "" {
		req.Header.Set("If-Match", etag)
	}
	res, err := c.Client.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, text, res.Header.Get("ETag"), err
}

// snippet is a refusal's body, short; bodies of success hold secrets and never come here.
func snippet(text []byte) string {
	s := strings.TrimSpace(string(text))
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	return s
}

func load(file string) State {
	var s State
	raw, err := os.ReadFile(file) //nolint:gosec // in the data directory
	if err != nil || json.Unmarshal(raw, &s) != nil {
		return State{} // missing or torn: the accounts are found by name
	}
	return s
}

func save(file string, s State) error { return WriteJSON(file, s) }

// WriteJSON writes a document with mode 0600 beside the file and renames it into place.
func WriteJSON(file string, v any) error {
	doc, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(doc, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
