package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/moment"
	"latchkey/shared/text"
)

// operatorStore lists the methods of the control table that the operations on operators call.
type operatorStore interface {
	Rank(ctx context.Context, who account.Subject) (account.Rank, error)
	Operator(ctx context.Context, who account.Subject) (control.Operator, error)
	Operators(ctx context.Context, after string, limit int) (control.OperatorPage, error)
	AddOperator(ctx context.Context, o control.Operator, by account.Subject, row audit.Row) error
	AddFirstOperator(ctx context.Context, o control.Operator, row audit.Row) error
	AddFirstOperatorOfIssuer(ctx context.Context, o control.Operator, row audit.Row) error
	ReplaceOperator(ctx context.Context, before, after control.Operator, by account.Subject, row audit.Row) error
	RemoveOperator(ctx context.Context, who, by account.Subject, row audit.Row) error
}

type operators struct {
	store     operatorStore
	source    env.Source
	texts     text.Secrets
	bootstrap string // who may make themselves the first operator: a subject, or [account.Subject.WithIssuer]; "" for nobody
}

// names reports whether the stack names a person as the first operator. A subject that looks like another's WithIssuer isn't that.
func (h *operators) names(who account.Subject) bool {
	if strings.HasPrefix(h.bootstrap, who.Issuer+"#") {
		return h.bootstrap == who.WithIssuer()
	}
	return h.bootstrap != "" && h.bootstrap == who.ID
}

var errYourself = gateway.NewProblem(http.StatusConflict, "not_yourself", "You can't take your own rights.").WithDetail("Another operator can.")

func (h *operators) listOperators(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	page, err := gateway.OnlyPageOf(r, "operators")
	if err != nil {
		return err
	}
	found, err := h.store.Operators(r.Context(), page.After, page.Size)
	if err != nil {
		return err
	}
	doc := api.OperatorList{Operators: []api.Operator{}, NextPageToken: page.Next(found.Next), Unreadable: c.LeftOut(r.Context())}
	for _, o := range found.Operators {
		shown := operatorDoc(o)
		shown.Issuer = issuerBefore(c, o.Subject)
		doc.Operators = append(doc.Operators, shown)
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func operatorDoc(o control.Operator) api.Operator {
	at, _ := time.Parse(time.RFC3339Nano, o.AddedAt) // the store's own writing
	return api.Operator{Subject: o.Subject.ID, Email: web.ShownPtr(o.Email), Rank: api.Rank(o.Rank), AddedAt: moment.Of(at)}
}

// putOperator lets admins name others and change their rank, and the person that the stack names make themselves the
// first one.
func (h *operators) putOperator(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	rank, err := h.store.Rank(r.Context(), c.Person.Subject)
	if err != nil {
		return err
	}
	who, parseErr := subject(r, c)
	first := rank == "" && who == c.Person.Subject && h.names(who)
	if !rank.May(account.ManageOperator) && !first {
		return gateway.ErrForbidden
	}
	if parseErr != nil {
		return parseErr
	}
	body, _, err := gateway.Body[api.PutOperator](r, gateway.BodyOptions{Optional: true, Makes: true, ReadOnly: api.Operator{}})
	if err != nil {
		return err
	}
	c.Operator = true
	before, err := h.store.Operator(r.Context(), who)
	unknown := errors.Is(err, dynamo.ErrNotFound)
	if err != nil && !unknown {
		return err
	}
	email, err := emailOf(h.texts, before.Email, body.Email)
	switch {
	case err != nil:
		return err
	case unknown:
		return h.addOperator(w, r, c, body, control.Operator{Subject: who, Email: email}, first)
	default:
		return h.changeOperator(w, r, c, body, before, email)
	}
}

func (h *operators) addOperator(w http.ResponseWriter, r *http.Request, c gateway.Principal, body api.PutOperator, o control.Operator, first bool) error {
	if err := newSubject(h.texts, o.Subject); err != nil {
		return err
	}
	if o.Email == "" && o.Subject == c.Person.Subject {
		o.Email = c.Person.Email
	}
	o.Rank, o.AddedAt = account.Admin, moment.Format(h.source.Time())
	if body.Rank != nil && !first { // the first one names the others
		o.Rank = account.Rank(*body.Rank)
	}
	row := web.AuditRow(h.source, c, "operator.add", "",
		audit.Set("subject", nil, o.Subject.ID), audit.Set("email", nil, o.Email), audit.Set("rank", nil, o.Rank))
	if err := h.add(r.Context(), c, o, first, row); err != nil {
		return err
	}
	return gateway.JSON(w, http.StatusCreated, operatorDoc(o))
}

func (h *operators) add(ctx context.Context, c gateway.Principal, o control.Operator, first bool, row audit.Row) error {
	if !first {
		return h.store.AddOperator(ctx, o, c.Person.Subject, row)
	}
	add := h.store.AddFirstOperator
	if h.bootstrap == o.Subject.WithIssuer() {
		add = h.store.AddFirstOperatorOfIssuer
	}
	err := add(ctx, o, row)
	if errors.Is(err, dynamo.ErrExists) {
		return gateway.ErrForbidden // somebody is the first already
	}
	return err
}

func (h *operators) changeOperator(w http.ResponseWriter, r *http.Request, c gateway.Principal, body api.PutOperator, before control.Operator, email string) error {
	after := before
	if body.Rank != nil {
		after.Rank = account.Rank(*body.Rank)
	}
	after.Email = email
	if after.Rank != before.Rank && after.Subject == c.Person.Subject {
		return errYourself
	}
	if after != before {
		row := web.AuditRow(h.source, c, "operator.change", "", operatorChanges(before, after)...)
		if err := h.store.ReplaceOperator(r.Context(), before, after, c.Person.Subject, row); err != nil {
			return err
		}
	}
	return gateway.JSON(w, http.StatusOK, operatorDoc(after))
}

// operatorChanges names the operator and lists what differs.
func operatorChanges(before, after control.Operator) []audit.Change {
	changes := []audit.Change{audit.Set("subject", before.Subject.ID, after.Subject.ID)}
	if before.Email != after.Email {
		changes = append(changes, audit.Set("email", before.Email, after.Email))
	}
	if before.Rank != after.Rank {
		changes = append(changes, audit.Set("rank", before.Rank, after.Rank))
	}
	return changes
}

// deleteOperator takes an operator's rights: those of an issuer before too, who would have them again if the stack went back to it.
func (h *operators) deleteOperator(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	who, err := subjectAt(r, c)
	if err != nil {
		return err
	}
	if who == c.Person.Subject {
		return errYourself
	}
	if _, _, err := gateway.Body[struct{}](r, gateway.BodyOptions{Optional: true, Query: true}); err != nil {
		return err
	}
	err = h.store.RemoveOperator(r.Context(), who, c.Person.Subject, web.AuditRow(h.source, c, "operator.remove", "", audit.Set("subject", rowName(c, who), nil)))
	if err != nil && !errors.Is(err, dynamo.ErrNotFound) {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
