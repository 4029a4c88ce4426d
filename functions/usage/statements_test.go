package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage/statement"
)

// october has ended at the tests' time.
var october = statement.MonthOf(keytest.Now) - 1

// stated asks for a page of a statement.
func (r *harness) stated(t testing.TB, as, root, query string) apitest.Answer {
	t.Helper()
	return r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: root + "/statements/" + october.String() + query})
}

func (r *harness) root() string { return "/v1/accounts/" + string(r.account.ID) }

// billed puts calls of both keys into a month's counters.
func billed(t testing.TB) *harness {
	t.Helper()
	return billedOn(t, newHarness(t))
}

func billedOn(t testing.TB, r *harness) *harness {
	t.Helper()
	apitest.People(t, r.API, r.account.ID)
	at := october.Begin().Add(50 * time.Hour)
	one, two := call(r.key, "search", authz.Allowed, at), call(r.two, "map-display", authz.Allowed, at)
	later := call(r.key, "search", authz.Allowed, at.AddDate(0, 0, 9))
	later.Billing = "pay_as_you_grow"
	r.count(t, 3, one, two, later, call(r.key, "search", authz.QPSExceeded, at))
	r.count(t, 1, call(r.key, "search", authz.Allowed, october.Begin().Add(-time.Second)), call(r.key, "search", authz.Allowed, october.End()))
	return r
}

// write makes the statement final, as the job does.
func (r *harness) write(t testing.TB, rows ...statement.Row) {
	t.Helper()
	ctx := t.Context()
	s, err := r.tables.State(ctx, october)
	if err != nil {
		t.Fatal(err)
	}
	next := s
	next.Status, next.Columns = statements.Writing, statement.Columns()
	table, err := statements.NewTable(next.Columns, october, r.account.ID, rows)
	if err != nil {
		t.Fatal(err)
	}
	next.Rows = int64(len(rows))
	if next, err = r.tables.Save(ctx, s, next, table); err != nil {
		t.Fatal(err)
	}
	final := next
	final.Status, final.Ended = statements.Final, keytest.Now
	if final.SHA256, _, err = r.tables.Digest(ctx, final); err != nil {
		t.Fatal(err)
	}
	if _, err := r.tables.Save(ctx, next, final); err != nil {
		t.Fatal(err)
	}
}

// TestAnOpenMonthShowsWhatIsCountedNow, of that month alone, by the billing type that the key had, to the call.
func TestAnOpenMonthShowsWhatIsCountedNow(t *testing.T) {
	r := billed(t)
	for as, root := range map[string]string{"owner": r.root(), "operator": "/v1/operator"} {
		doc := r.stated(t, as, root, "").JSON(t)
		if doc["status"] != "open" || doc["sha256"] != nil || doc["closed_at"] != nil || doc["next_page_token"] != nil {
			t.Errorf("%s: %v", as, doc)
		}
		got := map[string]string{}
		for _, one := range doc["rows"].([]any) {
			row := one.(map[string]any)
			got[fmt.Sprint(row["product"], " ", row["class"], " ", row["billing_type"])] = fmt.Sprint(row["requests"], row["allowed"], row["refused"], row["by_reason"])
		}
		own := string(r.key.BillingType)
		want := map[string]string{
			"search search " + own: "6 3 3 map[qps_exceeded:3]", "search search pay_as_you_grow": "3 3 0 map[]", "map-display map-display " + string(r.two.BillingType): "3 3 0 map[]",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", as, got, want)
		}
	}
}

// fill makes a final statement of three pages.
func (r *harness) fill(t testing.TB) {
	t.Helper()
	var rows []statement.Row
	for n := range 23_456 {
		at := statement.Place{Account: r.account.ID, Key: r.key.ID, Product: "search", Class: "search", Billing: "free"}
		at.Key = r.key.ID[:len(r.key.ID)-5] + apikey.ID(fmt.Sprintf("%05d", n))
		rows = append(rows, statement.Row{Place: at, Calls: map[authz.Code]int64{authz.Allowed: int64(n + 1)}})
	}
	r.write(t, rows...)
}

