package main

import (
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/api"
)

func (h *accounts) getPolicy(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	a, err := h.store.Account(r.Context(), c.Account)
	if err != nil {
		return err
	}
	return showPolicy(w, a)
}

// putPolicy sets the members that are sent and leaves the others.
func (h *accounts) putPolicy(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.PutAccountPolicy](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	after, err := h.change(r, c, "account.policy", func(a account.Account) (account.Account, error) {
		l := body.Leaks
		if l == nil {
			return a, nil
		}
		return a.SetLeaks(account.LeakPolicy{
			Frontend: account.LeakReaction(l.Frontend), Backend: account.LeakReaction(l.Backend), Mobile: account.LeakReaction(l.Mobile),
		})
	})
	if err != nil {
		return err
	}
	return showPolicy(w, after)
}

func showPolicy(w http.ResponseWriter, a account.Account) error {
	p := a.Leaks.InForce()
	gateway.SetETag(w, a.Version)
	return gateway.JSON(w, http.StatusOK, api.AccountPolicy{
		Leaks:   api.LeakPolicy{Frontend: api.LeakReaction(p.Frontend), Backend: api.LeakReaction(p.Backend), Mobile: api.LeakReaction(p.Mobile)},
		Version: a.Version,
	})
}
