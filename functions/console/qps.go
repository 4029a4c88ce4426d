package main

import "net/http"

func (a *app) qpsRoutes() {
	a.account("GET /accounts/{account}/qps-requests", func(v *visit) error {
		return v.render(http.StatusOK, "later", v.t("nav.qps"), nil)
	})
}
