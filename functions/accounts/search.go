package main

import (
	"context"
	"net/http"
	"strings"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/apikey/search"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
	"latchkey/shared/text"
)

// searchStore lists the methods of the control table that searches over all accounts call.
type searchStore interface {
	SearchKeys(ctx context.Context, match func(apikey.Key) bool, after string, limit int) (control.MatchPage[apikey.Key], error)
	SearchMembers(ctx context.Context, match func(account.Member) bool, after string, limit int) (control.MatchPage[account.Member], error)
}

type searches struct {
	store    searchStore
	source   env.Source
	products product.Catalogue
}

// searchKeys answers with a page of the keys of all accounts that have the words of a search.
func (h *searches) searchKeys(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	words, page, err := searchOf(r, "keys", search.Most)
	if err != nil {
		return err
	}
	found, err := h.store.SearchKeys(r.Context(), words.Find, page.After, page.Size)
	if err != nil {
		return err
	}
	doc := api.FoundKeyList{
		Keys: []api.FoundKey{}, SearchedAccounts: found.Looked.Accounts, SearchedKeys: found.Looked.Records,
		NextPageToken: page.Next(found.Next), Unreadable: c.LeftOut(r.Context()),
	}
	for _, m := range found.Matches {
		doc.Keys = append(doc.Keys, h.foundKey(m))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func (h *searches) foundKey(m control.Match[apikey.Key]) api.FoundKey {
	now := h.source.Time()
	k := web.KeyDoc(m.Record, web.View{Now: now, Operator: true, Products: h.products}.In(m.Account))
	return api.FoundKey{
		KeyId: k.Id, KeyName: k.Name, Labels: k.Labels, Domains: k.Domains, Preview: k.Preview, Status: k.Status,
		AccountId: k.AccountId, AccountName: text.Shown(m.Account.Name),
	}
}

// searchMembers answers with a page of the members of all accounts whose verified e-mail address has the words of a search.
func (h *searches) searchMembers(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	words, page, err := searchOf(r, "members", account.MaxEmail)
	if err != nil {
		return err
	}
	has := func(m account.Member) bool { return m.Email != "" && text.HasWords(m.Email, words) }
	found, err := h.store.SearchMembers(r.Context(), has, page.After, page.Size)
	if err != nil {
		return err
	}
	doc := api.FoundMemberList{
		Members: []api.FoundMember{}, SearchedAccounts: found.Looked.Accounts, SearchedMembers: found.Looked.Records,
		NextPageToken: page.Next(found.Next), Unreadable: c.LeftOut(r.Context()),
	}
	for _, m := range found.Matches {
		doc.Members = append(doc.Members, api.FoundMember{
			Subject: m.Record.Subject.ID, Issuer: issuerBefore(c, m.Record.Subject), Email: text.Shown(m.Record.Email), Role: api.Role(m.Record.Role),
			AccountId: string(m.Account.ID), AccountName: text.Shown(m.Account.Name),
		})
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

// searchOf reads the words of a search over all accounts, and where it goes on.
func searchOf(r *http.Request, list string, most int) (search.Words, gateway.Page, error) {
	if err := gateway.KnownQuery(r, "q", "page_size", "page_token"); err != nil {
		return nil, gateway.Page{}, err
	}
	typed, err := gateway.Text(r, "q", most)
	if err != nil {
		return nil, gateway.Page{}, err
	}
	words := web.Words(typed)
	page, err := gateway.PageOf(r, "search", list, strings.Join(words, " "))
	return words, page, err
}
