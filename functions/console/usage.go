package main

import "net/http"

func (a *app) usageRoutes() {
	a.account("GET /accounts/{account}/usage", func(v *visit) error {
		return v.render(http.StatusOK, "later", v.t("nav.usage"), nil)
	})
}
