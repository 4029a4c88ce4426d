package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/appid"
	"latchkey/shared/network"
	"latchkey/shared/origin/entry"
	"latchkey/shared/pasted"
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

// separators are between the entries of what was typed: line ends, and the commas and semicolons of each language. The script of the form
// knows the same.
const separators = "\n\r,;،؛"

// entriesOf splits what was typed at separators, and leaves out what is empty.
func entriesOf(text, separators string) []string {
	list := []string{}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// wordList splits what has no blank in it: domains as they were typed, and networks.
func wordList(text string) []string { return entriesOf(text, separators+" \t\u00a0\u202f") }

// networkList splits networks, as the API takes them.
func networkList(text string) []string { return allOf(wordList(text), pasted.Unquoted) }

// allOf reads each entry of a list.
func allOf(list []string, read func(string) string) []string {
	for i, one := range list {
		list[i] = read(one)
	}
	return list
}

// domainList splits domains, as the API takes them.
func domainList(text string) []string { return allOf(wordList(text), copiedDomain) }

// copiedDomain leaves out quotation marks, and the slash that browsers put behind an address that has no path: https://www.example.com/.
func copiedDomain(text string) string {
	text = pasted.Unquoted(text)
	bare, found := strings.CutSuffix(text, "/")
	_, host, schemed := strings.Cut(bare, "://")
	if !schemed {
		host = bare
	}
	if !found || host == "" || strings.ContainsAny(host, `/\?#`) {
		return text
	}
	return bare
}

// typedLists are the lists of a key of which a field has the entries: how its text is split, and how an entry is spelled as it will be stored.
var typedLists = []struct {
	name  string
	split func(string) []string
	parse func(string) (string, error)
}{
	{"domains", wordList, func(text string) (string, error) { return entry.Parse(copiedDomain(text)) }},
	{"networks", wordList, func(text string) (string, error) { return network.Parse(pasted.Unquoted(text)) }},
	{"apps", appLines, func(line string) (string, error) {
		a, err := appid.ParseLine(pasted.Unquoted(line))
		return a.String(), err
	}},
}

// refusedEntry is the code for which an entry of such a list is refused, "" if it isn't, and what it could be instead.
func refusedEntry(err error) (code string, suggestions []string) {
	var domain *entry.Error
	var address *network.Error
	var app *appid.Error
	switch {
	case errors.As(err, &domain):
		return string(domain.Code), domain.Suggestions
	case errors.As(err, &address):
		return string(address.Code), address.Suggestions
	case errors.As(err, &app):
		return string(app.Code), app.Suggestions
	}
	return "", nil
}

// labelList splits labels, which may have blanks in them.
func labelList(text string) []string { return entriesOf(text, separators) }

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
			return v.done(v.keyURL(), "edited")
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

// checked is the result of checking one entry while it is typed.
type checked struct {
	Text        string   `json:"text"`
	Canonical   string   `json:"canonical,omitempty"`
	Problem     string   `json:"problem,omitempty"`
	Warning     string   `json:"warning,omitempty"` // it is valid, and has less effect than it seems
	Suggestions []string `json:"suggestions,omitempty"`
}

const maxChecked = 100

// checkDomains reads entries as the API will, for the form's live check. It answers JSON.
func (a *app) checkDomains(v *visit) error {
	list := []checked{}
	for _, l := range typedLists {
		texts := l.split(v.form(l.name))
		for _, text := range texts[:min(len(texts), maxChecked-len(list))] {
			canonical, err := l.parse(text)
			one := checked{Text: text, Canonical: canonical}
			if code, suggestions := refusedEntry(err); code != "" {
				one.Problem, one.Suggestions = v.fieldText(api.FieldError{Code: code, Suggestions: &suggestions}), suggestions
			}
			if l.name == "networks" && network.Unreachable(canonical) {
				one.Warning = v.t("form.networks.private")
			}
			list = append(list, one)
		}
	}
	return v.json(list)
}

// secretPage shows a secret, in the only answer that holds it.
type secretPage struct {
	Root     string // of the account's keys: the page may have no account around it
	Key      api.KeyWithSecret
	Secret   string // "" if it was shown before
	Kind     string // created, rotated or revealed
	Over     bool   // a rotation's old secret works no more
	Examples []example
	Warn     []string
}

// Told is the kind by which the page says what to do now.
func (p *secretPage) Told() string {
	if p.Over {
		return p.Kind + ".over"
	}
	return p.Kind
}

func (p *secretPage) plain() string { return p.Secret + "\n" }

// showSecret answers the very request that made the secret.
func (a *app) showSecret(v *visit, made given, kind string) error {
	defer v.hurry()()
	k := made.KeyWithSecret
	d := &secretPage{Root: v.accountURL("/keys"), Key: k, Kind: kind, Over: kind == "rotated" && a.ended(k.Key), Warn: warnOf(k.Key)}
	if k.Secret != nil {
		d.Secret = *k.Secret
		d.Examples = fitting(k.Usage, caller{a.products, k.Key, d.Secret, sampleOrigin(k.Domains), a.productsInTime(v)}.examples())
	}
	return v.renderOnce("secret", v.t("secret."+kind+".title"), d)
}

// ended reports whether no old secret of a key works any more.
func (a *app) ended(k api.Key) bool {
	return k.PreviousSecretExpiresAt == nil || !k.PreviousSecretExpiresAt.After(a.now())
}

// warnOf lists the hints that are shown with a secret.
func warnOf(k api.Key) (list []string) {
	if unrestricted(k) {
		list = append(list, "unrestricted")
	}
	return list
}

// productsInTime returns the catalogue, or none if it can't be read soon: a secret doesn't wait for it.
func (a *app) productsInTime(v *visit) []api.Product {
	ctx, cancel := context.WithTimeout(v.ctx(), frameTime)
	defer cancel()
	products, err := a.productList(ctx, v.api)
	if err != nil {
		return nil
	}
	return products
}
