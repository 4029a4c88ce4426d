package main

import (
	"fmt"
	"testing"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
	"latchkey/shared/usage/statement"
)

// TestAStatementNamesKeysAsTheyAreNow, of each account, a deleted key too; one that is purged or damaged has no name, and nothing else is missing. The
// file has no names: its bytes, and their hash, stay as they were written.
func TestAStatementNamesKeysAsTheyAreNow(t *testing.T) {
	r := billed(t)
	other := r.NewAccount(t)
	third := r.NewKey(t, other, func(k *apikey.Key) { k.Products = r.key.Products })
	r.count(t, 1, call(third, "search", authz.Allowed, october.Begin().AddDate(0, 0, 3)))
	names := func(as, root string) map[string]any {
		t.Helper()
		doc, list := r.stated(t, as, root, "").JSON(t), map[string]any{}
		for _, one := range doc["rows"].([]any) {
			row := one.(map[string]any)
			list[fmt.Sprint(row["key_id"])] = row["key_name"]
		}
		if doc["unreadable"] != nil && doc["status"] == "final" {
			t.Errorf("%s: a name that is missing makes the statement one that lacks something: %v", as, doc)
		}
		return list
	}
	rename := func(k *apikey.Key, to string) {
		t.Helper()
		var err error
		if *k, err = r.Edit(t.Context(), *k, "key.edit", func(k *apikey.Key) { k.Name = to }); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want map[apikey.ID]any) {
		t.Helper()
		for as, root := range map[string]string{"owner": r.root(), "operator": "/v1/operator"} {
			got := names(as, root)
			for id, name := range want {
				if has, listed := got[string(id)]; listed && has != name || !listed && (as == "operator" || id != third.ID) {
					t.Errorf("%s: %s is named %v, want %v", as, id, got[string(id)], name)
				}
			}
		}
	}
	rename(&r.key, "Shop")
	rename(&r.two, "Depot")
	rename(&third, "Harbour")
	expect(map[apikey.ID]any{r.key.ID: "Shop", r.two.ID: "Depot", third.ID: "Harbour"})

	purged := r.key.ID[:len(r.key.ID)-5] + "00000"
	var rows []statement.Row
	for _, id := range []apikey.ID{r.key.ID, r.two.ID, purged} {
		rows = append(rows, statement.Row{Place: statement.Place{Account: r.account.ID, Key: id, Product: "search"}, Calls: map[authz.Code]int64{authz.Allowed: 7}})
	}
	r.write(t, rows...)
	file := r.stated(t, "owner", r.root(), "?format=csv")
	rename(&r.key, "Shop, new")
	if _, err := r.Edit(t.Context(), r.two, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now }); err != nil {
		t.Fatal(err)
	}
	expect(map[apikey.ID]any{r.key.ID: "Shop, new", r.two.ID: "Depot", purged: nil})
	for _, item := range r.Items(t, r.Tables.Control) {
		if sk, _ := dynamo.GetS(item, "sk"); sk == "KEY#"+string(r.key.ID) {
			item["v"] = dynamo.S("damaged")
			r.Put(t, r.Tables.Control, item)
		}
	}
	expect(map[apikey.ID]any{r.key.ID: nil, r.two.ID: "Depot", purged: nil})
	again := r.stated(t, "owner", r.root(), "?format=csv")
	if string(again.Body) != string(file.Body) || again.Header.Get("X-Statement-Sha256") != file.Header.Get("X-Statement-Sha256") {
		t.Errorf("the file was\n%s\nand is\n%s", file.Body, again.Body)
	}
}
