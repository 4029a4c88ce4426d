package main

import (
	"net/http"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

func (a *app) homeRoutes() {
	a.person("POST /accounts", a.createAccount)
}

// home sends people to their keys, and newcomers to their first step.
func (a *app) home(v *visit) error {
	me, err := v.person()
	if err != nil {
		return err
	}
	for _, one := range me.Accounts {
		if !one.Closed {
			return v.redirect("/accounts/" + one.Id + "/keys")
		}
	}
	if me.Operator {
		return v.redirect("/operator")
	}
	return v.render(http.StatusOK, "welcome", v.t("welcome.title"), newForm())
}

func (a *app) createAccount(v *visit) error {
	f := newForm()
	f.Values["name"] = v.form("name")
	var made api.Account
	_, err := v.api.Do(v.ctx(), management.Call{Method: http.MethodPost, Path: "/v1/accounts", Body: api.CreateAccount{Name: f.Values["name"]}}, &made)
	if err != nil {
		if err := f.refuse(v, err); err != nil {
			return err
		}
		return v.render(http.StatusUnprocessableEntity, "welcome", v.t("welcome.title"), f)
	}
	return v.done("/accounts/"+made.Id+"/keys", "account_created")
}
