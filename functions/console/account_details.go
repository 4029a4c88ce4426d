package main

import (
	"net/http"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// detailsPage is the page of an account beside that of its people.
const detailsPage = "/account/details"

func (a *app) detailRoutes() {
	a.account("GET /accounts/{account}/account/details", blank(a.showDetails))
	a.elsewhere("GET /accounts/{account}/account/name", "/accounts/{account}"+detailsPage)
	a.account("POST /accounts/{account}/account/name", a.renameAccount)
}

// detailsView is an account with its limits and quotas.
type detailsView struct {
	*form
	Account api.Account
	Quotas  []quotaRow
	Owns    bool // also of an account that is closed
}

// showDetails shows the account with the form that was sent, if one was.
func (a *app) showDetails(v *visit, status int, f *form) error {
	d := &detailsView{form: f}
	me, err := v.person()
	if err != nil {
		return err
	}
	var quotas api.Quotas
	if err := v.parallel(reading(&d.Account, v.api, v.accountPath(), nil), reading(&quotas, v.api, v.accountPath("/quotas"), nil)); err != nil {
		return err
	}
	if _, typed := d.Values["name"]; !typed {
		d.Values["name"] = d.Account.Name
	}
	d.Owns = v.owns(me)
	d.Quotas = v.quotaRows(quotas.Quotas)
	return v.render(status, "account-details", v.t("account.details"), d)
}

func (a *app) renameAccount(v *visit) error {
	f := newForm()
	f.Values["name"], f.At = v.form("name"), "name"
	name := f.Values["name"]
	read := func() (string, int64, error) {
		now, err := management.Get[api.Account](v.ctx(), v.api, v.accountPath(), nil)
		return now.Name, now.Version, err
	}
	call := management.Call{Method: http.MethodPatch, Path: v.accountPath(), Body: api.EditAccount{Name: &name}}
	status, err := f.overwrite(v, setting{"name", "account.name", orDash}, read, call, nil)
	return f.answer(v, status, err, a.showDetails, v.accountURL(detailsPage), "renamed")
}
