package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"reflect"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
	"latchkey/shared/usage"
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

// TestAnOpenMonthHasEachRowOnce though accounts are opened before the one that a page ends in, that one is renamed, and pages change their size.
func TestAnOpenMonthHasEachRowOnce(t *testing.T) {
	for _, name := range []string{"", "Aa", "Zz"} { // of the account within which the first page ends, from then on
		r := billed(t)
		at := october.Begin().Add(50 * time.Hour)
		made := map[string]account.Account{}
		open := func(name string) {
			made[name] = r.NewAccount(t, func(a *account.Account) { a.Name = name })
			k := r.NewKey(t, made[name], func(k *apikey.Key) { k.Products = []product.ID{"search", "routing"} })
			r.count(t, 1, call(k, "search", authz.Allowed, at), call(k, "routing", authz.Allowed, at))
		}
		for _, one := range []string{"B1", "B2", "B3"} {
			open(one)
		}
		seen := map[string]int{}
		read := func(query string) string {
			doc := r.stated(t, "operator", "/v1/operator", query).JSON(t)
			for _, row := range doc["rows"].([]any) {
				one := row.(map[string]any)
				seen[one["account_id"].(string)+" "+one["product"].(string)]++
			}
			next, _ := doc["next_page_token"].(string)
			return url.QueryEscape(next)
		}
		next := read("?page_size=3") // ends within B2
		for _, one := range []string{"A1", "A2", "B11", "B12", "B13"} {
			open(one)
		}
		if name != "" {
			after := made["B2"]
			after.Name = name
			if _, err := r.Control.UpdateAccount(t.Context(), made["B2"], after, keytest.Row(after.ID, "account.edit", "")); err != nil {
				t.Fatal(err)
			}
		}
		for size := 1; next != ""; size++ {
			next = read("?page_size=" + strconv.Itoa(size) + "&page_token=" + next)
		}
		for _, one := range []string{"B1", "B2", "B3"} {
			for _, of := range []string{"search", "routing"} {
				if n := seen[string(made[one].ID)+" "+of]; n != 1 && (name != "Zz" || one != "B2") { // what comes by its new name on a later page may come again
					t.Errorf("renamed to %q: %s has %d rows of %s", name, one, n, of)
				}
			}
		}
	}
}

// TestAnAccountOfTooManyKeysIsNamedAndInTheOpenMonth: its rows are of no key and have all calls by product, class and billing type, and the accounts
// behind it are listed. One of as many keys as are read is split.
func TestAnAccountOfTooManyKeysIsNamedAndInTheOpenMonth(t *testing.T) {
	r := billed(t)
	other := r.NewAccount(t)
	r.count(t, 4, call(r.NewKey(t, other), "search", authz.Allowed, october.Begin().Add(time.Hour)))
	for crowd, split := range map[int]bool{mostOfMonth - 2: true, mostOfMonth - 1: false} {
		r.crowd = crowd
		for as, root := range map[string]string{"owner": r.root(), "operator": "/v1/operator"} {
			doc := r.stated(t, as, root, "").JSON(t)
			keyed, sum := 0, 0.0
			for _, one := range doc["rows"].([]any) {
				row := one.(map[string]any)
				switch {
				case row["account_id"] != string(r.account.ID):
					continue
				case row["key_id"] != nil:
					keyed++
				case row["billing_type"] == nil || row["class"] == nil:
					t.Errorf("%d more keys: %v", crowd, row)
				}
				sum += row["requests"].(float64)
			}
			if named := reflect.DeepEqual(doc["not_split"], []any{string(r.account.ID)}); named == split || (keyed > 0) != split || sum != 12 {
				t.Errorf("%d more keys, %s: not_split %v, %d rows of keys, %v calls", crowd, as, doc["not_split"], keyed, sum)
			}
			if got := r.stated(t, as, root, "?format=csv").Header.Get("X-Not-Split"); (got == "key") == split {
				t.Errorf("%d more keys, %s: the file says %q", crowd, as, got)
			}
			if as == "operator" && !bytes.Contains(asJSON(t, doc["rows"]), []byte(other.ID)) {
				t.Errorf("%d more keys: the account behind it is missing", crowd)
			}
		}
	}
}

// slow tables have an account of so many keys, and take 5 ms for each page or query.
type slow int

const pageOfKeys = 1000

func (s slow) Keys(_ context.Context, _ account.ID, q control.KeyQuery) (page control.KeyPage, _ error) {
	time.Sleep(5 * time.Millisecond)
	begin, _ := strconv.Atoi(string(q.After))
	for i := begin + 1; i <= min(begin+pageOfKeys, int(s)); i++ {
		page.Keys = append(page.Keys, apikey.Key{ID: apikey.ID(strconv.Itoa(i))})
	}
	if begin+pageOfKeys < int(s) {
		page.Next = apikey.ID(strconv.Itoa(begin + pageOfKeys))
	}
	return page, nil
}

