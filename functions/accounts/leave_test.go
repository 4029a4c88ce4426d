package main

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/qps"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// notExported has the kinds of an account's records that no export holds, and why.
var notExported = map[string]string{
	"guard":       "a counter that a rule is kept by",
	"idempotency": "a request that is remembered for a day",
	"operation":   "a change of type, whose steps are audit rows",
}

// stored lists what the control table holds of the account, by the kind of the records: their IDs, and members by subject.
func (r *harness) stored(t testing.TB) map[string][]string {
	t.Helper()
	text := func(item dynamo.Item, name string) string { s, _ := dynamo.GetS(item, name); return s }
	ids := map[string][]string{}
	for _, item := range r.items(t) {
		kind := text(item, "kind")
		if text(item, "pk") != "A#"+string(r.account.ID) || notExported[kind] != "" {
			continue
		}
		id := text(item, "id")
		if kind == "member" {
			id = text(item, "subject")
		}
		ids[kind] = append(ids[kind], id)
	}
	return ids
}

// TestAnOwnerExportsEverythingOnceAndNoSecret: each record that is stored of the account, in whatever state it is.
func TestAnOwnerExportsEverythingOnceAndNoSecret(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.Want(t, 202, apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: object{"type": "enterprise"}})
	enterprise, err := r.Control.Account(t.Context(), r.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.invite(t, "owner", object{"role": "viewer"})
	for status, change := range map[string]func(*apikey.Key){
		"active": func(*apikey.Key) {}, "disabled": func(k *apikey.Key) { k.Disabled = true },
		"expired": func(k *apikey.Key) { k.ExpiresAt = keytest.Now }, "revoked": func(k *apikey.Key) { k.RevokedAt = keytest.Now },
		"deleted": func(k *apikey.Key) { k.DeletedAt = keytest.Now },
	} {
		r.NewKey(t, enterprise, func(k *apikey.Key) {
			k.Name, k.Current.Sealed = status, []byte("sealed-secret")
			change(k)
		})
	}
	k := r.NewKey(t, enterprise, func(k *apikey.Key) { k.Products = []product.ID{"search", "routing"} })
	r.request(t, k, "search", qps.Party{Subject: keytest.Subject("owner")}, keytest.Row(r.account.ID, "qps.submit", k.ID))
	ended := r.request(t, k, "routing", qps.Party{Subject: keytest.Subject("owner")}, keytest.Row(r.account.ID, "qps.submit", k.ID))
	if ended, err = ended.Withdraw(r.Clock.Now()); err == nil {
		err = r.Control.CloseRequest(t.Context(), ended, keytest.Row(r.account.ID, "qps.withdraw", k.ID))
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/" + string(k.ID) + "/block", Body: object{"reason": "abuse"}})
	got, stored := r.exported(t), r.stored(t)
	for kind, want := range stored {
		slices.Sort(want)
		slices.Sort(got[kind])
		if !slices.Equal(got[kind], want) {
			t.Errorf("%s: exported are %v, stored %v", kind, got[kind], want)
		}
	}
	for kind := range got {
		if len(stored[kind]) < map[string]int{"key": 6, "qps_request": 2, "member": 3}[kind] {
			t.Errorf("%s: only %v is stored", kind, stored[kind])
		}
	}
}

// exported lists what the owner's export holds, like stored.
func (r *harness) exported(t testing.TB) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	for query, pages := "?page_size=2", 0; query != ""; pages++ {
		if pages > 50 {
			t.Fatal("the export doesn't end")
		}
		answer := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/export") + query})
		if strings.Contains(string(answer.Body), "sealed-secret") || strings.Contains(string(answer.Body), "operator@example.com") {
			t.Errorf("%s", answer.Body)
		}
		doc := answer.JSON(t)
		if one, ok := doc["account"].(object); ok {
			got["account"] = append(got["account"], one["id"].(string))
		}
		for kind, list := range map[string]string{"member": "members", "invitation": "invitations", "key": "keys", "qps_request": "qps_requests", "audit": "audit"} {
			items, _ := doc[list].([]any)
			if len(items) > 2 {
				t.Errorf("%d %s on one page", len(items), list)
			}
			for _, item := range items {
				id, _ := item.(object)["id"].(string)
				if id == "" {
					id, _ = item.(object)["subject"].(string)
				}
				got[kind] = append(got[kind], id)
			}
		}
		query = ""
		if token, ok := doc["next_page_token"].(string); ok {
			query = "?page_size=2&page_token=" + url.QueryEscape(token)
		}
	}
	return got
}

