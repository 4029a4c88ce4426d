package main

import (
	"net/http"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/moment"
	"latchkey/shared/text"
)

// fewWaiting bounds the keys and accounts of each kind that the overview names.
const fewWaiting = 10

// overview answers with what waits for operators, over all accounts.
func (h *lookups) overview(w http.ResponseWriter, r *http.Request, _ gateway.Principal) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	now := h.source.Time()
	found, err := h.store.Overview(r.Context(), now, fewWaiting)
	if err != nil {
		return err
	}
	doc := api.Overview{
		PendingRequests: found.Pending, BlockedKeys: found.Blocked, ExposedKeys: found.Exposed, SuspendedAccounts: found.Suspended,
		LastBlocked: []api.BlockedKey{}, LastExposed: []api.ExposedKey{}, LastSuspended: []api.SuspendedAccount{},
	}
	for _, one := range found.LastBlocked {
		doc.LastBlocked = append(doc.LastBlocked, blockedDoc(one))
	}
	for _, one := range found.LastExposed {
		doc.LastExposed = append(doc.LastExposed, exposedDoc(one, now))
	}
	for _, one := range found.LastSuspended {
		doc.LastSuspended = append(doc.LastSuspended, suspendedDoc(one))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func blockedDoc(one control.WaitingKey) api.BlockedKey {
	b := one.Key.Blocked
	return api.BlockedKey{
		KeyId: string(one.Key.ID), KeyName: text.Shown(one.Key.Name), AccountId: string(one.Account.ID), AccountName: text.Shown(one.Account.Name),
		Blocked: api.Block{Reason: text.Shown(b.Reason), At: moment.Of(b.At), Until: web.TimePtr(b.Until), By: web.ShownPtr(b.By)},
	}
}

func exposedDoc(one control.WaitingKey, now time.Time) api.ExposedKey {
	e := one.Key.OpenExposure(now)
	return api.ExposedKey{
		KeyId: string(one.Key.ID), KeyName: text.Shown(one.Key.Name), AccountId: string(one.Account.ID), AccountName: text.Shown(one.Account.Name),
		ExposedAt: moment.Of(e.At), Source: string(e.By), Place: web.ShownPtr(e.Place), Refused: e.Refused(),
	}
}

func suspendedDoc(a account.Account) api.SuspendedAccount {
	s := a.Suspended
	return api.SuspendedAccount{
		AccountId: string(a.ID), AccountName: text.Shown(a.Name),
		Suspended: api.Suspension{Reason: text.Shown(s.Reason), At: moment.Of(s.At), Until: web.TimePtr(s.Until), By: web.ShownPtr(s.By)},
	}
}

// blockedKeys answers with a page of the blocked keys of all accounts.
func (h *lookups) blockedKeys(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	page, err := gateway.OnlyPageOf(r, "blocked-keys")
	if err != nil {
		return err
	}
	found, err := h.store.BlockedKeys(r.Context(), page.After, page.Size)
	if err != nil {
		return err
	}
	doc := api.BlockedKeyList{Keys: []api.BlockedKey{}, NextPageToken: page.Next(found.Next), Unreadable: c.LeftOut(r.Context())}
	for _, one := range found.Keys {
		doc.Keys = append(doc.Keys, blockedDoc(one))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

// exposedKeys answers with a page of the exposed keys of all accounts.
func (h *lookups) exposedKeys(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	page, err := gateway.OnlyPageOf(r, "exposed-keys")
	if err != nil {
		return err
	}
	now := h.source.Time()
	found, err := h.store.ExposedKeys(r.Context(), now, page.After, page.Size)
	if err != nil {
		return err
	}
	doc := api.ExposedKeyList{Keys: []api.ExposedKey{}, NextPageToken: page.Next(found.Next), Unreadable: c.LeftOut(r.Context())}
	for _, one := range found.Keys {
		doc.Keys = append(doc.Keys, exposedDoc(one, now))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

// suspendedAccounts answers with a page of the accounts that are suspended.
func (h *lookups) suspendedAccounts(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	page, err := gateway.OnlyPageOf(r, "suspended-accounts")
	if err != nil {
		return err
	}
	found, err := h.store.SuspendedAccounts(r.Context(), h.source.Time(), page.After, page.Size)
	if err != nil {
		return err
	}
	doc := api.SuspendedAccountList{Accounts: []api.SuspendedAccount{}, NextPageToken: page.Next(found.Next), Unreadable: c.LeftOut(r.Context())}
	for _, one := range found.Accounts {
		doc.Accounts = append(doc.Accounts, suspendedDoc(one))
	}
	return gateway.JSON(w, http.StatusOK, doc)
}
