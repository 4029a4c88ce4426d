package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

// erase calls until nothing is left, and returns how many records changed. The store in memory reads pages of three, so
// that it takes several calls.
func (r *harness) erase(t testing.TB, sub string, issuer ...string) (pseudonym string, n float64) {
	t.Helper()
	body := object{"subject": sub}
	if len(issuer) > 0 {
		body["issuer"] = issuer[0]
	}
	for query, calls := "", 1; ; calls++ {
		call := apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/people/erase" + query, Body: body}
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
		k.CreatedBy, k.Products = gone, []product.ID{"search", "routing"}
		k.Rotation = &apikey.RotationPolicy{EveryDays: 9, Principal: "arn:aws:iam::123456789012:user/x", SetBy: gone}
	})
	row := keytest.Row(r.account.ID, "qps.submit", k.ID)
	row.Actor = audit.Actor{Subject: gone, Email: "jane.doe@example.com", Role: "owner"}
	row.Source = "192.0.2.7"
	person := qps.Party{Subject: gone, Email: "jane.doe@example.com"}
	r.request(t, k, "search", person, row)
	// They were an operator once, and decided somebody else's request.
	other := r.request(t, k, "routing", qps.Party{Subject: keytest.Subject("owner")}, keytest.Row(r.account.ID, "qps.submit", k.ID))
	no, err := web.Block(apitest.Texts, "comment", "no", 1, 100)
	if err == nil {
		other, err = other.Reject(person, no, r.Clock.Now())
	}
	if err == nil {
		row = keytest.Row(r.account.ID, "qps.reject", k.ID)
		row.Actor, row.Source = audit.Actor{Subject: gone, Email: "jane.doe@example.com", Role: account.RoleOperator}, "192.0.2.7"
		r.NewOperator(t, control.Operator{Subject: gone, AddedAt: "2026-11-21T12:00:00Z"})
		err = r.Control.CloseRequest(t.Context(), other, row)
	}
	if err == nil {
		err = r.Control.RemoveOperator(t.Context(), gone, keytest.Subject("operator"), keytest.Row("", "operator.remove", ""))
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
	if _, err := r.Control.Member(t.Context(), r.account.ID, gone.Pseudonym()); !errors.Is(err, dynamo.ErrNotFound) {
		t.Errorf("the pseudonym is a member: %v", err)
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

// TestAnAccountKeepsAPersonAsItsOwner: its only owner isn't erased before it is closed, and somebody
// who is erased is none of its owners any more.
func TestAnAccountKeepsAPersonAsItsOwner(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	r.Member(t, r.account.ID, "second", account.Owner)
	refused := func(c apitest.Call) {
		t.Helper()
		before := r.table(t)
		if got := r.Do(t, c); got.Problem() != "409 last_owner []" {
			t.Error(got.Problem())
		}
		if r.table(t) != before {
			t.Error("what is refused has changed something")
		}
	}
	call := func(sub string) apitest.Call {
		return apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/people/erase", Body: object{"subject": sub}}
	}
	pseudonym, _ := r.erase(t, "second")
	refused(apitest.Call{As: "owner", Method: "DELETE", Path: r.path("/members/owner")})
	refused(apitest.Call{As: "owner", Method: "PUT", Path: r.path("/members/owner"), Body: object{"role": "viewer"}})
	refused(call("owner"))
	if list := string(r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/members")}).Body); strings.Contains(list, pseudonym) {
		t.Errorf("a pseudonym is a member: %s", list)
	}
	var told bool
	for _, row := range r.AllAudit(t, r.account.ID) {
		told = told || row.Action == "person.erase" && slices.Equal(row.Changes, []audit.Change{audit.Set("member", pseudonym, nil), audit.Set("role", "owner", nil)})
	}
	if !told {
		t.Error("no row says what the person was")
	}
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: r.path("/close"), Body: object{}})
	r.erase(t, "owner") // a closed account needs no owner
	r.Want(t, 404, apitest.Call{As: "owner", Method: "GET", Path: r.path("")})
}

