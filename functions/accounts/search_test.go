package main

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/appid"
	"latchkey/shared/keytest"
)

// searched is an answer to a search, in short: what was found, and how much was looked at.
func (r *harness) searched(t *testing.T, as, list, q string) string {
	t.Helper()
	doc := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: "/v1/operator/" + list + "?q=" + url.QueryEscape(q)}).JSON(t)
	found := []string{}
	for _, m := range doc[list].([]any) {
		m := m.(map[string]any)
		found = append(found, fmt.Sprint(m["account_name"], "/", m["key_name"], m["email"]))
	}
	return fmt.Sprintf("%s of %v in %v", strings.ReplaceAll(strings.Join(found, " "), "<nil>", ""), doc["searched_"+list], doc["searched_accounts"])
}

// TestOperatorsFindKeysOfAllAccountsByWords, by the rules of an account's own list and whatever state they are in; who searched is in the
// operators' audit trail; no account's has a row of it, and neither a log nor a row has the words.
func TestOperatorsFindKeysOfAllAccountsByWords(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	app := "ios com.fjordlast.driver"
	if _, err := appid.ParseApp(app); err != nil {
		t.Fatal(err)
	}
	b := r.NewAccount(t, func(a *account.Account) { a.Name = "B" })
	first := r.NewKey(t, b, func(k *apikey.Key) {
		k.Current.Preview = "ak_0n1y…0n1y"
		k.Name, k.Labels, k.Domains, k.DeletedAt = "Fleet map", []string{"Production"}, []string{"*.fjordlast.example"}, keytest.Now
	})
	c := r.NewAccount(t, func(a *account.Account) { a.Name = "C" })
	r.NewKey(t, c, func(k *apikey.Key) { k.Name, k.Apps = "Fleet app", []string{app} })
	for q, want := range map[string]string{
		"map FLEET": "B/Fleet map", "fleet": "B/Fleet map C/Fleet app", "prod fleet": "B/Fleet map", "fjordlast.example": "B/Fleet map", "fleet nothing": "",
		"com.fjordlast.driver": "C/Fleet app", first.Current.Preview: "B/Fleet map", string(first.ID): "B/Fleet map", "\u200b": "",
	} {
		if got := r.searched(t, "support", "keys", q); got != want+" of 2 in 4" {
			t.Errorf("%q finds %q, want %q", q, got, want)
		}
	}
	for _, id := range []account.ID{b.ID, c.ID} {
		for _, row := range r.AllAudit(t, id) {
			if row.Action == "operator.look" {
				t.Errorf("a search leaves %+v", row)
			}
		}
	}
	trail := fmt.Sprint(r.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: "/v1/operators/audit"}).JSON(t))
	if !strings.Contains(trail, "operator.list") || !strings.Contains(trail, "keys") {
		t.Errorf("the operators' audit trail lacks the search: %s", trail)
	}
	if all := strings.ToLower(trail + r.Logs.String()); strings.Contains(all, "fleet") || strings.Contains(all, "fjordlast") {
		t.Errorf("what was searched for is kept: %s", all)
	}
}

// TestOperatorsFindMembersByAPartOfTheirVerifiedAddress, and by no typed one.
func TestOperatorsFindMembersByAPartOfTheirVerifiedAddress(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	b := r.NewAccount(t, func(a *account.Account) { a.Name = "B" })
	r.Member(t, b.ID, "kari.nilsen", account.Viewer)
	typed := keytest.Member(b.ID, "typed", account.Viewer)
	typed.Email, typed.Label = "", "kari@bank.example"
	if _, err := r.Control.PutMember(t.Context(), nil, typed, keytest.Subject("owner"), keytest.Row(b.ID, "member.add", "")); err != nil {
		t.Fatal(err)
	}
	for q, want := range map[string]string{"KARI": "B/kari.nilsen@example.com", "nilsen@": "B/kari.nilsen@example.com", "example nilsen": "B/kari.nilsen@example.com", "bank.example": "", "\u200b": ""} {
		if got := r.searched(t, "support", "members", q); !strings.HasPrefix(got, want+" of ") || !strings.HasSuffix(got, " in 3") {
			t.Errorf("%q finds %q, want %q", q, got, want)
		}
	}
	if strings.Contains(strings.ToLower(r.Logs.String()), "nilsen") {
		t.Error("a log line has what was searched for")
	}
}
