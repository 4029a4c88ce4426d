package main

import (
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
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
	before, err := h.Read(r, c)
	if err != nil {
		return err
	}
	if err := match.Check(before.Version); err != nil {
		return err
	}
	if err := before.Editable(); err != nil {
		return err
	}
	after, err := h.merge(before, body, members)
	if err != nil {
		return err
	}
	if after.Same(before) {
		return h.Show(w, r, c, before) // a patch that changes nothing is no mutation
	}
	return h.Commit(w, r, c, "key.edit", before, after)
}

// merge applies a merge patch (RFC 7396) to the members that can be edited.
func (h *handler) merge(before apikey.Key, body api.EditKey, members gateway.Members) (apikey.Key, error) {
	f := fields{products: h.Products, accountType: before.AccountType, now: h.Source.Time()}
	after := before.Touched(f.now)
	if body.Name != nil {
		after.Name = f.name(*body.Name)
	}
	if body.Usage != nil {
		after.Usage = f.usage(*body.Usage)
	}
	if body.BillingType != nil {
		after.BillingType = f.billing(body.BillingType)
	}
	if body.Products != nil {
		after.Products = f.productList("products", *body.Products)
	}
	if body.Domains != nil {
		after.Domains = f.domains("domains", *body.Domains)
	}
	if body.MissingOrigin != nil {
		after.MissingOrigin = apikey.MissingOrigin(*body.MissingOrigin)
	}
	if body.HeaderOnly != nil {
		after.HeaderOnly = *body.HeaderOnly
	}
	if members.Has("expires_at") {
		after.ExpiresAt = f.expiry(body.ExpiresAt)
	}
	return after, f.err()
}
