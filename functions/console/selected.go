package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/origin/entry"
	shown "latchkey/shared/text"
)

// act is a change of the keys that are selected on the list. The API changes one key at a time, so the console calls it for each.
type act struct {
	name  string // of its path and its messages: selected.<name>.…
	undo  string // the act that takes it back, "" for none
	field string // must be typed, and is no field of the list; the act that takes it away has the same path, with the field remove
	gone  bool   // it takes away
	own   bool   // for owners alone
	grave bool
	// change is the call that changes a key, which the console has just read; ok is false if the key is so already.
	change func(k api.Key, value string) (call management.Call, ok bool)
}

// acts are all of them, by name. What takes an act back is one too.
var acts = map[string]act{
	"disable":  {name: "disable", undo: "enable", change: posting("/disable", func(k api.Key) bool { return !k.Disabled })},
	"enable":   {name: "enable", undo: "disable", change: posting("/enable", func(k api.Key) bool { return k.Disabled })},
	"label":    {name: "label", undo: "unlabel", field: "labels", change: inList("labels", false, labelsOf, sameLabel)},
	"unlabel":  {name: "unlabel", undo: "label", field: "labels", gone: true, change: inList("labels", true, labelsOf, sameLabel)},
	"domain":   {name: "domain", undo: "undomain", field: "domains", change: inList("domains", false, domainsOf, sameText)},
	"undomain": {name: "undomain", undo: "domain", field: "domains", gone: true, change: inList("domains", true, domainsOf, sameText)},
	"rotate":   {name: "rotate"}, // by a page of its own
	"restore":  {name: "restore", own: true, change: posting("/restore", func(k api.Key) bool { return k.Status == api.Deleted })},
	"delete": {name: "delete", undo: "restore", own: true, grave: true, change: func(k api.Key, _ string) (management.Call, bool) {
		return management.Call{Method: http.MethodDelete}, k.Status != api.Deleted
	}},
}

// posting is a change by a POST below the key, of keys that need it.
func posting(path string, needed func(api.Key) bool) func(api.Key, string) (management.Call, bool) {
	return func(k api.Key, _ string) (management.Call, bool) {
		return management.Call{Method: http.MethodPost, Path: path}, needed(k)
	}
}

// inList is a change of one of a key's lists by an item, which is added or removed. The rest of the list stays.
func inList(member string, remove bool, of func(api.Key) []string, same func(a, b string) bool) func(api.Key, string) (management.Call, bool) {
	return func(k api.Key, value string) (management.Call, bool) {
		list := slices.Clone(of(k))
		at := slices.IndexFunc(list, func(one string) bool { return same(one, value) })
		switch {
		case remove == (at < 0):
			return management.Call{}, false
		case remove:
			list = slices.Delete(list, at, at+1)
		default:
			list = append(list, value)
		}
		return management.Call{Method: http.MethodPatch, Body: map[string]any{member: append([]string{}, list...)}}, true
	}
}

func labelsOf(k api.Key) []string  { return k.Labels }
func domainsOf(k api.Key) []string { return k.Domains }

func sameLabel(a, b string) bool { return shown.Fold(a) == shown.Fold(b) }
func sameText(a, b string) bool  { return a == b }

// mostSelected bounds the keys of one act: one call of the API reads them all, a page of 40 kB names them, a cookie holds what has become of
// them, and at ten changes a second they take ten seconds.
const mostSelected = 100

// longestID bounds the ID of a key in a form: 30 characters, and some more if they grow.
const longestID = 40

