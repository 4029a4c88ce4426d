package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/moment"
	"latchkey/shared/pasted"
	"latchkey/shared/product"
	"latchkey/shared/text"
)

// invitationStore lists the methods of the control table that the operations on invitations call.
type invitationStore interface {
	web.RequestStore
	Invite(ctx context.Context, i control.Invitation, remember *control.Idempotency, row audit.Row) error
	Invitations(ctx context.Context, id account.ID, now time.Time, after string, limit int) (control.InvitationPage, error)
	Invitation(ctx context.Context, id account.ID, invitation string) (control.Invitation, error)
	FindInvitation(ctx context.Context, tokenHash apikey.Hash, now time.Time) (control.Invitation, error)
	WithdrawInvitation(ctx context.Context, i control.Invitation, row audit.Row) error
	AcceptInvitation(ctx context.Context, i control.Invitation, who account.Person, now time.Time, row audit.Row) (account.Member, error)
	Inviter(ctx context.Context, i control.Invitation, who account.Person) (account.Member, error)
	Account(ctx context.Context, id account.ID) (account.Account, error)
}

type invitations struct {
	store  invitationStore
	source env.Source
	texts  text.Secrets

	products product.Catalogue
}

const maxToken = 200 // characters

const invitationLife = 7 * 24 * time.Hour

var (
	errInvitation = gateway.NewProblem(http.StatusNotFound, "invitation_not_found", "The invitation was used or withdrawn, or has expired.").
			WithDetail("Ask for a new one.")
	errMember = gateway.NewProblem(http.StatusConflict, "already_member", "You are already a member of this account.")
)

