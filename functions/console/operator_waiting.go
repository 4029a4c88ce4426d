package main

import (
	"net/http"
	"net/url"

	"latchkey/shared/api"
)

// The lists of what the operators' home has the last of.
const (
	allBlocked   = "/operator/blocked-keys"
	allExposed   = "/operator/exposed-keys"
	allSuspended = "/operator/suspended-accounts"
)

// waitingPerPage bounds their pages: each row has a reason or a place of up to 500 characters.
const waitingPerPage = "20"

// waitingPage is the page of a list that the API gives page by page.
type waitingPage struct {
	Page, Next string
}

func (w *waitingPage) query() url.Values {
	return queryOf(map[string]string{"page_size": waitingPerPage, "page_token": w.Page})
}

// blockedPage lists the blocked keys of all accounts.
type blockedPage struct {
	waitingPage
	Keys []api.BlockedKey
}

func (a *app) showBlockedKeys(v *visit) error {
	d := &blockedPage{waitingPage: waitingPage{Page: v.query("page")}}
	var found api.BlockedKeyList
	if err := v.parallel(reading(&found, v.api, "/v1/operator/blocked-keys", d.query())); err != nil {
		return err
	}
	d.Keys, d.Next = found.Keys, orNone(found.NextPageToken)
	return v.render(http.StatusOK, "operator-blocked", v.t("operator.blocked"), d)
}

// exposedPage lists the exposed keys of all accounts.
type exposedPage struct {
	waitingPage
	Keys []api.ExposedKey
}

func (a *app) showExposedKeys(v *visit) error {
	d := &exposedPage{waitingPage: waitingPage{Page: v.query("page")}}
	var found api.ExposedKeyList
	if err := v.parallel(reading(&found, v.api, "/v1/operator/exposed-keys", d.query())); err != nil {
		return err
	}
	d.Keys, d.Next = found.Keys, orNone(found.NextPageToken)
	return v.render(http.StatusOK, "operator-exposed", v.t("operator.exposed"), d)
}

// suspendedPage lists the suspended accounts.
type suspendedPage struct {
	waitingPage
	Accounts []api.SuspendedAccount
}

func (a *app) showSuspendedAccounts(v *visit) error {
	d := &suspendedPage{waitingPage: waitingPage{Page: v.query("page")}}
	var found api.SuspendedAccountList
	if err := v.parallel(reading(&found, v.api, "/v1/operator/suspended-accounts", d.query())); err != nil {
		return err
	}
	d.Accounts, d.Next = found.Accounts, orNone(found.NextPageToken)
	return v.render(http.StatusOK, "operator-suspended", v.t("operator.suspended"), d)
}
