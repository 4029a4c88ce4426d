package main

import (
	"math"
	"net/http"
	"net/url"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

func (a *app) qpsRoutes() {
	a.account("GET /accounts/{account}/qps-requests", a.listRequests)
	a.writing("GET /accounts/{account}/qps-requests/new", can.write, a.requestForm)
	a.account("POST /accounts/{account}/qps-requests/new", a.fileRequest)
	a.elsewhere("GET /accounts/{account}/qps-requests/new/key", "/accounts/{account}/qps-requests/new")
	a.account("POST /accounts/{account}/qps-requests/new/key", func(v *visit) error {
		return v.chooseKey(v.accountURL("/qps-requests/new"), editable, "class", "qps")
	})
	a.account("POST /accounts/{account}/qps-requests/keys", func(v *visit) error { return a.suggestKeys(v, editable) })
	a.account("GET /accounts/{account}/qps-requests/{request}", a.showRequest)
	a.writing("GET /accounts/{account}/qps-requests/{request}/withdraw", can.write, a.withdrawForm)
	a.account("POST /accounts/{account}/qps-requests/{request}/withdraw", a.withdraw)
}

var requestStatuses = []api.QpsRequestStatus{api.Pending, api.Approved, api.Rejected, api.Withdrawn}

// requestView is a QPS request with the names that people know.
type requestView struct {
	api.QpsRequest
	Key, Limit string
	Proof      *proof       // nil where there are no numbers
	Account    *api.Account // whose it is, where operators decide
}

// proof is the evidence beside a QPS request, ready to show.
type proof struct {
	api.Evidence
	Peak string
}

func (v *visit) proof(e *api.Evidence) *proof {
	if e == nil {
		return nil
	}
	p := &proof{Evidence: *e, Peak: "–"}
	switch {
	case e.PeakQps == nil:
	case *e.PeakQps > 0 && *e.PeakQps < 0.1:
		p.Peak = "<\u00a0" + v.lang.Number(0.1)
	default:
		p.Peak = v.lang.Number(math.Round(10*float64(*e.PeakQps)) / 10)
	}
	return p
}

type requestList struct {
	Status, Page, Next string
	Statuses           []api.QpsRequestStatus
	Requests           []requestView
	root               string
}

// PageURL is the same list from a page token on; "" is the first page.
func (d *requestList) PageURL(token string) string {
	return withQuery(d.root, queryOf(map[string]string{"status": d.Status, "page": token}))
}

func (a *app) listRequests(v *visit) error {
	d := &requestList{Status: v.query("status"), Page: v.query("page"), Statuses: requestStatuses, root: v.accountURL("/qps-requests")}
	query := queryOf(map[string]string{"page_size": "25", "status": d.Status, "page_token": d.Page})
	var found api.QpsRequestList
	var products []api.Product
	err := v.parallel(
		reading(&found, v.api, v.accountPath("/qps-requests"), query),
		a.readingProducts(v, &products),
	)
	if err != nil {
		return err
	}
	for _, r := range found.Requests {
		d.Requests = append(d.Requests, v.viewOf(r, products))
	}
	d.Next = orNone(found.NextPageToken)
	return v.render(http.StatusOK, "qps", v.t("qps.title"), d)
}

func (v *visit) viewOf(r api.QpsRequest, products []api.Product) requestView {
	key := r.KeyId
	if r.KeyName != nil && *r.KeyName != "" {
		key = *r.KeyName
	}
	return requestView{QpsRequest: r, Key: key, Limit: v.className(products, r.Class), Proof: v.proof(r.Evidence)}
}

// className returns the display name of a limit class; several classes of a product are told apart by their own
// names.
func (v *visit) className(products []api.Product, class string) string {
	for _, p := range products {
		for _, c := range p.Classes {
			if c.Id == class && len(p.Classes) > 1 {
				return p.Name + v.t("format.colon") + c.Name
			}
			if c.Id == class {
				return p.Name
			}
		}
	}
	return class
}

// nameLimits names a key's limits as requests, accounts' limits and the audit trail do; a class that the catalogue lacks keeps its name.
func (v *visit) nameLimits(limits []api.Limit, products []api.Product) {
	for i, l := range limits {
		if title := v.className(products, l.Class); title != l.Class {
			limits[i].Name = title
		}
	}
}

// productOf is the product that a limit class belongs to.
func productOf(products []api.Product, class string) string {
	for _, p := range products {
		for _, c := range p.Classes {
			if c.Id == class {
				return p.Id
			}
		}
	}
	return class
}

func (v *visit) requestPath(below string) (string, error) {
	id := v.r.PathValue("request")
	if !plainID(id) {
		return "", errNotFound
	}
	return v.accountPath("/qps-requests/", id, below), nil
}

// request reads the request of the path with its names.
func (a *app) request(v *visit) (requestView, error) {
	return a.requestWith(v, func(r *api.QpsRequest) *api.Account {
		if k, err := management.Get[api.Key](v.ctx(), v.api, v.accountPath("/keys/", url.PathEscape(r.KeyId)), nil); err == nil {
			r.KeyName = &k.Name // a purged key has none
		}
		return nil
	})
}

// requestWith reads the request of the path; about reads its key's name, and whose it is.
func (a *app) requestWith(v *visit, about func(*api.QpsRequest) *api.Account) (d requestView, err error) {
	path, err := v.requestPath("")
	if err != nil {
		return d, err
	}
	r, err := management.Get[api.QpsRequest](v.ctx(), v.api, path, nil)
	if err != nil {
		return d, err
	}
	products, err := a.productList(v.ctx(), v.api)
	if err != nil {
		return d, err
	}
	account := about(&r)
	d = v.viewOf(r, products)
	d.Account = account
	return d, nil
}

func (a *app) showRequest(v *visit) error {
	d, err := a.request(v)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "qps-request", v.t("qps.request.title", "key", d.Key), d)
}

func (a *app) withdrawForm(v *visit) error {
	d, err := a.request(v)
	if err != nil {
		return err
	}
	if d.Status != api.Pending {
		return v.redirect(v.accountURL("/qps-requests/", d.Id)) // there is nothing left to withdraw
	}
	return v.render(http.StatusOK, "qps-withdraw", v.t("qps.withdraw.title"), d)
}

func (a *app) withdraw(v *visit) error {
	path, err := v.requestPath("/withdraw")
	if err != nil {
		return err
	}
	notice := "qps_withdrawn"
	if _, err := v.api.Do(v.ctx(), management.Call{Method: http.MethodPost, Path: path}, nil); err != nil {
		if notice = v.decidedBefore(err); notice == "" {
			return err
		}
	}
	return v.done(v.accountURL("/qps-requests/", v.r.PathValue("request")), notice)
}
