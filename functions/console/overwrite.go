package main

import (
	"net/http"

	"latchkey/functions/console/internal/management"
)

// setting has the field of a form of one value, the text that names it, and how a value is said.
type setting struct {
	field, label string
	say          func(string) string
}

// as says a value by the message of a group that it has.
func (v *visit) as(group string) func(string) string {
	return func(value string) string { return v.lang.Or(group+value, orDash(value)) }
}

func orDash(value string) string {
	if value == "" {
		return "–"
	}
	return value
}

// overtaken reports whether somebody else has changed a setting since the form began, to another value than the form's. Then the form has
// both. A form of the release before doesn't say how it began: it is taken as it is.
func (f *form) overtaken(v *visit, s setting, now string) bool {
	yours := f.Values[s.field]
	if was := v.prose("was"); !v.r.PostForm.Has("was") || now == was || now == yours {
		return false
	}
	f.Conflict, f.Other = true, true
	f.Differences = []difference{{Label: s.label, Theirs: s.say(now), Yours: s.say(yours)}}
	return true
}

// overwrite makes the change that a form of one setting asks for, unless it is overtaken. read reads the setting, and the version
// of what has it, 0 if that has none. Saving the form again, which then begins with their value, makes the change.
func (f *form) overwrite(v *visit, s setting, read func() (string, int64, error), call management.Call, into any) (status int, err error) {
	if f.Bad() {
		return http.StatusUnprocessableEntity, nil
	}
	for range mostOvertaken {
		f.Problem = "" // of the try before; the last one's is shown
		now, version, err := read()
		if err != nil {
			return 0, err
		}
		if f.overtaken(v, s, now) {
			return http.StatusPreconditionFailed, nil
		}
		call.Version = version
		if status, err = f.submit(v, call, into); status != http.StatusPreconditionFailed || err != nil {
			return status, err
		}
	}
	return status, nil
}
