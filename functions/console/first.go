package main

import (
	"crypto/rand"
	"net/http"
	"slices"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// firstKinds are the answers to the one question before a first key: where it will be used. The texts are first.<kind> and first.<kind>.hint.
var firstKinds = []string{"web", "app", "server"}

// firstForm is that question.
type firstForm struct {
	*form
	Kinds []string
}

func newFirstForm() *firstForm {
	f := &firstForm{newForm(), firstKinds}
	f.Values["kind"], f.Values["idempotency"] = "web", rand.Text()
	return f
}

func (a *app) firstRoutes() {
	a.writing("GET /accounts/{account}/keys/first", can.write, func(v *visit) error { return a.showFirst(v, http.StatusOK, newFirstForm()) })
	a.account("POST /accounts/{account}/keys/first", a.createFirst)
}

func (a *app) showFirst(v *visit, status int, f *firstForm) error {
	return v.render(status, "first-key", v.t("keys.first.title"), f)
}

// firstKey makes a key that fits a kind, and may do no more than that: a page's works on its domain alone, an app's for the apps that are
// named, and a server's from its networks. That is taken in a header alone, where no address shows it, and is for no SDK.
func firstKey(kind, name string, f *form, products []api.Product) map[string]any {
	ids := func(keep func(api.Product) bool) (list []string) {
		for _, p := range products {
			if keep(p) {
				list = append(list, p.Id)
			}
		}
		return list
	}
	all := ids(func(api.Product) bool { return true })
	key := map[string]any{"name": name, "products": all, "domains": []string{}}
	switch kind {
	case "web":
		key["usage"], key["domains"] = api.Frontend, f.Lists["domains"]
	case "app":
		key["usage"] = api.Mobile
		if lines := f.Lists["apps"]; len(lines) > 0 {
			key["apps"] = appsOf(lines)
		}
	default:
		key["usage"], key["header_only"] = api.Backend, true
		if networks := f.Lists["networks"]; len(networks) > 0 {
			key["networks"] = networks
		}
		if apis := ids(func(p api.Product) bool { return p.Kind == api.Api }); len(apis) > 0 {
			key["products"] = apis
		}
	}
	return key
}

func (a *app) createFirst(v *visit) error {
	f := newFirstForm()
	f.Values["kind"], f.Values["domains"], f.Values["idempotency"] = v.form("kind"), v.form("domains"), v.form("idempotency")
	f.Lists["domains"] = domainList(f.Values["domains"])
	f.readCallers(v)
	kind := f.Values["kind"]
	if !slices.Contains(firstKinds, kind) {
		f.add("kind", v.t("first.kind.empty"))
	}
	if kind == "web" && len(f.Lists["domains"]) == 0 {
		f.add("domains", v.t("first.domains.empty"))
	}
	if f.Bad() {
		return a.showFirst(v, http.StatusUnprocessableEntity, f)
	}
	products, err := a.productList(v.ctx(), v.api)
	if err != nil {
		return err
	}
	key := firstKey(kind, v.t("keys.first.name"), f.form, products)
	var made given
	status, err := f.submit(v, management.Call{Method: http.MethodPost, Path: v.accountPath("/keys"), Body: key, Idempotency: f.Values["idempotency"]}, &made)
	switch {
	case err != nil:
		return err
	case f.lacks():
		return a.showForm(v, status, f.whole(key), nil)
	case f.Bad():
		return a.showFirst(v, status, f)
	}
	return a.showSecret(v, made, "created")
}

// lacks reports whether something is wrong with a member that this form has no field for, such as the expiry that the account's rules ask for.
func (f *firstForm) lacks() bool {
	for name := range f.Errors {
		if !slices.Contains([]string{"kind", "domains", "apps", "networks"}, name) {
			return true
		}
	}
	return false
}

// whole is the form for any new key, with what was typed, what the kind means, and what is wrong.
func (f *firstForm) whole(key map[string]any) *form {
	f.Values["name"], f.Values["usage"] = key["name"].(string), string(key["usage"].(api.UsageKind))
	if key["header_only"] == true {
		f.Values["header_only"] = "on"
	}
	f.Lists["products"] = key["products"].([]string)
	return f.form
}

// fitting puts the example that fits a key first: a page for a web page, else a command.
func fitting(usage api.UsageKind, list []example) []example {
	if i := slices.IndexFunc(list, func(e example) bool { return e.ID == "leaflet" }); usage == api.Frontend && i > 0 {
		one := list[i]
		return slices.Insert(slices.Delete(list, i, i+1), 0, one)
	}
	return list
}

// beginning is the checklist of an account whose keys were never let through. Its data are the list's own.
type beginning struct {
	Key        api.Key // the one to go on with
	Restricted bool    // to domains, networks or apps
}

// beginningOf is nil as soon as one call was allowed, for who can't take the steps, and where an account has more keys than a page: whether one of
// these was used takes reading the counters of all.
func (v *visit) beginningOf(keys []api.Key, more bool) *beginning {
	i := slices.IndexFunc(keys, func(k api.Key) bool { return k.Status == api.Active })
	if i < 0 || more || !v.writes() || slices.ContainsFunc(keys, func(k api.Key) bool { return k.LastUsedAt != nil }) {
		return nil
	}
	return beginWith(keys[i])
}

func beginWith(k api.Key) *beginning {
	return &beginning{Key: k, Restricted: len(k.Domains)+len(k.Networks)+len(k.Apps) > 0}
}
