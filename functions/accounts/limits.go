package main

import (
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/product"
)

// setLimit sets the account's limit over all its keys for a class; null leaves it to the catalogue again. What is set of a class that the catalogue no
// longer has can be lifted.
func (h *accounts) setLimit(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, members, err := gateway.Body[api.SetAccountLimit](r, gateway.BodyOptions{Nullable: []string{"qps"}})
	if err != nil {
		return err
	}
	if !members.Has("qps") {
		return gateway.Invalid(gateway.Field("qps", "required", "The member is required."))
	}
	class, qps := product.Class(r.PathValue("class")), 0
	_, _, known := h.products.Class(class)
	if !known && body.Qps != nil {
		return gateway.ErrNotFound
	}
	if body.Qps != nil {
		if qps = *body.Qps; qps < 1 || qps > product.MaxAccountQPS {
			return gateway.Invalid(gateway.Range("qps", 1, product.MaxAccountQPS, ", or null"))
		}
	}
	return h.changeStanding(w, r, c, "account.set_limit", func(a account.Account) (account.Account, error) {
		if !known && a.Limits.Of(string(class)) == 0 { // it has none to lift
			return a, gateway.ErrNotFound
		}
		return a.SetLimit(string(class), qps)
	})
}
