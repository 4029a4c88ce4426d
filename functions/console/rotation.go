package main

import (
	"crypto/rand"
	"net/http"
	"strconv"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

func (a *app) rotationRoutes() {
	a.account("GET /accounts/{account}/keys/{key}/rotate", a.rotateForm)
	a.account("POST /accounts/{account}/keys/{key}/rotate", a.rotateKey)
	a.account("GET /accounts/{account}/keys/{key}/extend", a.extendForm)
	a.account("POST /accounts/{account}/keys/{key}/extend", a.extendRotation)
	a.account("GET /accounts/{account}/keys/{key}/policy", a.policyForm)
	a.account("POST /accounts/{account}/keys/{key}/policy", a.putPolicy)
}

// graces are the grace periods to choose from, in seconds.
var graces = []int64{0, 3600, 86400, 7 * 86400, 30 * 86400}

type rotationForm struct {
	*form
	Key    api.Key
	Graces []string
}

func (a *app) showRotation(v *visit, status int, name string, f *form, graces []int64) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	d := &rotationForm{form: f, Key: k}
	for _, seconds := range graces {
		d.Graces = append(d.Graces, strconv.FormatInt(seconds, 10))
	}
	return v.render(status, name, v.t(name+".title", "name", k.Name), d)
}

func (a *app) rotateForm(v *visit) error {
	f := newForm()
	f.Values["grace_seconds"], f.Values["reason"], f.Values["idempotency"] = "86400", string(api.Other), rand.Text()
	return a.showRotation(v, http.StatusOK, "rotate", f, graces)
}

func (a *app) rotateKey(v *visit) error {
	f := newForm()
	for _, name := range []string{"grace_seconds", "reason", "idempotency"} {
		f.Values[name] = v.form(name)
	}
	body := api.RotateKey{GraceSeconds: f.seconds(v)}
	if reason := api.RotateKeyReason(f.Values["reason"]); reason != "" {
		body.Reason = &reason
	}
	var made api.KeyWithSecret
	err := f.send(v, management.Call{
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

// send makes the call unless the form is bad already, and keeps what the API refuses in the form.
func (f *form) send(v *visit, call management.Call, into any) error {
	if f.Bad() {
		return nil
	}
	if _, err := v.api.Do(v.ctx(), call, into); err != nil {
		return f.refuse(v, err)
	}
	return nil
}

func (f *form) seconds(v *visit) *int64 {
	n, err := strconv.ParseInt(f.Values["grace_seconds"], 10, 64)
	if err != nil {
		f.add("grace_seconds", v.t("field.number"))
		return nil
	}
	return &n
}

func (a *app) extendForm(v *visit) error {
	f := newForm()
	f.Values["grace_seconds"] = "604800"
	return a.showRotation(v, http.StatusOK, "extend", f, graces[1:])
}

func (a *app) extendRotation(v *visit) error {
	f := newForm()
	f.Values["grace_seconds"] = v.form("grace_seconds")
	seconds := f.seconds(v)
	if seconds != nil {
		call := management.Call{Method: http.MethodPost, Path: v.keyPath("/rotation/extend"), Body: api.ExtendRotation{GraceSeconds: *seconds}}
		if err := f.send(v, call, nil); err != nil {
			return err
		}
	}
	if f.Bad() {
		return a.showRotation(v, http.StatusUnprocessableEntity, "extend", f, graces[1:])
	}
	return v.redirect(v.keyURL("?done=extended"))
}

func (a *app) policyForm(v *visit) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	f := newForm()
	f.Values["every_days"], f.Values["notify_days_before"] = "90", "7"
	if p := k.RotationPolicy; p != nil {
		f.Values["every_days"], f.Values["notify_days_before"] = strconv.Itoa(p.EveryDays), strconv.Itoa(p.NotifyDaysBefore)
		if p.Principal != nil {
			f.Values["principal"] = *p.Principal
		}
	}
	return v.render(http.StatusOK, "policy", v.t("policy.title", "name", k.Name), &rotationForm{form: f, Key: k})
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
	if f.Values["principal"] = v.form("principal"); f.Values["principal"] != "" {
		body["principal"] = f.Values["principal"]
	}
	if err := f.send(v, management.Call{Method: http.MethodPut, Path: v.keyPath("/rotation-policy"), Body: body}, nil); err != nil {
		return err
	}
	if !f.Bad() {
		return v.redirect(v.keyURL("?done=policy"))
	}
	return a.showRotation(v, http.StatusUnprocessableEntity, "policy", f, nil)
}
