package main

import (
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

var errYourself = gateway.NewProblem(http.StatusConflict, "not_yourself", "You can't remove your own rights.").WithDetail("Another operator can.")

func (h *handler) listOperators(w http.ResponseWriter, r *http.Request, _ gateway.Principal) error {
	list, err := h.store.Operators(r.Context())
	if err != nil {
		return err
	}
	doc := api.OperatorList{Operators: []api.Operator{}}
	for _, o := range list {
		doc.Operators = append(doc.Operators, operatorDoc(o))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func operatorDoc(o control.Operator) api.Operator {
	at, _ := time.Parse(time.RFC3339Nano, o.AddedAt) // the store's own writing
	return api.Operator{Subject: o.Subject.ID, Email: web.StringPtr(o.Email), AddedAt: at.UTC()}
}

// putOperator lets operators name others, and the person that the stack names make themselves the first one.
func (h *handler) putOperator(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
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
	email, err := emailOf(body.Email)
	if err != nil {
		return err
	}
	if email == "" && who == c.Person.Subject {
		email = c.Person.Email
	}
	c.Operator = true
	o := control.Operator{Subject: who, Email: email, AddedAt: h.source.Time().Format(time.RFC3339Nano)}
	row := web.AuditRow(h.source, c, "operator.add", "", audit.Set("subject", nil, who.ID), audit.Set("email", nil, email))
	switch err := h.store.AddOperator(r.Context(), o, first, row); {
	case err == nil:
		return gateway.JSON(w, http.StatusCreated, operatorDoc(o))
	case !errors.Is(err, dynamo.ErrExists):
		return err
	case first:
		return gateway.ErrForbidden // somebody is the first already
	}
	if o, err = h.store.Operator(r.Context(), who); err != nil {
		return err
	}
	return gateway.JSON(w, http.StatusOK, operatorDoc(o))
}

func (h *handler) deleteOperator(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
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

func (h *handler) findAccounts(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r, "q", "email", "page_size", "page_token"); err != nil {
		return err
	}
	text, email := strings.TrimSpace(r.URL.Query().Get("q")), strings.TrimSpace(r.URL.Query().Get("email"))
	if text != "" && email != "" {
		return gateway.Parameter("email", "Search by q or by email, not by both.")
	}
	page, err := gateway.PageOf(r, "accounts", text, email)
	if err != nil {
		return err
	}
	found := control.AccountPage{}
	id, notID := account.ParseID(text)
	switch {
	case email != "":
		found.Accounts, err = h.store.AccountsByEmail(r.Context(), email)
	case notID == nil:
		var a account.Account
		if a, err = h.store.Account(r.Context(), id); err == nil {
			found.Accounts = []account.Account{a}
		} else if errors.Is(err, dynamo.ErrNotFound) {
			err = nil
		}
	default:
		found, err = h.store.Accounts(r.Context(), text, page.After, page.Size)
	}
	if err != nil {
		return err
	}
	doc := api.AccountList{Accounts: []api.Account{}, NextPageToken: page.Next(found.Next)}
	for _, a := range found.Accounts {
		doc.Accounts = append(doc.Accounts, web.AccountDoc(a, ""))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func (h *handler) findKey(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	k, err := h.anyKey(r)
	if err != nil {
		return err
	}
	return h.showKey(w, r, k)
}

func (h *handler) anyKey(r *http.Request) (apikey.Key, error) {
	id, err := apikey.ParseID(r.PathValue("key"))
	if err != nil {
		return apikey.Key{}, gateway.ErrNotFound
	}
	return h.store.FindKey(r.Context(), id)
}

func (h *handler) showKey(w http.ResponseWriter, r *http.Request, k apikey.Key) error {
	a, err := h.store.Account(r.Context(), k.Account)
	if err != nil {
		return err
	}
	used, err := h.used.LastUsed(r.Context(), k.Account, k)
	if err != nil {
		return err
	}
	gateway.SetETag(w, k.Version)
	return gateway.JSON(w, http.StatusOK, api.OperatorKey{
		Key:     web.KeyDoc(k, web.View{Now: h.source.Time(), Used: used[k.ID], Operator: true, Products: h.products}),
		Account: web.AccountDoc(a, ""),
	})
}

func (h *handler) blockKey(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.BlockKey](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	reason, err := reasonOf(body.Reason)
	if err != nil {
		return err
	}
	by := c.Person.Email
	if by == "" {
		by = c.Person.Subject.ID
	}
	return h.changeKey(w, r, c, "key.block", nil, func(k apikey.Key) (apikey.Key, error) {
		return k.Block(reason, by, h.source.Time())
	})
}

func (h *handler) unblockKey(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.UnblockKey](r, gateway.BodyOptions{Optional: true})
	if err != nil {
		return err
	}
	var extra []audit.Change
	if body.Reason != nil && *body.Reason != "" {
		reason, err := reasonOf(*body.Reason)
		if err != nil {
			return err
		}
		extra = []audit.Change{audit.Set("reason", nil, reason)}
	}
	return h.changeKey(w, r, c, "key.unblock", extra, func(k apikey.Key) (apikey.Key, error) { return k.Unblock(h.source.Time()) })
}

func (h *handler) changeKey(w http.ResponseWriter, r *http.Request, c gateway.Principal, action string, extra []audit.Change,
	apply func(apikey.Key) (apikey.Key, error),
) error {
	before, err := h.anyKey(r)
	if err != nil {
		return err
	}
	after, err := apply(before)
	if err != nil {
		return err
	}
	c.Account = before.Account
	row := web.AuditRow(h.source, c, action, before.ID, append(audit.KeyChanges(&before, after), extra...)...)
	written, err := h.store.Commit(r.Context(), control.Change{Before: &before, After: after, Audit: row})
	if err != nil {
		return err
	}
	return h.showKey(w, r, written)
}

// reasonOf reads a reason that a customer will see: one line or several, without other control characters.
func reasonOf(text string) (string, error) {
	reason := strings.TrimSpace(text)
	if n := utf8.RuneCountInString(reason); n < 1 || n > apikey.MaxReason || !printable(strings.ReplaceAll(reason, "\n", " ")) {
		return "", gateway.Invalid(gateway.Field("reason", "invalid_reason", "A reason must have 1 to 500 characters and no control characters."))
	}
	return reason, nil
}
