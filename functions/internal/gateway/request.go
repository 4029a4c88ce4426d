package gateway

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"latchkey/shared/moment"
)

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

// Text reads a parameter of the query that is a text of at most so many characters; "" if it is absent or empty.
func Text(r *http.Request, name string, most int) (string, error) {
	text := r.URL.Query().Get(name)
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > most {
		return "", Parameter(name, "It must be a text of at most "+strconv.Itoa(most)+" characters.")
	}
	return text, nil
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

// Time reads a parameter of the query that is a time, in UTC and whole milliseconds; otherwise if it is absent or empty.
func Time(r *http.Request, name string, otherwise time.Time) (time.Time, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	at, err := moment.Parse(text)
	switch {
	case errors.Is(err, moment.ErrRange):
		return at, Parameter(name, timeRange)
	case err != nil:
		return at, Parameter(name, "It is "+aTime+".")
	}
	return at, nil
}
