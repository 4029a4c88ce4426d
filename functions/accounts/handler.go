package main

import (
	"context"
	"net/http"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
)

// store lists the methods of the control table that this function calls.
type store interface {
	CreateAccount(ctx context.Context, a account.Account, owner account.Member, row audit.Row) (account.Account, error)
	Account(ctx context.Context, id account.ID) (account.Account, error)
	UpdateAccount(ctx context.Context, before, after account.Account, row audit.Row) (account.Account, error)
	SetType(ctx context.Context, id account.ID, to account.Type, now time.Time, row control.RowMaker) (account.Account, error)
	Close(ctx context.Context, id account.ID, now time.Time, row control.RowMaker) (account.Account, error)
	Accounts(ctx context.Context, name, after string, limit int) (control.AccountPage, error)
	AccountsByEmail(ctx context.Context, email string) ([]account.Account, error)

	Member(ctx context.Context, id account.ID, who account.Subject) (account.Member, error)
	Members(ctx context.Context, id account.ID) ([]account.Member, error)
	Memberships(ctx context.Context, who account.Subject) ([]control.Membership, error)
	PutMember(ctx context.Context, before *account.Member, after account.Member, row audit.Row) (account.Member, error)
	RemoveMember(ctx context.Context, before account.Member, row audit.Row) error

	Invite(ctx context.Context, i control.Invitation, row audit.Row) error
	Invitations(ctx context.Context, id account.ID, now time.Time) ([]control.Invitation, error)
	Invitation(ctx context.Context, id account.ID, invitation string) (control.Invitation, error)
	FindInvitation(ctx context.Context, tokenHash apikey.Hash, now time.Time) (control.Invitation, error)
	WithdrawInvitation(ctx context.Context, i control.Invitation, row audit.Row) error
	AcceptInvitation(ctx context.Context, i control.Invitation, who account.Person, now time.Time, row audit.Row) (account.Member, error)

	IsOperator(ctx context.Context, who account.Subject) (bool, error)
	Operator(ctx context.Context, who account.Subject) (control.Operator, error)
	Operators(ctx context.Context) ([]control.Operator, error)
	AddOperator(ctx context.Context, o control.Operator, first bool, row audit.Row) error
	RemoveOperator(ctx context.Context, who account.Subject, row audit.Row) error

	Key(ctx context.Context, id account.ID, key apikey.ID) (apikey.Key, error)
	FindKey(ctx context.Context, key apikey.ID) (apikey.Key, error)
	Commit(ctx context.Context, c control.Change) (apikey.Key, error)
	AuditOfAccount(ctx context.Context, id account.ID, after string, limit int) (control.AuditPage, error)
	AuditOfKey(ctx context.Context, id account.ID, key apikey.ID, after string, limit int) (control.AuditPage, error)
}

type lastUsed interface {
	LastUsed(ctx context.Context, id account.ID, keys ...apikey.Key) (map[apikey.ID]web.Used, error)
}

type handler struct {
	store     store
	source    env.Source
	products  product.Catalogue
	used      lastUsed
	bootstrap string // the subject that may make itself the first operator; "" for nobody
}

func (h *handler) routes(m *gateway.Mux) {
	m.Public("GET /openapi.yaml", h.contract)
	m.Person("GET /v1/products", h.listProducts)
	m.Person("GET /v1/me", h.me)
	m.Person("POST /v1/accounts", h.createAccount)
	m.Person("POST /v1/invitations/accept", h.acceptInvitation)

	const one = "/v1/accounts/{account}"
	m.Account("GET "+one, h.getAccount, account.ReadKeys)
	m.Account("PATCH "+one, h.editAccount, account.RenameAccount, account.SetAccountType, account.SetKeyLimit)
	m.Account("POST "+one+"/close", h.closeAccount, account.CloseAccount)
	m.Account("GET "+one+"/audit", h.listAudit, account.ReadAudit)
	m.Account("GET "+one+"/keys/{key}/audit", h.listKeyAudit, account.ReadAudit)
	m.Account("GET "+one+"/members", h.listMembers, account.ReadMembers)
	m.Account("PUT "+one+"/members/{sub}", h.putMember, account.ManageMembers)
	m.Account("DELETE "+one+"/members/{sub}", h.deleteMember, account.ReadMembers) // oneself; others: ManageMembers
	m.Account("GET "+one+"/invitations", h.listInvitations, account.ManageMembers, account.LookUp)
	m.Account("POST "+one+"/invitations", h.createInvitation, account.ManageMembers)
	m.Account("DELETE "+one+"/invitations/{invitation}", h.deleteInvitation, account.ManageMembers)

	m.Operator("GET /v1/operators", account.ManageOperator, h.listOperators)
	m.Person("PUT /v1/operators/{sub}", h.putOperator) // operators, and the first one
	m.Operator("DELETE /v1/operators/{sub}", account.ManageOperator, h.deleteOperator)
	m.Operator("GET /v1/operator/accounts", account.LookUp, h.findAccounts)
	m.Operator("GET /v1/operator/keys/{key}", account.LookUp, h.findKey)
	m.Operator("POST /v1/operator/keys/{key}/block", account.BlockKeys, h.blockKey)
	m.Operator("POST /v1/operator/keys/{key}/unblock", account.BlockKeys, h.unblockKey)
}

// rows makes the rows of a fan-out.
func (h *handler) rows(c gateway.Principal) control.RowMaker {
	return func(action string, key apikey.ID) audit.Row { return web.AuditRow(h.source, c, action, key) }
}

// subject is the person of the path, at the one issuer.
func subject(r *http.Request, c gateway.Principal) (account.Subject, error) {
	sub := r.PathValue("sub")
	if !printable(sub) || len(sub) > 255 {
		return account.Subject{}, gateway.Parameter("sub", "A subject must have 1 to 255 printable characters.")
	}
	return account.Subject{Issuer: c.Person.Subject.Issuer, ID: sub}, nil
}
