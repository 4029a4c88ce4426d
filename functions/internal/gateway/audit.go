package gateway

import (
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/audit"
)

// Audit makes the audit row of something that the caller does. The ID is new for each attempt.
func (c Caller) Audit(id, action string, key apikey.ID, at time.Time, changes []audit.Change) audit.Row {
	return audit.Row{
		ID: id, Account: c.Account, KeyID: string(key), Action: action, At: at, RequestID: c.RequestID, Changes: changes,
		Actor: audit.Actor{Subject: c.Person.Subject, Email: c.Person.Email, Role: c.RoleName()},
	}
}
