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
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
)

// exportStore lists the methods of the control table that an export calls.
type exportStore interface {
	Account(ctx context.Context, id account.ID) (account.Account, error)
	Members(ctx context.Context, id account.ID, after string, limit int) (control.MemberPage, error)
	Invitations(ctx context.Context, id account.ID, now time.Time, after string, limit int) (control.InvitationPage, error)
	Keys(ctx context.Context, id account.ID, want control.KeyQuery) (control.KeyPage, error)
	Requests(ctx context.Context, id account.ID, want control.RequestQuery) (control.RequestPage, error)
	AuditOfAccount(ctx context.Context, id account.ID, after string, limit int) (control.AuditPage, error)
	keyNames
}

type export struct {
	store    exportStore
	source   env.Source
	products product.Catalogue
	used     web.KeyUse
}

// part is one list of an export. It fills one page of it and returns the cursor of its next page, "" at its end.
type part struct {
	name string
	fill func(r *http.Request, c gateway.Principal, doc *api.Export, after string, size int) (next string, err error)
}

// parts lists them in their order. A page has the rest of one list, and never more.
func (h *export) parts() []part {
	return []part{{"account", h.account}, {"members", h.members}, {"invitations", h.invitations}, {"keys", h.keys}, {"qps_requests", h.requests}, {"audit", h.audit}}
}

// exportAccount answers with one page of everything that is stored of an account. The cursor is the list's name and the
// place in it.
func (h *export) exportAccount(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	page, err := gateway.OnlyPageOf(r, "export", string(c.Account))
	if err != nil {
		return err
	}
	name, after, _ := strings.Cut(page.After, "|")
	parts := h.parts()
	for i, p := range parts {
		if name != "" && name != p.name {
			continue
		}
		doc := api.Export{}
		next, err := p.fill(r, c, &doc, after, page.Size)
		switch {
		case err != nil:
			return err
		case next != "":
			next = p.name + "|" + next
		case i+1 < len(parts):
			next = parts[i+1].name + "|"
		}
		doc.NextPageToken, doc.Unreadable = page.Next(next), gateway.LeftOut(r.Context())
		gateway.NoStore(w)
		return gateway.JSON(w, http.StatusOK, doc)
	}
	return gateway.Parameter("page_token", "It belongs to another list.")
}

func (h *export) account(r *http.Request, c gateway.Principal, doc *api.Export, _ string, _ int) (string, error) {
	a, err := h.store.Account(r.Context(), c.Account)
	if errors.Is(err, dynamo.ErrUnreadable) { // the page is without it, and counts it
		return "", nil
	}
	shown := web.AccountDoc(a, c.Role, h.source.Time(), h.products)
	doc.Account = &shown
	return "", err
}

func (h *export) members(r *http.Request, c gateway.Principal, doc *api.Export, after string, size int) (string, error) {
	page, err := h.store.Members(r.Context(), c.Account, after, size)
	list := []api.Member{}
	for _, m := range page.Members {
		list = append(list, memberDoc(c, m))
	}
	doc.Members = &list
	return page.Next, err
}

func (h *export) invitations(r *http.Request, c gateway.Principal, doc *api.Export, after string, size int) (string, error) {
	page, err := h.store.Invitations(r.Context(), c.Account, h.source.Time(), after, size)
	list := []api.Invitation{}
	for _, i := range page.Invitations {
		list = append(list, invitationDoc(i))
	}
	doc.Invitations = &list
	return page.Next, err
}

func (h *export) keys(r *http.Request, c gateway.Principal, doc *api.Export, after string, size int) (string, error) {
	page, err := h.store.Keys(r.Context(), c.Account, control.KeyQuery{After: apikey.ID(after), Limit: size, Deleted: true})
	if err != nil {
		return "", err
	}
	used, err := h.used.LastUsed(r.Context(), c.Account, page.Keys...)
	if err != nil {
		return "", err
	}
	a, err := h.store.Account(r.Context(), c.Account)
	if err != nil && !errors.Is(err, dynamo.ErrUnreadable) { // which hides no key
		return "", err
	}
	list := []api.Key{}
	for _, k := range page.Keys {
		list = append(list, web.KeyDoc(k, web.View{Now: h.source.Time(), Used: used[k.ID], Products: h.products}.In(a)))
	}
	doc.Keys = &list
	return string(page.Next), nil
}

func (h *export) requests(r *http.Request, c gateway.Principal, doc *api.Export, after string, size int) (string, error) {
	page, err := h.store.Requests(r.Context(), c.Account, control.RequestQuery{After: after, Limit: size})
	if err != nil {
		return "", err
	}
	list := []api.QpsRequest{}
	for _, request := range page.Requests {
		list = append(list, web.QpsRequestDoc(request, false))
	}
	doc.QpsRequests = &list
	return page.Next, nil
}

func (h *export) audit(r *http.Request, c gateway.Principal, doc *api.Export, after string, size int) (string, error) {
	page, err := h.store.AuditOfAccount(r.Context(), c.Account, after, size)
	if err != nil {
		return "", err
	}
	list, err := auditDocs(r.Context(), h.store, c, page.Rows, h.source.Time())
	if err != nil {
		return "", err
	}
	doc.Audit = &list
	return page.Next, nil
}
