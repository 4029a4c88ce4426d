package main

import (
	"net/http"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
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
		b := one.Key.Blocked
		doc.LastBlocked = append(doc.LastBlocked, api.BlockedKey{
			KeyId: string(one.Key.ID), KeyName: text.Shown(one.Key.Name), AccountId: string(one.Account.ID), AccountName: text.Shown(one.Account.Name),
			Blocked: api.Block{Reason: text.Shown(b.Reason), At: moment.Of(b.At), By: web.ShownPtr(b.By)},
		})
	}
	for _, one := range found.LastExposed {
		doc.LastExposed = append(doc.LastExposed, exposedDoc(one, now))
	}
	for _, one := range found.LastSuspended {
		s := one.Suspended
		doc.LastSuspended = append(doc.LastSuspended, api.SuspendedAccount{
			AccountId: string(one.ID), AccountName: text.Shown(one.Name),
			Suspended: api.Suspension{Reason: text.Shown(s.Reason), At: moment.Of(s.At), Until: web.TimePtr(s.Until), By: web.ShownPtr(s.By)},
		})
	}
	return gateway.JSON(w, http.StatusOK, doc)
}

func exposedDoc(one control.WaitingKey, now time.Time) api.ExposedKey {
	e := one.Key.OpenExposure(now)
	return api.ExposedKey{
		KeyId: string(one.Key.ID), KeyName: text.Shown(one.Key.Name), AccountId: string(one.Account.ID), AccountName: text.Shown(one.Account.Name),
		ExposedAt: moment.Of(e.At), Source: string(e.By), Place: web.ShownPtr(e.Place), Refused: e.Refused(),
	}
}
