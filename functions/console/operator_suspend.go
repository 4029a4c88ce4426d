package main

import (
	"net/http"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// suspending asks why an account is suspended, and until when.
type suspending struct {
	*form
	Account api.Account
}

func (a *app) showSuspending(v *visit, status int, f *form) error {
	account, err := management.Get[api.Account](v.ctx(), v.api, operatorAccountPath(v, ""), nil)
	if err != nil {
		return err
	}
	if s := account.Suspended; s != nil && v.r.Method == http.MethodGet {
		f.Values["reason"] = s.Reason
		if s.Until != nil {
			f.Values["until"] = s.Until.UTC().Format(dayFormat)
		}
	}
	return v.render(status, "operator-suspend", v.t("operator.suspend.title"), &suspending{f, account})
}

func (a *app) suspendAccount(v *visit) error {
	f := newForm()
	f.Values["reason"], f.Values["until"] = v.prose("reason"), v.form("until")
	body := api.SuspendAccount{Reason: f.Values["reason"], Until: f.day(v, "until")}
	if f.Bad() {
		return a.showSuspending(v, http.StatusUnprocessableEntity, f)
	}
	before, err := management.Get[api.Account](v.ctx(), v.api, operatorAccountPath(v, ""), nil)
	if err != nil {
		return err
	}
	if s := before.Suspended; s != nil && s.Until != nil && s.Until.UTC().Format(dayFormat) == f.Values["until"] {
		body.Until = s.Until // the form has the day alone
	}
	status, err := f.submit(v, management.Call{Method: http.MethodPost, Path: operatorOnlyPath(v, "/suspend"), Body: body}, nil)
	if err != nil {
		return err
	}
	if f.Bad() {
		return a.showSuspending(v, status, f)
	}
	return v.done("/operator/accounts/"+v.r.PathValue("account"), "suspended")
}

func (a *app) resumeAccount(v *visit) error {
	f := newForm()
	status, err := f.submit(v, management.Call{Method: http.MethodPost, Path: operatorOnlyPath(v, "/resume")}, nil)
	if err != nil {
		return err
	}
	if f.Bad() {
		return a.showOperatorAccount(v, status, f)
	}
	return v.done("/operator/accounts/"+v.r.PathValue("account"), "resumed")
}
