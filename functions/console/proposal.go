package main

import (
	"net/http"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

func (a *app) proposalRoutes() {
	a.account("GET /accounts/{account}/keys/{key}/propose", a.proposeForm)
	a.account("POST /accounts/{account}/keys/{key}/propose", a.propose)
	a.account("GET /accounts/{account}/keys/{key}/limits/{class}", a.limitForm)
	a.account("POST /accounts/{account}/keys/{key}/limits/{class}", a.lowerLimit)
}

func (a *app) proposeForm(v *visit) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	f := newForm()
	domains, products := k.Domains, k.Products
	if p := k.Proposed; p != nil {
		if p.Domains != nil {
			domains = *p.Domains
		}
		if p.Products != nil {
			products = *p.Products
		}
	}
	f.Values["domains"], f.Lists["products"] = strings.Join(domains, "\n"), products
	return a.showProposal(v, http.StatusOK, f, k)
}

func (a *app) showProposal(v *visit, status int, f *form, k api.Key) error {
	d, err := a.keyForm(v, f, &k)
	if err != nil {
		return err
	}
	return v.render(status, "propose", v.t("propose.title", "name", k.Name), d)
}

func (a *app) propose(v *visit) error {
	f := readKeyForm(v)
	domains, products := f.Lists["domains"], append([]string{}, f.Lists["products"]...)
	body := api.PutProposal{Domains: &domains, Products: &products}
	if err := f.send(v, management.Call{Method: http.MethodPut, Path: v.keyPath("/proposal"), Body: body}, nil); err != nil {
		return err
	}
	if !f.Bad() {
		return v.redirect(v.keyURL("?done=proposed"))
	}
	k, err := v.key()
	if err != nil {
		return err
	}
	return a.showProposal(v, http.StatusUnprocessableEntity, f, k)
}
