package main

import "net/http"

func (a *app) operatorRoutes() {
	a.person("GET /operator", func(v *visit) error {
		return v.render(http.StatusOK, "later", v.t("nav.operator"), nil)
	})
}
