package main

import (
	"context"
	"errors"
	"net/http"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
	"latchkey/shared/text"
	"latchkey/shared/usage/statement"
)

// statementStore lists the methods of the control table that closing statements calls.
type statementStore interface {
	CloseStatement(ctx context.Context, month, reason string, row audit.Row) error
}

type closedStatements struct {
	store  statementStore
	source env.Source
	texts  text.Secrets
}

// closeStatement has a month's statement written although something is left of the month. That is decided once the month is settled: before, nobody can know
// what is left. One that is older than statements are made of has lost days, and closing it gives it up.
func (h *closedStatements) closeStatement(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	month, err := statement.ParseMonth(r.PathValue("month"))
	now := h.source.Time()
	if err != nil || month.End().After(now) {
		return gateway.Parameter("month", "It must be a month such as 2026-11 that is over.")
	}
	body, _, err := gateway.Body[api.CloseStatement](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	reason, err := web.Block(h.texts, "reason", body.Reason, 1, account.MaxReason)
	if err != nil {
		return err
	}
	if settled := month.Settled(); now.Before(settled) {
		return gateway.NewProblem(http.StatusConflict, "statement_not_settled", "Calls of the month may still be counted.").
			WithDetail("What is left of it isn't known yet. It can be closed from " + moment.Format(settled) + " on.")
	}
	row := web.AuditRow(h.source, c, "statement.close", "", audit.Set("month", nil, month.String()), audit.Set("reason", nil, reason.String()))
	if err := h.store.CloseStatement(r.Context(), month.String(), reason.String(), row); err != nil && !errors.Is(err, dynamo.ErrExists) {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
