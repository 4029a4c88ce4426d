// Package session keeps a browser's session. The cookie holds 256 random bits: their hash names the row, and a key
// that is derived from them seals what is in it. So the table alone opens no session and reads no token.
package session

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/sessions"
)

// The life of a session: it ends Idle after its last use, and Longest after the sign-in in any case.
const (
	Idle    = 2 * time.Hour
	Longest = 12 * time.Hour
	// touchAfter bounds how far the stored last use, and with it the end, may lag behind, so that not every page writes.
	touchAfter = 10 * time.Minute
)

// ErrNone means that there is no such session any more, or never was.
var ErrNone = errors.New("session: no such session")

// Tokens are a session's tokens, kept encrypted.
type Tokens struct {
	Access     string    `json:"a"`
	Refresh    string    `json:"r,omitempty"`
	Expires    time.Time `json:"e"` // of the access token; zero if the issuer didn't say
	Subject    string    `json:"s"`
	EndSession string    `json:"o,omitempty"` // where the issuer's own session is ended
	Revocation string    `json:"v,omitempty"` // where the refresh token is revoked
}

// Session is an open session.
type Session struct {
	Tokens
	row sessions.Session
	key []byte
}

// Store is the sessions table.
type Store interface {
	Put(context.Context, sessions.Session) (sessions.Session, error)
	Get(ctx context.Context, id string, now time.Time) (sessions.Session, error)
	Touch(ctx context.Context, id string, used, expires time.Time) error
	Delete(ctx context.Context, id string) error
	DeleteUnchanged(context.Context, sessions.Session) error
	Person(ctx context.Context, id string) (sessions.Person, error)
	PutPerson(context.Context, sessions.Person) error
	Start(context.Context, sessions.Session, sessions.Person) error
}

// Keeper opens, keeps and ends sessions.
type Keeper struct {
	Store  Store
	Now    func() time.Time
	Random io.Reader
}

const secretBytes = 32

// names returns the row's ID and the sealing key of a cookie.
func names(cookie string) (id string, key []byte, err error) {
	secret, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || len(secret) != secretBytes {
		return "", nil, ErrNone
	}
	sum := sha256.Sum256(append([]byte("latchkey console session\n"), secret...))
	key, err = hkdf.Key(sha256.New, secret, nil, "latchkey console tokens", 32)
	return base64.RawURLEncoding.EncodeToString(sum[:]), key, err
}

// New starts a session of a browser and returns the cookie's value.
func (k Keeper) New(ctx context.Context, t Tokens, of Browser) (cookie string, err error) {
	secret := make([]byte, secretBytes)
	if _, err := io.ReadFull(k.Random, secret); err != nil {
		return "", fmt.Errorf("session: %w", err)
	}
	cookie = base64.RawURLEncoding.EncodeToString(secret)
	id, key, err := names(cookie)
	if err != nil {
		return "", err
	}
	now := k.Now().UTC()
	row := sessions.Session{ID: id, CreatedAt: now, ExpiresAt: now.Add(Idle), UsedAt: now, Browser: of.String()}
	if row.Sealed, err = k.seal(key, id, t); err != nil {
		return "", err
	}
	return cookie, k.start(ctx, row, t.Subject)
}

// Open finds the session of a cookie. ErrNone if it is over.
func (k Keeper) Open(ctx context.Context, cookie string) (*Session, error) {
	id, key, err := names(cookie)
	if err != nil {
		return nil, ErrNone
	}
	now := k.Now().UTC()
	row, err := k.Store.Get(ctx, id, now)
	if errors.Is(err, dynamo.ErrNotFound) || errors.Is(err, dynamo.ErrUnreadable) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	s := &Session{row: row, key: key}
	if s.Tokens, err = unseal(key, id, row.Sealed); err != nil {
		return nil, ErrNone
	}
	if !now.Before(row.CreatedAt.Add(Longest)) {
		return nil, ErrNone
	}
	if now.Sub(row.UsedAt) < touchAfter {
		return s, nil
	}
	if row.UsedAt.IsZero() && k.list(ctx, id, s.Subject) != nil {
		return s, nil //nolint:nilerr // its next use lists it
	}
	end := k.end(row)
	if err := k.Store.Touch(ctx, id, now, end); errors.Is(err, dynamo.ErrNotFound) {
		return nil, ErrNone
	}
	s.row.UsedAt, s.row.ExpiresAt = now, end
	return s, nil
}

func (k Keeper) end(row sessions.Session) time.Time {
	end, last := k.Now().UTC().Add(Idle), row.CreatedAt.Add(Longest)
	if end.After(last) {
		return last
	}
	return end
}

// End ends the session of a cookie. It does no harm twice.
func (k Keeper) End(ctx context.Context, cookie string) error {
	id, _, err := names(cookie)
	if errors.Is(err, ErrNone) {
		return nil // it names nothing that could be ended
	}
	if err != nil {
		return err
	}
	return k.Store.Delete(ctx, id)
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (k Keeper) seal(key []byte, id string, t Tokens) ([]byte, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	gcm, err := aead(key)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := io.ReadFull(k.Random, nonce); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return gcm.Seal(nonce, nonce, plain, []byte(id)), nil
}

func unseal(key []byte, id string, sealed []byte) (t Tokens, err error) {
	gcm, err := aead(key)
	if err != nil {
		return t, err
	}
	if len(sealed) < gcm.NonceSize() {
		return t, ErrNone
	}
	plain, err := gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], []byte(id))
	if err != nil {
		return t, ErrNone
	}
	return t, json.Unmarshal(plain, &t)
}
