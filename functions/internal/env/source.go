package env

import (
	"crypto/rand"
	"io"
	"time"

	"github.com/oklog/ulid/v2"
)

// Source supplies time and randomness, so that tests can fix both.
type Source struct {
	Now  func() time.Time
	Rand io.Reader
}

// NewSource reads the system's clock and its random numbers.
func NewSource() Source { return Source{Now: time.Now, Rand: rand.Reader} }

// Time is the time as records keep it: UTC, milliseconds.
func (s Source) Time() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// NewID makes an ID: a prefix such as "key_" and a ULID. It panics if there is no randomness, which the system's
// source never reports: an ID that isn't unique would be worse.
func (s Source) NewID(prefix string) string {
	return prefix + ulid.MustNew(ulid.Timestamp(s.Now()), s.Rand).String()
}
