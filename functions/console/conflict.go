package main

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/origin/entry"
)

// Somebody else may change what a form is about while it is filled in. The form knows how it began, so that what only they
// have changed is taken over, and what both have changed is shown with both values: saving again keeps what was typed.

// difference is a field that somebody else has changed while it was edited here.
type difference struct {
	Field, Theirs, Yours string
	Taken                bool // only they changed it, so the form has theirs now
}

// edited are the values of a form that can be told apart, by the names of its fields.
type edited map[string][]string

// stale reports whether a change was refused because somebody else was faster.
func stale(err error) bool {
	var p *management.Problem
	return errors.As(err, &p) && p.Status == http.StatusPreconditionFailed
}

// edited returns the form's values as they are: lists without order and spelled as they will be stored.
func (f *form) edited() edited {
	e := edited{"products": slices.Sorted(slices.Values(f.Lists["products"]))}
	for _, text := range domainList(f.Values["domains"]) {
		if canonical, err := entry.Parse(text); err == nil {
			text = canonical
		}
		e["domains"] = append(e["domains"], text)
	}
	slices.Sort(e["domains"])
	if labels := f.Lists["labels"]; len(labels) > 0 {
		e["labels"] = slices.Sorted(slices.Values(labels))
	}
	for _, name := range []string{"name", "usage", "missing_origin", "header_only", "expires_at"} {
		if f.Values[name] != "" {
			e[name] = []string{f.Values[name]}
		}
	}
	return e
}

// began reads how the form began. A form of the release before doesn't say: then everything that differs was changed by both.
func (f *form) began() (e edited) {
	if json.Unmarshal([]byte(f.Values["was"]), &e) != nil {
		return nil
	}
	return e
}

// begin notes how the form begins.
func (f *form) begin() {
	raw, err := json.Marshal(f.edited())
	if err != nil {
		return // of strings it can't fail
	}
	f.Values["was"] = string(raw)
}

// merge brings a form that was refused as stale up to what is stored now, and returns what somebody else has changed. Saving
// again then overwrites what both have changed, and nothing else.
func (f *form) merge(now *form, said facts) (list []difference) {
	was, yours, theirs := f.began(), f.edited(), now.edited()
	for _, name := range slices.Sorted(maps.Keys(union(yours, theirs))) {
		if slices.Equal(yours[name], theirs[name]) || was != nil && slices.Equal(theirs[name], was[name]) {
			continue // alike, or changed here alone
		}
		d := difference{Field: name, Theirs: said.listed(name, theirs[name]), Yours: said.listed(name, yours[name])}
		if was != nil && slices.Equal(yours[name], was[name]) {
			d.Taken = true
			f.Values[name], f.Lists[name] = now.Values[name], now.Lists[name]
		}
		list = append(list, d)
	}
	for _, name := range []string{"version", "was", "missing_origin_was", "expires_was"} {
		f.Values[name] = now.Values[name]
	}
	return list
}

func union(a, b edited) edited {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// listed writes the values of a field in words.
func (f facts) listed(field string, values []string) string {
	if field == "header_only" {
		return f.text(field, len(values) > 0)
	}
	if len(values) == 0 {
		return "–"
	}
	parts := make([]string, len(values))
	for i, one := range values {
		parts[i] = f.word(field, one)
		if at, err := time.Parse(time.DateOnly, one); field == "expires_at" && err == nil {
			parts[i] = f.v.lang.Date(at)
		}
	}
	return f.v.lang.List(parts)
}

// showConflict shows a form that came too late, with what somebody else has changed.
func (a *app) showConflict(v *visit, f *form) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	d, err := a.keyForm(v, f, &k)
	if err != nil {
		return err
	}
	d.Conflict = true
	d.Differences = f.merge(formOfKey(k), facts{v, d.Products})
	return v.render(http.StatusPreconditionFailed, "keyform", v.t("form.edit.title", "name", k.Name), d)
}

// version is the version that a form was filled in against; the API refuses one that isn't the key's.
func (f *form) version() int64 {
	version, err := strconv.ParseInt(f.Values["version"], 10, 64)
	if err != nil {
		return 1
	}
	return max(version, 1)
}