// TestNothingIsErasedOfAnOnlyOwner: whatever else names the person, and however many accounts they have, an erasure that
// one account refuses has changed no record of any.
func TestNothingIsErasedOfAnOnlyOwner(t *testing.T) {
	const others = 101 // more than one page of a person's accounts
	for name, alone := range map[string]func(*harness) string{
		"an account that they opened": func(r *harness) string { return r.janesLife(t) },
		"the last of many accounts": func(r *harness) string {
			r.janesLife(t)
			for range others {
				r.Member(t, r.NewAccount(t).ID, "jane.doe", account.Viewer)
			}
			last := r.NewAccount(t).ID
			r.Member(t, last, "jane.doe", account.Owner)
			r.Member(t, last, "partner", account.Owner)
			r.Want(t, 200, apitest.Call{As: "jane.doe", Method: "DELETE", Path: "/v1/accounts/" + string(last) + "/members/owner"})
			return string(last)
		},
	} {
		r := newHarness(t)
		id := alone(r)
		r.Want(t, 200, apitest.Call{As: "jane.doe", Method: "DELETE", Path: "/v1/accounts/" + id + "/members/partner"})
		before := r.table(t)
		got := r.Do(t, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/people/erase", Body: object{"subject": "jane.doe"}})
		if got.Problem() != "409 last_owner []" || r.table(t) != before {
			t.Errorf("%s: %s; the table is as it was: %v", name, got.Problem(), r.table(t) == before)
		}
	}
}

func TestWhoComesBackIsErasedAgain(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	first := ""
	for range 3 {
		r.Clock.Advance(time.Second)
		if got := r.accept(t, "jane.doe", r.invite(t, "owner", object{"role": "owner"})); got.Status != 200 {
			t.Fatal(got.Problem())
		}
		pseudonym, n := r.erase(t, "jane.doe")
		if n == 0 || first != "" && pseudonym != first {
			t.Errorf("%v records by %q", n, pseudonym)
		}
		first = pseudonym
		r.Want(t, 404, apitest.Call{As: "jane.doe", Method: "GET", Path: r.path("")})
		if table := r.table(t); strings.Contains(table, "jane.doe") {
			t.Errorf("the table still names the person: %s", table)
		}
	}
}

// TestNothingInTheTableNamesWhoWasErased: whatever the person did through the API, no record has their subject or their
// address afterwards, in any case of its letters, nor if the first erasure broke off after so many calls.
func TestNothingInTheTableNamesWhoWasErased(t *testing.T) {
	for broken := range 6 {
		r := newHarness(t)
		opened := r.janesLife(t)
		for query, calls := "?", 0; calls < broken && query != ""; calls++ {
			call := apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/people/erase" + query, Body: object{"subject": "jane.doe"}}
			query = ""
			if token, more := r.Want(t, 200, call).JSON(t)["next_page_token"].(string); more {
				query = "?page_token=" + url.QueryEscape(token)
			}
		}
		r.erase(t, "jane.doe")
		for _, item := range r.items(t) {
			one, err := json.Marshal(item)
			if err != nil || strings.Contains(strings.ToLower(string(one)), "jane.doe") {
				t.Errorf("a record still names the person: %s, %v", one, err)
			}
		}
		list := string(r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/invitations")}).Body)
		if strings.Count(list, `"inv_`) != 1 || !strings.Contains(list, "somebody@example.com") {
			t.Errorf("open invitations: %s", list)
		}
		r.Want(t, 200, apitest.Call{As: "partner", Method: "GET", Path: "/v1/accounts/" + opened})
		// An account that is in nobody's count is closed like any other.
		r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/accounts/" + opened + "/close", Body: object{}})
		if _, n := r.erase(t, "jane.doe"); n != 0 {
			t.Errorf("repeated: %v records", n)
		}
	}
}

// TestADamagedRecordIsErasedOrSaid: a record that names the person is never passed over in silence.
func TestADamagedRecordIsErasedOrSaid(t *testing.T) {
	jane := "U#" + keytest.Issuer + "|jane.doe"
	for name, c := range map[string]struct {
		damage func(r *harness, opened string)
		left   float64
	}{
		"nothing":                     {func(*harness, string) {}, 0},
		"no count of her accounts":    {func(r *harness, _ string) { r.damage(t, jane, "GUARD#accounts", nil) }, 0},
		"a count that is no number":   {func(r *harness, _ string) { r.damage(t, jane, "GUARD#accounts", damaged("num")) }, 0},
		"no count of closed owners":   {func(r *harness, opened string) { r.closed(t, opened); r.damage(t, "A#"+opened, "GUARD#owners", nil) }, 0},
		"an account without its time": {func(r *harness, opened string) { r.damage(t, "A#"+opened, "ACCOUNT", damaged("created_at")) }, 2}, // it and the count
		"a row without its time":      {func(r *harness, _ string) { r.damage(t, "A#"+string(r.account.ID), "AUDIT#", damaged("happened_at")) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHarness(t)
			c.damage(r, r.janesLife(t))
			got := 0.0
			for query := "?"; query != ""; {
				part := r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/people/erase" + query, Body: object{"subject": "jane.doe"}}).JSON(t)
				got += part["unreplaced"].(float64)
				query = ""
				if token, more := part["next_page_token"].(string); more {
					query = "?page_token=" + url.QueryEscape(token)
				}
			}
			named := 0.0
			for _, item := range r.items(t) {
				one, err := json.Marshal(item)
				if err != nil || strings.Contains(string(one), "jane.doe") {
					named++
				}
			}
			if got != c.left || named != c.left {
				t.Errorf("%v records are left, %v name her; want %v", got, named, c.left)
			}
		})
	}
}

// damaged makes an attribute unreadable.
func damaged(name string) func(dynamo.Item) {
	return func(item dynamo.Item) { item[name] = dynamo.S("soon") }
}

// damage changes the items of a partition whose sort key begins so; it deletes them without a change.
func (r *harness) damage(t *testing.T, pk, sk string, change func(dynamo.Item)) {
	t.Helper()
	found := 0
	for _, item := range r.items(t) {
		if p, _ := dynamo.GetS(item, "pk"); p != pk {
			continue
		}
		if s, _ := dynamo.GetS(item, "sk"); !strings.HasPrefix(s, sk) {
			continue
		}
		found++
		var err error
		if change == nil {
			_, err = r.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &r.Tables.Control, Key: dynamo.Item{"pk": item["pk"], "sk": item["sk"]}})
		} else {
			change(item)
			err = keytest.PutRaw(t.Context(), r.DB, r.Tables.Control, item)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if found == 0 {
		t.Fatalf("%s has no %s", pk, sk)
	}
}

// closed closes an account.
func (r *harness) closed(t *testing.T, id string) {
	t.Helper()
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/accounts/" + id + "/close", Body: object{}})
}

// janesLife does through the API what leaves jane.doe in the table, and returns the account that is open of those she opened.
func (r *harness) janesLife(t *testing.T) (opened string) {
	t.Helper()
	apitest.People(t, r.API, r.account.ID)
	do := func(as, method, path string, body any) apitest.Answer {
		t.Helper()
		got := r.Do(t, apitest.Call{As: as, Method: method, Path: path, Body: body})
		if got.Status >= 300 {
			t.Fatalf("%s %s: %s", method, path, got.Problem())
		}
		return got
	}
	// Invited by address, an owner who invites others, and who opens accounts.
	token := r.invite(t, "owner", object{"role": "owner", "email": "Jane.Doe@Example.com"})
	r.invite(t, "owner", object{"role": "viewer", "email": "JANE.DOE@example.com"}) // nobody accepts it
	r.invite(t, "owner", object{"role": "viewer", "email": "somebody@example.com"})
	do("jane.doe", "POST", "/v1/invitations/accept", object{"token": token})
	r.invite(t, "jane.doe", object{"role": "viewer"})
	opened = do("jane.doe", "POST", "/v1/accounts", object{"name": "Mine"}).JSON(t)["id"].(string)
	shut := do("jane.doe", "POST", "/v1/accounts", object{"name": "Shut"}).JSON(t)["id"].(string)
	do("operator", "POST", "/v1/accounts/"+shut+"/close", object{})
	r.Member(t, account.ID(opened), "partner", account.Owner)
	k := r.NewKey(t, r.account)
	edited := k
	edited.Name = "Edited"
	remembered := control.Idempotency{Operation: "create", Subject: keytest.Subject("jane.doe"), Key: "k", BodyHash: "h", At: r.Clock.Now()}
	change := control.Change{Before: &k, After: edited, Audit: keytest.Row(r.account.ID, "key.edit", k.ID), Idempotency: &remembered}
	if _, err := r.Control.Commit(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	// An operator for a time, who looks, lists and blocks.
	do("operator", "PUT", "/v1/operators/jane.doe", object{"rank": "admin"})
	stranger := r.NewAccount(t)
	foreign := r.NewKey(t, stranger)
	do("jane.doe", "GET", "/v1/accounts/"+string(stranger.ID), nil)
	do("jane.doe", "GET", "/v1/operator/accounts", nil)
	do("jane.doe", "POST", "/v1/operator/keys/"+string(foreign.ID)+"/block", object{"reason": "abuse"})
	do("operator", "DELETE", "/v1/operators/jane.doe", nil)
	return opened
}

func TestAnOperatorIsErasedOnlyAfterTheirRights(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	call := apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/people/erase", Body: object{"subject": "support"}}
	if got := r.Do(t, call); got.Problem() != "409 person_is_operator []" {
		t.Error(got.Problem())
	}
}

// TestAnErasureStopsWithTheRightOfWhoErases, also where all that is left names the person in audit rows, which are changed without
// a row of their own.
func TestAnErasureStopsWithTheRightOfWhoErases(t *testing.T) {
	stores, interrupt := apitest.RaceStores(t)
	r := harnessOn(t, stores)
	apitest.People(t, r.API, r.account.ID)
	r.NewOperator(t, control.Operator{Subject: keytest.Subject("second"), Rank: account.Admin, AddedAt: "2026-11-21T12:00:00Z"})
	r.Member(t, r.account.ID, "jane.doe", account.Owner)
	r.Want(t, 200, apitest.Call{As: "jane.doe", Method: "PATCH", Path: r.path(""), Body: object{"name": "By Jane"}})
	r.Want(t, 200, apitest.Call{As: "jane.doe", Method: "DELETE", Path: r.path("/members/jane.doe")})
	r.Mux.Looks = nil
	named := func() int { return strings.Count(r.table(t), "jane.doe") }
	before, removed := named(), false
	interrupt.Arm(func() {
		removed = true
		if err := r.Control.RemoveOperator(t.Context(), keytest.Subject("operator"), keytest.Subject("second"), keytest.Row("", "operator.remove", "")); err != nil {
			t.Error(err)
		}
	})
	for query := ""; ; {
		answer := r.Do(t, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/people/erase" + query, Body: object{"subject": "jane.doe"}})
		token, more := "", false
		if answer.Status == http.StatusOK {
			token, more = answer.JSON(t)["next_page_token"].(string)
		}
		if more && !removed {
			query = "?page_token=" + url.QueryEscape(token)
			continue
		}
		if answer.Status != http.StatusForbidden || named() != before || before == 0 {
			t.Errorf("%d %s; the person is named %d times, before %d", answer.Status, answer.Body, named(), before)
		}
		return
	}
}
