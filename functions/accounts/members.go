package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode"

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

// memberStore lists the methods of the control table that the operations on members call.
type memberStore interface {
	Member(ctx context.Context, id account.ID, who account.Subject) (account.Member, error)
	Members(ctx context.Context, id account.ID, after string, limit int) (control.MemberPage, error)
	PutMember(ctx context.Context, before *account.Member, after account.Member, row audit.Row) (account.Member, error)
	RemoveMember(ctx context.Context, before account.Member, row audit.Row) error
}

type members struct {
	store  memberStore
	source env.Source
	texts  text.Secrets
}

func (h *members) listMembers(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r, "page_size", "page_token"); err != nil {
		return err
	}
	page, err := gateway.PageOf(r, "members", string(c.Account))
	if err != nil {
		return err
	}
	found, err := h.store.Members(r.Context(), c.Account, page.After, page.Size)
	if err != nil {
		return err
	}
	doc := api.MemberList{Members: []api.Member{}, NextPageToken: page.Next(found.Next)}
	for _, m := range found.Members {
		doc.Members = append(doc.Members, memberDoc(m))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func memberDoc(m account.Member) api.Member {
	return api.Member{
		Subject: m.Subject.ID, Email: web.StringPtr(m.Email), Role: api.Role(m.Role), AddedAt: m.AddedAt.UTC(), Version: m.Version,
	}
}

func (h *members) putMember(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	who, err := subject(r, c)
	if err != nil {
		return err
	}
	body, _, err := gateway.Body[api.PutMember](r, gateway.BodyOptions{ReadOnly: api.Member{}})
	if err != nil {
		return err
	}
	before, err := h.store.Member(r.Context(), c.Account, who)
	fresh := errors.Is(err, dynamo.ErrNotFound)
	if err != nil && !fresh {
		return err
	}
	email, err := emailOf(h.texts, before.Email, body.Email)
	if err != nil {
		return err
	}
	if fresh {
		if err := newSubject(h.texts, who); err != nil {
			return err
		}
		after := account.Member{Account: c.Account, Subject: who, Email: email, Role: account.Role(body.Role), AddedAt: h.source.Time()}
		row := web.AuditRow(h.source, c, "member.add", "", memberChanges(nil, after)...)
		added, err := h.store.PutMember(r.Context(), nil, after, row)
		if err != nil {
			return err
		}
		return gateway.JSON(w, http.StatusCreated, memberDoc(added))
	}
	after := before
	after.Role = account.Role(body.Role)
	if body.Email != nil {
		after.Email = email
	}
	if after == before {
		return gateway.JSON(w, http.StatusOK, memberDoc(before))
	}
	row := web.AuditRow(h.source, c, "member.change", "", memberChanges(&before, after)...)
	changed, err := h.store.PutMember(r.Context(), &before, after, row)
	if err != nil {
		return err
	}
	return gateway.JSON(w, http.StatusOK, memberDoc(changed))
}

// memberChanges names the member and lists what differs.
func memberChanges(before *account.Member, after account.Member) []audit.Change {
	old := account.Member{}
	if before != nil {
		old = *before
	}
	changes := []audit.Change{audit.Set("subject", old.Subject.ID, after.Subject.ID)}
	if old.Role != after.Role {
		changes = append(changes, audit.Set("role", string(old.Role), string(after.Role)))
	}
	if old.Email != after.Email {
		changes = append(changes, audit.Set("email", old.Email, after.Email))
	}
	return changes
}

func (h *members) deleteMember(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	who, err := subject(r, c)
	if err != nil {
		return err
	}
	if who != c.Person.Subject && !c.Role.May(account.ManageMembers) {
		return gateway.ErrForbidden
	}
	if err := gateway.Empty(r); err != nil {
		return err
	}
	before, err := h.store.Member(r.Context(), c.Account, who)
	if err == nil {
		row := web.AuditRow(h.source, c, "member.remove", "", memberChanges(&before, account.Member{})...)
		err = h.store.RemoveMember(r.Context(), before, row)
	}
	if err != nil && !errors.Is(err, dynamo.ErrNotFound) {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// maxEmail bounds an address (RFC 5321, section 4.5.3.1.3, less the brackets).
const maxEmail = 254

// emailOf reads an address that somebody typed; the one that is stored already stays, whatever it holds. An address is
// for display and look-up; it gives nobody a right.
func emailOf(texts text.Secrets, stored string, typed *string) (string, error) {
	if typed == nil || stored != "" && *typed == stored {
		return stored, nil
	}
	line, err := web.Line(texts, "email", *typed, 1, maxEmail)
	if err != nil {
		return "", err
	}
	email := line.String()
	at := strings.LastIndexByte(email, '@')
	if at < 1 || at == len(email)-1 || strings.ContainsAny(email, "<>\"") || strings.ContainsFunc(email, unicode.IsSpace) {
		return "", gateway.Invalid(gateway.Field("email", "invalid_email", "It must be an e-mail address."))
	}
	return email, nil
}

// printable reports text without control characters; "" isn't.
func printable(text string) bool {
	for _, r := range text {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return false
		}
	}
	return text != ""
}