func (h *invitations) listInvitations(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	page, err := gateway.OnlyPageOf(r, "invitations", string(c.Account))
	if err != nil {
		return err
	}
	found, err := h.store.Invitations(r.Context(), c.Account, h.source.Time(), page.After, page.Size)
	if err != nil {
		return err
	}
	doc := api.InvitationList{Invitations: []api.Invitation{}, NextPageToken: page.Next(found.Next), Unreadable: c.LeftOut(r.Context())}
	for _, i := range found.Invitations {
		doc.Invitations = append(doc.Invitations, invitationDoc(i))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func invitationDoc(i control.Invitation) api.Invitation {
	return api.Invitation{Id: i.ID, Email: web.ShownPtr(i.Email), Role: api.Role(i.Role), CreatedAt: moment.Of(i.CreatedAt), ExpiresAt: moment.Of(i.ExpiresAt)}
}

func (h *invitations) createInvitation(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.CreateInvitation](r, gateway.BodyOptions{ReadOnly: api.InvitationWithToken{}})
	if err != nil {
		return err
	}
	return web.Requests{Store: h.store, Source: h.source, Texts: h.texts}.Once(r, c, "invite", body, func(remember *control.Idempotency) error {
		return h.invite(w, r, c, body, remember)
	}, func(first control.Idempotency) error { return h.replayInvitation(w, r, c, first) })
}

func (h *invitations) invite(w http.ResponseWriter, r *http.Request, c gateway.Principal, body api.CreateInvitation, remember *control.Idempotency) error {
	email, err := emailOf(h.texts, "", body.Email)
	if err != nil {
		return err
	}
	random := make([]byte, 32)
	if _, err := io.ReadFull(h.source.Rand, random); err != nil {
		return err
	}
	token := "lki_" + base64.RawURLEncoding.EncodeToString(random)
	now := h.source.Time()
	i := control.Invitation{
		ID: h.source.NewID("inv_"), Account: c.Account, Role: account.Role(body.Role), Email: email, TokenHash: sha256.Sum256([]byte(token)),
		By: c.Person.Subject, CreatedAt: now, ExpiresAt: now.Add(invitationLife),
	}
	row := web.AuditRow(h.source, c, "invitation.create", "", invitationChanges(i)...)
	if err := h.store.Invite(r.Context(), i, remember, row); err != nil {
		return err
	}
	return showToken(w, i, token)
}

// replayInvitation answers a request that was made before with the invitation that it made, if that is still open, and without its token.
func (h *invitations) replayInvitation(w http.ResponseWriter, r *http.Request, c gateway.Principal, first control.Idempotency) error {
	i, err := h.store.Invitation(r.Context(), c.Account, first.Resource)
	if errors.Is(err, dynamo.ErrNotFound) {
		return errInvitation
	}
	if err != nil {
		return err
	}
	gateway.Replayed(w)
	return showToken(w, i, "")
}

// showToken answers with an invitation and its token, the only answer that has it. That of a replay is "".
func showToken(w http.ResponseWriter, i control.Invitation, token string) error {
	doc := api.InvitationWithToken{
		Id: i.ID, Email: web.ShownPtr(i.Email), Role: api.Role(i.Role), CreatedAt: moment.Of(i.CreatedAt), ExpiresAt: moment.Of(i.ExpiresAt),
	}
	if unavailable := token == ""; unavailable {
		doc.TokenUnavailable = &unavailable
	} else {
		doc.Token = &token
	}
	gateway.NoStore(w)
	return gateway.JSON(w, http.StatusCreated, doc)
}

func invitationChanges(i control.Invitation) []audit.Change {
	return []audit.Change{
		audit.Set("invitation", nil, i.ID), audit.Set("role", nil, string(i.Role)), audit.Set("email", nil, i.Email),
	}
}

func (h *invitations) deleteInvitation(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	id, err := gateway.ID(r.PathValue("invitation"), "inv_")
	if err != nil {
		return err
	}
	i, err := h.store.Invitation(r.Context(), c.Account, id)
	if err != nil {
		return err
	}
	row := web.AuditRow(h.source, c, "invitation.withdraw", "", audit.Set("invitation", i.ID, nil))
	if err := h.store.WithdrawInvitation(r.Context(), i, row); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// showInvitation answers with what a token is for. Nobody but its holder learns of it, and nothing is accepted.
func (h *invitations) showInvitation(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	i, err := h.byToken(r)
	if err != nil {
		return err
	}
	inviter, err := h.store.Inviter(r.Context(), i, c.Person)
	if err != nil {
		return notJoined(err)
	}
	a, err := h.store.Account(r.Context(), i.Account)
	if err != nil {
		return notJoined(err)
	}
	if a.Closed() {
		return account.ErrClosed
	}
	return gateway.JSON(w, http.StatusOK, api.InvitationOffer{
		AccountId: string(a.ID), AccountName: text.Shown(a.Name), Role: api.Role(i.Role), InvitedBy: web.ShownPtr(inviter.Email), ExpiresAt: moment.Of(i.ExpiresAt),
	})
}

func (h *invitations) acceptInvitation(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	i, err := h.byToken(r)
	if err != nil {
		return err
	}
	now := h.source.Time()
	c.Account, c.Role = i.Account, i.Role
	changes := append(invitationChanges(i), audit.Set("subject", nil, c.Person.Subject.ID))
	member, err := h.store.AcceptInvitation(r.Context(), i, c.Person, now, web.AuditRow(h.source, c, "invitation.accept", "", changes...))
	if err != nil {
		return notJoined(err)
	}
	a, err := h.store.Account(r.Context(), i.Account)
	if err != nil {
		return err
	}
	return showAccount(w, http.StatusOK, a, member.Role, now, h.products)
}

// byToken reads the invitation whose token a request's body has.
func (h *invitations) byToken(r *http.Request) (control.Invitation, error) {
	body, _, err := gateway.Body[api.AcceptInvitation](r, gateway.BodyOptions{})
	if err != nil {
		return control.Invitation{}, err
	}
	token := pasted.Unquoted(body.Token)
	if token == "" || utf8.RuneCountInString(token) > maxToken {
		return control.Invitation{}, gateway.Invalid(web.TextField("token", 1, maxToken, text.ErrLength))
	}
	i, err := h.store.FindInvitation(r.Context(), apikey.Hash(sha256.Sum256([]byte(token))), h.source.Time())
	if errors.Is(err, dynamo.ErrNotFound) {
		return control.Invitation{}, errInvitation
	}
	return i, err
}

// notJoined words the store's refusals of an invitation.
func notJoined(err error) error {
	switch {
	case errors.Is(err, dynamo.ErrNotFound):
		return errInvitation
	case errors.Is(err, dynamo.ErrExists):
		return errMember
	}
	return err
}
