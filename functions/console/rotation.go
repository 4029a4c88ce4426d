package main

import (
	"crypto/rand"
	"net/http"
	"strconv"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

func (a *app) rotationRoutes() {
	a.writing("GET /accounts/{account}/keys/{key}/rotate", can.write, a.rotateForm)
	a.account("POST /accounts/{account}/keys/{key}/rotate", a.rotateKey)
	a.writing("GET /accounts/{account}/keys/{key}/extend", can.write, a.extendForm)
	a.account("POST /accounts/{account}/keys/{key}/extend", a.extendRotation)
	a.writing("GET /accounts/{account}/keys/{key}/policy", can.write, a.policyForm)
	a.account("POST /accounts/{account}/keys/{key}/policy", a.putPolicy)
}

// The grace periods to choose from, in seconds.
var (
	longer = []string{"3600", "86400", "604800", "2592000"}
	graces = append([]string{"0"}, longer...)
)

// usualGrace begins the choice of a time; after a leak there is none.
const usualGrace = "86400"

// rotateReasons are those to choose from, the usual one first.
var rotateReasons = []api.RotateKeyReason{api.Scheduled, api.Leaked, api.Other}

type rotationForm struct {
	*form
	Key     api.Key
	Graces  []string
	Reasons []api.RotateKeyReason
	Running bool // a rotation is in progress: only a leak can replace the secret now
}

func (a *app) showRotation(v *visit, status int, name string, f *form, graces []string) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	d := &rotationForm{form: f, Key: k, Graces: graces, Running: k.PreviousPreview != nil && !k.RotationCancelled}
	if d.Reasons = rotateReasons; d.Running && name == "rotate" {
		f.leaked()
		d.Reasons = []api.RotateKeyReason{api.Leaked}
	}
	return v.renderForm(status, k, name, v.t(name+".title", "name", k.Name), d)
}

func (a *app) rotateForm(v *visit) error {
	f := newRotation()
	if v.query("reason") == string(api.Leaked) {
		f.leaked()
	}
	return a.showRotation(v, http.StatusOK, "rotate", f, graces)
}

// newRotation is the form of a rotation, of one key or of several.
func newRotation() *form {
	f := newForm()
	f.Values["grace_seconds"], f.Values["reason"], f.Values["idempotency"] = usualGrace, string(rotateReasons[0]), rand.Text()
	f.Values["grace_for"] = f.Values["reason"]
	return f
}

// leaked makes it the form after a leak.
func (f *form) leaked() {
	if f.Values["grace_for"] != string(api.Leaked) {
		f.Values["grace_seconds"] = "0"
	}
	f.Values["reason"], f.Values["grace_for"] = string(api.Leaked), string(api.Leaked)
}

var rotationFields = []string{"grace_seconds", "reason", "idempotency", "grace_for"}

// rotation reads the form of a rotation, of one key or of several.
func (f *form) rotation(v *visit) (body api.RotateKey) {
	for _, name := range rotationFields {
		f.Values[name] = v.form(name)
	}
	if f.Values["grace_seconds"] != "" {
		seconds := f.seconds(v)
		body.GraceSeconds = &seconds
	}
	if reason := api.RotateKeyReason(f.Values["reason"]); reason != "" {
		body.Reason = &reason
		if reason == api.Leaked && f.Values["grace_for"] != "" && f.Values["grace_for"] != f.Values["reason"] && f.Values["grace_seconds"] != "0" { // no script has set the time
			f.leaked()
			f.add("grace_seconds", v.t("rotate.leaked.unasked"))
		}
	}
	return body
}

func (a *app) rotateKey(v *visit) error {
	f := newForm()
	body := f.rotation(v)
	var made given
	_, err := f.submit(v, management.Call{
		Method: http.MethodPost, Path: v.keyPath("/rotate"), Body: body, Idempotency: f.Values["idempotency"],
	}, &made)
	if err != nil {
		return err
	}
	if f.Bad() {
		return a.showRotation(v, http.StatusUnprocessableEntity, "rotate", f, graces)
	}
	return a.showSecret(v, made, "rotated")
}

func (f *form) seconds(v *visit) int64 {
	n, err := strconv.ParseInt(f.Values["grace_seconds"], 10, 64)
	if err != nil {
		f.add("grace_seconds", v.t("field.number"))
	}
	return n
}

func (a *app) extendForm(v *visit) error {
	f := newForm()
	f.Values["grace_seconds"] = "604800"
	return a.showRotation(v, http.StatusOK, "extend", f, longer)
}

func (a *app) extendRotation(v *visit) error {
	f := newForm()
	f.Values["grace_seconds"] = v.form("grace_seconds")
	call := management.Call{Method: http.MethodPost, Path: v.keyPath("/rotation/extend"), Body: api.ExtendRotation{GraceSeconds: f.seconds(v)}}
	if _, err := f.submit(v, call, nil); err != nil {
		return err
	}
	if f.Bad() {
		return a.showRotation(v, http.StatusUnprocessableEntity, "extend", f, longer)
	}
	return v.done(v.keyURL(), "extended")
}

func (a *app) policyForm(v *visit) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	f := policyOf(k)
	if k.RotationPolicy == nil {
		f.Values["every_days"], f.Values["notify_days_before"] = "90", "7"
	}
	return a.showPolicy(v, http.StatusOK, f, k)
}

// policyOf is the form for a key's rotation policy, as that stands; empty if there is none.
func policyOf(k api.Key) *form {
	f := newForm()
	if p := k.RotationPolicy; p != nil {
		f.Values["every_days"], f.Values["notify_days_before"] = strconv.Itoa(p.EveryDays), strconv.Itoa(p.NotifyDaysBefore)
		if p.Principal != nil {
			f.Values["principal"] = *p.Principal
		}
	}
	f.begin()
	return f
}

func (a *app) showPolicy(v *visit, status int, f *form, k api.Key) error {
	return v.renderForm(status, k, "policy", v.t("policy.title", "name", k.Name), &rotationForm{form: f, Key: k})
}

func (a *app) putPolicy(v *visit) error {
	f := newForm()
	body := map[string]any{}
	for _, name := range []string{"every_days", "notify_days_before"} {
		f.Values[name] = v.form(name)
		n, err := strconv.Atoi(f.Values[name])
		if err != nil {
			f.add(name, v.t("field.number"))
		}
		body[name] = n
	}
	f.Values["was"] = v.form("was")
	me, err := v.person()
	if err != nil {
		return err
	}
	owner := v.owns(me)
	if owner {
		f.Values["principal"] = v.form("principal")
	} else if was := f.began()["principal"]; len(was) > 0 {
		f.Values["principal"] = was[0] // which only owners set: the others leave it
	}
	put := func(k api.Key) management.Call {
		if p := policyOf(k).Values["principal"]; !owner {
			f.Values["principal"] = p
		}
		if f.Values["principal"] != "" {
			body["principal"] = f.Values["principal"]
		}
		return management.Call{Method: http.MethodPut, Path: v.keyPath("/rotation-policy"), Body: body}
	}
	said := f.saidOf("policy") // before the form is settled with what is there, which may be by itself, sent twice
	k, status, err := a.settle(v, f, put, policyOf)
	switch {
	case err != nil:
		return err
	case f.settled():
		return v.done(v.keyURL(), said)
	}
	return a.showPolicy(v, status, f, k)
}
