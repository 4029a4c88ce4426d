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
	Source    string // the address that the request came from; "" for a job, or if unknown
}

// SourceKept is the time that the address of a row is shown.
const SourceKept = 400 * 24 * time.Hour

// outsider reports whether the actor is none of the account's people.
func (a Actor) outsider() bool { return a.Role == account.RoleOperator || a.Role == account.RoleSystem }

// OperatorName stands for each operator in what customers read.
const OperatorName = "Operator"

// ForCustomer returns the row as the account's own people see it: an operator has no name there. The source address
// is for owners alone, of their own people alone, and for [SourceKept].
func (r Row) ForCustomer(owner bool, now time.Time) Row {
	if r.Actor.Role == account.RoleOperator {
		r.Actor.Subject, r.Actor.Email = account.Subject{ID: OperatorName}, ""
	}
	if !owner || r.Actor.outsider() || !now.Before(r.At.Add(SourceKept)) {
		r.Source = ""
	}
	return r
}

// ForOperator returns the row as operators see it: with names, without anybody's address.
func (r Row) ForOperator() Row {
	r.Source = ""
	return r
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
