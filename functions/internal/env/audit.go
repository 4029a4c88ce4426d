package env

import (
	"context"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
)

// AuditRow makes the audit row of what the actor does now to an account or to one of its keys. Its ID is new for each
// attempt.
func (s Source) AuditRow(actor audit.Actor, request string, id account.ID, key apikey.ID, action string, changes ...audit.Change) audit.Row {
	return audit.Row{
		ID: s.NewID("aud_"), Account: id, KeyID: string(key), Action: action, Actor: actor, At: s.Time(), RequestID: request,
		Changes: changes,
	}
}

// JobRow is AuditRow for what a job does. It names the run.
func (s Source) JobRow(ctx context.Context, id account.ID, key apikey.ID, action string, changes ...audit.Change) audit.Row {
	request := ""
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		request = lc.AwsRequestID
	}
	return s.AuditRow(audit.Actor{Role: account.RoleSystem}, request, id, key, action, changes...)
}
