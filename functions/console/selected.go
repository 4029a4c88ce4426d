package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// act is a change of the keys that are selected on the list. The API changes one key at a time, so the console calls it for each.
type act struct {
	name  string // of its path and its messages: selected.<name>.…
	undo  string // the act that takes it back, "" for none
	own   bool   // for owners alone
	grave bool
	// change is the call that changes a key, which the console has just read; ok is false if the key is so already.
	change func(k api.Key, value string) (call management.Call, ok bool)
}

// acts are all of them, by name. What takes an act back is one too.
var acts = map[string]act{
	"disable": {name: "disable", undo: "enable", change: posting("/disable", func(k api.Key) bool { return !k.Disabled })},
	"enable":  {name: "enable", undo: "disable", change: posting("/enable", func(k api.Key) bool { return k.Disabled })},
	"restore": {name: "restore", own: true, change: posting("/restore", func(k api.Key) bool { return k.Status == api.Deleted })},
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

// mostSelected bounds the keys of one act: those of a page.
const mostSelected = 25

func (a *app) selectedRoutes() {
	const root = "/accounts/{account}/keys/selected/"
	for _, name := range []string{"disable", "enable", "restore"} {
		a.elsewhere("GET "+root+name, "/keys")
		a.account("POST "+root+name, func(v *visit) error { return v.actOn(acts[name]) })
	}
	a.account("GET /accounts/{account}/keys/selected.csv", a.exportSelected)
	a.writing("GET "+root+"delete", can.own, func(v *visit) error { return a.askAbout(v, acts["delete"]) })
	a.account("POST "+root+"delete", func(v *visit) error { return v.actOn(acts["delete"]) })
}

// selectedKeys reads which keys are meant: from the address or from the form.
func selectedKeys(values url.Values) ([]string, error) {
	var ids []string
	for _, id := range values["key"] {
		if id == "" || !plainID(id) {
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

// selection is the page that asks before an act.
type selection struct {
	*form
	Act   string
	Grave bool
	Keys  []chosenKey
	Kept  []resent // of the list, to come back to
	Back  string
}

// chosenKey is a key that is selected. One that the list no longer shows has its ID for a name.
type chosenKey struct{ ID, Name, Preview string }

// askAbout shows which keys an act would change.
func (a *app) askAbout(v *visit, what act) error {
	ids, err := selectedKeys(v.r.URL.Query())
	if err != nil {
		return err
	}
	list := v.keyList(v.r.URL.Query())
	if len(ids) == 0 {
		return v.done(list.PageURL(list.Page), "nothing_selected")
	}
	d := &selection{form: newForm(), Act: what.name, Grave: what.grave, Kept: list.Kept(), Back: list.PageURL(list.Page)}
	if d.Keys, err = v.chosen(ids, list); err != nil {
		return err
	}
	return v.render(http.StatusOK, "selection", v.t("selected."+what.name+".title", "keys", v.keysIn(len(ids))), d)
}

// chosen names keys by one read of the list on which they were selected.
func (v *visit) chosen(ids []string, list *keyList) (keys []chosenKey, err error) {
	found, err := v.readKeys(v.ctx(), list)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		one := chosenKey{ID: id, Name: id}
		if i := slices.IndexFunc(found.Keys, func(k api.Key) bool { return k.Id == id }); i >= 0 {
			one.Name, one.Preview = found.Keys[i].Name, found.Keys[i].Preview
		}
		keys = append(keys, one)
	}
	return keys, nil
}

// keysIn is a number of keys in words, for messages that name one.
func (v *visit) keysIn(n int) string { return v.t("selected.keys", "n", n) }

// actOn carries an act out, and leads back to the list with what has become of it.
func (v *visit) actOn(what act) error {
	ids, err := selectedKeys(v.r.PostForm)
	if err != nil {
		return err
	}
	list := v.keyList(v.r.PostForm)
	back := list.PageURL(list.Page)
	if len(ids) == 0 {
		return v.done(back, "nothing_selected")
	}
	o := outcome{Act: what.name}
	if err := v.sweep(ids, func(ctx context.Context, id string) (swept, error) { return v.change(ctx, what, id, "") }, &o); err != nil {
		return err
	}
	return v.leave(back, note{Keys: &o})
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
			r.same = true
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

// outcome is an act that was carried out, as a note keeps it for the next page. Keys are named without the prefix that all have.
type outcome struct {
	Act    string      `json:"a"`
	Value  string      `json:"v,omitempty"`
	Done   []string    `json:"d,omitempty"`
	Same   int         `json:"s,omitempty"` // needed no change
	Failed []failedKey `json:"f,omitempty"`
	Left   []string    `json:"l,omitempty"` // there was no time for these
}

// failedKey is a key that wasn't changed: its name may be cut or left out, so that a cookie holds all. Why is a message's key.
type failedKey struct {
	ID   string `json:"i"`
	Name string `json:"n,omitempty"`
	Why  string `json:"w"`
}

const keyPrefix = "key_"

// mostNoted bounds the bytes of an outcome: sealed, it waits in a cookie, and browsers keep 4,096 bytes.
const mostNoted = 2700

// add puts down what has become of a key.
func (o *outcome) add(id string, r swept) {
	id = strings.TrimPrefix(id, keyPrefix)
	switch {
	case r.left:
		o.Left = append(o.Left, id)
	case r.err != nil:
		o.Failed = append(o.Failed, failedKey{ID: id, Name: r.name, Why: r.why})
	case r.same:
		o.Same++
	default:
		o.Done = append(o.Done, id)
	}
}

// fit leaves out the names for which there is no room.
func (o *outcome) fit() {
	var names []string
	for i, f := range o.Failed {
		names = append(names, f.Name)
		o.Failed[i].Name = ""
	}
	raw, err := json.Marshal(o)
	if err != nil {
		return // of strings it can't fail
	}
	room := mostNoted - len(raw)
	for i, name := range names {
		said, _ := json.Marshal(failedKey{Name: name})
		if room -= len(said); room < 0 {
			return
		}
		o.Failed[i].Name = name
	}
}

// doneView is an outcome for its page.
type doneView struct {
	outcome
	Title  string
	Undo   string // the act that takes it back, "" if there is none
	Why    []failedFor
	Change []string // IDs that Undo is about
	Rest   []string // IDs to go on with
}

// failedFor are the keys that failed for one reason.
type failedFor struct {
	Text string
	Keys []chosenKey
}

// take shows what a note says of the keys that were selected.
func (d *keyList) take(v *visit, n note) { d.Selected = v.outcomeOf(n) }

// outcomeOf reads the outcome of an act from a note; nil if there is none.
func (v *visit) outcomeOf(n note) *doneView {
	if n.Keys == nil || acts[n.Keys.Act].name == "" {
		return nil
	}
	d := &doneView{outcome: *n.Keys, Undo: acts[n.Keys.Act].undo}
	d.Title = v.t("selected."+d.Act+".done", "keys", v.keysIn(len(d.Done)), "value", d.Value)
	d.Change, d.Rest = prefixed(d.Done), prefixed(d.Left)
	if len(d.Done) == 0 {
		d.Undo, d.Title = "", ""
	}
	for _, f := range d.Failed {
		text := v.t("problem.other")
		if v.lang.Has(f.Why) {
			text = v.t(f.Why)
		}
		i := slices.IndexFunc(d.Why, func(w failedFor) bool { return w.Text == text })
		if i < 0 {
			i, d.Why = len(d.Why), append(d.Why, failedFor{Text: text})
		}
		one := chosenKey{ID: keyPrefix + f.ID, Name: f.Name}
		if one.Name == "" {
			one.Name = one.ID
		}
		d.Why[i].Keys = append(d.Why[i].Keys, one)
	}
	return d
}

func prefixed(ids []string) (list []string) {
	for _, id := range ids {
		list = append(list, keyPrefix+id)
	}
	return list
}
