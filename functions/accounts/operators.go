package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/text"
)

// operatorStore lists the methods of the control table that the operations on operators call.
type operatorStore interface {
	IsOperator(ctx context.Context, who account.Subject) (bool, error)
	Operator(ctx context.Context, who account.Subject) (control.Operator, error)
	Operators(ctx context.Context, after string, limit int) (control.OperatorPage, error)
	AddOperator(ctx context.Context, o control.Operator, first bool, row audit.Row) error
	RemoveOperator(ctx context.Context, who account.Subject, row audit.Row) error
}

type operators struct {
	store     operatorStore
	source    env.Source
	texts     text.Secrets
	bootstrap string // the subject that may make itself the first operator; "" for nobody
}

var errYourself = gateway.NewProblem(http.StatusConflict, "not_yourself", "You can't take your own rights.").WithDetail("Another operator can.")

func (h *operators) listOperators(w http.ResponseWriter, r *http.Request, _ gateway.Principal) error {
	if err := gateway.KnownQuery(r, "page_size", "page_token"); err != nil {
		return err
	}
	page, err := gateway.PageOf(r, "operators")
	if err != nil {
		return err
	}
	found, err := h.store.Operators(r.Context(), page.After, page.Size)
	if err != nil {
		return err
	}
	doc := api.OperatorList{Operators: []api.Operator{}, NextPageToken: page.Next(found.Next)}
	for _, o := range found.Operators {
		doc.Operators = append(doc.Operators, operatorDoc(o))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func operatorDoc(o control.Operator) api.Operator {
	at, _ := time.Parse(time.RFC3339Nano, o.AddedAt) // the store's own writing
	return api.Operator{Subject: o.Subject.ID, Email: web.StringPtr(o.Email), AddedAt: at.UTC()}
}

// putOperator lets operators name others, and the person that the stack names make themselves the first one.
func (h *operators) putOperator(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	operator, err := h.store.IsOperator(r.Context(), c.Person.Subject)
	if err != nil {
		return err
	}
	who, parseErr := subject(r, c)
	first := !operator && h.bootstrap != "" && c.Person.Subject.ID == h.bootstrap && who == c.Person.Subject
	if !operator && !first {
		return gateway.ErrForbidden
	}
	if parseErr != nil {
		return parseErr
	}
	body, _, err := gateway.Body[api.PutOperator](r, gateway.BodyOptions{Optional: true, ReadOnly: api.Operator{}})
	if err != nil {
		return err
	}
	email, err := emailOf(h.texts, "", body.Email)
	if err != nil {
		return err
	}
	if bad := newSubject(h.texts, who); bad != nil {
		return h.standing(w, r, who, bad)
	}
	if email == "" && who == c.Person.Subject {
		email = c.Person.Email
	}
	c.Operator = true
	o := control.Operator{Subject: who, Email: email, AddedAt: dynamo.FormatTime(h.source.Time())}
	row := web.AuditRow(h.source, c, "operator.add", "", audit.Set("subject", nil, who.ID), audit.Set("email", nil, email))
	switch err := h.store.AddOperator(r.Context(), o, first, row); {
	case err == nil:
		return gateway.JSON(w, http.StatusCreated, operatorDoc(o))
	case !errors.Is(err, dynamo.ErrExists):
		return err
	case first:
		return gateway.ErrForbidden // somebody is the first already
	}
	return h.standing(w, r, who, dynamo.ErrNotFound)
}

// standing answers with somebody who is an operator already, and with an error if they are none.
func (h *operators) standing(w http.ResponseWriter, r *http.Request, who account.Subject, otherwise error) error {
	o, err := h.store.Operator(r.Context(), who)
	switch {
	case errors.Is(err, dynamo.ErrNotFound):
		return otherwise
	case err != nil:
		return err
	}
	return gateway.JSON(w, http.StatusOK, operatorDoc(o))
}

func (h *operators) deleteOperator(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	who, err := subject(r, c)
	if err != nil {
		return err
	}
	if who == c.Person.Subject {
		return errYourself
	}
	if err := gateway.Empty(r); err != nil {
		return err
	}
	err = h.store.RemoveOperator(r.Context(), who, web.AuditRow(h.source, c, "operator.remove", "", audit.Set("subject", who.ID, nil)))
	if err != nil && !errors.Is(err, dynamo.ErrNotFound) {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
