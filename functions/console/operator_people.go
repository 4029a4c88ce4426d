package main

import (
	"context"
	"net/http"
	"net/url"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// operatorsPage lists who has an operator's rights.
type operatorsPage struct {
	*form
	Operators paged[api.Operator]
	Ranks     []api.Rank
	Me        string
	Placed    []resent
}

// Mine reports whether an operator is who looks. Somebody of an issuer before is another person, whatever the subject.
func (d *operatorsPage) Mine(o api.Operator) bool { return o.Issuer == nil && o.Subject == d.Me }

var ranks = []api.Rank{api.Support, api.Admin}

// RankOf returns the rank to show as chosen: of one whose change was refused, the one that was asked for.
func (d *operatorsPage) RankOf(o api.Operator) api.Rank {
	if d.Values["rank_of"] == o.Subject {
		return api.Rank(d.Values["new_rank"])
	}
	return o.Rank
}

func (a *app) showOperators(v *visit, status int, f *form) error {
	d := &operatorsPage{form: f, Ranks: ranks}
	var found []api.Operator
	err := v.parallel(func(context.Context) (err error) { found, err = v.operators(); return err }, v.waiting())
	if err != nil {
		return err
	}
	me, err := v.person()
	if err != nil {
		return err
	}
	d.Me = me.Subject
	d.Operators = pageOf(found, v.asked("page"), formsPerPage, func(o api.Operator) bool { return o.Issuer == nil && o.Subject == f.Values["rank_of"] })
	d.Placed = d.Operators.fields("page")
	return v.render(status, "operators", v.t("operators.title"), d)
}

// operators reads the list of operators.
func (v *visit) operators() (all []api.Operator, err error) {
	err = management.Pages(v.ctx(), v.api, "/v1/operators", mostPages,
		func(page api.OperatorList) *string { return page.NextPageToken },
		func(page api.OperatorList) { all = append(all, page.Operators...) })
	return all, err
}

// operatorPath is an operator in the API.
func operatorPath(subject string) (string, error) { return subjectPath("/v1/operators/", subject) }

func (a *app) addOperator(v *visit) error {
	f := newForm()
	f.Values["subject"], f.Values["email"] = v.form("subject"), v.form("email")
	path, err := operatorPath(f.Values["subject"])
	if err != nil {
		f.add("subject", v.t("operators.subject.missing"))
	}
	body := api.PutOperator{}
	if rank := api.Rank(v.form("rank")); rank != "" {
		f.Values["rank"], body.Rank = string(rank), &rank
	}
	if email := f.Values["email"]; email != "" {
		body.Email = &email
	}
	status, err := f.submit(v, management.Call{Method: http.MethodPut, Path: path, Body: body}, nil)
	return f.answer(v, status, err, a.showOperators, "/operator/operators"+v.place("page"), "operator_added")
}

// changeRank gives an operator another rank.
func (a *app) changeRank(v *visit) error {
	f := newForm()
	path, err := operatorPath(v.r.PostFormValue("subject"))
	if err != nil {
		return err
	}
	rank := api.Rank(v.form("rank"))
	f.Values["rank_of"], f.Values["new_rank"] = v.r.PostFormValue("subject"), string(rank)
	read := func() (string, int64, error) {
		all, err := v.operators()
		for _, o := range all {
			if o.Subject == f.Values["rank_of"] && o.Issuer == nil {
				return string(o.Rank), 0, err
			}
		}
		return v.prose("was"), 0, err
	}
	call := management.Call{Method: http.MethodPut, Path: path, Body: api.PutOperator{Rank: &rank}}
	status, err := f.overwrite(v, setting{"new_rank", "operators.rank", v.as("rank.")}, read, call, nil)
	f.about("rank", "new_rank") // the page has another form with a rank
	return f.answer(v, status, err, a.showOperators, "/operator/operators"+v.place("page"), "rank_changed")
}

// dismissal asks whether an operator should lose the rights.
type dismissal struct {
	*form
	Operator api.Operator
	Placed   []resent // of the list, to come back to
	Back     string
}

func (a *app) showDismissal(v *visit, status int, f *form) error {
	subject, issuer := v.query("subject"), v.query("issuer")
	if v.r.Method == http.MethodPost {
		subject, issuer = v.r.PostFormValue("subject"), v.r.PostFormValue("issuer")
	}
	found, err := v.operators()
	if err != nil {
		return err
	}
	for _, o := range found {
		if o.Subject == subject && (o.Issuer == nil && issuer == "" || o.Issuer != nil && *o.Issuer == issuer) {
			return v.render(status, "operator-remove", v.t("operators.remove.title"), &dismissal{f, o, v.placed("page"), "/operator/operators" + v.place("page")})
		}
	}
	return errNotFound
}

func (a *app) removeOperator(v *visit) error {
	f := newForm()
	path, err := operatorPath(v.r.PostFormValue("subject"))
	if err != nil {
		return err
	}
	call := management.Call{Method: http.MethodDelete, Path: path}
	if issuer := v.r.PostFormValue("issuer"); issuer != "" { // of one before: nobody else who has the same subject
		call.Query = url.Values{"issuer": {issuer}}
	}
	status, err := f.submit(v, call, nil)
	return f.answer(v, status, err, a.showDismissal, "/operator/operators"+v.place("page"), "operator_removed")
}
