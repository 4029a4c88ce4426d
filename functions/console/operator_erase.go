package main

import (
	"net/http"
	"net/url"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	shown "latchkey/shared/text"
)

// The API erases a person part by part. One answer to the form does so many parts at most, and begins none after so
// long: it has to come before the browser and the function give up.
const (
	eraseParts = 8
	eraseTime  = 2 * time.Second
)

const erasePage = "/operator/people/erase"

// erasure asks who is erased, and then whether.
type erasure struct {
	*form
	Subject string
	Issuer  string // of one before; "" for the stack's own
	Page    string // the part to go on with; "" at the beginning
	Left    string // has a text when a record still names the person
}

func (a *app) showErasure(v *visit, status int, f *form) error {
	d := &erasure{form: f, Subject: f.Values["subject"], Issuer: f.Values["issuer"], Page: f.Values["page"], Left: f.Values["left"]}
	if v.r.Method != http.MethodPost {
		d.Subject, d.Issuer = v.query("subject"), v.query("issuer")
	}
	return v.render(status, "person-erase", v.t("erase.title"), d)
}

// erasePerson erases a person whose subject was typed. It may be sent again at any time, from its beginning too.
func (a *app) erasePerson(v *visit) error {
	f, begin := newForm(), a.now()
	for _, name := range []string{"subject", "issuer", "confirm", "page", "left"} {
		f.Values[name] = v.r.PostFormValue(name)
	}
	who := f.Values["subject"]
	if who == "" || !shown.Same(who, f.Values["confirm"]) {
		f.add("confirm", v.t("field.confirm", "name", shown.Shown(who)))
	}
	body := api.ErasePerson{Subject: who}
	if issuer := f.Values["issuer"]; issuer != "" {
		body.Issuer = &issuer
	}
	for part := 0; part < eraseParts && a.now().Sub(begin) < eraseTime; part++ {
		query := url.Values{}
		if token := f.Values["page"]; token != "" {
			query.Set("page_token", token)
		}
		var done api.Erasure
		call := management.Call{Method: http.MethodPost, Path: "/v1/operator/people/erase", Query: query, Body: body}
		status, err := f.submit(v, call, &done)
		if err != nil {
			return err
		}
		if f.Bad() {
			return a.showErasure(v, status, f)
		}
		if done.Unreplaced > 0 {
			f.Values["left"] = "yes"
		}
		switch {
		case done.NextPageToken != nil:
		case f.Values["left"] != "":
			return v.done(erasePage, "person_partly_erased")
		default:
			return v.done(erasePage, "person_erased")
		}
		f.Values["page"] = *done.NextPageToken
	}
	return a.showErasure(v, http.StatusOK, f)
}
