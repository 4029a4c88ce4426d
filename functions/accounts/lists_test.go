package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
)

// Every list is bounded: pages of the size that was asked for, and together the whole list, each entry once.
func TestListsArePaged(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	const n = 7
	for i := range n {
		other := r.NewAccount(t, func(a *account.Account) { a.Name = fmt.Sprint("Other ", i) })
		r.Member(t, other.ID, "busy", account.Viewer)
		r.Member(t, r.account.ID, fmt.Sprint("m", i), account.Viewer)
		r.Want(t, 201, apitest.Call{As: "owner", Method: "POST", Path: r.path("/invitations"), Body: map[string]any{"role": "viewer"}})
		r.Want(t, 201, apitest.Call{As: "operator", Method: "PUT", Path: fmt.Sprint("/v1/operators/op", i), Body: map[string]any{}})
	}
	for i := range n {
		a := r.NewAccount(t)
		r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/accounts/" + string(a.ID) + "/suspend", Body: map[string]any{"reason": "abuse"}})
		if _, err := r.Edit(t.Context(), r.NewKey(t, a), "key.expose", func(k *apikey.Key) {
			at := r.Clock.Now().Add(-time.Duration(i/2) * time.Hour)
			k.Current.Exposed, k.Blocked = apikey.Exposure{At: at, By: apikey.ReportedByGitHub}, &apikey.Block{Reason: "Leaked.", At: at}
		}); err != nil {
			t.Fatal(err)
		}
	}
	email := url.QueryEscape(keytest.Member(r.account.ID, "busy", account.Viewer).Email)
	filters := []string{"", "action=member.add", "actor=owner@example.com", "key_id=key_01HZY3M7Q8R9S0T1V2W3X4Y5Z6", "from=2026-01-01T00:00:00Z", "to=2099-01-01T00:00:00Z"}
	apitest.TokensKeepTheirQuestion(t, r.API, served, map[string]apitest.Question{
		"findAccounts":       {As: "operator", Path: "/v1/operator/accounts", Queries: []string{"", "q=other", "email=" + email}},
		"searchKeys":         {As: "operator", Path: "/v1/operator/keys", Queries: []string{"", "q=key_", "q=wander"}},
		"searchMembers":      {As: "operator", Path: "/v1/operator/members", Queries: []string{"", "q=example", "q=m"}},
		"listAudit":          {As: "owner", Path: r.path("/audit"), Queries: filters},
		"listOperatorsAudit": {As: "operator", Path: "/v1/operators/audit", Queries: filters},
	})
	for name, c := range map[string]struct{ as, path, list, id string }{
		"me":                 {"busy", "/v1/me?", "accounts", "id"},
		"members":            {"owner", r.path("/members?"), "members", "subject"},
		"invitations":        {"owner", r.path("/invitations?"), "invitations", "id"},
		"operators":          {"operator", "/v1/operators?", "operators", "subject"},
		"accounts":           {"operator", "/v1/operator/accounts?", "accounts", "id"},
		"accounts by name":   {"operator", "/v1/operator/accounts?q=other&", "accounts", "id"},
		"accounts by e-mail": {"operator", "/v1/operator/accounts?email=" + email + "&", "accounts", "id"},
		"audit":              {"owner", r.path("/audit?"), "rows", "id"},
		"blocked keys":       {"support", "/v1/operator/blocked-keys?", "keys", "key_id"},
		"exposed keys":       {"support", "/v1/operator/exposed-keys?", "keys", "key_id"},
		"suspended accounts": {"support", "/v1/operator/suspended-accounts?", "accounts", "account_id"},
		"keys by words":      {"support", "/v1/operator/keys?q=key_&", "keys", "key_id"},
		"members by e-mail":  {"support", "/v1/operator/members?q=BUSY&", "members", "account_id"},
	} {
		t.Run(name, func(t *testing.T) {
			whole := r.walk(t, c.as, c.path, c.list, c.id, 100)
			for _, size := range []int{1, 3, 5} {
				if got := r.walk(t, c.as, c.path, c.list, c.id, size); len(got) < n || !slices.Equal(got, whole) {
					t.Errorf("pages of %d: %q, want %q", size, got, whole)
				}
			}
			r.forgedTokens(t, c.as, c.path)
			for _, bad := range []string{"page_size=0", "page_size=101", "page_token=x", "colour=red"} {
				if got := r.Do(t, apitest.Call{As: c.as, Method: "GET", Path: c.path + bad}); got.Status != 400 {
					t.Errorf("%s: %d", bad, got.Status)
				}
			}
		})
	}
}

// forgedTokens makes up places in a list, which a token doesn't sign: the list goes on from there, or there is no such place.
func (r *harness) forgedTokens(t *testing.T, as, path string) {
	t.Helper()
	genuine := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: path + "page_size=1"}).JSON(t)["next_page_token"].(string)
	raw, err := base64.RawURLEncoding.DecodeString(genuine)
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"x", "\n", "\n\n", "\x00", "~\nA#acc_01HZY3M7Q8R9S0T1V2W3X4Y5Z6\nACCOUNT", strings.Repeat("y", 2000)} {
		token := base64.RawURLEncoding.EncodeToString(append(bytes.Clone(raw[:12]), place...))
		got := r.Do(t, apitest.Call{As: as, Method: "GET", Path: path + "page_token=" + token})
		if got.Status != 200 && got.Code() != "page_token_invalid" {
			t.Errorf("%q: %d %s", place, got.Status, got.Body)
		}
	}
}

func (r *harness) walk(t *testing.T, as, path, list, id string, size int) (ids []string) {
	t.Helper()
	for token := ""; ; {
		doc := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: path + fmt.Sprint("page_size=", size, token)}).JSON(t)
		entries := doc[list].([]any)
		if len(entries) > size {
			t.Fatalf("%d entries on a page of %d", len(entries), size)
		}
		for _, e := range entries {
			ids = append(ids, e.(map[string]any)[id].(string))
		}
		next, more := doc["next_page_token"].(string)
		if !more {
			break
		}
		if token = "&page_token=" + next; len(ids) > 500 {
			t.Fatal("it has no end")
		}
	}
	if twice := slices.Compact(slices.Sorted(slices.Values(ids))); len(twice) != len(ids) {
		t.Errorf("an entry is there twice: %s", strings.Join(ids, " "))
	}
	return ids
}
