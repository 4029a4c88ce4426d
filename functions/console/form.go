package main

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
	"latchkey/shared/moment"
	"latchkey/shared/network"
)

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
	Code       string // of the API
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
		one := fieldError{Text: v.fieldText(e), Index: index, Code: e.Code}
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
	return v.t(cmp.Or(v.fieldKey(e), "field.other"))
}

// fieldKey is that message's key, "" where there is none.
func (v *visit) fieldKey(e api.FieldError) string {
	name, _ := pointer(e.Pointer)
	if e.Code == string(network.BadAddress) && (e.Suggestion != nil || len(deref(e.Suggestions)) > 0) {
		e.Code = "network_zeros" // of what is no address, only one with leading zeros can be guessed
	}
	return v.lang.Known("field."+name+"."+e.Code, "field."+e.Code)
}

// problems holds what is wrong with what an address asks for. Embedded in a page's data, it is told with the title.
type problems struct{ Problems *form }

// Bad reports whether something is.
func (p problems) Bad() bool { return p.Problems != nil && p.Problems.Bad() }

// Form returns the form itself, for templates of pages that embed one.
func (f *form) Form() *form { return f }

// about moves the errors of a field that a form doesn't have to another one.
func (f *form) about(field, other string) {
	if list := f.Errors[field]; len(list) > 0 {
		f.Errors[other] = append(f.Errors[other], list...)
		delete(f.Errors, field)
	}
}

// showing is the page of a form, as it begins or with what is wrong with it.
type showing func(v *visit, status int, f *form) error

// blank is the page of a form that nobody has sent.
func blank(show showing) endpoint {
	return func(v *visit) error { return show(v, http.StatusOK, newForm()) }
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

// answer answers a form that was sent: with the page that shows it, where something of it is refused, or else by leading to a path with a notice.
func (f *form) answer(v *visit, status int, err error, show showing, path, notice string) error {
	switch {
	case err != nil:
		return err
	case !f.settled():
		return show(v, status, f)
	}
	return v.done(path, notice)
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