// request files a QPS request.
func (r *harness) request(t testing.TB, k apikey.Key, class product.Class, by qps.Party, row audit.Row) qps.Request {
	t.Helper()
	why, err := web.Block(apitest.Texts, "justification", "more", 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	request, err := qps.Submit(qps.Request{
		ID: qps.RequestID(keytest.NewID("qps_")), Account: r.account.ID, KeyID: k.ID, Product: product.ID(class), Class: class,
		Requested: 9, Current: 5, CreatedBy: by,
	}, why, 5, 100, r.Clock.Now())
	if err == nil {
		err = r.Control.SubmitRequest(t.Context(), request, nil, row)
	}
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func TestOwnersCloseTheirAccountByItsName(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	k := r.NewKey(t, r.account)
	shut := func(as string, body any, status int) apitest.Answer {
		t.Helper()
		return r.Want(t, status, apitest.Call{As: as, Method: "POST", Path: r.path("/close"), Body: body})
	}
	for _, body := range []any{nil, object{}, object{"confirm_name": "x"}, object{"confirm_name": ""}} {
		if got := shut("owner", body, 422); !slices.Equal(got.Pointers(), []string{"/confirm_name"}) {
			t.Errorf("%v: %s", body, got.Problem())
		}
	}
	shut("developer", object{"confirm_name": r.account.Name}, 403)
	shut("support", object{"confirm_name": r.account.Name}, 403)
	shut("operator", object{"confirm_name": "x"}, 422)
	if doc := shut("owner", object{"confirm_name": r.account.Name}, 200).JSON(t); doc["closed_at"] == nil {
		t.Errorf("%v", doc)
	}
	stored, err := r.Control.Key(t.Context(), r.account.ID, k.ID)
	if err != nil || stored.RevokedAt.IsZero() {
		t.Errorf("%+v, %v", stored, err)
	}
}

// TestEachRowOfSomethingThatGoesKeyByKeyNamesWhoBeganIt: a change that takes many rows is no less somebody's than one
// that takes one.
func TestEachRowOfSomethingThatGoesKeyByKeyNamesWhoBeganIt(t *testing.T) {
	for _, c := range []struct {
		as, role, method, path string
		body                   object
		actions                []string
	}{
		{"owner", "owner", "POST", "/close", object{"confirm_name": "Demo"}, []string{"account.close", "account.close.begin", "key.revoke"}},
		{"operator", "operator", "POST", "/close", object{}, []string{"account.close", "account.close.begin", "key.revoke", "operator.look"}},
		{"operator", "operator", "PATCH", "", object{"type": "enterprise"}, []string{"account.type", "account.type.begin", "key.account_type", "operator.look"}},
	} {
		r := newHarness(t)
		apitest.People(t, r.API, r.account.ID)
		for range 2 {
			r.NewKey(t, r.account)
		}
		if c.body["confirm_name"] != nil {
			c.body["confirm_name"] = r.account.Name
		}
		known := map[string]bool{}
		for _, row := range r.AllAudit(t, r.account.ID) {
			known[row.ID] = true
		}
		if got := r.Do(t, apitest.Call{As: c.as, Method: c.method, Path: r.path(c.path), Body: c.body}); got.Status >= 300 {
			t.Fatalf("%s %s: %s", c.as, c.path, got.Problem())
		}
		var actions []string
		for _, row := range r.AllAudit(t, r.account.ID) {
			if known[row.ID] {
				continue
			}
			actions = append(actions, row.Action)
			who := audit.Actor{Subject: keytest.Subject(c.as), Email: c.as + "@example.com", Role: c.role}
			if row.Actor != who || row.RequestID == "" || (row.KeyID != "") != strings.HasPrefix(row.Action, "key.") {
				t.Errorf("%s %s: the row of %s says %+v, request %q, key %q", c.as, c.path, row.Action, row.Actor, row.RequestID, row.KeyID)
			}
		}
		slices.Sort(actions)
		if !slices.Equal(slices.Compact(actions), c.actions) {
			t.Errorf("%s %s: %v", c.as, c.path, actions)
		}
	}
}

// items are all of the control table.
func (r *harness) items(t testing.TB) (all []dynamo.Item) {
	t.Helper()
	consistent := true
	input := &dynamodb.ScanInput{TableName: &r.Tables.Control, ConsistentRead: &consistent}
	for {
		out, err := r.DB.Scan(t.Context(), input)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out.Items...)
		if input.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
			return all
		}
	}
}

// table is the whole control table as text.
func (r *harness) table(t testing.TB) string {
	t.Helper()
	text, err := json.Marshal(r.items(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestWhoGivesUpTheirRoleLeavesNoInvitation: the invitations are withdrawn after the write that ended the right, by the one who
// had it.
func TestWhoGivesUpTheirRoleLeavesNoInvitation(t *testing.T) {
	for how, call := range map[string]apitest.Call{
		"leaves":           {As: "second", Method: "DELETE"},
		"becomes a viewer": {As: "second", Method: "PUT", Body: object{"role": "viewer"}},
	} {
		t.Run(how, func(t *testing.T) {
			r := newHarness(t)
			r.Member(t, r.account.ID, "second", account.Owner)
			invited := r.Want(t, 201, apitest.Call{As: "second", Method: "POST", Path: r.path("/invitations"), Body: object{"role": "viewer"}}).JSON(t)
			call.Path = r.path("/members/second")
			answer := r.Want(t, 200, call)
			if !strings.Contains(string(answer.Body), invited["id"].(string)) {
				t.Errorf("it doesn't say which invitation was withdrawn: %s", answer.Body)
			}
			if open := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/invitations")}); strings.Contains(string(open.Body), invited["id"].(string)) {
				t.Errorf("it is open: %s", open.Body)
			}
		})
	}
}
