package main

import (
	"context"
	"errors"
	"net/http"

	"latchkey/functions/console/internal/management"
	accounts "latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
)

// typeChange asks how an account gets its other type.
type typeChange struct {
	*form
	Account api.Account
	To      api.AccountType
	From    []string // the billing types that its keys may have
	Onto    []string // those that fit the other type, the usual one first
}

// billingField is the field that says what becomes of a billing type.
const billingField = "billing_"

func (a *app) showTypeChange(v *visit, status int, f *form) error {
	account, err := management.Get[api.Account](v.ctx(), v.api, operatorAccountPath(v, ""), nil)
	if err != nil {
		return err
	}
	d := &typeChange{form: f, Account: account, To: api.Enterprise}
	if account.Type == api.Enterprise {
		d.To = api.SelfServe
	}
	d.From, d.Onto = billingOf(account.Type), billingOf(d.To)
	return v.render(status, "operator-type", v.t("operator.type.title"), d)
}

func billingOf(t api.AccountType) (list []string) {
	for _, b := range apikey.BillingTypes(accounts.Type(t)) {
		list = append(list, string(b))
	}
	return list
}

// setType begins a change of type. Billing types without a choice get the usual one, which the API knows.
func (a *app) setType(v *visit) error {
	kind, f := api.AccountType(v.form("type")), newForm()
	body, mapping := api.EditAccount{Type: &kind}, map[string]string{}
	for _, from := range append(billingOf(api.SelfServe), billingOf(api.Enterprise)...) {
		if onto := v.form(billingField + from); onto != "" {
			f.Values[billingField+from], mapping[from] = onto, onto
		}
	}
	if len(mapping) > 0 {
		body.BillingTypes = &mapping
	}
	var o api.Operation
	status, err := f.submit(v, management.Call{Method: http.MethodPatch, Path: operatorAccountPath(v, ""), Body: body}, &o)
	if err != nil {
		return err
	}
	if f.Bad() {
		return a.showTypeChange(v, status, f)
	}
	here := "/operator/accounts/" + v.r.PathValue("account")
	switch o.Status {
	case api.Running:
		return v.done(here+"?operation="+o.Id, "type_changing")
	case api.Failed:
		return v.redirect(here + "?operation=" + o.Id)
	default: // done, or an account that had the type already
		return v.done(here, "type_changed")
	}
}

// readOperation reads the change of type that the query names. One that the API doesn't know any more is none.
func (v *visit) readOperation(into **api.Operation) func(context.Context) error {
	return func(ctx context.Context) error {
		id := v.query("operation")
		if id == "" || !plainID(id) || v.r.Method != http.MethodGet {
			return nil
		}
		o, err := management.Get[api.Operation](ctx, v.api, operatorAccountPath(v, "/operations/"+id), nil)
		var p *management.Problem
		if errors.As(err, &p) && p.Status == http.StatusNotFound {
			return nil
		}
		*into = &o
		return err
	}
}
