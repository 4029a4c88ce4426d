package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"

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
	"latchkey/shared/text"
)

// memberStore lists the methods of the control table that the operations on members call.
type memberStore interface {
	Member(ctx context.Context, id account.ID, who account.Subject) (account.Member, error)
	Members(ctx context.Context, id account.ID, after string, limit int) (control.MemberPage, error)
	PutMember(ctx context.Context, before *account.Member, after account.Member, by account.Subject, row audit.Row) (account.Member, error)
	RemoveMember(ctx context.Context, before account.Member, row audit.Row) error
	WithdrawInvitationsOf(ctx context.Context, id account.ID, by account.Subject, now time.Time, row func(invitation string) audit.Row) (control.Withdrawn, error)
	Keys(ctx context.Context, id account.ID, want control.KeyQuery) (control.KeyPage, error)
}

type members struct {
	store  memberStore
	source env.Source
	texts  text.Secrets
}

func (h *members) listMembers(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	page, err := gateway.OnlyPageOf(r, "members", string(c.Account))
	if err != nil {
		return err
	}
	found, err := h.store.Members(r.Context(), c.Account, page.After, page.Size)
	if err != nil {
		return err
	}
	doc := api.MemberList{Members: []api.Member{}, NextPageToken: page.Next(found.Next), Unreadable: c.LeftOut(r.Context())}
	for _, m := range found.Members {
		doc.Members = append(doc.Members, memberDoc(c, m))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func memberDoc(c gateway.Principal, m account.Member) api.Member {
	return api.Member{
		Subject: m.Subject.ID, Issuer: issuerBefore(c, m.Subject), Email: web.ShownPtr(m.Address()), Role: api.Role(m.Role), AddedAt: moment.Of(m.AddedAt), Version: m.Version,
	}
}

// putMember changes a member's role. Nobody becomes a member by it: that takes their own consent, by an invitation.
func (h *members) putMember(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	who, err := subjectAt(r, c)
	if err != nil {
		return err
	}
	body, _, err := gateway.Body[api.PutMember](r, gateway.BodyOptions{Query: true, ReadOnly: api.Member{}})
	if err != nil {
		return err
	}
	before, err := h.store.Member(r.Context(), c.Account, who)
	if errors.Is(err, dynamo.ErrNotFound) { // a secret in the place of a subject is named as what it is
		return errors.Join(newSubject(h.texts, who), err)
	}
	if err != nil {
		return err
	}
	label, err := emailOf(h.texts, before.Address(), body.Email)
	if err != nil {
		return err
	}
	after := before.WithRole(account.Role(body.Role), h.source.Time())
	if before.Email == "" { // beside a verified address nobody would see it
		after.Label = label
	}
	if after != before {
		row := web.AuditRow(h.source, c, "member.change", "", memberChanges(c, before, after)...)
		if after, err = h.store.PutMember(r.Context(), &before, after, c.Person.Subject, row); err != nil {
			return err
		}
	}
	doc := memberDoc(c, after)
	if !after.Role.May(account.ManageMembers) { // in each answer, so that a request whose answer was lost can be repeated
		left, err := h.legacy(r, c, who)
		if err != nil {
			return err
		}
		doc.Left = &left
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

// memberChanges names the member and lists what differs. After a removal there is nobody.
func memberChanges(c gateway.Principal, before, after account.Member) []audit.Change {
	who, still := rowName(c, before.Subject), ""
	if after.Subject == before.Subject {
		still = who
	}
	changes := []audit.Change{audit.Set("subject", who, still)}
	if before.Role != after.Role {
		changes = append(changes, audit.Set("role", string(before.Role), string(after.Role)))
	}
	if before.Address() != after.Address() {
		changes = append(changes, audit.Set("email", before.Address(), after.Address()))
	}
	return changes
}

// deleteMember takes somebody out and answers with what they leave. It may be repeated, by any owner: as long as there is
// something that somebody who is gone has left, the answer lists it as it is then.
func (h *members) deleteMember(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	who, err := subjectAt(r, c)
	if err != nil {
		return err
	}
	if who != c.Person.Subject && !c.Role.May(account.ManageMembers) {
		return gateway.ErrForbidden
	}
	if _, _, err := gateway.Body[struct{}](r, gateway.BodyOptions{Optional: true, Query: true}); err != nil {
		return err
	}
	before, err := h.store.Member(r.Context(), c.Account, who)
	if err == nil {
		row := web.AuditRow(h.source, c, "member.remove", "", memberChanges(c, before, account.Member{})...)
		err = h.store.RemoveMember(r.Context(), before, row)
	}
	none := errors.Is(err, dynamo.ErrNotFound)
	if err != nil && !none {
		return err
	}
	left, err := h.legacy(r, c, who)
	if err != nil {
		return err
	}
	if none && len(left.Invitations)+len(left.Keys)+len(left.Principals) == 0 && !left.More {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return gateway.JSON(w, http.StatusOK, left)
}

// Bounds of what is listed of one who leaves: keys, and pages of the account's keys in which they are looked for.
const (
	maxLegacy   = 100
	legacyPages = 10
)

// legacy withdraws the invitations that a person may no longer make, and lists what else they leave behind. An invitation
// is void without that already; it is withdrawn so that no list shows it as open.
func (h *members) legacy(r *http.Request, c gateway.Principal, who account.Subject) (api.Legacy, error) {
	doc := api.Legacy{Invitations: []string{}, Keys: []api.LegacyKey{}, Principals: []api.LegacyPrincipal{}}
	row := func(id string) audit.Row {
		return web.AuditRow(h.source, c, "invitation.withdraw", "", audit.Set("invitation", id, nil))
	}
	withdrawn, err := h.store.WithdrawInvitationsOf(r.Context(), c.Account, who, h.source.Time(), row)
	if err != nil {
		return doc, err
	}
	doc.Invitations = append(doc.Invitations, withdrawn.IDs...)
	now := h.source.Time()
	of := func(k apikey.Key) bool { return (k.CreatedBy == who || namedPrincipal(k, who)) && mayWork(k, now) }
	found, more, err := h.keysOf(r.Context(), c.Account, of)
	if err != nil {
		return doc, err
	}
	for _, k := range found {
		if k.CreatedBy == who {
			doc.Keys = append(doc.Keys, api.LegacyKey{Id: string(k.ID), Name: text.Shown(k.Name), DeletedAt: web.TimePtr(k.DeletedAt)})
		}
		if namedPrincipal(k, who) {
			doc.Principals = append(doc.Principals, api.LegacyPrincipal{
				Id: string(k.ID), Name: text.Shown(k.Name), Principal: k.Rotation.Principal, DeletedAt: web.TimePtr(k.DeletedAt),
			})
		}
	}
	doc.More = more || withdrawn.More
	return doc, nil
}

// keysOf reads the first keys that match, deleted ones too. more is true where there may be others.
func (h *members) keysOf(ctx context.Context, id account.ID, of func(apikey.Key) bool) (keys []apikey.Key, more bool, err error) {
	want := control.KeyQuery{Limit: maxLegacy, Match: of, Deleted: true}
	for range legacyPages {
		page, err := h.store.Keys(ctx, id, want)
		if err != nil {
			return nil, false, err
		}
		keys, more = append(keys, page.Keys...), page.Next != ""
		want.After, want.Limit = page.Next, maxLegacy-len(keys)
		if !more || want.Limit == 0 {
			break
		}
	}
	return keys, more, nil
}

// mayWork reports whether a key isn't deleted, or can be restored: then its secret and its principal are as they were.
func mayWork(k apikey.Key, now time.Time) bool {
	_, err := k.Restore(now)
	return !errors.Is(err, apikey.ErrRestoreTooOld)
}

func namedPrincipal(k apikey.Key, who account.Subject) bool {
	return k.Rotation != nil && k.Rotation.Principal != "" && k.Rotation.SetBy == who
}

// emailOf reads an address that somebody typed; the one that is stored already stays, whatever it holds. An address is
// for display and look-up; it gives nobody a right.
func emailOf(texts text.Secrets, stored string, typed *string) (string, error) {
	if typed == nil || stored != "" && (*typed == stored || *typed == text.Shown(stored)) {
		return stored, nil
	}
	line, err := web.Line(texts, "email", pasted.Value(*typed), 1, account.MaxEmail)
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
