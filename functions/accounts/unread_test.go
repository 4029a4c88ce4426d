package main

import (
	"slices"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/dynamo"
)

// spoil makes a record of the account unreadable.
func (r *harness) spoil(t testing.TB, sk, attribute string) {
	t.Helper()
	spoiled := 0
	for _, item := range r.items(t) {
		pk, _ := dynamo.GetS(item, "pk")
		if at, _ := dynamo.GetS(item, "sk"); at == sk && pk == "A#"+string(r.account.ID) {
			item[attribute] = dynamo.S("soon")
			r.Put(t, r.Tables.Control, item)
			spoiled++
		}
	}
	if spoiled != 1 {
		t.Fatalf("%d records %s", spoiled, sk)
	}
}

// TestWhatIsDoneToAKeyIsAnsweredAsDone, whatever can't be read of its account: an operator who stops a leak must not be told that it failed.
func TestWhatIsDoneToAKeyIsAnsweredAsDone(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	k := r.NewKey(t, r.account)
	r.spoil(t, "ACCOUNT", "created_at")
	path := "/v1/operator/keys/" + string(k.ID)
	for _, call := range []apitest.Call{
		{Method: "GET", Path: path},
		{Method: "POST", Path: path + "/block", Body: object{"reason": "leaked"}},
		{Method: "POST", Path: path + "/unblock", Body: object{"reason": "a mistake"}},
		{Method: "POST", Path: path + "/revoke", Body: object{"reason": "leaked"}},
	} {
		call.As = "operator"
		doc := r.Want(t, 200, call).JSON(t)
		if _, ok := doc["account"]; ok || doc["key"].(map[string]any)["id"] != string(k.ID) {
			t.Errorf("%s %s: %v", call.Method, call.Path, doc)
		}
	}
	if after, err := r.Control.Key(t.Context(), r.account.ID, k.ID); err != nil || after.RevokedAt.IsZero() {
		t.Errorf("the key: %+v, %v", after, err)
	}
}

// TestAGuardThatCantBeReadIsNoLimit: it is said to be unreadable, and not that there are too many, or too few.
func TestAGuardThatCantBeReadIsNoLimit(t *testing.T) {
	const unreadable = "409 record_unreadable []"
	t.Run("invitations", func(t *testing.T) {
		r := newHarness(t)
		r.invite(t, "owner", object{"role": "viewer"})
		r.spoil(t, "GUARD#invitations", "num")
		if got := r.Do(t, apitest.Call{As: "owner", Method: "POST", Path: r.path("/invitations"), Body: object{"role": "viewer"}}); got.Problem() != unreadable {
			t.Errorf("%s", got.Body)
		}
	})
	t.Run("owners", func(t *testing.T) {
		r := newHarness(t)
		r.Member(t, r.account.ID, "second", account.Owner)
		r.spoil(t, "GUARD#owners", "num")
		for _, call := range []apitest.Call{
			{Method: "DELETE", Path: r.path("/members/second")}, {Method: "PUT", Path: r.path("/members/second"), Body: object{"role": "viewer"}},
		} {
			call.As = "owner"
			if got := r.Do(t, call); got.Problem() != unreadable {
				t.Errorf("%s: %s", call.Method, got.Body)
			}
		}
	})
}

// TestClosingAnAccountAlwaysEnds: a key whose record can't be read, and counts that can't be lowered, keep nobody's account open. The
// answer counts such keys, and so does each later one.
func TestClosingAnAccountAlwaysEnds(t *testing.T) {
	r := newHarness(t)
	a := r.Want(t, 201, apitest.Call{As: "newcomer", Method: "POST", Path: "/v1/accounts", Body: object{"name": "Mine"}}).JSON(t)["id"].(string)
	r.account = account.Account{ID: account.ID(a), Type: account.SelfServe}
	k := r.NewKey(t, r.account)
	r.NewKey(t, r.account)
	r.spoil(t, "KEY#"+string(k.ID), "created_at")
	for _, item := range r.items(t) {
		if sk, _ := dynamo.GetS(item, "sk"); sk == "GUARD#accounts" {
			item["num"] = dynamo.S("soon")
			r.Put(t, r.Tables.Control, item)
		}
	}
	for _, call := range []apitest.Call{
		{As: "newcomer", Method: "POST", Path: r.path("/close"), Body: object{"confirm_name": "Mine"}},
		{As: "newcomer", Method: "POST", Path: r.path("/close"), Body: object{"confirm_name": "Mine"}},
		{As: "newcomer", Method: "GET", Path: r.path("")},
	} {
		doc := r.Want(t, 200, call).JSON(t)
		if doc["closed_at"] == nil || doc["closing"] != false || doc["unreadable_keys"] != 1.0 {
			t.Errorf("%s: %v", call.Method, doc)
		}
	}
	if record, _, err := r.Gate.Account(t.Context(), r.account.ID); err != nil || !record.Closed {
		t.Errorf("the gate's record: %+v, %v", record, err)
	}
}

// TestAnExportGoesOnWithoutAnAccountThatCantBeRead: it has all else, and its first page says that one record is missing.
func TestAnExportGoesOnWithoutAnAccountThatCantBeRead(t *testing.T) {
	r := newHarness(t)
	k := r.NewKey(t, r.account)
	r.spoil(t, "ACCOUNT", "created_at")
	first := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path("/export")}).JSON(t)
	if _, ok := first["account"]; ok || first["unreadable"] != 1.0 || first["next_page_token"] == nil {
		t.Errorf("the first page: %v", first)
	}
	got, stored := r.exported(t), r.stored(t)
	delete(stored, "account")
	for kind, want := range stored {
		slices.Sort(want)
		slices.Sort(got[kind])
		if !slices.Equal(got[kind], want) {
			t.Errorf("%s: exported are %v, stored %v", kind, got[kind], want)
		}
	}
	if !slices.Equal(got["key"], []string{string(k.ID)}) || len(got["account"]) > 0 {
		t.Errorf("exported: %v", got)
	}
}
