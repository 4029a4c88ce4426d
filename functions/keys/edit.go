package main

import (
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
)

func (h *handler) edit(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	match, err := gateway.IfMatch(r)
	if err != nil {
		return err
	}
	body, members, err := gateway.Body[api.EditKey](r, gateway.BodyOptions{Nullable: []string{"expires_at"}, ReadOnly: api.KeyWithSecret{}})
	if err != nil {
		return err
	}
	before, err := h.service.Read(r, c)
	if err != nil {
		return err
	}
	if err := match.Check(before.Version); err != nil {
		return err
	}
	if err := before.Editable(); err != nil {
		return err
	}
	f := h.fields(h.service.Source.Time())
	after := before.Touched(f.now)
	f.set(&after, body, members)
	f.fits(before, after)
	if err := f.keeps(h.accountOf(r.Context(), c.Account), &before, after); err != nil {
		return err
	}
	if after.Same(before) {
		return h.service.Show(w, r, c, before) // a patch that changes nothing is no mutation
	}
	return h.service.Commit(w, r, c, "key.edit", before, after)
}
