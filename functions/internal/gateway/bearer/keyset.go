package bearer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// errNoKeys means that the issuer's keys can't be had: a breakdown, not a bad token.
var errNoKeys = errors.New("bearer: the issuer's keys can't be read")

var errSignature = errors.New("bearer: no key of the issuer made this signature")

// keySet caches the issuer's keys. An unknown key ID asks for them again, but not more often than every retry: tokens
// with invented key IDs must not become requests to the issuer. Old keys are read again too, so that one that the
// issuer withdrew stops working.
type keySet struct {
	url       string
	client    *http.Client
	algorithm string
	now       func() time.Time

	mu   sync.Mutex
	keys []jose.JSONWebKey
	read time.Time // when keys were read
	last time.Time // when reading was last tried
}

const (
	retry   = 5 * time.Second
	maxAge  = time.Hour
	maxJWKS = 1 << 20
)

// VerifySignature returns the payload of a token that one of the issuer's keys signed.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.algorithm)})
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errSignature
	}
	kid := jws.Signatures[0].Header.KeyID
	keys, err := s.find(ctx, kid)
	if err != nil {
		if broken, ok := ctx.Value(brokenKey{}).(*error); ok {
			*broken = err
		}
		return nil, err
	}
	for _, key := range keys {
		if payload, err := jws.Verify(key); err == nil {
			return payload, nil
		}
	}
	return nil, errSignature
}

// find returns the keys that may have made a signature.
func (s *keySet) find(ctx context.Context, kid string) ([]jose.JSONWebKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	known := s.named(kid)
	stale := s.read.IsZero() || now.Sub(s.read) > maxAge || len(known) == 0
	if stale && (s.last.IsZero() || now.Sub(s.last) >= retry || now.Before(s.last)) {
		s.last = now
		if err := s.fetch(ctx); err != nil && len(known) == 0 {
			return nil, fmt.Errorf("%w: %w", errNoKeys, err)
		} else if err == nil {
			s.read = now
		}
		known = s.named(kid)
	}
	if len(known) == 0 && s.read.IsZero() {
		return nil, errNoKeys
	}
	return known, nil
}

// named returns the signing keys of an ID and of the one algorithm; a token without an ID may be any key's.
func (s *keySet) named(kid string) (found []jose.JSONWebKey) {
	for _, key := range s.keys {
		fits := (key.Use == "" || key.Use == "sig") && (key.Algorithm == "" || key.Algorithm == s.algorithm)
		if fits && (kid == "" || key.KeyID == kid) {
			found = append(found, key)
		}
	}
	return found
}

func (s *keySet) fetch(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxJWKS))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return err
	}
	s.keys = nil
	for _, one := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(one, &key) == nil && key.IsPublic() { // an issuer may have keys of kinds unknown here
			s.keys = append(s.keys, key)
		}
	}
	return nil
}
