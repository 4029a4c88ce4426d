package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// Somebody else may change what a form is about while it is filled in. The form knows how it began, so that what only they
// have changed is taken over, and what both have changed is shown with both values: saving again keeps what was typed.

// difference is a field that somebody else has changed while it was edited here.
type difference struct {
	Label, Theirs, Yours string // Label names its text
	Taken                bool   // only they changed it, so the form has theirs now
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
	for _, l := range typedLists {
		for _, text := range l.split(f.Values[l.name]) {
			if canonical, err := l.parse(text); err == nil {
				text = canonical
			}
			e[l.name] = append(e[l.name], text)
		}
		slices.Sort(e[l.name])
	}
	if labels := f.Lists["labels"]; len(labels) > 0 {
		e["labels"] = slices.Sorted(slices.Values(labels))
	}
	for _, name := range []string{"name", "usage", "missing_origin", "header_only", "expires_at", "every_days", "notify_days_before", "principal", "qps", "day", "status"} {
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
		d := difference{Label: labelOf(name), Theirs: said.listed(name, theirs[name]), Yours: said.listed(name, yours[name])}
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

// labelled are the fields whose label isn't that of the fact.
var labelled = map[string]string{
	"every_days": "policy.every", "notify_days_before": "policy.notify", "principal": "policy.principal", "qps": "limit.qps", "day": "cap.day",
	"status": "keys.status",
}

func labelOf(field string) string { return cmp.Or(labelled[field], "fact."+field) }

// mostOvertaken bounds how often a form is compared with the key again before the refusal is shown.
const mostOvertaken = 3

// settle makes the change that a form of a key asks for, as prepare makes it for the key as it is, unless somebody else has changed
// meanwhile what the form is about: then the form has both versions, and Conflict. now is the form as it would be opened for a
// key. What else they have changed doesn't matter. A form that doesn't say how it began, of the release before, is taken as it
// is. The key is as it was before.
func (a *app) settle(v *visit, f *form, prepare func(api.Key) management.Call, now func(api.Key) *form) (k api.Key, status int, err error) {
	for range mostOvertaken {
		if k, err = v.key(); err != nil || f.Bad() {
			return k, http.StatusUnprocessableEntity, err
		}
		if f.began() != nil {
			products, err := a.productList(v.ctx(), v.api)
			if err != nil {
				return k, 0, err
			}
			if f.Differences = f.merge(now(k), facts{v: v, products: products}); len(f.Differences) > 0 {
				f.Conflict = true
				return k, http.StatusPreconditionFailed, nil
			}
		}
		call := prepare(k)
		call.Version = k.Version
		if _, err = v.api.Do(v.ctx(), call, nil); !stale(err) {
			break
		}
	}
	if err != nil {
		err = f.refuse(v, err)
	}
	return k, http.StatusUnprocessableEntity, err
}

// settled reports whether the form's change was made.
func (f *form) settled() bool { return !f.Bad() && !f.Conflict }

// saidOf is the notice of a form that was taken: one that asked for what it began with has changed nothing.
func (f *form) saidOf(notice string) string {
	if was := f.began(); was != nil && was.same(f.edited()) {
		return "unchanged"
	}
	return notice
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

// showConflict shows a form that came too late, with what somebody else has changed. If the key is as the form would make it, it is made.
func (a *app) showConflict(v *visit, f *form) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	now := formOfKey(k)
	if f.Values["status"] == "" { // a form of the release before doesn't say it
		now.Values["status"] = ""
	}
	if f.sameAs(now) {
		if act, value := f.editedAs(f.changed(f.members())); act != "" && v.ownOf(acts[act], value, k) {
			return v.actedOn(v.keyURL(), act, value, swept{})
		}
		return v.done(v.keyURL(), "edited")
	}
	d, err := a.keyForm(v, f, &k)
	if err != nil {
		return err
	}
	d.Conflict = true
	d.Differences = f.merge(now, facts{v: v, products: d.Products})
	return v.renderForm(http.StatusPreconditionFailed, k, "keyform", v.t("form.edit.title", "name", k.Name), d)
}

// version is the version that a form was filled in against; the API refuses one that isn't the key's.
func (f *form) version() int64 {
	version, err := strconv.ParseInt(f.Values["version"], 10, 64)
	if err != nil {
		return 1
	}
	return max(version, 1)
}
