package main

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// choice is a member of a key that has one of some values. Its texts are fact.<name> and <name>.<value>, with
// <name>.<value>.hint in the form.
type choice struct {
	Name    string
	Values  []string
	Default bool // a new key needn't say it; the texts are <name>.default and its hint
	Fixed   bool // operators set it: it is shown, and in no form of the customer's
	place   string
	of      func(api.Key) string
}

// choices are all of them, in the order in which a key's page shows them. The form sends and prefills them.
var choices = []choice{
	{
		Name: "usage", Values: []string{"frontend", "backend", "mobile"}, place: "usage",
		of: func(k api.Key) string { return string(k.Usage) },
	},
	{
		Name: "missing_origin", Values: []string{"deny", "allow"}, Default: true,
		of: func(k api.Key) string { return string(k.MissingOrigin) },
	},
	{
		Name: "billing_type", Values: []string{"paying", "evaluation", "free", "freemium", "pay_as_you_grow"}, Fixed: true,
		of: func(k api.Key) string { return string(k.BillingType) },
	},
}

// keyForm is the form for a new key and for an edit.
type keyForm struct {
	*form
	Products []api.Product
	Key      *api.Key // nil for a new one
	address  string
}

// Choices are those that stand at a place of the form; "" is among the further settings.
func (f *keyForm) Choices(place string) (list []choice) {
	for _, c := range choices {
		if c.place == place && !c.Fixed {
			list = append(list, c)
		}
	}
	return list
}

func (a *app) keyForm(v *visit, f *form, k *api.Key) (*keyForm, error) {
	products, err := a.productList(v.ctx(), v.api)
	products = slices.Clone(products)
	for _, id := range f.Lists["products"] { // one that has left the catalogue stays the key's, until somebody takes it away
		if !slices.ContainsFunc(products, func(p api.Product) bool { return p.Id == id }) {
			products = append(products, api.Product{Id: id, Name: id})
		}
	}
	return &keyForm{form: f, Products: products, Key: k, address: v.address()}, err
}

func (a *app) newKey(v *visit) error {
	f := newForm()
	f.Values["usage"], f.Values["idempotency"] = string(api.Frontend), rand.Text()
	return a.showForm(v, http.StatusOK, f, nil)
}

func (a *app) showForm(v *visit, status int, f *form, k *api.Key) error {
	d, err := a.keyForm(v, f, k)
	if err != nil {
		return err
	}
	if k == nil {
		return v.render(status, "keyform", v.t("form.new.title"), d)
	}
	return v.renderForm(status, *k, "keyform", v.t("form.edit.title", "name", k.Name), d)
}

// readKeyForm takes what was typed, as it was typed.
func readKeyForm(v *visit) *form {
	f := newForm()
	for _, name := range []string{"name", "header_only", "recoverable", "expires_at", "expires_was", "domains", "idempotency", "version", "was"} {
		f.Values[name] = v.form(name)
	}
	for _, c := range choices {
		f.Values[c.Name], f.Values[c.Name+"_was"] = v.form(c.Name), v.form(c.Name+"_was")
	}
	if was := f.began()["status"]; len(was) > 0 {
		f.Values["status"] = was[0]
	}
	f.Lists["domains"] = domainList(f.Values["domains"])
	if v.r.PostForm.Has("labels") { // a form of the release before leaves them
		f.Values["labels"] = v.form("labels")
		f.Lists["labels"] = labelList(f.Values["labels"])
		if was := f.began()["labels"]; len(was) > 0 && f.Values["labels"] == strings.Join(was, ", ") {
			f.Lists["labels"] = was // as they were, also if one has a comma
		}
	}
	f.Lists["products"] = v.r.PostForm["products"]
	f.readCallers(v)
	return f
}

// expiry reads a day as its first moment in UTC; nil is no expiry.
func (f *form) expiry(v *visit) *time.Time {
	text := f.Values["expires_at"]
	if text == "" {
		return nil
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		f.add("expires_at", v.t("field.date"))
		return nil
	}
	return &at
}

// members are those that a new key and an edit share.
func (f *form) members() map[string]any {
	m := map[string]any{
		"name": f.Values["name"], "products": append([]string{}, f.Lists["products"]...), "domains": f.Lists["domains"],
		"header_only": f.Values["header_only"] != "",
	}
	if labels := f.Lists["labels"]; labels != nil {
		m["labels"] = labels
	}
	if networks := f.Lists["networks"]; networks != nil {
		m["networks"] = networks
	}
	if lines := f.Lists["apps"]; lines != nil {
		m["apps"] = appsOf(lines)
	}
	for _, c := range choices {
		value := f.Values[c.Name]
		if c.Fixed || c.Default && (value == "" || value == f.Values[c.Name+"_was"]) {
			continue // the default stays one, so that it follows what it depends on
		}
		m[c.Name] = value
	}
	return m
}

