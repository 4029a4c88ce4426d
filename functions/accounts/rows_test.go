package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// TestTheRowOfEachChangeNamesWhatItChanged: each operation that changes something, one after the other, with the one row that it leaves
// in the account's trail or the operators': who acted in which role, what was there before and is now, and the reason.
func TestTheRowOfEachChangeNamesWhatItChanged(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.Member(t, r.account.ID, "colleague", account.Developer)
	plain := keytest.Member(r.account.ID, "plain", account.Viewer)
	plain.Email = "" // an issuer that gives no addresses
	if _, err := r.Control.PutMember(t.Context(), nil, plain, keytest.Subject("owner"), keytest.Row(r.account.ID, "member.add", "")); err != nil {
		t.Fatal(err)
	}
	k := r.NewKey(t, r.account)
	key := "/v1/operator/keys/" + string(k.ID)
	now := func() string { return r.Clock.Now().Format("2006-01-02T15:04:05.000Z") }
	blockedAt := ""
	change := func(field, before, after string) string { return field + ": " + before + " > " + after }
	quote := func(text string) string { return `"` + text + `"` }
	invitation, token := "", ""
	for _, tt := range []struct {
		as, method, path string
		body             any
		action, role     string
		operators        bool // the row is in the operators' trail
		key              bool // the row is of the key
		want             func() []string
	}{
		{
			as: "owner", method: "PATCH", path: r.path(""), body: map[string]any{"name": "Renamed"}, action: "account.edit",
			want: func() []string { return []string{change("name", quote(r.account.Name), quote("Renamed"))} },
		},
		{
			as: "operator", method: "PATCH", path: r.path(""), body: map[string]any{"key_limit": 7}, action: "account.edit",
			want: func() []string { return []string{change("key_limit", fmt.Sprint(r.account.KeyLimit), "7")} },
		},
		{
			as: "owner", method: "POST", path: r.path("/invitations"), body: map[string]any{"role": "developer", "email": "a@example.com"}, action: "invitation.create",
			want: func() []string {
				return []string{change("invitation", "", quote(invitation)), change("role", "", `"developer"`), change("email", "", `"a@example.com"`)}
			},
		},
		{
			as: "owner", method: "DELETE", path: r.path("/invitations/$invitation"), action: "invitation.withdraw",
			want: func() []string { return []string{change("invitation", quote(invitation), "")} },
		},
		{
			as: "owner", method: "POST", path: r.path("/invitations"), body: map[string]any{"role": "viewer"}, action: "invitation.create",
			want: func() []string {
				return []string{change("invitation", "", quote(invitation)), change("role", "", `"viewer"`), change("email", "", "")}
			},
		},
		{
			as: "newcomer", method: "POST", path: "/v1/invitations/accept", body: "$token", action: "invitation.accept", role: "viewer",
			want: func() []string {
				return []string{change("invitation", "", quote(invitation)), change("role", "", `"viewer"`), change("email", "", ""), change("subject", "", `"newcomer"`)}
			},
		},
		{
			as: "owner", method: "PUT", path: r.path("/members/colleague"), body: map[string]any{"role": "viewer"}, action: "member.change",
			want: func() []string {
				return []string{change("subject", `"colleague"`, `"colleague"`), change("role", `"developer"`, `"viewer"`)}
			},
		},
		{
			as: "owner", method: "PUT", path: r.path("/members/colleague"), body: map[string]any{"role": "owner"}, action: "member.change",
			want: func() []string {
				return []string{change("subject", `"colleague"`, `"colleague"`), change("role", `"viewer"`, `"owner"`)}
			},
		},
		{
			as: "owner", method: "PUT", path: r.path("/members/plain"), body: map[string]any{"role": "viewer", "email": "p@example.com"}, action: "member.change",
			want: func() []string {
				return []string{change("subject", `"plain"`, `"plain"`), change("email", "", `"p@example.com"`)}
			},
		},
		{
			as: "owner", method: "DELETE", path: r.path("/members/colleague"), action: "member.remove",
			want: func() []string {
				return []string{change("subject", `"colleague"`, ""), change("role", `"owner"`, ""), change("email", `"colleague@example.com"`, "")}
			},
		},
		{
			as: "operator", method: "POST", path: "/v1/operator" + strings.TrimPrefix(r.path("/suspend"), "/v1"), body: map[string]any{"reason": "Unpaid."}, action: "account.suspend",
			want: func() []string {
				return []string{change("suspended", "", `{"at":"`+now()+`","reason":"Unpaid.","until":null}`)}
			},
		},
		{
			as: "operator", method: "POST", path: "/v1/operator" + strings.TrimPrefix(r.path("/resume"), "/v1"), action: "account.resume",
			want: func() []string {
				return []string{change("suspended", `{"at":"`+r.Clock.Now().Add(-time.Second).Format("2006-01-02T15:04:05.000Z")+`","reason":"Unpaid.","until":null}`, "")}
			},
		},
		{
			as: "operator", method: "PUT", path: "/v1/operator" + strings.TrimPrefix(r.path("/limits/search"), "/v1"), body: map[string]any{"qps": 7}, action: "account.set_limit",
			want: func() []string { return []string{change("limits", "", `[{"class":"search","qps":7}]`)} },
		},
		{
			as: "operator", method: "PUT", path: "/v1/operator" + strings.TrimPrefix(r.path("/limits/search"), "/v1"), body: map[string]any{"qps": nil}, action: "account.set_limit",
			want: func() []string { return []string{change("limits", `[{"class":"search","qps":7}]`, "")} },
		},
		{
			as: "operator", method: "PUT", path: "/v1/operator" + strings.TrimPrefix(r.path("/quotas/other"), "/v1"), body: map[string]any{"billing_type": "freemium", "day": 7, "month": nil}, action: "account.set_quota",
			want: func() []string {
				return []string{change("quotas", "", `[{"billing_type":"freemium","day":7,"group":"other","month":null}]`)}
			},
		},
		{
			as: "operator", method: "PUT", path: "/v1/operator" + strings.TrimPrefix(r.path("/quotas/other"), "/v1"), body: map[string]any{"billing_type": "freemium", "day": nil, "month": nil}, action: "account.set_quota",
			want: func() []string {
				return []string{change("quotas", `[{"billing_type":"freemium","day":7,"group":"other","month":null}]`, "")}
			},
		},
		{
			as: "owner", method: "POST", path: r.path("/products/traffic/accept"), body: map[string]any{"version": string(product.Default().Version())}, action: "account.accept",
			want: func() []string {
				return []string{change("accepted_paths", "", `[{"paths":[{"path":"/traffic/","since":"`+string(product.Default().Shown("traffic").Paths[0].Since)+`"}],"product":"traffic"}]`)}
			},
		},
		{
			as: "operator", method: "POST", path: key + "/block", body: map[string]any{"reason": "Leaked."}, action: "key.block", key: true,
			want: func() []string {
				blockedAt = now()
				return []string{change("blocked", "", `{"at":"`+blockedAt+`","reason":"Leaked."}`)}
			},
		},
		{
			as: "operator", method: "POST", path: key + "/unblock", body: map[string]any{"reason": "A mistake."}, action: "key.unblock", key: true,
			want: func() []string {
				return []string{change("blocked", `{"at":"`+blockedAt+`","reason":"Leaked."}`, ""), change("reason", "", `"A mistake."`)}
			},
		},
		{
			as: "operator", method: "POST", path: key + "/revoke", body: map[string]any{"reason": "Sold."}, action: "key.revoke", key: true,
			want: func() []string {
				return []string{change("revoked_at", "", quote(now())), change("reason", "", `"Sold."`)}
			},
		},
		{
			as: "operator", method: "PUT", path: "/v1/operators/helper", body: map[string]any{"rank": "support", "email": "h@example.com"}, action: "operator.add", operators: true,
			want: func() []string {
				return []string{change("subject", "", `"helper"`), change("email", "", `"h@example.com"`), change("rank", "", `"support"`)}
			},
		},
		{
			as: "operator", method: "PUT", path: "/v1/operators/helper", body: map[string]any{"rank": "admin"}, action: "operator.change", operators: true,
			want: func() []string {
				return []string{change("subject", `"helper"`, `"helper"`), change("rank", `"support"`, `"admin"`)}
			},
		},
		{
			as: "operator", method: "PUT", path: "/v1/operators/helper", body: map[string]any{"email": "i@example.com"}, action: "operator.change", operators: true,
			want: func() []string {
				return []string{change("subject", `"helper"`, `"helper"`), change("email", `"h@example.com"`, `"i@example.com"`)}
			},
		},
		{
			as: "operator", method: "DELETE", path: "/v1/operators/helper", action: "operator.remove", operators: true,
			want: func() []string { return []string{change("subject", `"helper"`, "")} },
		},
	} {
		trail := r.account.ID
		if tt.operators {
			trail = control.Operators
		}
		r.Clock.Advance(time.Second)
		before := r.AllAudit(t, trail)
		call := apitest.Call{As: tt.as, Method: tt.method, Path: strings.ReplaceAll(tt.path, "$invitation", invitation), Body: tt.body}
		if tt.body == "$token" {
			call.Body = map[string]any{"token": token}
		}
		got := r.Do(t, call)
		if got.Status >= 300 {
			t.Fatalf("%s %s: %d %s", tt.method, tt.path, got.Status, got.Body)
		}
		if tt.action == "invitation.create" {
			doc := got.JSON(t)
			invitation, token = doc["id"].(string), doc["token"].(string)
		}
		rows := slices.DeleteFunc(r.AllAudit(t, trail), func(row audit.Row) bool {
			return row.Action == "operator.look" || slices.ContainsFunc(before, func(old audit.Row) bool { return old.ID == row.ID })
		})
		if len(rows) != 1 {
			t.Fatalf("%s %s: %d rows: %+v", tt.method, tt.path, len(rows), rows)
		}
		row, role, of := rows[0], tt.role, ""
		if role == "" {
			role = tt.as
		}
		if tt.key {
			of = string(k.ID)
		}
		if row.Action != tt.action || row.Account != trail || row.KeyID != of || row.Actor.Role != role || row.Actor.Subject.ID != tt.as || row.Actor.Email != tt.as+"@example.com" {
			t.Errorf("%s %s: %s of %s, %q, by %+v", tt.method, tt.path, row.Action, row.Account, row.KeyID, row.Actor)
		}
		if !row.At.Equal(r.Clock.Now()) || row.RequestID == "" {
			t.Errorf("%s %s: at %v, call %q", tt.method, tt.path, row.At, row.RequestID)
		}
		var changes []string
		for _, c := range row.Changes {
			changes = append(changes, change(c.Field, c.Before, c.After))
		}
		if want := tt.want(); !slices.Equal(changes, want) {
			t.Errorf("%s %s, %s:\n     %q\nwant %q", tt.method, tt.path, tt.action, changes, want)
		}
	}
}
