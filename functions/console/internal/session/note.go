package session

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
)

// A note is what one answer leaves for the next page of the same session. Sealed, it waits in a cookie: only the session's own
// cookie makes and reads it.

// SealNote seals a note for the session of a cookie. It returns ErrNone if the cookie is none.
func (k Keeper) SealNote(cookie string, note []byte) (string, error) {
	key, err := noteKey(cookie)
	if err != nil {
		return "", err
	}
	gcm, err := aead(key)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := io.ReadFull(k.Random, nonce); err != nil {
		return "", fmt.Errorf("session: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(gcm.Seal(nonce, nonce, note, nil)), nil
}

// OpenNote reads a note of the session of a cookie. It returns ErrNone for anything else.
func (k Keeper) OpenNote(cookie, sealed string) ([]byte, error) {
	key, err := noteKey(cookie)
	if err != nil {
		return nil, err
	}
	gcm, err := aead(key)
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(raw) < gcm.NonceSize() {
		return nil, ErrNone
	}
	note, err := gcm.Open(nil, raw[:gcm.NonceSize()], raw[gcm.NonceSize():], nil)
	if err != nil {
		return nil, ErrNone
	}
	return note, nil
}

func noteKey(cookie string) ([]byte, error) {
	secret, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || len(secret) != secretBytes {
		return nil, ErrNone
	}
	return hkdf.Key(sha256.New, secret, nil, "latchkey console note", 32)
}
