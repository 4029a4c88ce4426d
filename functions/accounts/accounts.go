package main

import (
	"context"
	"net/http"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
	"latchkey/shared/text"
)

// accountStore lists the methods of the control table that the operations on accounts call.
type accountStore interface {
	deployedStore
	openingStore
	personStore
	Account(ctx context.Context, id account.ID) (account.Account, error)
	UpdateAccount(ctx context.Context, before, after account.Account, row audit.Row) (account.Account, error)
	BeginType(ctx context.Context, o control.Operation, row audit.Row, edit control.AccountEdit) (control.Operation, bool, error)
	ContinueType(ctx context.Context, o control.Operation, now time.Time, stop func() bool, row control.RowMaker) (control.Operation, error)
	Operation(ctx context.Context, id account.ID, operation string) (control.Operation, error)
	Close(ctx context.Context, a account.Account, now time.Time, row control.RowMaker) (account.Account, error)
}

// openingStore lists those that opening an account, once, calls.
type openingStore interface {
	web.RequestStore
	OpenAccount(ctx context.Context, a account.Account, owner account.Member, most int, remember *control.Idempotency, row audit.Row) (account.Account, error)
	Member(ctx context.Context, id account.ID, who account.Subject) (account.Member, error)
}

// personStore lists those that tell of a person.
type personStore interface {
	Memberships(ctx context.Context, who account.Subject, after string, limit int) (control.MembershipPage, error)
	Rank(ctx context.Context, who account.Subject) (account.Rank, error)
}

type accounts struct {
	store     accountStore
	source    env.Source
	texts     text.Secrets
	perPerson int // accounts that one person may have open
	products  product.Catalogue
}

