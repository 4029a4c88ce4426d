package main

import (
	"context"
	"net/http"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/text"
)

// eraseStore lists the methods of the control table that erasing a person calls.
type eraseStore interface {
	Rank(ctx context.Context, who account.Subject) (account.Rank, error)
	Erase(ctx context.Context, who account.Subject, after string, row control.RowMaker) (control.Erased, error)
}

type erasure struct {
	store  eraseStore
	source env.Source
	texts  text.Secrets
}

var errOperatorErased = gateway.NewProblem(http.StatusConflict, "person_is_operator", "The person is an operator.").
	WithDetail("Remove the operator's rights first.")

// erasePerson replaces a person by a pseudonym, one part of the table with each call.
func (h *erasure) erasePerson(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r, "page_token"); err != nil {
		return err
	}
	body, _, err := gateway.Body[api.ErasePerson](r, gateway.BodyOptions{Query: true})
	if err != nil {
		return err
	}
	who, err := subjectOf(h.texts, c, body.Subject)
	if err != nil {
		return err
	}
	if body.Issuer != nil && *body.Issuer != "" {
		if who.Issuer = *body.Issuer; !isIssuer(who.Issuer) {
			return gateway.Invalid(gateway.Field("issuer", "bad_character", notAnIssuer))
		}
	}
	page, err := gateway.PageOf(r, "erase", who.Issuer, who.ID)
	if err != nil {
		return err
	}
	switch rank, err := h.store.Rank(r.Context(), who); {
	case err != nil:
		return err
	case rank != "":
		return errOperatorErased
	}
	row := func(action string, key apikey.ID) audit.Row { return web.AuditRow(h.source, c, action, key) }
	done, err := h.store.Erase(r.Context(), who, page.After, row)
	if err != nil {
		return err
	}
	return gateway.JSON(w, http.StatusOK, api.Erasure{Pseudonym: who.Pseudonym().ID, Replaced: done.Records, Unreplaced: done.Left, NextPageToken: page.Next(done.Next)})
}
