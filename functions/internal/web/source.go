package web

import (
	"crypto/rand"
	"io"
	"time"

	"github.com/oklog/ulid/v2"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
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

// AuditRow makes the audit row of something that a person does. Its ID is new for each attempt.
func (s Source) AuditRow(c gateway.Caller, action string, key apikey.ID, changes ...audit.Change) audit.Row {
	return audit.Row{
		ID: s.NewID("aud_"), Account: c.Account, KeyID: string(key), Action: action, At: s.Time(), RequestID: c.RequestID,
		Actor:   audit.Actor{Subject: c.Person.Subject, Email: c.Person.Email, Role: c.RoleName()},
		Changes: changes,
	}
}