// TestPagesOfATableAreTheFileThatTheHashIsOf: JSON pages have the same rows, one after the other.
func TestPagesOfATableAreTheFileThatTheHashIsOf(t *testing.T) {
	keytest.OneAtATime(t)
	r := billed(t)
	r.fill(t)
	for as, root := range map[string]string{"owner": r.root(), "operator": "/v1/operator"} {
		sum, pages, next := sha256.New(), 0, ""
		var said string
		for {
			a := r.stated(t, as, root, "?format=csv&page_token="+next)
			_, _ = sum.Write(a.Body)
			said, next = a.Header.Get("X-Statement-Sha256"), a.Header.Get("X-Next-Page-Token")
			if pages++; next == "" {
				break
			}
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != said || pages != 3 {
			t.Errorf("%s: %d pages have the hash %s, the header says %s", as, pages, got, said)
		}
	}
	doc := r.stated(t, "owner", r.root(), "?page_size=100").JSON(t)
	second := r.stated(t, "owner", r.root(), "?page_size=100&page_token="+doc["next_page_token"].(string)).JSON(t)
	first := second["rows"].([]any)[0].(map[string]any)
	if doc["status"] != "final" || len(doc["rows"].([]any)) != 100 || first["allowed"] != float64(101) {
		t.Errorf("%v, the second page begins with %v", doc["status"], first)
	}
}

// TestAnAccountsStatementIsFinalWhenItsOwnRowsAreWritten, while others can't be. Who has none yet, and operators, are shown what is counted.
func TestAnAccountsStatementIsFinalWhenItsOwnRowsAreWritten(t *testing.T) {
	r := billed(t)
	s, err := r.tables.State(t.Context(), october)
	if err != nil {
		t.Fatal(err)
	}
	next := s
	next.Status, next.Columns, next.After, next.Left = statements.Writing, statement.Columns(), r.account.ID, []account.ID{r.account.ID}
	if s, err = r.tables.Save(t.Context(), s, next); err != nil {
		t.Fatal(err)
	}
	if doc := r.stated(t, "owner", r.root(), "").JSON(t); doc["status"] != "open" || len(doc["rows"].([]any)) != 3 || doc["left_out"] != nil {
		t.Errorf("left for later: %v", doc)
	}
	if doc := r.stated(t, "operator", "/v1/operator", "").JSON(t); doc["status"] != "open" || fmt.Sprint(doc["left_out"]) != fmt.Sprint([]account.ID{r.account.ID}) {
		t.Errorf("operators are shown %v", doc)
	}
	row := statement.Row{Place: statement.Place{Account: r.account.ID, Key: r.key.ID, Product: "search"}, Calls: map[authz.Code]int64{authz.Allowed: 7}}
	table, err := statements.NewTable(s.Columns, october, r.account.ID, []statement.Row{row})
	if err != nil {
		t.Fatal(err)
	}
	next = s
	next.Left, next.Rows = nil, 1
	if _, err = r.tables.Save(t.Context(), s, next, table); err != nil {
		t.Fatal(err)
	}
	file := r.stated(t, "owner", r.root(), "?format=csv")
	sum := sha256.Sum256(file.Body)
	doc := r.stated(t, "owner", r.root(), "").JSON(t)
	if doc["status"] != "final" || doc["sha256"] != hex.EncodeToString(sum[:]) || doc["closed_at"] != nil || len(doc["rows"].([]any)) != 1 {
		t.Errorf("written: %v, of the file %x", doc, sum)
	}
	if doc := r.stated(t, "operator", "/v1/operator", "").JSON(t); doc["status"] != "open" || len(doc["rows"].([]any)) != 3 {
		t.Errorf("of all accounts: %v", doc)
	}
}

// TestAFinalStatementDoesNotChange whatever is counted later, and a page of the open month doesn't go on in it.
func TestAFinalStatementDoesNotChange(t *testing.T) {
	r := billed(t)
	open := r.stated(t, "owner", r.root(), "?page_size=1").JSON(t)
	at := statement.Place{Account: r.account.ID, Key: r.key.ID, Product: "search", Class: "search", Billing: "free"}
	r.write(t, statement.Row{Place: at, Calls: map[authz.Code]int64{authz.Allowed: 7}})
	before := r.stated(t, "owner", r.root(), "?format=csv")
	r.count(t, 5, call(r.key, "search", authz.Allowed, october.Begin().Add(time.Hour)))
	after := r.stated(t, "owner", r.root(), "?format=csv")
	if string(before.Body) != string(after.Body) || strings.Count(string(after.Body), "\n") != 2 || after.Header.Get("X-Statement-Status") != "final" {
		t.Errorf("%s\n%s", before.Body, after.Body)
	}
	path := r.root() + "/statements/" + october.String() + "?page_size=1&page_token=" + open["next_page_token"].(string)
	r.Want(t, 400, apitest.Call{As: "owner", Method: "GET", Path: path})
}

// TestAMonthIsOneThatHasBegun, and of which counters are kept.
func TestAMonthIsOneThatHasBegun(t *testing.T) {
	r := billed(t)
	now := statement.MonthOf(keytest.Now)
	for month, status := range map[string]int{
		now.String(): 200, (now + 1).String(): 400, "2026-13": 400, "2026-1": 400, "x": 400, "0000-00": 400,
	} {
		r.Want(t, status, apitest.Call{As: "owner", Method: http.MethodGet, Path: r.root() + "/statements/" + month})
	}
	for _, query := range []string{"?format=xml", "?from=2026-10-01", "?page_token=x"} {
		r.Want(t, 400, apitest.Call{As: "owner", Method: http.MethodGet, Path: r.root() + "/statements/" + october.String() + query})
	}
}

// TestTwelveMonthsAreShown on each day of a month, as many as can be closed; of those before only the ones that have their statement.
func TestTwelveMonthsAreShown(t *testing.T) {
	for _, day := range []int{1, 3, 31} {
		r := billed(t)
		at := time.Date(2027, time.November, day, 12, 0, 0, 0, time.UTC)
		if day == 31 {
			at = at.AddDate(0, 0, -1)
		}
		r.Clock.Advance(at.Sub(r.Clock.Now()))
		shown := func(status int, month statement.Month) {
			t.Helper()
			for as, root := range map[string]string{"owner": r.root(), "operator": "/v1/operator"} {
				r.Want(t, status, apitest.Call{As: as, Method: http.MethodGet, Path: root + "/statements/" + month.String()})
			}
		}
		shown(200, october+1)
		shown(400, october)
		r.write(t)
		shown(200, october)
	}
}
