package gateway

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"

	"latchkey/shared/pasted"
)

// Page is the page of a list that a request asks for.
type Page struct {
	Size  int
	After string // the store's cursor; "" at the start
	Back  bool   // the page that ends before the cursor, not the one that begins behind it
	scope []string
	key   []byte
}

// The sizes of pages.
const (
	defaultPageSize = 50
	maxPageSize     = 100
)

// ErrPageToken refuses a page token that this list has not given.
var ErrPageToken = NewProblem(http.StatusBadRequest, "page_token_invalid", "The page token doesn't belong to this list.").
	WithDetail("Use next_page_token of the previous page, with the same filter; or begin again without one.")

// PageOf reads page_size and page_token; an empty one is as none. The scope is the account and each filter: a token is good
// for its own only, and nobody but the stack can make one.
func PageOf(r *http.Request, scope ...string) (Page, error) {
	key, _ := r.Context().Value(pageKey{}).([]byte)
	p := Page{Size: defaultPageSize, scope: scope, key: key}
	query := r.URL.Query()
	if text := query.Get("page_size"); text != "" {
		size, err := strconv.Atoi(text)
		if err != nil || size < 1 || size > maxPageSize || text != strconv.Itoa(size) {
			return p, Parameter("page_size", "It must be a number from 1 to 100.")
		}
		p.Size = size
	}
	token := pasted.Unquoted(query.Get("page_token"))
	if token == "" {
		return p, nil
	}
	for _, back := range []bool{false, true} {
		if cursor, ok := p.open(token, back); ok {
			p.After, p.Back = cursor, back
			return p, nil
		}
	}
	return p, ErrPageToken
}

const (
	maxPageToken = 2048 // characters
	sealLength   = 16   // bytes
)

type pageKey struct{}

// seal authenticates a cursor within its scope and for its direction.
func (p Page) seal(cursor []byte, back bool) []byte {
	mac := hmac.New(sha256.New, p.key)
	for _, part := range p.scope {
		_, _ = mac.Write(strconv.AppendInt(nil, int64(len(part)), 10))
		_, _ = mac.Write([]byte(":" + part))
	}
	end := byte('.')
	if back {
		end = '<'
	}
	_, _ = mac.Write([]byte{end})
	_, _ = mac.Write(cursor)
	return mac.Sum(nil)[:sealLength]
}

// hide encrypts a cursor, or decrypts it: with AES in counter mode, from the seal on, which only the same cursor of the same
// scope has too. Cursors are keys of records, which name people: a token that is kept says nothing of them.
func (p Page) hide(seal, cursor []byte) []byte {
	mac := hmac.New(sha256.New, p.key)
	_, _ = mac.Write([]byte("page token"))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		panic(err) // the key has the length of a hash
	}
	hidden := make([]byte, len(cursor))
	cipher.NewCTR(block, seal).XORKeyStream(hidden, cursor)
	return hidden
}

func (p Page) open(token string, back bool) (cursor string, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(token) > maxPageToken || len(raw) <= sealLength || len(p.key) == 0 {
		return "", false
	}
	seal := raw[:sealLength]
	plain := p.hide(seal, raw[sealLength:])
	return string(plain), hmac.Equal(seal, p.seal(plain, back))
}

// OnlyPageOf is [PageOf] for a list that has no other parameters.
func OnlyPageOf(r *http.Request, scope ...string) (Page, error) {
	if err := KnownQuery(r, "page_size", "page_token"); err != nil {
		return Page{}, err
	}
	return PageOf(r, scope...)
}

// Next makes the token of the next page from the store's cursor: nil at the end. Nobody but the stack can read it.
func (p Page) Next(cursor string) *string { return p.token(cursor, false) }

// Previous makes the token of the page that ends before a cursor: nil at the beginning.
func (p Page) Previous(cursor string) *string { return p.token(cursor, true) }

func (p Page) token(cursor string, back bool) *string {
	if cursor == "" {
		return nil
	}
	seal := p.seal([]byte(cursor), back)
	token := base64.RawURLEncoding.EncodeToString(append(seal, p.hide(seal, []byte(cursor))...))
	return &token
}
