package main

import "net/http"

func (a *app) accountRoutes() {
	a.account("GET /accounts/{account}/account", func(v *visit) error {
		return v.render(http.StatusOK, "later", v.t("nav.account"), nil)
	})
}
