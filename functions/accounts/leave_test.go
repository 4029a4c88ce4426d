package main

import (
	"encoding/json"
	"net/url"
	"os"
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

func TestAnOwnerExportsEverythingOnceAndNoSecret(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.invite(t, "owner", object{"role": "viewer"})
	var keys []string
	for range 4 {
		k := r.NewKey(t, r.account, func(k *apikey.Key) { k.Current.Sealed = []byte("sealed-secret") })
		keys = append(keys, string(k.ID))
	}
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/" + keys[0] + "/block", Body: object{"reason": "abuse"}})
	seen := map[string][]string{}
	for query, pages := "?page_size=2", 0; query != ""; pages++ {
		if pages > 50 {
			t.Fatal("the export doesn't end")
		}
		answer := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/export") + query})
		if strings.Contains(string(answer.Body), "sealed-secret") || strings.Contains(string(answer.Body), "operator@example.com") {
			t.Errorf("%s", answer.Body)
		}
		doc := answer.JSON(t)
		for _, list := range []string{"members", "invitations", "keys", "qps_requests", "audit"} {
			items, _ := doc[list].([]any)
			if len(items) > 2 {
				t.Errorf("%d %s on one page", len(items), list)
			}
			for _, item := range items {
				id, _ := item.(object)["id"].(string)
				if id == "" {
					id, _ = item.(object)["subject"].(string)
				}
				seen[list] = append(seen[list], id)
			}
		}
		query = ""
		if token, ok := doc["next_page_token"].(string); ok {
			query = "?page_size=2&page_token=" + url.QueryEscape(token)
		}
	}
	var rows []string
	for _, row := range r.AllAudit(t, r.account.ID) {
		rows = append(rows, row.ID)
	}
	slices.Sort(keys)
	slices.Sort(seen["keys"])
	if !slices.Equal(seen["keys"], keys) || !slices.Equal(seen["audit"], rows) || len(seen["members"]) != 3 || len(seen["invitations"]) != 1 {
		t.Errorf("%v\nkeys %v\nrows %v", seen, keys, rows)
	}
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

// table is the whole control table as text.
func (r *harness) table(t testing.TB) string {
	t.Helper()
	var all []dynamo.Item
	consistent := true
	input := &dynamodb.ScanInput{TableName: &r.Tables.Control, ConsistentRead: &consistent}
	for {
		out, err := r.DB.Scan(t.Context(), input)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out.Items...)
		if input.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
			break
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// erase calls until nothing is left, and returns how many records changed. The store in memory reads pages of three, so
// that it takes several calls.
func (r *harness) erase(t testing.TB, sub string) (pseudonym string, n float64) {
	t.Helper()
	for query, calls := "", 1; ; calls++ {
		call := apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/people/erase" + query, Body: object{"subject": sub}}
		doc := r.Want(t, 200, call).JSON(t)
		pseudonym, n = doc["pseudonym"].(string), n+doc["replaced"].(float64)
		token, more := doc["next_page_token"].(string)
		if !more {
			if calls == 1 && os.Getenv("LATCHKEY_STORE") == "" {
				t.Error("it was done at once: that it goes on where it stopped isn't tested")
			}
			return pseudonym, n
		}
		query = "?page_token=" + url.QueryEscape(token)
	}
}

func TestAPersonIsErasedFromMembersAndAuditRows(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	gone := keytest.Subject("jane.doe")
	r.accept(t, "jane.doe", r.invite(t, "owner", object{"role": "owner"}))
	r.put(t, "owner", "jane.doe", account.Owner, 200)
	r.Want(t, 202, apitest.Call{As: "operator", Method: "PATCH", Path: r.path(""), Body: object{"type": "enterprise"}})
	enterprise, err := r.Control.Account(t.Context(), r.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	k := r.NewKey(t, enterprise, func(k *apikey.Key) {
		k.CreatedBy, k.Products = gone, []product.ID{"search"}
		k.Rotation = &apikey.RotationPolicy{EveryDays: 9, Principal: "arn:aws:iam::123456789012:user/x", SetBy: gone}
	})
	why, err := web.Block(apitest.Texts, "justification", "more", 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	request, err := qps.Submit(qps.Request{
		ID: "qps_01HZY3M7Q8R9S0T1V2W3X4Y5Z6", Account: r.account.ID, KeyID: k.ID, Product: "search", Class: product.Class("search"),
		Requested: 9, Current: 5, CreatedBy: qps.Party{Subject: gone, Email: "jane.doe@example.com"},
	}, why, 5, 100, r.Clock.Now())
	if err == nil {
		row := keytest.Row(r.account.ID, "qps.submit", k.ID)
		row.Actor = audit.Actor{Subject: gone, Email: "jane.doe@example.com", Role: "owner"}
		row.Source = "192.0.2.7"
		err = r.Control.SubmitRequest(t.Context(), request, nil, row)
	}
	if err != nil {
		t.Fatal(err)
	}
	before := r.AllAudit(t, r.account.ID)
	pseudonym, n := r.erase(t, "jane.doe")
	if n == 0 || !strings.HasPrefix(pseudonym, "erased_") {
		t.Errorf("%v records by %q", n, pseudonym)
	}
	if table := r.table(t); strings.Contains(table, "jane.doe") || strings.Contains(table, "192.0.2.7") {
		t.Errorf("the table still names the person: %s", table)
	}
	after := r.AllAudit(t, r.account.ID)
	kept := 0
	for _, row := range after {
		if slices.ContainsFunc(before, func(b audit.Row) bool { return b.ID == row.ID && b.Action == row.Action && b.At.Equal(row.At) }) {
			kept++
		}
	}
	if kept != len(before) {
		t.Errorf("%d of %d audit rows are left", kept, len(before))
	}
	if m, err := r.Control.Member(t.Context(), r.account.ID, gone.Pseudonym()); err != nil || m.Role != account.Owner {
		t.Errorf("the member's place: %+v, %v", m, err)
	}
	r.Want(t, 404, apitest.Call{As: "jane.doe", Method: "GET", Path: r.path("")})
	if again, n := r.erase(t, "jane.doe"); again != pseudonym || n != 0 {
		t.Errorf("repeated: %v records by %q", n, again)
	}
	stored, err := r.Control.Key(t.Context(), r.account.ID, k.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.CheckGate(t, stored)
}

func TestAnOperatorIsErasedOnlyAfterTheirRights(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	call := apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/people/erase", Body: object{"subject": "support"}}
	if got := r.Do(t, call); got.Problem() != "409 person_is_operator []" {
		t.Error(got.Problem())
	}
}
