package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/shared/strictjson"
)

// errSignature says that no key of GitHub's made a signature. Any other error is a breakdown.
var errSignature = errors.New("leaks: the signature is not valid")

// errNoKeys says that GitHub's keys can't be had.
var errNoKeys = errors.New("leaks: GitHub's keys can't be read")

// signers caches the keys that sign GitHub's reports. An unknown identifier asks for them again, at most once in askAgain:
// invented identifiers must not become requests to GitHub. Old keys are read again too, so that one that GitHub withdrew stops
// working.
type signers struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu   sync.Mutex
	keys map[string]*ecdsa.PublicKey
	read time.Time // when keys were read
	last time.Time // when reading was last tried
}

const (
	askAgain     = time.Minute
	maxAge       = time.Hour
	maxDocument  = 256 << 10
	maxSigners   = 100
	fetchTimeout = 5 * time.Second
)

// newSigners checks the address of the keys. It calls nobody. nil where there is no address.
func newSigners(address string, now func() time.Time) (*signers, error) {
	if address == "" {
		return nil, nil //nolint:nilnil // none is a setting
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && env.Loopback(u.Hostname())) {
		return nil, errors.New("leaks: GITHUB_KEYS_URL must be an https URL")
	}
	client := &http.Client{
		Timeout:       fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &signers{url: address, client: client, now: now}, nil
}

// verify checks a signature over a body as it came.
func (s *signers) verify(ctx context.Context, id, signature string, body []byte) error {
	key, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("%w: no Base64", errSignature)
	}
	sum := sha256.Sum256(body)
	if !ecdsa.VerifyASN1(key, sum[:], sig) {
		return fmt.Errorf("%w: another body, or another key", errSignature)
	}
	return nil
}

func (s *signers) find(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	stale := s.keys[id] == nil || now.Sub(s.read) > maxAge
	if stale && (s.last.IsZero() || now.Sub(s.last) >= askAgain || now.Before(s.last)) {
		s.last = now
		keys, err := s.fetch(ctx)
		switch {
		case err == nil:
			s.keys, s.read = keys, now
		case s.keys[id] == nil:
			return nil, fmt.Errorf("%w: %w", errNoKeys, err)
		}
	}
	switch key := s.keys[id]; {
	case key != nil:
		return key, nil
	case s.read.IsZero():
		return nil, errNoKeys
	default:
		return nil, fmt.Errorf("%w: an unknown key", errSignature)
	}
}

func (s *signers) fetch(ctx context.Context) (map[string]*ecdsa.PublicKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "latchkey")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxDocument))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	return parseSigners(raw)
}

// parseSigners reads GitHub's list of keys. A key of another kind is left out; a list without any is refused.
func parseSigners(raw []byte) (map[string]*ecdsa.PublicKey, error) {
	members, err := strictjson.Object(raw, "public_keys")
	if err != nil {
		return nil, err
	}
	var listed []struct {
		ID  string `json:"key_identifier"`
		Key string `json:"key"`
	}
	if err := json.Unmarshal(members["public_keys"], &listed); err != nil {
		return nil, err
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, one := range listed {
		if key := parseSigner(one.Key); key != nil && one.ID != "" && len(keys) < maxSigners {
			keys[one.ID] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the list has no key that is usable")
	}
	return keys, nil
}

// parseSigner reads a public key on P-256 in PEM; nil for anything else.
func parseSigner(text string) *ecdsa.PublicKey {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil
	}
	if key, ok := parsed.(*ecdsa.PublicKey); ok && key.Curve == elliptic.P256() {
		return key
	}
	return nil
}
