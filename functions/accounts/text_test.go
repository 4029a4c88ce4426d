package main

import (
	"net/url"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/keytest"
)

func TestWhatWasStoredByLooserRulesStays(t *testing.T) {
	r := newHarness(t)
	const hidden = "a\u202eb"
	r.Member(t, r.account.ID, hidden, account.Viewer)
	m := keytest.Member(r.account.ID, "old", account.Viewer)
	m.Email = hidden + "@example.com"
	if _, err := r.Control.PutMember(t.Context(), nil, m, keytest.Row(r.account.ID, "member.add", "")); err != nil {
		t.Fatal(err)
	}
	put := func(sub string, body map[string]any) map[string]any {
		t.Helper()
		return r.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: r.path("/members/" + url.PathEscape(sub)), Body: body}).JSON(t)
	}
	if doc := put(hidden, map[string]any{"role": "developer"}); doc["role"] != "developer" {
		t.Errorf("%v", doc)
	}
	if doc := put("old", map[string]any{"role": "developer", "email": m.Email}); doc["role"] != "developer" || doc["email"] != m.Email {
		t.Errorf("%v", doc)
	}
	r.Want(t, 200, apitest.Call{As: "owner", Method: "DELETE", Path: r.path("/members/" + url.PathEscape(hidden))})

	a := r.NewAccount(t, func(a *account.Account) { a.Name = hidden })
	path := "/v1/accounts/" + string(a.ID)
	if doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "PATCH", Path: path, Body: map[string]any{"name": "a\ufffdb"}}).JSON(t); doc["name"] != "a\ufffdb" {
		t.Errorf("%v", doc)
	}
	if stored, err := r.Control.Account(t.Context(), a.ID); err != nil || stored.Name != hidden {
		t.Errorf("%+v, %v", stored, err)
	}
}

// A subject is the issuer's, byte by byte: what reading it as a text would change is refused, not changed.
func TestASubjectIsTakenAsItIsOrNot(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	for sub, status := range map[string]int{
		"auth0|a/b c%": 201, "Köln": 201, "Ko\u0308ln": 400, " x": 400, "x ": 400, "a\u200db": 201,
	} {
		answer := r.Want(t, status, apitest.Call{As: "operator", Method: "PUT", Path: "/v1/operators/" + url.PathEscape(sub), Body: map[string]any{}})
		if status == 201 && answer.JSON(t)["subject"] != sub {
			t.Errorf("%+q: %s", sub, answer.Body)
		}
	}
}

// A mapping of billing types is no text, and an unknown one is not quoted.
func TestAMappingHoldsNoSecret(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	for _, prefix := range apitest.Texts {
		secret, err := prefix.Generate(keytest.Random(99))
		if err != nil {
			t.Fatal(err)
		}
		for _, mapping := range []map[string]any{{secret.Reveal(): "paying"}, {"freemium": secret.Reveal()}} {
			body := map[string]any{"type": "enterprise", "billing_types": mapping}
			answer := r.Want(t, 422, apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: body})
			if apitest.Texts.In(string(answer.Body)) {
				t.Errorf("the answer quotes the secret: %s", answer.Body)
			}
		}
	}
	r.EachText(t, func(s string) {
		if apitest.Texts.In(s) {
			t.Errorf("stored: %s", s)
		}
	})
	if apitest.Texts.In(r.Logs.String()) {
		t.Error("logged")
	}
}
