package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
	"latchkey/shared/text"
)

func TestWhatWasStoredByLooserRulesStays(t *testing.T) {
	r := newHarness(t)
	r.Member(t, r.account.ID, hidden, account.Viewer)
	m := keytest.Member(r.account.ID, "old", account.Viewer)
	m.Email = hidden + "@example.com"
	if _, err := r.Control.PutMember(t.Context(), nil, m, keytest.Subject("owner"), keytest.Row(r.account.ID, "member.add", "")); err != nil {
		t.Fatal(err)
	}
	put := func(sub string, body map[string]any) map[string]any {
		t.Helper()
		return r.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: r.path("/members/" + url.PathEscape(sub)), Body: body}).JSON(t)
	}
	if doc := put(hidden, map[string]any{"role": "developer"}); doc["role"] != "developer" {
		t.Errorf("%v", doc)
	}
	for _, email := range []string{m.Email, text.Shown(m.Email)} { // what stands stays, as it is or as it is shown
		if doc := put("old", map[string]any{"role": "developer", "email": email}); doc["role"] != "developer" || doc["email"] != text.Shown(m.Email) {
			t.Errorf("%v", doc)
		}
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

// hidden would show a text in another order than it is stored.
const hidden = "a\u202eb"

// old fills an account with texts of before there was a rule for them, wherever there can be one.
func (r *harness) old(t *testing.T) (a account.Account, k apikey.Key) {
	t.Helper()
	a = r.NewAccount(t, func(a *account.Account) { a.Name = hidden })
	who := account.Person{Subject: keytest.Subject(hidden), Email: hidden + "@example.com"}
	row := func(action string, key apikey.ID) audit.Row {
		row := keytest.Row(a.ID, action, key)
		row.Actor = audit.Actor{Subject: who.Subject, Email: who.Email, Role: account.RoleSystem}
		row.Changes = []audit.Change{
			audit.Set("email", nil, who.Email), audit.Set("blocked", nil, map[string]any{"reason": hidden, "qps": 12345678901234567}),
			audit.Set("domains", []string{hidden}, []string{hidden, "x"}),
			{Field: "comment", Before: hidden},
		}
		return row
	}
	m := keytest.Member(a.ID, hidden, account.Owner)
	m.Label = hidden + "@label.example"
	if _, err := r.Control.PutMember(t.Context(), nil, m, keytest.Subject("owner"), row("member.add", "")); err != nil {
		t.Fatal(err)
	}
	k = r.NewKey(t, a, func(k *apikey.Key) {
		k.Name, k.CreatedBy, k.Blocked = hidden, who.Subject, &apikey.Block{Reason: hidden, By: who.Email, At: keytest.Now}
		k.Rotation = &apikey.RotationPolicy{EveryDays: 9, Principal: "arn:aws:iam::123456789012:user/x", SetBy: who.Subject}
	})
	i := control.Invitation{ID: "inv_1", Account: a.ID, Role: account.Viewer, Email: who.Email, By: who.Subject, CreatedAt: keytest.Now, ExpiresAt: keytest.Now.AddDate(1, 0, 0)}
	if err := r.Control.Invite(t.Context(), i, nil, row("invitation.create", k.ID)); err != nil {
		t.Fatal(err)
	}
	o := control.Operator{Subject: keytest.Subject("o"), Email: who.Email, Rank: account.Support, AddedAt: moment.Format(keytest.Now)}
	if err := r.Control.AddOperator(t.Context(), o, keytest.Subject("operator"), row("operator.add", "")); err != nil {
		t.Fatal(err)
	}
	return a, k
}

// TestEveryTextOfAnAnswerIsOneThatCanBeShown, however old: a text that hides or reorders what stands beside it could pass
// for another one. A subject is no text: it is what the path of the next call names.
func TestEveryTextOfAnAnswerIsOneThatCanBeShown(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	a, k := r.old(t)
	one := "/v1/accounts/" + string(a.ID)
	for _, c := range []struct{ as, path, has string }{
		{hidden, "/v1/me", `"email"`},
		{hidden, one, `"name"`},
		{hidden, one + "/members", `"email"`},
		{hidden, one + "/invitations", `"email"`},
		{hidden, one + "/audit", `"reason"`},
		{"operator", one + "/audit", `"reason"`},
		{hidden, one + "/keys/" + string(k.ID) + "/audit", `"reason"`},
		{hidden, one + "/export", `"account"`},
		{"operator", "/v1/operators", `"email"`},
		{"operator", "/v1/operators/audit", `"reason"`},
		{"operator", "/v1/operator/accounts", `"name"`},
		{"operator", "/v1/operator/keys/" + string(k.ID), `"by"`},
	} {
		for path, pages := c.path, 0; path != ""; pages++ {
			answer := r.Want(t, 200, apitest.Call{As: c.as, Method: "GET", Path: path})
			r.showable(t, path, answer)
			if pages == 0 && !(strings.Contains(string(answer.Body), c.has) && strings.Contains(string(answer.Body), "\ufffd")) && !strings.HasSuffix(path, "/export") {
				t.Errorf("%s has none of the old texts: %s", path, answer.Body)
			}
			token, more := answer.JSON(t)["next_page_token"].(string)
			if path = ""; more {
				path = c.path + "?page_token=" + url.QueryEscape(token)
			}
		}
	}
	audit := r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: one + "/audit"})
	if !strings.Contains(string(audit.Body), "12345678901234567") {
		t.Errorf("a number is another one: %s", audit.Body)
	}
	r.showable(t, "PUT", r.Want(t, 200, apitest.Call{As: "owner", Method: "PUT", Path: one + "/members/" + url.PathEscape(hidden), Body: object{"role": "viewer"}}))
	left := r.Want(t, 200, apitest.Call{As: "owner", Method: "DELETE", Path: one + "/members/" + url.PathEscape(hidden)})
	r.showable(t, "DELETE", left)
	if n := strings.Count(string(left.Body), "\ufffd"); n != 2 {
		t.Errorf("what the member leaves: %s", left.Body)
	}
}

// showable wants an answer of texts that are shown as they are.
func (r *harness) showable(t *testing.T, what string, answer apitest.Answer) {
	t.Helper()
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case string:
			if text.Shown(v) != v && !strings.HasSuffix(path, "s[].subject") && path != ".subject" && !strings.HasSuffix(path, ".created_by") {
				t.Errorf("%s: %s is %+q", what, path, v)
			}
		case []any:
			for _, one := range v {
				walk(path+"[]", one)
			}
		case map[string]any:
			for name, one := range v {
				walk(path+"."+name, one)
			}
		}
	}
	var doc any
	if err := json.Unmarshal(answer.Body, &doc); err != nil {
		t.Fatal(err)
	}
	walk("", doc)
}

// TestTheNameOfAnAccountIsConfirmedAsItIsShown: blanks in a row are one there, and what can't be shown is U+FFFD.
func TestTheNameOfAnAccountIsConfirmedAsItIsShown(t *testing.T) {
	for stored, typed := range map[string]string{hidden: "a\ufffdb", "Two  blanks": "Two blanks", "Ol\u00e9": "Ole\u0301", "Prod\u200c": "Prod", "Prod\u3164": "Prod"} {
		r := newHarness(t)
		a := r.NewAccount(t, func(a *account.Account) { a.Name = stored })
		call := apitest.Call{As: "owner", Method: "POST", Path: "/v1/accounts/" + string(a.ID) + "/close", Body: object{"confirm_name": typed}}
		if doc := r.Want(t, 200, call).JSON(t); doc["closed_at"] == nil {
			t.Errorf("%+q: %v", typed, doc)
		}
	}
}
