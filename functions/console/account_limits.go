package main

import (
	"net/http"
	"strconv"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// accountLimit is a limit class with the limit over all keys of an account, if it has one.
type accountLimit struct {
	Class, Title string
	Limit        *api.AccountLimit
	Own          string // the operator's number, as a form has it; "" without one
}

// accountLimitsOf lists every class of the catalogue, whether the account has a limit for it or not.
func accountLimitsOf(a api.Account, products []api.Product) (list []accountLimit) {
	for _, p := range products {
		for _, c := range p.Classes {
			one := accountLimit{Class: c.Id, Title: className(products, c.Id)}
			for _, l := range a.Limits {
				if l.Class == c.Id {
					one.Limit = &l
				}
			}
			one.Own = ownLimit(a, c.Id)
			list = append(list, one)
		}
	}
	return list
}

// ownLimit is the number that an operator has set for a class of an account, "" without one.
func ownLimit(a api.Account, class string) string {
	for _, l := range a.Limits {
		if l.Class == class && l.SetBy == "operator" {
			return strconv.Itoa(l.Qps)
		}
	}
	return ""
}

// setAccountLimit sets the limit of a class over all keys of an account; an empty field leaves it to the catalogue.
func (a *app) setAccountLimit(v *visit) error {
	f, class := newForm(), v.r.PathValue("class")
	if !plainName(class) {
		return errNotFound
	}
	f.Values["qps"], f.Values["class"] = v.form("qps"), class
	var body api.SetAccountLimit
	if f.Values["qps"] != "" {
		qps := f.whole(v, "qps")
		body.Qps = &qps
	}
	read := func() (string, int64, error) {
		now, err := management.Get[api.Account](v.ctx(), v.api, operatorAccountPath(v, ""), nil)
		return ownLimit(now, class), now.Version, err
	}
	call := management.Call{Method: http.MethodPut, Path: operatorOnlyPath(v, "/limits/"+class), Body: body}
	status, err := f.overwrite(v, setting{"qps", "limit.qps", orDash}, read, call, nil)
	if err != nil {
		return err
	}
	if !f.settled() {
		return a.showOperatorAccount(v, status, f)
	}
	return v.done("/operator/accounts/"+v.r.PathValue("account"), "account_limit_set")
}
