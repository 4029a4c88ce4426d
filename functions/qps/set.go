package main

import (
	"errors"
	"net/http"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

// setOwn sets a key's limit for its customer, at once: down, or up again to what is free. Which of the two it is, and so
// whether a suspended account may, is decided on the key as it is written.
func (h *handler) setOwn(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.LowerLimit](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	before, err := h.service.Read(r, c)
	if err != nil {
		return err
	}
	if err := gateway.OptionalIfMatch(r).Check(before.Version); err != nil {
		return err
	}
	now := h.service.Source.Time()
	change := control.Change{Before: &before}
	class, action := product.Class(r.PathValue("class")), "key.lower_limit"
	if limit, ok := h.limitOf(before, class); ok && body.Qps > limit.current {
		action, change.UnlessSuspended = "key.raise_limit", now
		if err := h.service.NotSuspended(r.Context(), c.Account); err != nil {
			return err
		}
	}
	if change.After, err = h.withOwn(before, class, body.Qps, now); err != nil {
		return err
	}
	if change.After.Same(before) {
		return h.service.Show(w, r, c, before)
	}
	change.Audit = h.service.Row(c, action, &before, change.After)
	return h.service.CommitChange(w, r, c, change)
}

// withOwn is a key with a limit that its customer sets; the same key where it has the limit.
func (h *handler) withOwn(k apikey.Key, class product.Class, to int, now time.Time) (apikey.Key, error) {
	limit, err := h.settable(k, class)
	if err != nil {
		return k, err
	}
	err = qps.CheckFree(limit.current, limit.free, to)
	if errors.Is(err, qps.ErrSameAsCurrent) {
		return k, nil
	}
	if err != nil {
		return k, refusedNumber(err, "qps")
	}
	after := k.Touched(now)
	after.Limits = qps.Set(k.Limits, class, to, limit.standard, now)
	return after, nil
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
