package main

import (
	"net/http"
	"net/url"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// pending is a product of which a key doesn't open all paths.
type pending struct {
	api.PendingPaths
	Name string
	URL  string // where an owner accepts them
}

// pendingOf lists what a key's products have come to cover since.
func (v *visit) pendingOf(k api.Key, products []api.Product) (list []pending) {
	for _, p := range k.PendingPaths {
		list = append(list, pending{p, productName(products, p.Product), v.accountURL("/keys/", k.Id, "/accept?", url.Values{"product": {p.Product}}.Encode())})
	}
	return list
}

// acceptance is the page that shows what a product has come to cover, before it is accepted.
type acceptance struct {
	*form
	Key     api.Key
	Pending pending
}

// Closed reports whether nothing can be accepted while this catalogue is deployed: another try would be refused, too.
func (a *acceptance) Closed() bool { return a.Code == "catalogue_conflict" }

func (a *app) acceptForm(v *visit) error {
	return a.askToAccept(v, http.StatusOK, newForm(), v.query("product"))
}

func (a *app) askToAccept(v *visit, status int, f *form, id string) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	products, err := a.productList(v.ctx(), v.api)
	if err != nil {
		return err
	}
	for _, p := range v.pendingOf(k, products) {
		if p.Product == id {
			return v.renderForm(status, k, "accept", v.t("accept.title", "product", p.Name), &acceptance{f, k, p})
		}
	}
	return v.redirect(v.keyURL()) // somebody has accepted them, or nothing is left to accept
}

// accept accepts the paths that the page showed, by the catalogue's version: another one has others.
func (a *app) accept(v *visit) error {
	f, id := newForm(), v.form("product")
	if !plainName(id) {
		return errNotFound
	}
	call := management.Call{Method: http.MethodPost, Path: v.accountPath("/products/", id, "/accept"), Body: api.AcceptProduct{Version: v.form("version")}}
	if _, err := f.submit(v, call, nil); err != nil {
		return err
	}
	if f.Bad() {
		return a.askToAccept(v, http.StatusUnprocessableEntity, f, id)
	}
	return v.done(v.keyURL(), "accept")
}

// pathRepairs lead owners to what a product has come to cover.
func (v *visit) pathRepairs(k api.Key, own bool, products []api.Product) (list []repair) {
	if !own {
		return nil
	}
	for _, p := range v.pendingOf(k, products) {
		list = append(list, repair{Text: v.t("repair.accept"), About: p.Name, URL: p.URL, Dialog: true})
	}
	return list
}
