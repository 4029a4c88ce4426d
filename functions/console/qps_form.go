package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// requestPage is the form of a new request. The key and limit that it is about are in the URL, so that their numbers
// show without a script.
type requestPage struct {
	*form
	Keys   []api.Key // that a request may be about
	Key    *api.Key
	Limits []limitChoice
	Limit  *limitChoice
	Proof  *proof
}

type limitChoice struct {
	api.Limit
	Title string
}

const evidenceDays = 30

func (a *app) requestForm(v *visit) error {
	f := newForm()
	f.Values["key_id"], f.Values["class"], f.Values["idempotency"] = v.query("key"), v.query("class"), rand.Text()
	f.Values["requested_qps"] = v.query("qps") // a key's page suggests one
	return a.showRequestForm(v, http.StatusOK, f)
}

func (a *app) showRequestForm(v *visit, status int, f *form) error {
	d := &requestPage{form: f}
	var keys []api.Key
	var products []api.Product
	err := v.parallel(
		func(ctx context.Context) (err error) { keys, err = v.allKeys(ctx); return err },
		func(ctx context.Context) (err error) { products, err = a.productList(ctx, v.api); return err },
	)
	if err != nil {
		return err
	}
	d.choose(v, keys, products)
	if d.Limit != nil {
		if d.Proof, err = v.evidence(*d.Key, *d.Limit); err != nil {
			return err
		}
	}
	return v.render(status, "qps-new", v.t("qps.new.title"), d)
}

// choose finds the key and the limit that the form is about.
func (d *requestPage) choose(v *visit, keys []api.Key, products []api.Product) {
	for i, k := range keys {
		if k.Status == api.Revoked || k.Status == api.Deleted {
			continue
		}
		d.Keys = append(d.Keys, k)
		if k.Id == d.Values["key_id"] {
			d.Key = &keys[i]
		}
	}
	if d.Key == nil {
		return
	}
	for _, l := range d.Key.Limits {
		if !callable(products, l.Product) {
			continue
		}
		d.Limits = append(d.Limits, limitChoice{l, v.className(products, l.Class)})
	}
	for i := range d.Limits {
		if d.Limits[i].Class == d.Values["class"] || len(d.Limits) == 1 {
			d.Limit = &d.Limits[i]
			d.Values["class"] = d.Limits[i].Class
		}
	}
}

// callable reports whether a product has calls of its own: SDKs have none.
func callable(products []api.Product, id string) bool {
	for _, p := range products {
		if p.Id == id {
			return p.Kind == api.Api
		}
	}
	return false
}

// evidence returns the numbers that will be shown beside the request, the same that the operator sees.
func (v *visit) evidence(k api.Key, l limitChoice) (*proof, error) {
	now := v.app.now().UTC()
	span := url.Values{
		"from": {now.AddDate(0, 0, -evidenceDays).Format(time.RFC3339)}, "to": {now.Format(time.RFC3339)}, "interval": {"hour"}, "product": {l.Product},
	}
	u, err := management.Get[api.Usage](v.ctx(), v.api, v.accountPath("/keys/", k.Id, "/usage"), span)
	if err != nil {
		return nil, err
	}
	e := &api.Evidence{CurrentQps: l.Qps, DefaultQps: l.DefaultQps, MaxQps: l.MaxQps, Breaches: u.Totals.QpsBreaches}
	if u.BusiestMinute != nil {
		peak := float32(u.BusiestMinute.Requests) / 60
		e.PeakQps = &peak
	}
	return v.proof(e), nil
}

func (a *app) fileRequest(v *visit) error {
	f := newForm()
	for _, name := range []string{"key_id", "class", "requested_qps", "justification", "ends_at", "idempotency"} {
		f.Values[name] = v.prose(name)
	}
	products, err := a.productList(v.ctx(), v.api)
	if err != nil {
		return err
	}
	class := f.Values["class"]
	body := api.CreateQpsRequest{
		KeyId: f.Values["key_id"], Product: productOf(products, class), Class: &class, RequestedQps: f.whole(v, "requested_qps"),
		Justification: f.Values["justification"], EndsAt: f.day(v, "ends_at"),
	}
	var made api.QpsRequest
	call := management.Call{Method: http.MethodPost, Path: v.accountPath("/qps-requests"), Body: body, Idempotency: f.Values["idempotency"]}
	status, err := f.submit(v, call, &made)
	if err != nil {
		return err
	}
	if f.Bad() {
		f.Errors["class"] = append(f.Errors["class"], f.Errors["product"]...)
		delete(f.Errors, "product")
		if len(f.Errors["class"]) == 0 {
			delete(f.Errors, "class")
		}
		return a.showRequestForm(v, status, f)
	}
	return v.done(v.accountURL("/qps-requests/", made.Id), "qps_filed")
}

// submit makes the call unless the form is bad already. What the API refuses is kept in the form; status is what the page
// that shows it again should have.
func (f *form) submit(v *visit, call management.Call, into any) (status int, err error) {
	if f.Bad() {
		return http.StatusUnprocessableEntity, nil
	}
	_, err = v.api.Do(v.ctx(), call, into)
	if err == nil {
		return http.StatusOK, nil
	}
	status = http.StatusUnprocessableEntity
	var p *management.Problem
	if errors.As(err, &p) {
		status = p.Status
	}
	return status, f.refuse(v, err)
}

// prose reads a text of several lines: forms send their ends as two characters, the API takes one.
func (v *visit) prose(name string) string { return strings.ReplaceAll(v.form(name), "\r\n", "\n") }

// whole reads a whole number.
func (f *form) whole(v *visit, name string) int {
	n, err := strconv.Atoi(f.Values[name])
	if err != nil {
		f.add(name, v.t("qps.bad_number"))
	}
	return n
}

// day reads a day as its first moment in UTC; nil if there is none.
func (f *form) day(v *visit, name string) *api.MaybeTime {
	if f.Values[name] == "" {
		return nil
	}
	at, err := time.Parse(dayFormat, f.Values[name])
	if err != nil {
		f.add(name, v.t("usage.bad_day"))
		return nil
	}
	day := moment.Of(at)
	return &day
}
