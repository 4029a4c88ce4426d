package apikey

import (
	"encoding/base64"
	"errors"
)

// Hash is SHA-256 of a whole secret. The secret is random, so neither a slow hash nor a pepper adds anything.
type Hash [32]byte

// ErrHash means that a text is no stored hash.
var ErrHash = errors.New("apikey: malformed hash")

// String is the form in which stores hold a hash: base64url without padding, 43 characters.
func (h Hash) String() string { return base64.RawURLEncoding.EncodeToString(h[:]) }

// ParseHash reads what String wrote.
func ParseHash(text string) (Hash, error) {
	var h Hash
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != len(h) {
		return Hash{}, ErrHash
	}
	copy(h[:], raw)
	return h, nil
}
