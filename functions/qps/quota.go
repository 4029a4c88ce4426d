package main

import (
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
)

// setQuota sets or lifts the daily cap of a key for its customer. Whether that takes away, and so whether a suspended account may,
// is decided on the key as it is written.
func (h *handler) setQuota(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	want, err := h.capOf(r)
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
	if err := before.Editable(); err != nil {
		return err
	}
	now, was := h.service.Source.Time(), before.Caps.Of(want.Group)
	if !h.service.Products.HasGroup(want.Group) && (was == 0 || want.Day != 0) { // a cap of a group that is gone can be lifted
		return gateway.ErrNotFound
	}
	if was == want.Day {
		return h.service.Show(w, r, c, before)
	}
	after := before.Touched(now)
	want.Since = now
	after.Caps = before.Caps.With(want)
	change := control.Change{Before: &before, After: after, Audit: h.service.Row(c, "key.set_quota", &before, after)}
	if was != 0 && (want.Day == 0 || want.Day > was) {
		change.UnlessSuspended = now
		if err := h.service.NotSuspended(r.Context(), c.Account); err != nil {
			return err
		}
	}
	return h.service.CommitChange(w, r, c, change)
}

// capOf reads the cap that a request asks for; Day 0 lifts it.
func (h *handler) capOf(r *http.Request) (apikey.Cap, error) {
	body, members, err := gateway.Body[api.SetKeyQuota](r, gateway.BodyOptions{Nullable: []string{"day"}})
	if err != nil {
		return apikey.Cap{}, err
	}
	want := apikey.Cap{Group: product.Group(r.PathValue("group"))}
	switch {
	case !members.Has("day"):
		return want, gateway.Invalid(gateway.Field("day", "required", "The member is required."))
	case body.Day == nil:
		return want, nil
	case *body.Day < 1 || *body.Day > apikey.MaxCap:
		return want, gateway.Invalid(gateway.Range("day", 1, apikey.MaxCap, ", or null"))
	}
	want.Day = *body.Day
	return want, nil
}
