package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// SetETag names the version that an answer shows.
func SetETag(w http.ResponseWriter, version int64) {
	w.Header().Set("ETag", `"`+strconv.FormatInt(version, 10)+`"`)
}

// Match is a parsed If-Match header. The zero value is no precondition.
type Match struct {
	sent     bool
	any      bool
	versions []string
}

// IfMatch reads If-Match, which the operation demands: 428 without.
func IfMatch(r *http.Request) (Match, error) {
	m := OptionalIfMatch(r)
	if !m.sent {
		return m, NewProblem(http.StatusPreconditionRequired, "if_match_required", "If-Match is required.").
			WithDetail("Send the ETag of the object that you read.")
	}
	return m, nil
}

// OptionalIfMatch reads If-Match, if there is one. Weak tags never match (RFC 9110, section 13.1.1).
func OptionalIfMatch(r *http.Request) Match {
	values := r.Header.Values("If-Match")
	m := Match{sent: len(values) > 0}
	for _, tag := range strings.Split(strings.Join(values, ","), ",") {
		switch tag = strings.TrimSpace(tag); {
		case tag == "*":
			m.any = true
		case strings.HasPrefix(tag, "W/"):
		default:
			m.versions = append(m.versions, strings.Trim(tag, `"`))
		}
	}
	return m
}

// Check compares with the version that is there: ErrStale if it is another.
func (m Match) Check(version int64) error {
	if !m.sent || m.any {
		return nil
	}
	want := strconv.FormatInt(version, 10)
	for _, v := range m.versions {
		if v == want {
			return nil
		}
	}
	return ErrStale
}

// IdempotencyKey reads the header, "" if there is none.
func IdempotencyKey(r *http.Request) (string, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	valid := len(values) == 1 && len(key) >= 1 && len(key) <= 255
	for i := 0; valid && i < len(key); i++ {
		valid = key[i] > ' ' && key[i] < 0x7f
	}
	if !valid {
		return "", Parameter("Idempotency-Key", "It must have 1 to 255 visible ASCII characters.")
	}
	return key, nil
}

// BodyHash identifies a parsed request, to tell a replay from another request with the same Idempotency-Key.
// Give it everything that decides the outcome, in one order.
func BodyHash(parts ...[]byte) [32]byte {
	h := sha256.New()
	for _, part := range parts {
		_, _ = h.Write(strconv.AppendInt(nil, int64(len(part)), 10))
		_, _ = h.Write([]byte{':'})
		_, _ = h.Write(part)
	}
	return [32]byte(h.Sum(nil))
}

// Replayed marks the replay of an Idempotency-Key.
func Replayed(w http.ResponseWriter) { w.Header().Set("Idempotent-Replayed", "true") }

// ErrIdempotencyReused answers a second request that has the Idempotency-Key of another.
var ErrIdempotencyReused = NewProblem(http.StatusUnprocessableEntity, "idempotency_key_reused",
	"This Idempotency-Key was used with another body.").WithDetail("Use a new key for a new request.")

// Page is the page of a list that a request asks for.
type Page struct {
	Size  int
	After string // the store's cursor; "" at the start
	scope []string
}

// The sizes of pages.
const (
	defaultPageSize = 50
	maxPageSize     = 100
	maxPageToken    = 2048 // characters, as the contract says
)

// ErrPageToken refuses a page token that this list has not given.
var ErrPageToken = NewProblem(http.StatusBadRequest, "page_token_invalid", "The page token doesn't belong to this list.").
	WithDetail("Use next_page_token of the previous page, with the same filter.")

// PageOf reads page_size and page_token. The scope is the account and each filter: a token is good for its own only.
func PageOf(r *http.Request, scope ...string) (Page, error) {
	p := Page{Size: defaultPageSize, scope: scope}
	query := r.URL.Query()
	if text := query.Get("page_size"); query.Has("page_size") {
		size, err := strconv.Atoi(text)
		if err != nil || size < 1 || size > maxPageSize {
			return p, Parameter("page_size", "It must be a number from 1 to 100.")
		}
		p.Size = size
	}
	token := query.Get("page_token")
	if token == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	want := scopeHash(scope)
	if err != nil || len(token) > maxPageToken || len(raw) <= len(want) || subtle.ConstantTimeCompare(raw[:len(want)], want[:]) != 1 {
		return p, ErrPageToken
	}
	p.After = string(raw[len(want):])
	return p, nil
}

// OnlyPageOf is [PageOf] for a list that has no other parameters.
func OnlyPageOf(r *http.Request, scope ...string) (Page, error) {
	if err := KnownQuery(r, "page_size", "page_token"); err != nil {
		return Page{}, err
	}
	return PageOf(r, scope...)
}

// Next makes the token of the next page from the store's cursor: nil at the end.
func (p Page) Next(cursor string) *string {
	if cursor == "" {
		return nil
	}
	hash := scopeHash(p.scope)
	token := base64.RawURLEncoding.EncodeToString(append(hash[:], cursor...))
	return &token
}

func scopeHash(scope []string) [12]byte {
	parts := make([][]byte, len(scope))
	for i, s := range scope {
		parts[i] = []byte(s)
	}
	full := BodyHash(parts...)
	return [12]byte(full[:12])
}

// KnownQuery refuses parameters that the operation doesn't know, and repeated ones.
func KnownQuery(r *http.Request, names ...string) error {
	for name, values := range r.URL.Query() {
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known {
			return Parameter(name, "The operation has no such parameter.")
		}
		if len(values) > 1 {
			return Parameter(name, "The parameter is repeated.")
		}
	}
	return nil
}
