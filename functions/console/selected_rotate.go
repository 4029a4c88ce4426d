package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// rotating is the form to rotate several keys.
type rotating struct {
	selection
	Graces  []string
	Reasons []api.RotateKeyReason
}

// newSecrets shows the secrets of keys that were rotated, in the only answer that holds them.
type newSecrets struct {
	doneView
	Keys []newSecret
	Home string // of the account
	Root string // of its keys
	List string // the page of the list, to come back to
	Kept []resent
}

// newSecret is a key with its secret, "" if it was shown before.
type newSecret struct {
	ID, Name, Secret string
	over             bool // its old secret works no more
}

// Over reports whether none of the old secrets works any more.
func (d *newSecrets) Over() bool {
	return !slices.ContainsFunc(d.Keys, func(k newSecret) bool { return !k.over })
}

// mostRotated bounds the keys that are rotated together: the page that shows their secrets is the only one, and has 40 kB too.
const mostRotated = 25

func (a *app) askRotation(v *visit, status int, f *form, from url.Values) error {
	ids, list, err := v.selected(from)
	if err != nil || len(ids) == 0 {
		return err
	}
	d := &rotating{Graces: graces, Reasons: rotateReasons}
	d.selection = selection{form: f, Kept: list.Kept(), Back: list.PageURL(list.Page)}
	if len(ids) > mostRotated {
		ids, d.Over = ids[:mostRotated], mostRotated
	}
	if err := d.choose(v, ids, list); err != nil {
		return err
	}
	return v.render(status, "selected-rotate", v.t("selected.rotate.title", "keys", v.keysIn(len(ids))), d)
}

// rotateSelected rotates keys and shows their secrets. The same form sent again makes no other secrets, and can't show these again.
func (a *app) rotateSelected(v *visit) error {
	ids, list, err := v.selected(v.r.PostForm)
	if err != nil || len(ids) == 0 {
		return err
	}
	if len(ids) > mostRotated {
		return errForm
	}
	back := list.PageURL(list.Page)
	f := newForm()
	body := f.rotation(v)
	if f.Bad() {
		return a.askRotation(v, http.StatusUnprocessableEntity, f, v.r.PostForm)
	}
	d := &newSecrets{Home: v.accountURL(), Root: v.accountURL("/keys"), List: back, Kept: list.Kept()}
	d.outcome = outcome{Act: "rotate"}
	d.Keys, err = v.rotateAll(ids, body, f.Values["idempotency"], &d.outcome)
	if err != nil && len(d.Keys) == 0 {
		return err
	}
	defer v.hurry()()
	if len(d.Keys) == 0 && len(d.Left) == 0 {
		return v.leave(back, note{Keys: &d.outcome})
	}
	d.explain(v)
	if len(d.Left) > 0 {
		d.GoOn = act{name: "rotate"}.form("", d.Left)
		for _, name := range rotationFields {
			d.GoOn.Fields = append(d.GoOn.Fields, resent{name, f.Values[name]})
		}
	}
	return v.renderOnce("selected-rotated", v.t("selected.rotated.title"), d)
}

// rotateAll rotates keys, each under an idempotency key of its own.
func (v *visit) rotateAll(ids []string, body api.RotateKey, once string, o *outcome) (keys []newSecret, err error) {
	var mu sync.Mutex
	made := map[string]newSecret{}
	err = v.sweep(ids, func(ctx context.Context, id string) (swept, error) {
		path := v.accountPath("/keys/", id)
		k, err := management.Get[api.Key](ctx, v.api, path, nil)
		if err != nil {
			return swept{}, err
		}
		var now given
		_, err = v.api.Do(ctx, management.Call{Method: http.MethodPost, Path: path + "/rotate", Body: body, Idempotency: once + "." + id}, &now)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			made[id] = newSecret{id, k.Name, orNone(now.Secret), v.app.ended(now.Key)}
		}
		return swept{name: k.Name}, err
	}, o)
	for _, id := range ids {
		if one, ok := made[id]; ok {
			keys = append(keys, one)
		}
	}
	return keys, err
}

func (d *newSecrets) plain() string { return d.All() }

// All is every secret on a line of its own, after the key's name and ID, as spreadsheets take it from the clipboard.
func (d *newSecrets) All() string {
	var all strings.Builder
	for _, k := range d.Keys {
		if k.Secret != "" {
			all.WriteString(k.Name + "\t" + k.ID + "\t" + k.Secret + "\n")
		}
	}
	return all.String()
}
