package main

import (
	"net/http"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// suspending asks why an account is suspended, and until when.
type suspending struct {
	*form
	Account api.Account
	Was     string // how it is suspended as the form begins
}

func (d *suspending) suspended() bool { return d.Account.Suspended != nil }

func (a *app) showSuspending(v *visit, status int, f *form) error {
	account, err := management.Get[api.Account](v.ctx(), v.api, operatorAccountPath(v, ""), nil)
	if err != nil {
		return err
	}
	if s := account.Suspended; s != nil && v.r.Method == http.MethodGet {
		f.Values["reason"], f.Values["until"] = s.Reason, lastDay(s)
	}
	return v.render(status, "operator-suspend", v.t("operator.suspend.title"), &suspending{f, account, suspensionOf(account)})
}

// suspensionOf is an account's suspension as its form has it, or "": the reason, and the day of its end.
func suspensionOf(account api.Account) string {
	if s := account.Suspended; s != nil {
		return reasonUntil(s.Reason, lastDay(s))
	}
	return ""
}

// reasonUntil is a suspension or a block as its form has it: the reason, and the day of its end.
func reasonUntil(reason, until string) string { return strings.TrimSpace(reason + "\n" + until) }

// inOneLine shows a setting of several lines.
func inOneLine(value string) string {
	return orDash(strings.ReplaceAll(strings.TrimSpace(value), "\n", " · "))
}

// lastDay is the day on which a suspension ends, "" for none.
func lastDay(s *api.Suspension) string { return dayOf(s.Until) }

// dayOf is the day of an end, "" for none.
func dayOf(until *api.MaybeTime) string {
	if until == nil {
		return ""
	}
	return until.UTC().Format(dayFormat)
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
	if s := before.Suspended; s != nil && lastDay(s) == f.Values["until"] {
		body.Until = s.Until // the form has the day alone
	}
	f.Values["suspension"] = reasonUntil(f.Values["reason"], f.Values["until"])
	read := func() (string, int64, error) { return suspensionOf(before), 0, nil }
	call := management.Call{Method: http.MethodPost, Path: operatorOnlyPath(v, "/suspend"), Body: body}
	status, err := f.overwrite(v, setting{"suspension", "operator.suspend", inOneLine}, read, call, nil)
	return f.answer(v, status, err, a.showSuspending, "/operator/accounts/"+v.r.PathValue("account"), "suspended")
}

func (a *app) resumeAccount(v *visit) error {
	f := newForm()
	status, err := f.submit(v, management.Call{Method: http.MethodPost, Path: operatorOnlyPath(v, "/resume")}, nil)
	return f.answer(v, status, err, a.showOperatorAccount, "/operator/accounts/"+v.r.PathValue("account"), "resumed")
}