func (a *app) selectedRoutes() {
	const root = "/accounts/{account}/keys/selected/"
	a.account("GET /accounts/{account}/keys/selected.csv", a.exportSelected)
	for _, name := range []string{"disable", "enable", "restore"} {
		a.elsewhere("GET "+root+name, "/accounts/{account}/keys")
		a.account("POST "+root+name, func(v *visit) error { return a.actOn(v, acts[name]) })
	}
	a.writing("GET "+root+"rotate", can.write, func(v *visit) error { return a.askRotation(v, http.StatusOK, newRotation(), v.r.URL.Query()) })
	a.account("POST "+root+"rotate", a.rotateSelected)
	for _, name := range []string{"label", "domain", "delete"} {
		may := can.write
		if acts[name].own {
			may = can.own
		}
		a.writing("GET "+root+name, may, func(v *visit) error { return a.askAbout(v, http.StatusOK, newForm(), acts[name], v.r.URL.Query()) })
		a.account("POST "+root+name, func(v *visit) error {
			if acts[name].field != "" && v.form("remove") != "" {
				return a.actOn(v, acts["un"+name])
			}
			return a.actOn(v, acts[name])
		})
	}
}

// selectedKeys reads which keys are meant: from the address or from the form. A form that nobody chooses in has them in one field.
func selectedKeys(values url.Values) ([]string, error) {
	var ids []string
	for _, id := range slices.Concat(values["key"], fromOneField(values.Get("keys"))) {
		if id == "" || len(id) > longestID || !plainID(id) {
			return nil, errForm
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) > mostSelected {
		return nil, errForm
	}
	return ids, nil
}

// selected reads which keys of which list are meant. Where none is, it has led back to the list, which says so.
func (v *visit) selected(values url.Values) ([]string, *keyList, error) {
	ids, err := selectedKeys(values)
	if err != nil {
		return nil, nil, err
	}
	list := v.keyList(values)
	if len(ids) == 0 {
		return nil, list, v.done(list.PageURL(list.Page), "nothing_selected")
	}
	return ids, list, nil
}

// selection is the page that asks before an act.
type selection struct {
	*form
	Act    act
	Keys   []chosenKey
	Open   int      // how many of them have no domain
	Labels []string // of the page, to choose from
	Kept   []resent // of the list, to come back to
	Back   string
	Over   int // only so many keys are taken, of more that were selected; 0: all are
}

// IDs are those of the keys, as a form has them in one field.
func (s *selection) IDs() string {
	var all []string
	for _, k := range s.Keys {
		all = append(all, k.ID)
	}
	return inOneField(all)
}

// Name, Field and Grave are the act's.
func (s *selection) Name() string  { return s.Act.name }
func (s *selection) Field() string { return s.Act.field }
func (s *selection) Grave() bool   { return s.Act.grave }

// chosenKey is a key that is selected. One that the list no longer shows has its ID for a name.
type chosenKey struct{ ID, Name, Preview string }

// askAbout shows which keys an act would change, and takes what must be typed.
func (a *app) askAbout(v *visit, status int, f *form, what act, from url.Values) error {
	ids, list, err := v.selected(from)
	if err != nil || len(ids) == 0 {
		return err
	}
	d := &selection{form: f, Act: what, Kept: list.Kept(), Back: list.PageURL(list.Page)}
	if err := d.choose(v, ids, list); err != nil {
		return err
	}
	return v.render(status, "selection", v.t("selected."+what.name+".title", "keys", v.keysIn(len(ids))), d)
}

// choose names keys by one read of the list on which they were selected.
func (s *selection) choose(v *visit, ids []string, list *keyList) error {
	found, err := v.readKeys(v.ctx(), list)
	if err != nil {
		return err
	}
	for _, k := range found.Keys {
		s.Labels = append(s.Labels, k.Labels...)
	}
	slices.Sort(s.Labels)
	s.Labels = slices.Compact(s.Labels)
	for _, id := range ids {
		one := chosenKey{ID: id, Name: id}
		if i := slices.IndexFunc(found.Keys, func(k api.Key) bool { return k.Id == id }); i >= 0 {
			one.Name, one.Preview = found.Keys[i].Name, found.Keys[i].Preview
			if len(found.Keys[i].Domains) == 0 {
				s.Open++
			}
		}
		s.Keys = append(s.Keys, one)
	}
	return nil
}

// keysIn is a number of keys in words, for messages that name one.
func (v *visit) keysIn(n int) string { return v.t("selected.keys", "n", n) }

// atKey is the value of the field at, of a form on the page of its only key: what it leads to is that page.
const atKey = "key"

// actOn carries an act out, and leads back to the list, or to the key's page, with what has become of it.
func (a *app) actOn(v *visit, what act) error {
	ids, list, err := v.selected(v.r.PostForm)
	if err != nil || len(ids) == 0 {
		return err
	}
	back := list.PageURL(list.Page)
	if len(ids) == 1 && v.form("at") == atKey {
		back = v.accountURL("/keys/", ids[0])
	}
	f := newForm()
	o := v.begun(what, f.typed(v, what.field))
	if !f.Bad() {
		before := o.settled()
		err := v.sweep(ids, func(ctx context.Context, id string) (swept, error) { return v.change(ctx, what, id, o.Value) }, &o)
		if err != nil {
			return err
		}
		o.Slow = len(o.Left) > 0 && o.settled() > before
		if why := o.wrongValue(); why != "" && what.field != "" {
			f.add(what.field, v.t(why))
		}
	}
	if f.Bad() {
		return a.askAbout(v, http.StatusUnprocessableEntity, f, what, v.r.PostForm)
	}
	return v.leave(back, note{Keys: &o})
}

// typed reads the one label or domain that an act is about, as it will be stored.
func (f *form) typed(v *visit, field string) string {
	if field == "" {
		return ""
	}
	if field != "labels" {
		return f.typedDomain(v, field)
	}
	f.Values[field] = v.form(field)
	some := labelList(f.Values[field])
	if len(some) != 1 {
		f.add(field, v.t("field.labels.one"))
		return ""
	}
	if utf8.RuneCountInString(some[0]) > apikey.MaxLabelRunes {
		f.add(field, v.t("field.labels.bad_length"))
	}
	return some[0]
}

// typedDomain reads the one domain that a field has, as it will be stored; what is none is refused at the field.
func (f *form) typedDomain(v *visit, field string) string {
	f.Values[field] = v.form(field)
	some := domainList(f.Values[field])
	if len(some) != 1 {
		f.add(field, v.t("field.domains.one"))
		return ""
	}
	canonical, err := entry.Parse(some[0])
	if code, suggestions := refusedEntry(err); code != "" {
		one := fieldError{Text: v.fieldText(api.FieldError{Pointer: "/domains", Code: code}), Index: -1, Suggestion: strings.Join(suggestions, ", ")}
		f.Errors[field] = append(f.Errors[field], one)
	}
	return canonical
}

// wrongValue is why every key was refused, if that is for what was typed.
func (o *outcome) wrongValue() string {
	if o.settled() > len(o.Failed) || len(o.Left) > 0 || len(o.Failed) == 0 {
		return ""
	}
	for _, f := range o.Failed {
		if f.Why != o.Failed[0].Why {
			return ""
		}
	}
	if strings.HasPrefix(o.Failed[0].Why, "field.") {
		return o.Failed[0].Why
	}
	return ""
}

// change reads a key and changes it, if it isn't so already. The change is of the key as it was read: who was faster is read again, once.
func (v *visit) change(ctx context.Context, what act, id, value string) (r swept, err error) {
	path := v.accountPath("/keys/", id)
	for range 2 {
		k, err := management.Get[api.Key](ctx, v.api, path, nil)
		if err != nil {
			return r, err
		}
		r.name = k.Name
		call, needed := what.change(k, value)
		if !needed {
			r.same, r.recent = true, v.app.recent(k)
			return r, nil
		}
		call.Path, call.Version = path+call.Path, k.Version
		if _, err = v.api.Do(ctx, call, nil); !stale(err) {
			return r, err
		}
		r.err = err
	}
	return r, r.err
}