func (s slow) KeyRows(ctx context.Context, id account.ID, _ apikey.ID, in counters.Range) ([]usage.Row, error) {
	return s.AccountRows(ctx, id, in)
}

func (slow) AccountRows(_ context.Context, _ account.ID, in counters.Range) ([]usage.Row, error) {
	time.Sleep(5 * time.Millisecond)
	return []usage.Row{{Start: in.From, Product: "search", Counts: usage.Counts{"c:c:allowed": 1}}}, nil
}

// TestAnOpenMonthOfAnyAccountIsReadInTime: of however many keys, the store takes at most half a second of the 15 that are left for an account.
func TestAnOpenMonthOfAnyAccountIsReadInTime(t *testing.T) {
	for _, keys := range []slow{1, mostOfMonth, mostOfMonth + 1, 100_000} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, _, split, err := openMonth(keys, keys).Split(t.Context(), october, "acc_1")
			if took := time.Since(began); err != nil || split != (keys <= mostOfMonth) || took > time.Second/2 {
				t.Errorf("%d keys: split %t after %v, %v", keys, split, took, err)
			}
		})
	}
}

// TestAKeyWhoseRecordIsDamagedKeepsItsRowsInAStatement: its ID is in its item's name.
func TestAKeyWhoseRecordIsDamagedKeepsItsRowsInAStatement(t *testing.T) {
	r := billed(t)
	rows := func() []byte {
		list := r.stated(t, "owner", r.root(), "").JSON(t)["rows"].([]any)
		for _, one := range list {
			delete(one.(map[string]any), "key_name")
		}
		return asJSON(t, list)
	}
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

// TestAnAccountThatIsLeftOutOfAClosedMonthIsNamed, to operators and on its own page, which says that the month is closed. What it used becomes adjustments.
func TestAnAccountThatIsLeftOutOfAClosedMonthIsNamed(t *testing.T) {
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
	for as, root := range map[string]string{"owner": r.root(), "operator": "/v1/operator"} {
		doc := r.stated(t, as, root, "").JSON(t)
		named := reflect.DeepEqual(doc["left_out"], []any{string(r.account.ID)})
		if !named || doc["status"] != "final" || doc["closed_at"] == nil || doc["sha256"] != statements.Empty(statement.Columns()) || len(doc["rows"].([]any)) != 0 {
			t.Errorf("%s: %v", as, doc)
		}
		file := r.stated(t, as, root, "?format=csv")
		if got := file.Header.Get("X-Statement-Left-Out"); got != string(r.account.ID) || file.Header.Get("X-Statement-Status") != "final" {
			t.Errorf("%s: the file names %q", as, got)
		}
	}
}

// TestWhatIsCarriedIsOfTheOpenMonthThatWillHaveIt: what came in a month that was closed without the account is shown in the first one that is open since.
func TestWhatIsCarriedIsOfTheOpenMonthThatWillHaveIt(t *testing.T) {
	r := billed(t)
	ctx, september := t.Context(), october-1
	for _, status := range []statements.Status{statements.Writing, statements.Final} {
		s, err := r.tables.State(ctx, september)
		if err != nil {
			t.Fatal(err)
		}
		next := s
		next.Status, next.Columns, next.Left = status, statement.Columns(), []account.ID{r.account.ID}
		if _, err := r.tables.Save(ctx, s, next); err != nil {
			t.Fatal(err)
		}
	}
	open, err := r.tables.State(ctx, october)
	if err == nil {
		_, err = r.tables.Save(ctx, open, open)
	}
	if err != nil {
		t.Fatal(err)
	}
	at := statement.Place{Adjusts: september - 1, Account: r.account.ID, Key: r.key.ID, Product: "search"}
	row := statement.Row{Place: at, Calls: map[authz.Code]int64{authz.Allowed: 7}}
	if err := r.tables.Adjust(ctx, statements.Adjustment{Account: r.account.ID, Of: september - 1, Number: 1, In: september, Rows: []statement.Row{row}}); err != nil {
		t.Fatal(err)
	}
	for month, want := range map[statement.Month]int{september: 0, october: 1, october + 1: 0} {
		adjusting := 0
		doc := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.root() + "/statements/" + month.String()}).JSON(t)
		for _, one := range doc["rows"].([]any) {
			if one.(map[string]any)["adjusts"] != nil {
				adjusting++
			}
		}
		if adjusting != want {
			t.Errorf("%s: %d adjustments, want %d", month, adjusting, want)
		}
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
