package main

import (
	"net/http"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// waitingList is a list of what waits for operators: the last of it on their home, or a page of it all.
type waitingList struct {
	Kind string // a part of the names of its messages
	tokens
	Rows any // of the API's own type

	N       int  // of the home's: how many there are
	Further bool // more than it shows
	Lacking bool // the API hasn't told
}

// The pages of the lists, which the API has under the same paths.
const (
	allBlocked   = "/operator/blocked-keys"
	allExposed   = "/operator/exposed-keys"
	allSuspended = "/operator/suspended-accounts"
)

// Lists are the last of what waits, as the home has them. Of a kind that the API doesn't tell of, nobody knows: for some minutes of a deployment
// it may be older than the console.
func (o *overview) Lists() []waitingList {
	if o == nil {
		o = &overview{}
	}
	return []waitingList{
		lastOf("blocked", allBlocked, o.BlockedKeys, o.LastBlocked),
		lastOf("exposed", allExposed, o.ExposedKeys, o.LastExposed),
		lastOf("suspended", allSuspended, o.SuspendedAccounts, o.LastSuspended),
	}
}

func lastOf[T any](kind, path string, n int, last []T) waitingList {
	return waitingList{Kind: kind, tokens: tokens{Root: path}, Rows: last, N: n, Further: n > len(last), Lacking: last == nil}
}

func (a *app) waitingRoutes() {
	showAll(a, "blocked", allBlocked, func(l api.BlockedKeyList) (any, *string) { return l.Keys, l.NextPageToken })
	showAll(a, "exposed", allExposed, func(l api.ExposedKeyList) (any, *string) { return l.Keys, l.NextPageToken })
	showAll(a, "suspended", allSuspended, func(l api.SuspendedAccountList) (any, *string) { return l.Accounts, l.NextPageToken })
}

// waitsPerPage bounds their pages: each row has a reason or a place of up to 500 characters.
const waitsPerPage = "20"

// showAll registers the page of a list, over all accounts.
func showAll[List any](a *app, kind, path string, of func(List) (rows any, next *string)) {
	a.person("GET "+path, func(v *visit) error {
		d := &waitingList{Kind: kind, tokens: tokens{Root: path, Page: v.query("page")}}
		found, err := management.Get[List](v.ctx(), v.api, "/v1"+path, queryOf(map[string]string{"page_size": waitsPerPage, "page_token": d.Page}))
		if err != nil {
			return err
		}
		rows, next := of(found)
		d.Rows, d.Next = rows, orNone(next)
		return v.render(http.StatusOK, "operator-waits", v.t("waiting."+kind), d)
	})
}
