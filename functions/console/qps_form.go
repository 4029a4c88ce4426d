package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// requestPage is the form of a new request. The key and limit that it is about are in the URL, so that their numbers
// show without a script.
type requestPage struct {
	*form
	Some    []api.Key // of the keys that a request may be about, where none is chosen
	Matches []api.Key // of what was typed
	More    bool      // there may be others than these
	Key     *api.Key
	Limits  []limitChoice
	Limit   *limitChoice
	Proof   *proof
}

// KeyName is the text that the field for the key begins with: the one that was typed, or the name of the key.
func (d *requestPage) KeyName() string {
	if d.Key == nil {
		return d.Values["find"]
	}
	return d.Key.Name
}

// KeyURL is the form about a key.
func (d *requestPage) KeyURL(id string) string {
	return requestURL(id, d.Values["class"], d.Values["requested_qps"])
}

// requestURL is the query of the form about a key and a limit, with what was typed of the wish.
func requestURL(key, class, qps string) string {
	return "/qps-requests/new?" + queryOf(map[string]string{"key": key, "class": class, "qps": qps}).Encode()
}

type limitChoice struct {
	api.Limit
	Title string
}

// Least is the lowest limit that needs a request: what is free needs none.
func (l limitChoice) Least() int { return l.FreeQps + 1 }

const evidenceDays = 30

func (a *app) requestForm(v *visit) error {
	f := newForm()
	f.Values["key_id"], f.Values["class"], f.Values["idempotency"] = v.query("key"), v.query("class"), rand.Text()
	f.Values["requested_qps"] = v.query("qps") // a key's page suggests one
	if !plainID(f.Values["key_id"]) {
		return errNotFound
	}
	if !v.r.URL.Query().Has("find") {
		return a.showRequestForm(v, http.StatusOK, f, nil, false)
	}
	key, matches, more, err := v.findKey(f, editable)
	switch {
	case err != nil:
		return err
	case f.Bad():
		f.Values["key_id"] = ""
		return a.showRequestForm(v, http.StatusBadRequest, f, nil, false)
	case len(matches) > 0:
		f.Values["key_id"] = ""
		return a.showRequestForm(v, http.StatusOK, f, matches, more)
	}
	return v.redirect(v.accountURL(requestURL(key, f.Values["class"], f.Values["requested_qps"])))
}

// showRequestForm shows the form about its key, or keys to choose from.
func (a *app) showRequestForm(v *visit, status int, f *form, matches []api.Key, more bool) error {
	d := &requestPage{form: f, Matches: matches, More: more}
	f.about("key_id", "find")
	var products []api.Product
	reads := []func(context.Context) error{a.readingProducts(v, &products)}
	switch id := f.Values["key_id"]; {
	case plainID(id) && id != "":
		d.Key = new(api.Key)
		reads = append(reads, reading(d.Key, v.api, v.accountPath("/keys/", id), nil))
	case f.Values["find"] == "":
		reads = append(reads, func(ctx context.Context) (err error) { d.Some, d.More, err = v.keysLike(ctx, "", editable); return err })
	}
	if err := v.parallel(reads...); err != nil {
		return err
	}
	d.choose(v, products)
	if d.Limit != nil {
		var err error
		if d.Proof, err = v.evidence(*d.Key, *d.Limit); err != nil {
			return err
		}
	}
	return v.render(status, "qps-new", v.t("qps.new.title"), d)
}

// choose finds the limit that the form is about.
func (d *requestPage) choose(v *visit, products []api.Product) {
	switch {
	case d.Key == nil:
		return
	case !editable(*d.Key):
		d.add("find", v.t("qps.key.ended", "name", d.Key.Name))
		d.Values["find"], d.Key = d.Key.Name, nil
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
		f.about("product", "class")
		return a.showRequestForm(v, status, f, nil, false)
	}
	return v.done(v.accountURL("/qps-requests/", made.Id), "qps_filed")
}
