package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

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
	switch chosen, _, _ := strings.Cut(f.Values["type"], "\n"); {
	case chosen != "":
		d.To = api.AccountType(chosen) // and not back again, if it has become that meanwhile
	case account.Type == api.Enterprise:
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
	var chosen []string
	for _, from := range append(billingOf(api.SelfServe), billingOf(api.Enterprise)...) {
		if onto := v.form(billingField + from); onto != "" {
			f.Values[billingField+from], mapping[from] = onto, onto
			chosen = append(chosen, from+" "+onto)
		}
	}
	if len(mapping) > 0 {
		body.BillingTypes = &mapping
	}
	// Who finds that the account has got the type meanwhile is told: the API would answer that all is well, and the billing types
	// that were chosen here would be lost. So what is chosen is never the same as what the account has.
	f.Values["type"] = v.form("type") + "\n" + strings.Join(chosen, "\n")
	read := v.operatorAccounts(func(a api.Account) string { return string(a.Type) })
	var o api.Operation
	call := management.Call{Method: http.MethodPatch, Path: operatorAccountPath(v, ""), Body: body}
	status, err := f.overwrite(v, setting{"type", "account.type", v.typeChosen}, read, call, &o)
	if err != nil {
		return err
	}
	here := "/operator/accounts/" + v.r.PathValue("account")
	if f.Conflict && v.begunByMe() {
		return v.done(here, "type_changed")
	}
	if !f.settled() {
		return a.showTypeChange(v, status, f)
	}
	switch {
	case o.Unreadable != nil:
		return v.redirect(here + "?operation=" + o.Id) // which says that keys haven't followed
	case o.Status == api.Running:
		return v.done(here+"?operation="+o.Id, "type_changing")
	case o.Status == api.Failed:
		return v.redirect(here + "?operation=" + o.Id)
	default: // done, or an account that had the type already
		return v.done(here, "type_changed")
	}
}

// typeChosen says a type and, below it, what billing types become: each a pair of words.
func (v *visit) typeChosen(value string) string {
	parts := strings.Split(strings.TrimSpace(value), "\n")
	parts[0] = v.as("account.type.")(parts[0])
	for i, pair := range parts[1:] {
		from, onto, _ := strings.Cut(pair, " ")
		parts[i+1] = v.as("billing_type.")(from) + " " + v.t("format.arrow") + " " + v.as("billing_type.")(onto)
	}
	return strings.Join(parts, " · ")
}

// followed is the change of type that the query names, "" for none.
func (v *visit) followed() string {
	id := v.query("operation")
	if !plainID(id) || v.r.Method != http.MethodGet {
		return ""
	}
	return id
}

// readOperation reads the change of type that is followed. One that the API doesn't know any more is none.
func (v *visit) readOperation(into **api.Operation) func(context.Context) error {
	return func(ctx context.Context) error {
		o, err := management.Get[api.Operation](ctx, v.api, operatorAccountPath(v, "/operations/"+v.followed()), nil)
		var p *management.Problem
		if errors.As(err, &p) && p.Status == http.StatusNotFound {
			return nil
		}
		*into = &o
		return err
	}
}
