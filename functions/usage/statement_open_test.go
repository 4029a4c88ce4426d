package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"reflect"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/usage/statement"
)

// TestPagesOfAnOpenMonthAreTheWholeOfIt, each row once, wherever a page ends: between accounts, or within one.
func TestPagesOfAnOpenMonthAreTheWholeOfIt(t *testing.T) {
	r := billed(t)
	at := october.Begin().Add(50 * time.Hour)
	for range 3 { // accounts of four rows
		other := r.NewAccount(t)
		k := r.NewKey(t, other, func(k *apikey.Key) { k.Products = []product.ID{"search", "routing", "map-display", "traffic"} })
		r.count(t, 1, call(k, "search", authz.Allowed, at), call(k, "routing", authz.Allowed, at), call(k, "map-display", authz.Allowed, at), call(k, "traffic", authz.Allowed, at))
	}
	whole := r.stated(t, "operator", "/v1/operator", "?page_size=100").JSON(t)["rows"].([]any)
	if len(whole) != 3+3*4 {
		t.Fatalf("%d rows", len(whole))
	}
	for _, size := range []string{"1", "2", "3", "5"} {
		var rows []any
		for pages, next := 0, ""; ; pages++ {
			doc := r.stated(t, "operator", "/v1/operator", "?page_size="+size+"&page_token="+url.QueryEscape(next)).JSON(t)
			rows = append(rows, doc["rows"].([]any)...)
			if next, _ = doc["next_page_token"].(string); next == "" || pages > 50 {
				break
			}
		}
		if got, want := asJSON(t, rows), asJSON(t, whole); !bytes.Equal(got, want) {
			t.Errorf("pages of %s: %d rows\n%s\nwant\n%s", size, len(rows), got, want)
		}
	}
}

// TestAKeyWhoseRecordIsDamagedKeepsItsRowsInAStatement: its ID is in its item's name.
func TestAKeyWhoseRecordIsDamagedKeepsItsRowsInAStatement(t *testing.T) {
	r := billed(t)
	rows := func() []byte { return asJSON(t, r.stated(t, "owner", r.root(), "").JSON(t)["rows"]) }
	want := rows()
	for _, item := range r.Items(t, r.Tables.Control) {
		if sk, _ := dynamo.GetS(item, "sk"); sk == "KEY#"+string(r.key.ID) {
			item["v"] = dynamo.S("damaged")
			r.Put(t, r.Tables.Control, item)
		}
	}
	r.Want(t, 409, apitest.Call{As: "owner", Method: "GET", Path: r.root() + "/keys/" + string(r.key.ID) + "/usage"})
	if got := rows(); !bytes.Contains(want, []byte(r.key.ID)) || !bytes.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestADeletedKeyKeepsItsRowsInAStatement: its calls were made, and it may be restored. Only a key that is purged has no row of its own.
func TestADeletedKeyKeepsItsRowsInAStatement(t *testing.T) {
	r := billed(t)
	rows := func() []byte { return asJSON(t, r.stated(t, "owner", r.root(), "").JSON(t)["rows"]) }
	want := rows()
	if _, err := r.Edit(t.Context(), r.key, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now }); err != nil {
		t.Fatal(err)
	}
	if got := rows(); !bytes.Contains(want, []byte(r.key.ID)) || !bytes.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestAnAccountThatIsLeftOutOfAFinalStatementHasNone: its owner is shown what is counted, and operators which accounts the file lacks.
func TestAnAccountThatIsLeftOutOfAFinalStatementHasNone(t *testing.T) {
	r := billed(t)
	for _, status := range []statements.Status{statements.Writing, statements.Final} {
		s, err := r.tables.State(t.Context(), october)
		if err != nil {
			t.Fatal(err)
		}
		next := s
		next.Status, next.Columns, next.After, next.Left = status, statement.Columns(), r.account.ID, []account.ID{r.account.ID}
		if status == statements.Final {
			next.Ended, next.SHA256 = keytest.Now, statements.Empty(next.Columns)
		}
		if _, err := r.tables.Save(t.Context(), s, next); err != nil {
			t.Fatal(err)
		}
	}
	if doc := r.stated(t, "owner", r.root(), "").JSON(t); doc["status"] != "open" || doc["sha256"] != nil || doc["closed_at"] != nil || len(doc["rows"].([]any)) != 3 {
		t.Errorf("its owner: %v", doc)
	}
	doc := r.stated(t, "operator", "/v1/operator", "").JSON(t)
	if doc["status"] != "final" || len(doc["rows"].([]any)) != 0 || !reflect.DeepEqual(doc["left_out"], []any{string(r.account.ID)}) {
		t.Errorf("operators: %v", doc)
	}
}

func asJSON(t *testing.T, rows any) []byte {
	t.Helper()
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
