package main

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/functions/console/internal/signin"
	"latchkey/shared/moment"
)

// failure is the data of an error page.
type failure struct {
	Status            int
	Title, Text, Help string
	RequestID         string   // of a breakdown: what a person can put right needs no support
	SignIn            string   // where to sign in, if that helps
	Typed             []resent // of a form that can be sent again after that
	Action            string   // where to
	Back              string
	Left              note // a link that is shown once, though its page can't be
}

// fail answers an error with a page: what happened, what to do, and what to tell support.
func (v *visit) fail(err error) {
	f := v.failure(err)
	if left := v.note(); left.Link != "" {
		f.Left = left
		v.setCookie(noteCookie, "", 0)
	}
	if f.Status >= http.StatusInternalServerError {
		v.app.log.ErrorContext(v.ctx(), "request failed", "error", err.Error(), "route", v.r.Pattern, "request_id", v.requestID())
	}
	if f.SignIn != "" && (v.r.Method == http.MethodGet || v.r.Method == http.MethodHead) {
		if v.r.URL.Path == "/" {
			_ = v.renderOut(http.StatusOK, "signin", v.t("signin.title"), f)
		} else {
			_ = v.renderOut(http.StatusUnauthorized, "signin", v.t("signin.title"), f)
		}
		return
	}
	if err := v.render(f.Status, "failure", f.Title, f); err != nil { // not even the frame could be read
		if err := v.renderOut(f.Status, "failure", f.Title, f); err != nil {
			v.app.log.ErrorContext(v.ctx(), "the page about an error failed", "error", err.Error(), "request_id", v.requestID())
			http.Error(v.w, strings.TrimSpace(f.Title+"\n"+f.Left.Link), f.Status)
		}
	}
}

// renderOut renders a page without the frame of somebody who is signed in.
func (v *visit) renderOut(status int, name, title string, data any) error {
	v.session, v.accountID = nil, ""
	return v.render(status, name, title, data)
}

func (v *visit) failure(err error) failure {
	f := failure{Back: "/"}
	kind := "internal"
	var problem *management.Problem
	var issuer *signin.Unavailable
	switch {
	case errors.Is(err, errSignIn):
		return v.askToSignIn()
	case errors.As(err, &problem):
		if problem.Status == http.StatusUnauthorized {
			return v.askToSignIn()
		}
		f.Status = problem.Status
		if f.Status >= http.StatusInternalServerError {
			f.RequestID = problem.RequestId
		}
		f.Title, f.Text, f.Help = v.problemTexts(problem)
		if v.accountID != "" {
			f.Back = v.accountURL("/keys")
		}
		return f
	case errors.Is(err, errNotFound):
		f.Status, kind = http.StatusNotFound, "not_found"
	case errors.Is(err, errForeign):
		f.Status, kind = http.StatusForbidden, "foreign"
	case errors.Is(err, errForm):
		f.Status, kind = http.StatusBadRequest, "form"
	case errors.Is(err, signin.ErrRefused):
		f.Status, kind = http.StatusBadRequest, "signin"
		f.SignIn = ""
	case errors.Is(err, management.ErrUnreachable):
		f.Status, kind = http.StatusServiceUnavailable, "unavailable"
		v.w.Header().Set("Retry-After", "1")
	case errors.As(err, &issuer):
		f.Status, kind = http.StatusServiceUnavailable, "issuer"
		v.w.Header().Set("Retry-After", strconv.Itoa(moment.WholeSeconds(issuer.RetryAfter)))
	default:
		f.Status = http.StatusInternalServerError
	}
	if f.Status >= http.StatusInternalServerError {
		f.RequestID = v.requestID()
	}
	f.Title, f.Text, f.Help = v.t("failure."+kind+".title"), v.t("failure."+kind+".text"), v.t("failure."+kind+".help")
	return f
}

func (v *visit) askToSignIn() failure {
	return failure{
		Status: http.StatusUnauthorized, Title: v.t("failure.session.title"), Text: v.t("failure.session.text"), Help: v.t("failure.session.help"),
		SignIn: signInURL(v.formPage()), Back: "/", Typed: v.typed(), Action: ownAddress(&url.URL{Path: v.r.URL.Path}),
	}
}

// problemTexts explains a refusal in the person's language.
func (v *visit) problemTexts(p *management.Problem) (title, text, help string) {
	group := "failure.refused"
	switch {
	case p.Status == http.StatusNotFound:
		group = "failure.not_found"
	case p.Status == http.StatusForbidden:
		group = "failure.forbidden"
	case p.Status >= http.StatusInternalServerError:
		group = "failure.unavailable"
	}
	title, help = v.t(group+".title"), v.t(group+".help")
	text = v.problemText(p)
	if p.Status == http.StatusNotFound {
		text = v.t(group + ".text")
	}
	return title, text, help
}

// problemText is the text of a problem's code. The API's own words are English, and for programmers: nobody sees them.
func (v *visit) problemText(p *management.Problem) string {
	return v.t(v.lang.Known("problem."+p.Code, "problem.other"))
}
