package main

import (
	"net/url"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
)

// named is a key with a name that was taken by looser rules.
func (r *harness) named(t *testing.T, name string) (path string, read func() apikey.Key) {
	t.Helper()
	k := r.NewKey(t, r.account, func(k *apikey.Key) { k.Name = name })
	return r.keys() + "/" + string(k.ID), func() apikey.Key {
		now, err := r.Control.Key(t.Context(), r.account.ID, k.ID)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
}

func TestAStoredNameStaysUntilItIsChanged(t *testing.T) {
	r := newHarness(t)
	secret, err := apikey.DefaultPrefix.Generate(r.Source.Rand)
	if err != nil {
		t.Fatal(err)
	}
	for name, shown := range map[string]string{
		"\u202eevil": "\ufffdevil", "\u3164": "\ufffd", "a\ufffe": "a\ufffd", secret.Reveal(): secret.Reveal(), "Ko\u0308ln": "Ko\u0308ln",
	} {
		path, read := r.named(t, name)
		doc := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: path}).JSON(t)
		if doc["name"] != shown {
			t.Errorf("%+q is shown as %+q", name, doc["name"])
		}
		edit := func(body map[string]any) {
			t.Helper()
			r.Want(t, 200, apitest.Call{As: "owner", Method: "PATCH", Path: path, Body: body, Headers: map[string]string{"If-Match": "*"}})
		}
		edit(map[string]any{"domains": []string{"a.example"}})
		edit(map[string]any{"domains": []string{"b.example"}, "name": name})
		edit(map[string]any{"domains": []string{"c.example"}, "name": shown}) // as a form sends it
		if k := read(); k.Name != name || k.Domains[0] != "c.example" {
			t.Errorf("%+q became %+q with %v", name, k.Name, k.Domains)
		}
		edit(map[string]any{"name": "Better"})
		if k := read(); k.Name != "Better" {
			t.Errorf("%+q became %+q", name, k.Name)
		}
	}
}

func TestTheNameIsConfirmedAsItIsShown(t *testing.T) {
	r := newHarness(t)
	for name, typed := range map[string]string{
		"a  b": "a b", "Ko\u0308ln": "Köln", "Köln": "Ko\u0308ln", "Shop": " Shop ", "no\u00a0break": "no break", "\u202eevil": "\ufffdevil", "\u3164": "\u3164",
		"Prod\u200c": "Prod", "❤\ufe0f": "❤", "Test\u3164": "Test",
	} {
		path, read := r.named(t, name)
		for _, wrong := range []string{"", "shop", name + "x", "\u2060"} {
			if got := r.Do(t, apitest.Call{As: "owner", Method: "POST", Path: path + "/revoke", Body: map[string]any{"confirm_name": wrong}}); got.Problem() != "422 invalid [/confirm_name]" {
				t.Errorf("%+q confirmed with %+q: %s", name, wrong, got.Problem())
			}
		}
		r.Want(t, 200, apitest.Call{As: "owner", Method: "POST", Path: path + "/revoke", Body: map[string]any{"confirm_name": typed}})
		if read().RevokedAt.IsZero() {
			t.Errorf("%+q confirmed with %+q isn't revoked", name, typed)
		}
	}
}

func TestNamesThatLookAlikeAreFoundByEachOther(t *testing.T) {
	r := newHarness(t)
	for name, typed := range map[string][]string{
		"Große Straße 1": {"grosse", "STRASSE", "große  straße"}, "Ｓｈｏｐ": {"shop", "SHO"}, "Ko\u0308ln": {"KÖLN", "ko\u0308"}, "ﬁle  server": {"file s", "FI"},
	} {
		path, _ := r.named(t, name)
		for _, q := range typed {
			list := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?q=" + url.QueryEscape(q)}).JSON(t)["keys"].([]any)
			if len(list) != 1 || r.path(list[0].(map[string]any)) != path {
				t.Errorf("%q finds %v", q, list)
			}
		}
	}
	k := r.create(t, nil)
	if list := r.Want(t, 200, apitest.Call{As: "viewer", Method: "GET", Path: r.keys() + "?q=" + k["id"].(string)}).JSON(t)["keys"].([]any); len(list) != 1 {
		t.Errorf("the ID finds %v", list)
	}
}
