package main

import (
	"net/http"
	"strconv"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

type limitForm struct {
	*form
	Key   api.Key
	Limit api.Limit
}

// classPath is the limit of the path in the API.
func (v *visit) classPath() (string, error) {
	class := v.r.PathValue("class")
	if !plainID(strings.ReplaceAll(class, ".", "_")) || strings.Trim(class, ".") == "" {
		return "", errNotFound
	}
	return v.keyPath("/limits/", class), nil
}

// showLimit shows the form for the limit of the class that the path names.
func (a *app) showLimit(v *visit, status int, f *form) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	for _, l := range k.Limits {
		if l.Class == v.r.PathValue("class") {
			if f.Values["qps"] == "" {
				f.Values["qps"] = strconv.Itoa(l.Qps)
			}
			return v.render(status, "limit", v.t("limit.title", "class", l.Name), &limitForm{form: f, Key: k, Limit: l})
		}
	}
	return errNotFound
}

func (a *app) limitForm(v *visit) error { return a.showLimit(v, http.StatusOK, newForm()) }

func (a *app) lowerLimit(v *visit) error {
	f := newForm()
	f.Values["qps"] = v.form("qps")
	path, err := v.classPath()
	if err != nil {
		return err
	}
	qps, err := strconv.Atoi(f.Values["qps"])
	if err != nil {
		f.add("qps", v.t("field.number"))
	}
	before, err := v.key()
	if err != nil {
		return err
	}
	if err := f.send(v, management.Call{Method: http.MethodPut, Path: path, Body: api.LowerLimit{Qps: qps}}, nil); err != nil {
		return err
	}
	if f.Bad() {
		return a.showLimit(v, http.StatusUnprocessableEntity, f)
	}
	for _, l := range before.Limits {
		if l.Class == v.r.PathValue("class") && l.Qps == qps {
			return v.done(v.keyURL(), "limit_same")
		}
	}
	return v.done(v.keyURL(), "limit")
}
