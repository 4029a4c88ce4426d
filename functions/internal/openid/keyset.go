package openid

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/shared/strictjson"
)

// errNoKeys says that the issuer's keys can't be had: a breakdown, not a bad token.
var errNoKeys = errors.New("openid: the issuer's keys can't be read")

var errSignature = errors.New("openid: no key of the issuer made this signature")

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
	maxKeys = 100
	minRSA  = 2048 // bits
	maxRSA  = 8192
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
		if payload, err := jws.Verify(key); err == nil && saltFits(s.algorithm, key, token, jws.Signatures[0].Signature) {
			return payload, nil
		}
	}
	return nil, errSignature
}

var pssHashes = map[string]crypto.Hash{"PS256": crypto.SHA256, "PS384": crypto.SHA384, "PS512": crypto.SHA512}

// saltFits reports whether a PS signature has a salt as long as its hash (RFC 7518, section 3.5): go-jose takes any length.
func saltFits(algorithm string, key jose.JSONWebKey, token string, signature []byte) bool {
	hash, pss := pssHashes[algorithm]
	if !pss {
		return true
	}
	public, ok := key.Key.(*rsa.PublicKey)
	if !ok {
		return false
	}
	h := hash.New()
	_, _ = h.Write([]byte(token[:strings.LastIndexByte(token, '.')]))
	options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	return rsa.VerifyPSS(public, hash, h.Sum(nil), signature, options) == nil
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
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxDocument))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	keys, err := parseKeys(raw)
	if err != nil {
		return err
	}
	s.keys = keys
	return nil
}

// keyNames are the members of a key that decide what it is (RFC 7517, 7518).
var keyNames = []string{
	"kty", "use", "key_ops", "alg", "kid", "x5u", "x5c", "x5t", "x5t#S256", "n", "e", "crv", "x", "y",
	"d", "p", "q", "dp", "dq", "qi", "oth", "k",
}

// parseKeys reads a key set. Keys of kinds unknown here, weak ones and those that aren't for checking signatures are left
// out: an issuer may have such. A set that isn't strict JSON is refused as a whole.
func parseKeys(raw []byte) ([]jose.JSONWebKey, error) {
	members, err := strictjson.Object(raw, "keys")
	if err != nil {
		return nil, err
	}
	var listed []json.RawMessage
	if err := json.Unmarshal(members["keys"], &listed); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, one := range listed {
		named, err := strictjson.Object(one, keyNames...)
		if err != nil {
			continue
		}
		var key jose.JSONWebKey
		if json.Unmarshal(one, &key) == nil && key.IsPublic() && strong(key.Key) && verifies(named["key_ops"]) && len(keys) < maxKeys {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// strong reports whether a key is long enough to trust, and short enough to compute with.
func strong(key any) bool {
	public, ok := key.(*rsa.PublicKey)
	return !ok || (public.N.BitLen() >= minRSA && public.N.BitLen() <= maxRSA && public.E >= 3 && public.E%2 == 1)
}

// verifies reports whether a key's operations, if it names any, have that of checking signatures.
func verifies(raw json.RawMessage) bool {
	if raw == nil {
		return true
	}
	var operations []string
	return json.Unmarshal(raw, &operations) == nil && slices.Contains(operations, "verify")
}
