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
	Enforced     bool   // false for a class that there no longer is
}

// accountLimitsOf lists every class of the catalogue, whether the account has a limit for it or not, and what is set of a class that it no longer has.
func (v *visit) accountLimitsOf(a api.Account, products []api.Product) (list []accountLimit) {
	for _, p := range products {
		for _, c := range p.Classes {
			limit := accountLimitIn(a, c.Id)
			list = append(list, accountLimit{Class: c.Id, Title: v.className(products, c.Id), Limit: limit, Own: operatorsNumber(limit), Enforced: true})
		}
	}
	for _, l := range a.Limits {
		if !enforced(l.Enforced) {
			list = append(list, accountLimit{Class: l.Class, Title: l.Name, Limit: &l, Own: operatorsNumber(&l)})
		}
	}
	return list
}

// accountLimitIn is the limit of an account for a class, nil without one.
func accountLimitIn(a api.Account, class string) *api.AccountLimit {
	for _, l := range a.Limits {
		if l.Class == class {
			return &l
		}
	}
	return nil
}

// operatorsNumber is the number that an operator has set, "" without one.
func operatorsNumber(limit *api.AccountLimit) string {
	if limit == nil || limit.SetBy != "operator" {
		return ""
	}
	return strconv.Itoa(limit.Qps)
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
	read := v.operatorAccounts(func(a api.Account) string { return operatorsNumber(accountLimitIn(a, class)) })
	call := management.Call{Method: http.MethodPut, Path: operatorOnlyPath(v, "/limits/"+class), Body: body}
	status, err := f.overwrite(v, setting{"qps", "limit.qps", orDash}, read, call, nil)
	return f.answer(v, status, err, a.showOperatorLimits, "/operator/accounts/"+v.r.PathValue("account")+"/limits", "account_limit_set")
}
