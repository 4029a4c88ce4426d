package main

import (
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/moment"
	"latchkey/shared/text"
)

// fewBlocked bounds the blocked keys that the overview names.
const fewBlocked = 10

// overview answers with what waits for operators, over all accounts.
func (h *lookups) overview(w http.ResponseWriter, r *http.Request, _ gateway.Principal) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	found, err := h.store.Overview(r.Context(), fewBlocked)
	if err != nil {
		return err
	}
	doc := api.Overview{PendingRequests: found.Pending, BlockedKeys: found.Blocked, LastBlocked: []api.BlockedKey{}}
	for _, one := range found.Last {
		b := one.Key.Blocked
		doc.LastBlocked = append(doc.LastBlocked, api.BlockedKey{
			KeyId: string(one.Key.ID), KeyName: text.Shown(one.Key.Name), AccountId: string(one.Account.ID), AccountName: text.Shown(one.Account.Name),
			Blocked: api.Block{Reason: text.Shown(b.Reason), At: moment.Of(b.At), By: web.ShownPtr(b.By)},
		})
	}
	return gateway.JSON(w, http.StatusOK, doc)
}
