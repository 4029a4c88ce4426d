package web

import (
	"context"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
)

// AuditRow makes the audit row of something that a person does.
func AuditRow(s env.Source, c gateway.Principal, action string, key apikey.ID, changes ...audit.Change) audit.Row {
	actor := audit.Actor{Subject: c.Person.Subject, Email: c.Person.Email, Role: c.RoleName()}
	row := s.AuditRow(actor, c.RequestID, c.Account, key, action, changes...)
	row.Source = c.SourceIP
	return row
}

// LookStore keeps operators' looks; *control.Store does.
type LookStore interface {
	Looked(ctx context.Context, id account.ID, who account.Subject, hour time.Time, row audit.Row) error
	Listed(ctx context.Context, list string, who account.Subject, hour time.Time, row audit.Row) error
}

// Looks writes an audit row where an operator looks at an account or reads a list over all accounts: one for each
// operator, account or list, and hour. Rows about lists are in the operators' own trail.
type Looks struct {
	Store  LookStore
	Source env.Source
}

// Looked implements [gateway.Looks].
func (l Looks) Looked(ctx context.Context, c gateway.Principal) error {
	return l.Store.Looked(ctx, c.Account, c.Person.Subject, l.hour(), AuditRow(l.Source, c, "operator.look", ""))
}

// Listed implements [gateway.Looks].
func (l Looks) Listed(ctx context.Context, c gateway.Principal, list string) error {
	row := AuditRow(l.Source, c, "operator.list", "", audit.Set("list", nil, list))
	return l.Store.Listed(ctx, list, c.Person.Subject, l.hour(), row)
}

func (l Looks) hour() time.Time { return l.Source.Time().Truncate(time.Hour) }
