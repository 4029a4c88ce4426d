package web

import (
	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
)

// AuditRow makes the audit row of something that a person does.
func AuditRow(s env.Source, c gateway.Principal, action string, key apikey.ID, changes ...audit.Change) audit.Row {
	actor := audit.Actor{Subject: c.Person.Subject, Email: c.Person.Email, Role: c.RoleName()}
	return s.AuditRow(actor, c.RequestID, c.Account, key, action, changes...)
}
