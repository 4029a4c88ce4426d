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
	body, members, err := gateway.Body[api.PutAccountPolicy](r, gateway.BodyOptions{Nullable: []string{"max_lifetime_days"}})
	if err != nil {
		return err
	}
	lifetime := 0 // none
	if days := body.MaxLifetimeDays; days != nil {
		if lifetime, err = account.ParseLifetime(*days); err != nil {
			return gateway.Invalid(gateway.Field("max_lifetime_days", "out_of_range", "It must be 1 to 3650 days, or null."))
		}
	}
	after, err := h.change(r, c, "account.policy", func(a account.Account) (_ account.Account, err error) {
		if l := body.Leaks; l != nil {
			if a, err = a.SetLeaks(account.LeakPolicy{
				Frontend: account.LeakReaction(l.Frontend), Backend: account.LeakReaction(l.Backend), Mobile: account.LeakReaction(l.Mobile),
			}); err != nil {
				return a, err
			}
		}
		if body.FrontendRestricted == nil && !members.Has("max_lifetime_days") {
			return a, nil
		}
		rules := a.Rules
		if body.FrontendRestricted != nil {
			rules.FrontendRestricted = *body.FrontendRestricted
		}
		if members.Has("max_lifetime_days") {
			rules.LifetimeDays = lifetime
		}
		return a.SetRules(rules)
	})
	if err != nil {
		return err
	}
	return showPolicy(w, after)
}

func showPolicy(w http.ResponseWriter, a account.Account) error {
	p := a.Leaks.InForce()
	doc := api.AccountPolicy{
		Leaks:              api.LeakPolicy{Frontend: api.LeakReaction(p.Frontend), Backend: api.LeakReaction(p.Backend), Mobile: api.LeakReaction(p.Mobile)},
		FrontendRestricted: a.Rules.FrontendRestricted, Version: a.Version,
	}
	if days := a.Rules.LifetimeDays; days > 0 {
		doc.MaxLifetimeDays = &days
	}
	gateway.SetETag(w, a.Version)
	return gateway.JSON(w, http.StatusOK, doc)
}
