package main

import (
	"net/http"
	"slices"
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
	if !plainName(class) {
		return "", errNotFound
	}
	return v.keyPath("/limits/", class), nil
}

// plainName reports whether a name of the catalogue is one segment of a path: an ID, which may have dots.
func plainName(name string) bool {
	return plainID(strings.ReplaceAll(name, ".", "_")) && strings.Trim(name, ".") != ""
}

// limitIn is the limit of a class; false if the key has none.
func limitIn(k api.Key, class string) (api.Limit, bool) {
	for _, l := range k.Limits {
		if l.Class == class {
			return l, true
		}
	}
	return api.Limit{}, false
}

// limitOf is the form for the limit of a class, as it stands.
func limitOf(class string) func(api.Key) *form {
	return func(k api.Key) *form {
		f := newForm()
		if l, ok := limitIn(k, class); ok {
			f.Values["qps"] = strconv.Itoa(l.Qps)
		}
		f.begin()
		return f
	}
}

func (a *app) limitForm(v *visit) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	return a.showLimit(v, http.StatusOK, limitOf(v.r.PathValue("class"))(k), k)
}

// showLimit shows the form for the limit of the class that the path names.
func (a *app) showLimit(v *visit, status int, f *form, k api.Key) error {
	products, err := a.productList(v.ctx(), v.api)
	if err != nil {
		return err
	}
	v.nameLimits(k.Limits, products)
	l, ok := limitIn(k, v.r.PathValue("class"))
	if !ok {
		return errNotFound
	}
	for i, wrong := range f.Errors["qps"] {
		if wrong.Code == "not_free" {
			f.Errors["qps"][i].Text = v.t("limit.above_free", "free", l.FreeQps)
		}
	}
	return v.renderForm(status, k, "limit", v.t("limit.title", "class", l.Name), &limitForm{form: f, Key: k, Limit: l})
}

func (a *app) lowerLimit(v *visit) error {
	f := newForm()
	f.Values["qps"], f.Values["was"] = v.form("qps"), v.form("was")
	path, err := v.classPath()
	if err != nil {
		return err
	}
	qps, err := strconv.Atoi(f.Values["qps"])
	if err != nil {
		f.add("qps", v.t("field.number"))
	}
	class, began := v.r.PathValue("class"), f.began()
	lower := func(api.Key) management.Call {
		return management.Call{Method: http.MethodPut, Path: path, Body: api.LowerLimit{Qps: qps}}
	}
	before, status, err := a.settle(v, f, lower, limitOf(class))
	switch {
	case err != nil:
		return err
	case !f.settled():
		return a.showLimit(v, status, f, before)
	}
	if l, ok := limitIn(before, class); ok && l.Qps == qps && (began == nil || slices.Equal(began["qps"], f.edited()["qps"])) {
		return v.done(v.keyURL(), "limit_same")
	}
	return v.done(v.keyURL(), "limit")
}
