package main

import (
	"net/http"
	"strconv"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// step is a change of a key that needs a confirmation and at most one word more.
type step struct {
	name   string // also of its messages: confirm.<name>.…
	method string
	path   string     // below the key's in the API
	grave  bool       // it can't be taken back, or interrupts
	typed  bool       // the key's name must be typed
	seen   bool       // it answers to what the page showed, so the key's version is sent
	own    bool       // for owners alone
	ended  api.Status // it is for keys of this status, too
	done   string     // the code of the refusal that says that it was done already
}

var steps = []step{
	{name: "disable", method: http.MethodPost, path: "/disable", grave: true},
	{name: "enable", method: http.MethodPost, path: "/enable"},
	{name: "revoke", method: http.MethodPost, path: "/revoke", grave: true, typed: true, own: true},
	{name: "delete", method: http.MethodDelete, grave: true, own: true, ended: api.Revoked},
	{name: "restore", method: http.MethodPost, path: "/restore", own: true, ended: api.Deleted, done: "key_not_deleted"},
	{name: "rotation-end", method: http.MethodPost, path: "/rotation/end", grave: true, done: "no_rotation"},
	{name: "rotation-cancel", method: http.MethodPost, path: "/rotation/cancel", done: "rotation_cancelled"},
	{name: "policy-remove", method: http.MethodDelete, path: "/rotation-policy"},
	{name: "promote", method: http.MethodPost, path: "/proposal/promote", grave: true, seen: true},
	{name: "drop", method: http.MethodDelete, path: "/proposal"},
}

func (a *app) stepRoutes() {
	for _, s := range steps {
		may := can.write
		if s.own {
			may = can.own
		}
		a.writing("GET /accounts/{account}/keys/{key}/"+s.name, may, func(v *visit) error { return a.ask(v, http.StatusOK, s, newForm()) })
		a.account("POST /accounts/{account}/keys/{key}/"+s.name, func(v *visit) error { return a.take(v, s) })
	}
	a.writing("GET /accounts/{account}/keys/{key}/accept", can.own, a.acceptForm)
	a.account("POST /accounts/{account}/keys/{key}/accept", a.accept)
	a.writing("GET /accounts/{account}/keys/{key}/reveal", can.own, func(v *visit) error { return a.ask(v, http.StatusOK, reveal, newForm()) })
	a.account("POST /accounts/{account}/keys/{key}/reveal", a.reveal)
}

var reveal = step{name: "reveal", method: http.MethodPost, path: "/reveal"}

type confirmation struct {
	*form
	Key                api.Key
	Name, Text         string // Text: what it does, a message
	Grave, Typed, Seen bool
	Counts             *api.ProposedCounts // what a proposal came to since it was made
	Lacking            bool                // that couldn't be read
}

// ask shows what a step would do.
func (a *app) ask(v *visit, status int, s step, f *form) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	f.confirm(v, "confirm_name", k.Name)
	d := &confirmation{form: f, Key: k, Name: s.name, Text: v.stepText(s, k), Grave: s.grave, Typed: s.typed, Seen: s.seen}
	if s.name == "promote" {
		f.Values["was"] = proposalOf(k).Values["was"]
		d.Counts = v.proposalCounts(k.Proposed, &d.Lacking)
	}
	title := v.t("confirm."+s.name+".title", "name", k.Name)
	if k.Status == s.ended {
		return v.render(status, "confirm", title, d)
	}
	return v.renderForm(status, k, "confirm", title, d)
}

// stepText is the message of what a step does to a key as it is. Enabling one that is held by something else too lets nothing through.
func (v *visit) stepText(s step, k api.Key) string {
	if why := heldBy(k, v.app.now(), "disabled"); s.name == "enable" && why != "" {
		return "held." + why
	}
	return whileHeld(v.lang, "confirm."+s.name+".text", k, v.app.now(), "")
}

func (a *app) take(v *visit, s step) error {
	f, path := newForm(), v.keyURL()
	if s.name == "delete" {
		path = v.accountURL("/keys")
	}
	r, err := swept{same: true}, error(nil)
	if what := acts[s.name]; what.undo != "" {
		id := v.r.PathValue("key")
		if r, err = v.change(v.ctx(), what, id, ""); r.recent && len(v.own(v.ctx(), what, "", []string{id})) > 0 {
			r.same = false
		}
	}
	if err == nil && r.same { // what has no undo, or is so already, by somebody else or by the same form: the API says whether it may be
		err = s.send(v, f)
	}
	if err != nil && !s.made(v, f, err) {
		if err := f.refuse(v, err); err != nil {
			return err
		}
		return a.ask(v, http.StatusUnprocessableEntity, s, f)
	}
	if r.same {
		return v.done(path, s.name)
	}
	return v.actedOn(path, s.name, "", r)
}

// send calls the API with a step, as its form has it.
func (s step) send(v *visit, f *form) error {
	call := management.Call{Method: s.method, Path: v.keyPath(s.path)}
	if s.seen {
		version, _ := strconv.ParseInt(v.r.PostFormValue("version"), 10, 64)
		call.Version = max(version, 1)
		f.Values["was"] = v.form("was")
	}
	if s.typed {
		f.Values["confirm_name"] = v.form("confirm_name")
		call.Body = api.RevokeKey{ConfirmName: v.r.PostFormValue("confirm_name")}
	}
	_, err := v.api.Do(v.ctx(), call, nil)
	return err
}

// actedOn leads to a page that says what has become of the key of the path by an act of the list, which can be taken back there.
func (v *visit) actedOn(path, name, value string, r swept) error {
	o := &outcome{Act: name, Value: value}
	o.add(v.r.PathValue("key"), r)
	return v.leave(path, note{Keys: o})
}

func (a *app) reveal(v *visit) error {
	f, made := newForm(), given{}
	if _, err := f.submit(v, management.Call{Method: reveal.method, Path: v.keyPath(reveal.path)}, &made); err != nil {
		return err
	}
	if f.Bad() {
		return a.ask(v, http.StatusUnprocessableEntity, reveal, f)
	}
	return a.showSecret(v, made, "revealed")
}
