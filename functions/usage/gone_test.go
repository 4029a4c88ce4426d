package main

import (
	"slices"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// enforced lists the groups of an answer's rows with whether their numbers are enforced.
func enforced(t *testing.T, r *harness, path string) (list []string) {
	t.Helper()
	doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: "/v1/accounts/" + string(r.account.ID) + path}).JSON(t)
	for _, row := range doc["quotas"].([]any) {
		m := row.(map[string]any)
		line := m["group"].(string)
		if m["enforced"] != true {
			line += " isn’t"
		}
		list = append(list, line)
	}
	if doc["unreadable"] != nil {
		t.Errorf("%s: %v unreadable", path, doc["unreadable"])
	}
	return list
}

// TestWhatIsSetOfAGroupThatIsGoneIsShownAsNotEnforced, a cap and an account's quota, with its number: else nobody would know why nothing bounds the calls, nor
// that it holds again once the group is back.
func TestWhatIsSetOfAGroupThatIsGoneIsShownAsNotEnforced(t *testing.T) {
	r := quotaed(t)
	apitest.People(t, r.API, r.account.ID)
	after, err := r.account.SetQuota(account.Quota{Billing: "freemium", Group: "gone", Day: 150}, keytest.Now)
	if err == nil {
		_, err = r.Control.UpdateAccount(t.Context(), r.account, after, keytest.Row(r.account.ID, "account.set_quota", ""))
	}
	if err == nil {
		r.key, err = r.Edit(t.Context(), r.key, "key.set_quota", func(k *apikey.Key) { k.Caps = apikey.Caps{{Group: "gone", Day: 1000}, {Group: "tiles", Day: 5}} })
	}
	if err != nil {
		t.Fatal(err)
	}
	key := "/keys/" + string(r.key.ID)
	if got, want := enforced(t, r, key+"/quotas"), []string{"tiles", "other", "gone isn’t"}; !slices.Equal(got, want) {
		t.Errorf("of the key: %q", got)
	}
	if got, want := enforced(t, r, key+"/usage?with=quotas"), []string{"tiles", "other", "gone isn’t"}; !slices.Equal(got, want) {
		t.Errorf("of the key's usage: %q", got)
	}
	if got, want := enforced(t, r, "/quotas"), []string{"tiles", "other", "gone isn’t", "tiles", "other"}; !slices.Equal(got, want) {
		t.Errorf("of the account: %q", got)
	}
	const row = "freemium gone | 0 of 150 (<nil>, operator), <nil> left and <nil> in hand until "
	if got := quotaRows(t, r, "owner")[2]; !strings.HasPrefix(got, row) {
		t.Errorf("%s\nwant %s…", got, row)
	}
	if caps, _ := keyQuotaRows(t, r, "owner", r.key); !strings.HasPrefix(caps[2], "gone (gone): 0 of 1000, <nil> left and <nil> in hand until ") {
		t.Errorf("%q", caps)
	}
}
