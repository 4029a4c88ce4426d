package main

import (
	"context"
	"net/http"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/text"
)

// actStore lists the methods of the control table that ending sessions calls.
type actStore interface {
	NoteAct(ctx context.Context, by account.Subject, row audit.Row) error
}

type endedSessions struct {
	store  actStore
	people sessions.Ender
	source env.Source
	texts  text.Secrets
}

// endSessions ends all of a person's sessions in the console. The row comes first: nothing ends that isn't noted.
func (h *endedSessions) endSessions(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.EndSessions](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	who, err := subjectOf(h.texts, c, body.Subject)
	if err != nil {
		return err
	}
	row := web.AuditRow(h.source, c, "person.end_sessions", "", audit.Set("subject", who.ID, nil))
	if err := h.store.NoteAct(r.Context(), c.Person.Subject, row); err != nil {
		return err
	}
	if err := sessions.EndAll(r.Context(), h.people, who.ID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
