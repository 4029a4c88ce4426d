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
}

// Looks writes an audit row where an operator looks at an account: one for each operator, account and hour.
type Looks struct {
	Store  LookStore
	Source env.Source
}

// Looked implements [gateway.Looks].
func (l Looks) Looked(ctx context.Context, c gateway.Principal) error {
	return l.Store.Looked(ctx, c.Account, c.Person.Subject, l.Source.Time().Truncate(time.Hour), AuditRow(l.Source, c, "operator.look", ""))
}