func (h *accounts) me(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	page, err := gateway.OnlyPageOf(r, "me", c.Person.Subject.Issuer, c.Person.Subject.ID)
	if err != nil {
		return err
	}
	found, err := h.store.Memberships(r.Context(), c.Person.Subject, page.After, page.Size)
	if err != nil {
		return err
	}
	rank, err := h.store.Rank(r.Context(), c.Person.Subject)
	if err != nil {
		return err
	}
	doc := api.Me{
		Subject: c.Person.Subject.ID, Email: web.ShownPtr(c.Person.Email), Name: web.ShownPtr(c.Person.Name),
		Operator: rank != "", Accounts: []api.MyAccount{}, NextPageToken: page.Next(found.Next),
	}
	if rank != "" {
		shown := api.Rank(rank)
		doc.Rank = &shown
	}
	for _, m := range found.Memberships {
		doc.Accounts = append(doc.Accounts, api.MyAccount{
			Id: string(m.Account.ID), Name: text.Shown(m.Account.Name), Type: api.AccountType(m.Account.Type), Role: api.Role(m.Role),
			Closed: m.Account.Closed(), Suspended: web.SuspensionDoc(m.Account, h.source.Time()),
		})
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func (h *accounts) createAccount(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.CreateAccount](r, gateway.BodyOptions{ReadOnly: api.Account{}})
	if err != nil {
		return err
	}
	return web.Requests{Store: h.store, Source: h.source, Texts: h.texts}.Once(r, c, "account", body, func(remember *control.Idempotency) error {
		return h.openAccount(w, r, c, body, remember)
	}, func(first control.Idempotency) error { return h.replayAccount(w, r, c, first) })
}

func (h *accounts) openAccount(w http.ResponseWriter, r *http.Request, c gateway.Principal, body api.CreateAccount, remember *control.Idempotency) error {
	name, err := web.Line(h.texts, "name", body.Name, 1, account.MaxNameRunes)
	if err != nil {
		return err
	}
	now := h.source.Time()
	a := account.Account{ID: account.ID(h.source.NewID("acc_")), Name: name.String(), Type: account.SelfServe, KeyLimit: account.DefaultKeyLimit, CreatedAt: now}
	owner := account.Member{Account: a.ID, Subject: c.Person.Subject, Email: c.Person.Email, Role: account.Owner, AddedAt: now}
	c.Account, c.Role = a.ID, account.Owner
	a, err = h.store.OpenAccount(r.Context(), a, owner, h.perPerson, remember, web.AuditRow(h.source, c, "account.create", "", audit.AccountChanges(nil, a)...))
	if err != nil {
		return err
	}
	return h.showAccount(w, http.StatusCreated, a, account.Owner)
}

// replayAccount answers a request that was made before with the account that it opened, as it is now, for who is still a member of it.
func (h *accounts) replayAccount(w http.ResponseWriter, r *http.Request, c gateway.Principal, first control.Idempotency) error {
	id := account.ID(first.Resource)
	member, err := h.store.Member(r.Context(), id, c.Person.Subject)
	if err != nil {
		return err
	}
	a, err := h.store.Account(r.Context(), id)
	if err != nil {
		return err
	}
	gateway.Replayed(w)
	return h.showAccount(w, http.StatusCreated, a, member.Role)
}

func (h *accounts) getAccount(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	a, err := h.store.Account(r.Context(), c.Account)
	if err != nil {
		return err
	}
	return h.showAccount(w, http.StatusOK, a, c.Role)
}

func (h *accounts) editAccount(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, members, err := gateway.Body[api.EditAccount](r, gateway.BodyOptions{ReadOnly: api.Account{}})
	if err != nil {
		return err
	}
	operator, err := h.mayEdit(r, c, members)
	if err != nil {
		return err
	}
	change, err := typeChange(body)
	if err != nil {
		return err
	}
	before, err := h.store.Account(r.Context(), c.Account)
	if err != nil {
		return err
	}
	if err := gateway.OptionalIfMatch(r).Check(before.Version); err != nil {
		return err
	}
	after, err := mergeAccount(h.texts, before, body)
	if err != nil {
		return err
	}
	c.Operator = operator
	row := web.AuditRow(h.source, c, "account.edit", "", audit.AccountChanges(&before, after)...)
	if change != nil {
		return h.changeType(w, r, c, *change, control.AccountEdit{Before: before, After: after, Row: row})
	}
	if !after.Same(before) {
		if after, err = h.store.UpdateAccount(r.Context(), before, after, row); err != nil {
			return err
		}
	}
	return h.showAccount(w, http.StatusOK, after, c.Role)
}

// mayEdit asks for the right to each member of the patch: the name is the owners', the rest is the operators'. operator
// says that the caller acts as an operator. Nobody is both: an operator who is a member decides nothing in the account.
func (h *accounts) mayEdit(r *http.Request, c gateway.Principal, members gateway.Members) (operator bool, err error) {
	if members.Has("name") && !c.May(account.RenameAccount) {
		return false, gateway.ErrForbidden
	}
	if !members.Has("type") && !members.Has("key_limit") && !members.Has("billing_types") {
		return false, nil
	}
	if c.Operator {
		return true, nil
	}
	rank, err := h.store.Rank(r.Context(), c.Person.Subject)
	switch {
	case err != nil:
		return false, err
	case rank.May(account.SetAccountType):
		return false, gateway.ErrOwnAccount
	default:
		return false, gateway.ErrForbidden
	}
}

const maxKeyLimit = 100000

// mergeAccount applies what a single write can; the type fans out over the keys.
func mergeAccount(texts text.Secrets, before account.Account, body api.EditAccount) (account.Account, error) {
	after := before
	if body.Name != nil && *body.Name != before.Name && *body.Name != text.Shown(before.Name) { // what stands stays
		name, err := web.Line(texts, "name", *body.Name, 1, account.MaxNameRunes)
		if err != nil {
			return after, err
		}
		after.Name = name.String()
	}
	if body.KeyLimit != nil {
		if *body.KeyLimit < 1 || *body.KeyLimit > maxKeyLimit {
			return after, gateway.Invalid(gateway.Range("key_limit", 1, maxKeyLimit, ""))
		}
		after.KeyLimit = *body.KeyLimit
	}
	return after, nil
}

// closeAccount ends an account for good. Its owners confirm with its name, and operators may. It begins only as long as
// all of that holds; where something of it has changed meanwhile, the mux has it decided again.
func (h *accounts) closeAccount(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.CloseAccount](r, gateway.BodyOptions{Optional: true})
	if err != nil {
		return err
	}
	before, err := h.store.Account(r.Context(), c.Account)
	if err != nil {
		return err
	}
	if body.ConfirmName == nil && !c.Operator || body.ConfirmName != nil && !text.Same(before.Name, *body.ConfirmName) {
		return gateway.Invalid(gateway.Field("confirm_name", "name_mismatch", "It must be the account's name, as it is shown."))
	}
	if !c.Operator && before.Suspended.Holds(h.source.Time()) {
		return account.ErrSuspended
	}
	a, err := h.store.Close(r.Context(), before, h.source.Time(), h.rows(c))
	if err != nil {
		return err
	}
	return h.showAccount(w, http.StatusOK, a, c.Role)
}

func (h *accounts) showAccount(w http.ResponseWriter, status int, a account.Account, role account.Role) error {
	return showAccount(w, status, a, role, h.source.Time(), h.products)
}

func showAccount(w http.ResponseWriter, status int, a account.Account, role account.Role, now time.Time, products product.Catalogue) error {
	gateway.SetETag(w, a.Version)
	return gateway.JSON(w, status, web.AccountDoc(a, role, now, products))
}

// rows makes the rows of a fan-out.
func (h *accounts) rows(c gateway.Principal) control.RowMaker {
	return func(action string, key apikey.ID) audit.Row { return web.AuditRow(h.source, c, action, key) }
}
