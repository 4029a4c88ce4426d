package main

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

const queuePath = "/operator/qps-requests"

// queuePage lists the pending requests of all accounts, the oldest first.
type queuePage struct {
	tokens
	Requests []requestView
}

func (a *app) showQueue(v *visit) error {
	d := &queuePage{tokens: tokens{Root: queuePath, Page: v.query("page")}}
	query := queryOf(map[string]string{"page_size": "12", "page_token": d.Page}) // each is a form with its evidence
	var found api.QpsRequestList
	var products []api.Product
	err := v.parallel(reading(&found, v.api, "/v1/qps-requests", query), v.waiting(), a.readingProducts(v, &products))
	if err != nil {
		return err
	}
	for _, r := range found.Requests {
		d.Requests = append(d.Requests, v.viewOf(r, products))
	}
	d.Next = orNone(found.NextPageToken)
	if d.Page != "" && d.Next == "" && len(d.Requests) == 0 {
		return v.redirect(queuePath) // what the page had is decided; others may wait before it
	}
	return v.render(http.StatusOK, "operator-queue", v.t("operator.queue"), d)
}

// queueURL is the page of the queue from which a request was decided, or opened. What comes first there may have been decided since.
func (v *visit) queueURL() string {
	return withQuery(queuePath, queryOf(map[string]string{"page": v.asked("page")}))
}

// decision is one request with what decides it, and the form for it.
type decision struct {
	*form
	Asked  requestView
	Faster bool   // somebody else decided while this operator was reading
	Page   string // of the queue, to come back to
	Queue  string // its address
}

func (a *app) showDecision(v *visit, status int, f *form) error {
	return a.renderDecision(v, status, &decision{form: f})
}

// customer reads whose a request is with the name of its key, which is one call: of a key that is purged, and has no evidence, the account alone.
// The page is worth showing without.
func (v *visit) customer(r *api.QpsRequest) *api.Account {
	r.KeyName = nil // until it is known that the key is there
	if r.Evidence == nil {
		if account, err := management.Get[api.Account](v.ctx(), v.api, v.accountPath(""), nil); err == nil {
			return &account
		}
	} else if k, err := management.Get[api.OperatorKey](v.ctx(), v.api, "/v1/operator/keys/"+url.PathEscape(r.KeyId), nil); err == nil {
		if r.KeyName = &k.Key.Name; k.Account != nil {
			return k.Account
		}
	}
	return &api.Account{Id: r.AccountId, Name: r.AccountId}
}

func (a *app) renderDecision(v *visit, status int, d *decision) error {
	if err := v.operates(); err != nil {
		return err
	}
	v.accountID = v.r.PathValue("account")
	r, err := a.requestWith(v, v.customer)
	v.accountID = "" // the frame is the operators'
	if err != nil {
		return err
	}
	d.Asked, d.Queue, d.Page = r, v.queueURL(), v.asked("page")
	if d.Faster {
		d.compare(v)
	}
	if _, typed := d.Values["qps"]; !typed {
		d.Values["qps"] = strconv.Itoa(r.RequestedQps)
	}
	return v.render(status, "operator-decision", v.t("qps.request.title", "key", r.Key), d)
}

// compare puts what another operator has decided beside what this one has typed: that can't be sent any more.
func (d *decision) compare(v *visit) {
	yours := v.t("operator.reject")
	if d.Values["decision"] == "approve" {
		yours = v.t("operator.approve")
	}
	line := func(parts ...string) string {
		return strings.Join(slices.DeleteFunc(parts, func(one string) bool { return one == "" }), " · ")
	}
	theirs := v.as("qps.status.")(string(d.Asked.Status))
	granted := ""
	if d.Asked.ApprovedQps != nil && d.Asked.Status == api.Approved {
		granted = strconv.Itoa(*d.Asked.ApprovedQps)
	}
	said := strings.ReplaceAll(d.Values["typed"], "\n", " · ")
	d.Differences = []difference{{Label: "operator.decision", Theirs: line(theirs, granted, orNone(d.Asked.Comment)), Yours: line(yours, said)}}
}

// decide carries out an operator's decision. If another operator was faster, it shows what that one decided.
func (a *app) decide(v *visit) error {
	f := newForm()
	f.Values["qps"], f.Values["comment"] = v.form("qps"), v.prose("comment")
	path := operatorAccountPath(v, "/qps-requests/"+v.r.PathValue("request"))
	if decision := v.form("decision"); decision != "approve" && decision != "reject" {
		f.Problem = v.t("operator.decision.none")
		return a.showDecision(v, http.StatusUnprocessableEntity, f)
	}
	comment, done, qps := f.Values["comment"], "qps_rejected", 0
	call := management.Call{Method: http.MethodPost, Path: path + "/reject", Body: api.RejectQpsRequest{Comment: comment}}
	if v.form("decision") == "approve" {
		qps = f.whole(v, "qps")
		call.Path, call.Body, done = path+"/approve", api.ApproveQpsRequest{Qps: &qps, Comment: &comment}, "qps_approved"
	}
	status, err := f.submit(v, call, nil)
	if f.Code == "request_decided" {
		if r, err := management.Get[api.QpsRequest](v.ctx(), v.api, path, nil); err == nil && f.decidedSo(r, v.form("decision") == "approve", qps) {
			return v.done(v.queueURL(), done)
		}
		d := &decision{form: newForm(), Faster: true}
		d.Values["decision"], d.Values["typed"] = v.form("decision"), strings.TrimSpace(f.Values["qps"]+"\n"+comment)
		return a.renderDecision(v, status, d)
	}
	return f.answer(v, status, err, a.showDecision, v.queueURL(), done)
}
