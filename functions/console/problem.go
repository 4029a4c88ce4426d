package main

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/functions/console/internal/management"
	"latchkey/functions/console/internal/signin"
	"latchkey/shared/api"
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
	if key := "problem." + p.Code; v.lang.Has(key) {
		return v.t(key)
	}
	return v.t("problem.other")
}

// form holds the values of a form as they were typed, and their errors.
type form struct {
	Values  map[string]string
	Lists   map[string][]string
	Errors  map[string][]fieldError
	Problem string // what is wrong as a whole
	Code    string // of what the API has refused as a whole
	Contact string // what to name to support, where that can help

	Conflict    bool   // somebody else was faster
	Other       bool   // about something else than a key's own settings
	At          string // which of a page's forms it is, where several have fields of one name
	Differences []difference
}

type fieldError struct {
	Text       string
	Item       string // the entry of a list that it is about
	Index      int    // its place, -1 for the field as a whole
	Suggestion string // several are joined
}

func newForm() *form {
	return &form{Values: map[string]string{}, Lists: map[string][]string{}, Errors: map[string][]fieldError{}}
}

// Has reports whether a list holds a value.
func (f *form) Has(name, value string) bool { return slices.Contains(f.Lists[name], value) }

// Bad reports whether something is wrong.
func (f *form) Bad() bool { return f.Problem != "" || len(f.Errors) > 0 }

// Error returns what is wrong with a field.
func (f *form) Error(name string) []fieldError { return f.Errors[name] }

// Value returns what a field holds.
func (f *form) Value(name string) string { return f.Values[name] }

// add records a message for a field.
func (f *form) add(name, text string) {
	f.Errors[name] = append(f.Errors[name], fieldError{Text: text, Index: -1})
}

// confirm replaces what is wrong with a field in which a name must be typed, by that name.
func (f *form) confirm(v *visit, field, name string) {
	if len(f.Errors[field]) > 0 {
		f.Errors[field] = []fieldError{{Text: v.t("field.confirm", "name", name), Index: -1}}
	}
}

// supported are the codes whose texts name support, which can lift what they refuse for.
var supported = map[string]bool{"key_limit_reached": true, "account_limit_reached": true, "account_suspended": true}

// refuse takes what the API said. It returns the error if it isn't about the form: then it is shown as a page.
func (f *form) refuse(v *visit, err error) error {
	var p *management.Problem
	if !errors.As(err, &p) || p.Status == http.StatusUnauthorized || p.Status == http.StatusNotFound || p.Status >= http.StatusInternalServerError {
		return err
	}
	if len(p.Fields()) == 0 {
		f.Problem, f.Code = v.problemText(p), p.Code
		if supported[p.Code] {
			f.Contact = cmp.Or(v.accountID, p.RequestId)
		}
		return nil
	}
	for _, e := range p.Fields() {
		name, index := pointer(e.Pointer)
		one := fieldError{Text: v.fieldText(e), Index: index}
		if key := "field." + name + ".empty"; f.Values[name] == "" && index < 0 && v.lang.Has(key) {
			one.Text = v.t(key)
		}
		if list := f.Lists[name]; index >= 0 && index < len(list) {
			one.Item = list[index]
		}
		if e.Suggestion != nil {
			one.Suggestion = *e.Suggestion
		}
		if e.Suggestions != nil {
			one.Suggestion = v.lang.List(*e.Suggestions)
		}
		f.Errors[name] = append(f.Errors[name], one)
	}
	return nil
}

// pointer reads /field or /field/index.
func pointer(p string) (string, int) {
	name, rest, listed := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	index, err := strconv.Atoi(rest)
	if !listed || err != nil {
		return name, -1
	}
	return name, index
}

// fieldText asks for what the field needs, by its own message or that of the code.
func (v *visit) fieldText(e api.FieldError) string {
	name, _ := pointer(e.Pointer)
	for _, key := range []string{"field." + name + "." + e.Code, "field." + e.Code} {
		if v.lang.Has(key) {
			return v.t(key)
		}
	}
	return v.t("field.other")
}

// problems holds what is wrong with what an address asks for. Embedded in a page's data, it is told with the title.
type problems struct{ Problems *form }

// Bad reports whether something is.
func (p problems) Bad() bool { return p.Problems != nil && p.Problems.Bad() }

// Form returns the form itself, for templates of pages that embed one.
func (f *form) Form() *form { return f }
