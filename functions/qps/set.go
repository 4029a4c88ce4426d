package main

import (
	"errors"
	"net/http"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

// setOwn sets a key's limit for its customer, at once: down, or up again to what is free.
func (h *handler) setOwn(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.LowerLimit](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	class := product.Class(r.PathValue("class"))
	action := "key.lower_limit"
	if k, err := h.service.Read(r, c); err != nil {
		return err
	} else if limit, ok := h.limitOf(k, class); ok && body.Qps > limit.current {
		action = "key.raise_limit"
		suspended, err := h.service.Suspended(r.Context(), c.Account)
		switch {
		case err != nil:
			return err
		case suspended:
			return account.ErrSuspended
		}
	}
	return h.service.Change(w, r, c, action, func(k apikey.Key) (apikey.Key, error) {
		limit, err := h.settable(k, class)
		if err != nil {
			return k, err
		}
		err = qps.CheckFree(limit.current, limit.free, body.Qps)
		if errors.Is(err, qps.ErrSameAsCurrent) {
			return k, nil
		}
		if err != nil {
			return k, refusedNumber(err, "qps")
		}
		now := h.service.Source.Time()
		after := k.Touched(now)
		after.Limits = qps.Set(k.Limits, class, body.Qps, limit.standard, now)
		return after, nil
	})
}

// grantDirectly sets a key's limit for an operator, who needs no request. The customer may come back to it as to one that was
// approved.
func (h *handler) grantDirectly(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.SetLimit](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	class := product.Class(r.PathValue("class"))
	return h.service.Change(w, r, c, "key.set_limit", func(k apikey.Key) (apikey.Key, error) {
		limit, err := h.settable(k, class)
		if err != nil {
			return k, err
		}
		if err := qps.CheckGrant(body.Qps, limit.most); err != nil {
			return k, refusedNumber(err, "qps")
		}
		now := h.service.Source.Time()
		after := k.Touched(now)
		after.Limits = qps.Grant(k.Limits, class, body.Qps, time.Time{}, now)
		return after, nil
	})
}

// settable finds the class of a key that can still be edited.
func (h *handler) settable(k apikey.Key, class product.Class) (limited, error) {
	if err := k.Editable(); err != nil {
		return limited{}, err
	}
	limit, ok := h.limitOf(k, class)
	if !ok {
		return limit, gateway.ErrNotFound
	}
	return limit, nil
}
