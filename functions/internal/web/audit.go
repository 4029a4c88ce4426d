package web

import (
	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
)

// AuditRow makes the audit row of something that a person does. Its ID is new for each attempt.
func AuditRow(s env.Source, c gateway.Principal, action string, key apikey.ID, changes ...audit.Change) audit.Row {
	return audit.Row{
		ID: s.NewID("aud_"), Account: c.Account, KeyID: string(key), Action: action, At: s.Time(), RequestID: c.RequestID,
		Actor:   audit.Actor{Subject: c.Person.Subject, Email: c.Person.Email, Role: c.RoleName()},
		Changes: changes,
	}
}