// changed leaves of the members of an edit those that differ from how the form began, so that saving a form changes what was changed in it.
// The name always goes along: a change has at least one member.
func (f *form) changed(members map[string]any) map[string]any {
	was, yours := f.began(), f.edited()
	if was == nil {
		return members
	}
	for name := range members {
		if name != "name" && slices.Equal(was[name], yours[name]) {
			delete(members, name)
		}
	}
	return members
}

func (a *app) createKey(v *visit) error {
	f := readKeyForm(v)
	body := f.members()
	body["recoverable"] = f.Values["recoverable"] != ""
	if at := f.expiry(v); at != nil {
		body["expires_at"] = at
	}
	var made given
	_, err := f.submit(v, management.Call{
		Method: http.MethodPost, Path: v.accountPath("/keys"), Body: body, Idempotency: f.Values["idempotency"],
	}, &made)
	if err != nil {
		return err
	}
	if f.Bad() {
		return a.showForm(v, http.StatusUnprocessableEntity, f, nil)
	}
	return a.showSecret(v, made, "created")
}

func (a *app) editForm(v *visit) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	return a.showForm(v, http.StatusOK, formOfKey(k), &k)
}

// formOfKey is the form to edit a key, as it stands.
func formOfKey(k api.Key) *form {
	f := newForm()
	for _, c := range choices {
		f.Values[c.Name], f.Values[c.Name+"_was"] = c.of(k), c.of(k)
	}
	f.Values["name"], f.Values["domains"] = k.Name, strings.Join(k.Domains, "\n")
	f.fillCallers(k.Networks, k.Apps)
	f.Lists["labels"] = k.Labels
	f.Values["labels"] = strings.Join(k.Labels, ", ")
	f.Values["version"], f.Values["status"] = strconv.FormatInt(k.Version, 10), string(k.Status)
	if k.Status == api.Expired { // expires_at says so, which the form itself may change
		f.Values["status"] = string(api.Active)
	}
	f.Lists["products"] = k.Products
	if k.HeaderOnly {
		f.Values["header_only"] = "on"
	}
	if k.ExpiresAt != nil {
		f.Values["expires_at"] = k.ExpiresAt.UTC().Format(time.DateOnly)
		f.Values["expires_was"] = f.Values["expires_at"]
	}
	f.begin()
	return f
}

func (a *app) editKey(v *visit) error {
	f := readKeyForm(v)
	patch := f.changed(f.members())
	if f.Values["expires_at"] != f.Values["expires_was"] {
		patch["expires_at"] = f.expiry(v)
	}
	var err error
	if !f.Bad() {
		_, err = v.api.Do(v.ctx(), management.Call{Method: http.MethodPatch, Path: v.keyPath(), Body: patch, Version: f.version()}, nil)
		if act, value := f.editedAs(patch); err == nil && act != "" {
			return v.actedOn(v.keyURL(), act, value, swept{})
		} else if err == nil {
			return v.done(v.keyURL(), f.saidOf("edited"))
		}
		if stale(err) {
			return a.showConflict(v, f)
		}
	}
	if err != nil {
		if err := f.refuse(v, err); err != nil {
			return err
		}
	}
	k, err := v.key()
	if err != nil {
		return err
	}
	return a.showForm(v, http.StatusUnprocessableEntity, f, &k)
}

// editedAs is the act on a key that an edit comes to, with its label or domain: one more, or one less, and nothing else; "" for any other edit.
func (f *form) editedAs(patch map[string]any) (act, value string) {
	was, now := f.began(), f.edited()
	if was == nil || len(patch) != 2 || !slices.Equal(was["name"], now["name"]) {
		return "", ""
	}
	for member, name := range map[string]string{"labels": "label", "domains": "domain"} {
		more, less := without(now[member], was[member]), without(was[member], now[member])
		switch {
		case patch[member] == nil:
		case len(more) == 1 && len(less) == 0:
			return name, more[0]
		case len(less) == 1 && len(more) == 0:
			return "un" + name, less[0]
		}
	}
	return "", ""
}

func without(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(one string) bool { return slices.Contains(others, one) })
}
