package main

import (
	"context"
	"net/url"

	"latchkey/shared/api"
)

// foundPerPage bounds what one page of a search over all accounts shows, beside the accounts that it finds.
const foundPerPage = "15"

// mostFoundDomains bounds the domains of a key in a row.
const mostFoundDomains = 3

// searchPart holds what a search over all accounts, of keys or of people, has found at one time, and how far it got.
type searchPart struct {
	People   bool
	Lacking  bool // it couldn't be made
	Keys     []foundKey
	Members  []api.FoundMember
	Progress string // what was looked at so far, in words
	Next     string
}

// foundKey is a key with the first of its domains.
type foundKey struct {
	api.FoundKey
	First []string
	More  int
}

// Empty reports whether there is nothing of this part to show.
func (s *searchPart) Empty() bool { return len(s.Keys)+len(s.Members) == 0 }

// searches reports whether keys or people are searched for beside accounts: not by what names one thing alone, and not on later pages of accounts.
func (d *lookUpPage) searches() bool {
	return d.Q != "" && d.Page == "" && !d.Email && !d.AccountID
}

// search reads the next part of a search.
func (v *visit) search(d *lookUpPage) func(context.Context) error {
	query := queryOf(map[string]string{"page_size": foundPerPage, "q": d.Q, "page_token": d.Further})
	d.Search = &searchPart{People: d.People}
	if d.People {
		return optional(v.searchMembers(d.Search, query), &d.Search.Lacking)
	}
	return optional(v.searchKeys(d.Search, query), &d.Search.Lacking)
}

func (v *visit) searchKeys(s *searchPart, query url.Values) func(context.Context) error {
	return func(ctx context.Context) error {
		var found api.FoundKeyList
		if err := reading(&found, v.api, "/v1/operator/keys", query)(ctx); err != nil {
			return err
		}
		s.Next = orNone(found.NextPageToken)
		s.Progress = v.progress(s.Next != "", v.t("keys.total", "n", found.SearchedKeys), found.SearchedAccounts)
		for _, k := range found.Keys {
			shown := min(len(k.Domains), mostFoundDomains)
			s.Keys = append(s.Keys, foundKey{k, k.Domains[:shown], len(k.Domains) - shown})
		}
		return nil
	}
}

func (v *visit) searchMembers(s *searchPart, query url.Values) func(context.Context) error {
	return func(ctx context.Context) error {
		var found api.FoundMemberList
		if err := reading(&found, v.api, "/v1/operator/members", query)(ctx); err != nil {
			return err
		}
		s.Members, s.Next = found.Members, orNone(found.NextPageToken)
		s.Progress = v.progress(s.Next != "", v.t("operator.searched.members", "n", found.SearchedMembers), found.SearchedAccounts)
		return nil
	}
}

// progress says in words how far a search got.
func (v *visit) progress(more bool, records string, accounts int) string {
	key := "operator.searched.all"
	if more {
		key = "operator.searched"
	}
	return v.t(key, "records", records, "places", v.t("operator.searched.accounts", "n", accounts))
}

// FurtherURL is the address at which the search goes on, or begins again where there is no place to go on from.
func (d *lookUpPage) FurtherURL(further string) string { return d.link(d.In, "", further) }

// InURL is the same search in something else.
func (d *lookUpPage) InURL(in string) string { return d.link(in, "", "") }

// PageURL is the same list of accounts from a page token on; "" is the first page.
func (d *lookUpPage) PageURL(token string) string { return d.link(d.In, token, "") }

func (d *lookUpPage) link(in, page, further string) string {
	list := "/operator"
	if d.All {
		list = allAccounts
	}
	return withQuery(list, queryOf(map[string]string{"q": d.Q, "in": in, "page": page, "further": further}))
}
