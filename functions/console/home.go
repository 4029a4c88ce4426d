package main

import (
	"crypto/rand"
	"net/http"
	"slices"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

func (a *app) homeRoutes() {
	a.elsewhere("GET /accounts", "/accounts/new")
	a.person("POST /accounts", a.createAccount)
}

// accountCookie holds the ID of the account that this browser showed last. The console's script sets it.
const accountCookie = "latchkey-account"

// home sends people to the keys of the account that they used last, or else of their first, and newcomers to their first step.
func (a *app) home(v *visit) error {
	me, err := v.person()
	if err != nil {
		return err
	}
	open := slices.DeleteFunc(slices.Clone(me.Accounts), func(one api.MyAccount) bool { return one.Closed })
	last := slices.IndexFunc(open, func(one api.MyAccount) bool { return one.Id == v.cookie(accountCookie) })
	if len(open) > 0 {
		return v.redirect("/accounts/" + open[max(last, 0)].Id + "/keys")
	}
	if me.Operator {
		return v.redirect("/operator")
	}
	return a.newAccount(v)
}

// newAccount asks for the name of an account.
func (a *app) newAccount(v *visit) error {
	f := newForm()
	f.Values["idempotency"] = rand.Text()
	return v.render(http.StatusOK, "welcome", v.t("welcome.title"), f)
}

func (a *app) createAccount(v *visit) error {
	f := newForm()
	f.Values["name"], f.Values["idempotency"] = v.form("name"), v.form("idempotency")
	var made api.Account
	_, err := f.submit(v, management.Call{
		Method: http.MethodPost, Path: "/v1/accounts", Body: api.CreateAccount{Name: f.Values["name"]}, Idempotency: f.Values["idempotency"],
	}, &made)
	if err != nil {
		return err
	}
	if f.Bad() {
		return v.render(http.StatusUnprocessableEntity, "welcome", v.t("welcome.title"), f)
	}
	return v.done("/accounts/"+made.Id+"/keys", "account_created")
}
