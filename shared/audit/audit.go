// Package audit defines the audit trail: one row for each mutation, written in the mutation's own transaction.
// docs/glossary.md explains audit row and audit trail.
package audit

import (
	"time"

	"latchkey/shared/account"
)

// Row is one line of the audit trail. It never holds a secret.
type Row struct {
	ID        string // "aud_" and a ULID, so rows sort by time
	Account   account.ID
	KeyID     string // empty where no key is concerned
	Action    string // "key.create", "key.revoke", "member.change" …
	Actor     Actor
	At        time.Time
	RequestID string
	Changes   []Change
}

// Actor is the person or job that made a change.
type Actor struct {
	Subject account.Subject
	Email   string
	// Role is the role in which the person acted: viewer, developer, owner, operator, or "system" for a job.
	Role string
}

// Change is one field's value before and after, as JSON text; "" where there was none.
type Change struct {
	Field  string
	Before string
	After  string
}
