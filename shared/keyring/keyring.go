// Package keyring seals the secrets of recoverable keys: AES-256-GCM, the key ID as associated data, so that a
// sealed secret opens for its own key alone. It is pure; who keeps the ring is not its business.
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"latchkey/shared/strictjson"
)

// Ring is the data keys by name, and the one that seals. The zero value seals and opens nothing.
type Ring struct {
	current string
	keys    map[string]cipher.AEAD
	raw     map[string][]byte
}

// Why a ring or a sealed secret is refused. None of the errors quotes a key or a secret.
var (
	ErrRing   = errors.New("keyring: not a keyring")
	ErrSealed = errors.New("keyring: not sealed by a key of this ring for this key ID")
)

const (
	format  = 1
	keySize = 32 // AES-256
	maxName = 32
)

type document struct {
	Current string            `json:"current"`
	Keys    map[string][]byte `json:"keys"` // base64
}

// Parse reads {"current":"k1","keys":{"k1":"<32 bytes, base64>"}}.
func Parse(text []byte) (Ring, error) {
	var doc document
	// encoding/json would let a second "current", or a "Current", decide which key seals.
	if _, err := strictjson.Object(text, "current", "keys"); err != nil || json.Unmarshal(text, &doc) != nil {
		return Ring{}, ErrRing // an error of the reader could quote the document
	}
	r := Ring{current: doc.Current, keys: map[string]cipher.AEAD{}, raw: map[string][]byte{}}
	for name, key := range doc.Keys {
		if err := r.add(name, key); err != nil {
			return Ring{}, err
		}
	}
	if r.keys[doc.Current] == nil {
		return Ring{}, fmt.Errorf("%w: the current key is missing", ErrRing)
	}
	return r, nil
}

func (r *Ring) add(name string, key []byte) error {
	if name == "" || len(name) > maxName || len(key) != keySize {
		return fmt.Errorf("%w: a key has a short name and %d bytes", ErrRing, keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return ErrRing
	}
	if r.keys[name], err = cipher.NewGCM(block); err != nil {
		return ErrRing
	}
	r.raw[name] = key
	return nil
}

// Grow returns a ring with one more key, which seals from now on. The keys before it still open.
func (r Ring) Grow(random io.Reader, name string) (Ring, error) {
	key := make([]byte, keySize)
	if _, err := io.ReadFull(random, key); err != nil {
		return Ring{}, fmt.Errorf("keyring: randomness: %w", err)
	}
	next := Ring{current: name, keys: map[string]cipher.AEAD{}, raw: map[string][]byte{}}
	for old, raw := range r.raw {
		if old == name {
			return Ring{}, fmt.Errorf("%w: there is a key of that name", ErrRing)
		}
		if err := next.add(old, raw); err != nil {
			return Ring{}, err
		}
	}
	return next, next.add(name, key)
}

// Drop returns a ring without a key that isn't the current one. What it sealed can't be opened any more.
func (r Ring) Drop(name string) (Ring, error) {
	if name == r.current || r.keys[name] == nil {
		return Ring{}, fmt.Errorf("%w: only an old key of the ring can be dropped", ErrRing)
	}
	next := Ring{current: r.current, keys: map[string]cipher.AEAD{}, raw: map[string][]byte{}}
	for other, raw := range r.raw {
		if other == name {
			continue
		}
		if err := next.add(other, raw); err != nil {
			return Ring{}, err
		}
	}
	return next, nil
}

// Current is the name of the key that seals; "" for the zero Ring.
func (r Ring) Current() string { return r.current }

// Names lists the ring's keys, in no order.
func (r Ring) Names() []string {
	names := make([]string, 0, len(r.keys))
	for name := range r.keys {
		names = append(names, name)
	}
	return names
}

// Document returns the ring as Parse reads it. It holds the data keys: it belongs in Secrets Manager and nowhere
// else.
func (r Ring) Document() []byte {
	text, err := json.Marshal(document{Current: r.current, Keys: r.raw})
	if err != nil {
		panic("keyring: " + err.Error()) // strings and bytes always marshal
	}
	return text
}

// String hides the ring from fmt.
func (Ring) String() string { return "[redacted]" }

// GoString hides the ring from %#v.
func (Ring) GoString() string { return "[redacted]" }

// MarshalJSON hides the ring from encoding/json and slog.
func (Ring) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }

// Seal encrypts a text for a key ID: format, length and name of the data key, nonce, ciphertext.
func (r Ring) Seal(random io.Reader, text, keyID string) ([]byte, error) {
	aead := r.keys[r.current]
	if aead == nil {
		return nil, fmt.Errorf("%w: it is empty", ErrRing)
	}
	out := append([]byte{format, byte(len(r.current))}, r.current...)
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("keyring: randomness: %w", err)
	}
	out = append(out, nonce...)
	return aead.Seal(out, nonce, []byte(text), []byte(keyID)), nil
}

// Open decrypts what Seal made for the same key ID: ErrSealed otherwise.
func (r Ring) Open(sealed []byte, keyID string) (string, error) {
	name, rest, ok := split(sealed)
	aead := r.keys[name]
	if !ok || aead == nil || len(rest) < aead.NonceSize() {
		return "", ErrSealed
	}
	nonce, ciphertext := rest[:aead.NonceSize()], rest[aead.NonceSize():]
	text, err := aead.Open(nil, nonce, ciphertext, []byte(keyID))
	if err != nil {
		return "", ErrSealed
	}
	return string(text), nil
}

// SealedBy is the name of the data key that sealed, "" for what isn't sealed. The sweep asks it.
func SealedBy(sealed []byte) string {
	name, _, _ := split(sealed)
	return name
}

func split(sealed []byte) (name string, rest []byte, ok bool) {
	if len(sealed) < 2 || sealed[0] != format || len(sealed) < 2+int(sealed[1]) {
		return "", nil, false
	}
	n := 2 + int(sealed[1])
	return string(sealed[2:n]), sealed[n:], true
}
