package main

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/keytest"
)

// named gives the two keys names and billing types to tell them apart by.
func (r *harness) named(t testing.TB) {
	t.Helper()
	for _, one := range []struct {
		key  *apikey.Key
		name string
	}{{&r.key, "one"}, {&r.two, "two"}} {
		k, err := r.Edit(t.Context(), *one.key, "key.edit", func(k *apikey.Key) { k.Name = one.name })
		if err != nil {
			t.Fatal(err)
		}
		*one.key = k
	}
}

// table reads the lines of a table: product, name of the key, requests, allowed, refused and breaches.
func table(t testing.TB, body []byte) (lines []string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(string(body))).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%v: %s", err, body)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	for _, row := range rows[1:] {
		var cells []string
		for _, name := range []string{"product", "key_name", "requests", "allowed", "refused", "qps_breaches"} {
			cells = append(cells, row[at[name]])
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	return lines
}

// download is the table of an account (the zero key) or of a key.
func (r *harness) download(t testing.TB, k apikey.Key, query string) apitest.Answer {
	t.Helper()
	return r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path(k) + "?format=csv" + query})
}

// TestEachLineOfATableSaysWhoseItIs: account, key, its name and billing type, for an account as for a key.
func TestEachLineOfATableSaysWhoseItIs(t *testing.T) {
	r := mixed(t)
	r.named(t)
	for _, asked := range []apikey.Key{{}, r.two} {
		want := fmt.Sprintf("\n2026-11-21T10:00:00.000Z,%s,%s,two,freemium,search,2,2,0,0,", r.account.ID, r.two.ID)
		if got := string(r.download(t, asked, "").Body); !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
}

func TestATablesNameSaysWhoseItIsAndFromWhenToWhen(t *testing.T) {
	r := newHarness(t)
	for query, want := range map[string]string{
		"": "_2026-11-20_2026-11-21.csv",
		"&from=2026-11-03T00:00:00.000Z&to=2026-11-05T00:00:00.000Z&interval=day": "_2026-11-03_2026-11-04.csv",
		"&from=2026-11-03T23:30:00.000Z&to=2026-11-04T00:30:00.000Z":              "_2026-11-03_2026-11-04.csv",
	} {
		for k, whose := range map[*apikey.Key]string{{}: "usage_" + string(r.account.ID), &r.key: "usage_" + string(r.account.ID) + "_" + string(r.key.ID)} {
			got := r.download(t, *k, query).Header.Get("Content-Disposition")
			if got != `attachment; filename="`+whose+want+`"` {
				t.Errorf("%s: %s, want %s", query, got, whose+want)
			}
		}
	}
}

// TestATableAddsUpToTheAccountsCalls, whatever has become of the keys: calls of a purged one are in lines without a key.
func TestATableAddsUpToTheAccountsCalls(t *testing.T) {
	r := mixed(t)
	r.named(t)
	gone := r.two
	gone.ID = keytest.KeyID()
	r.count(t, 3, call(gone, "search", authz.Allowed, keytest.Now.Add(-2*time.Hour)), call(gone, "search", authz.KeyRevoked, keytest.Now.Add(-2*time.Hour)))
	got := strings.Join(table(t, r.download(t, apikey.Key{}, "").Body), "; ")
	if want := "search  6 3 3 0; map-display one 5 0 5 5; search one 10 5 5 0; search two 2 2 0 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNoNameInATableIsAFormula(t *testing.T) {
	r := mixed(t)
	var err error
	if r.two, err = r.Edit(t.Context(), r.two, "key.edit", func(k *apikey.Key) { k.Name = `=HYPERLINK("x")` }); err != nil {
		t.Fatal(err)
	}
	for _, asked := range []apikey.Key{{}, r.two} {
		want := fmt.Sprintf(`,%s,"'=HYPERLINK(""x"")",`, r.two.ID)
		if got := string(r.download(t, asked, "").Body); !strings.Contains(got, want) {
			t.Errorf("%s is missing in %s", want, got)
		}
	}
}

// TestUsageShowsNamesAsOtherAnswersDo: what hides or turns text round in an old name is shown as U+FFFD, in answers and in tables.
func TestUsageShowsNamesAsOtherAnswersDo(t *testing.T) {
	r := mixed(t)
	var err error
	if r.two, err = r.Edit(t.Context(), r.two, "key.edit", func(k *apikey.Key) { k.Name = "\u202eevil" }); err != nil {
		t.Fatal(err)
	}
	for _, asked := range []apikey.Key{{}, r.two} {
		for _, query := range []string{"", "?format=csv", "?interval=hour&group_by=key"} {
			if asked.ID != "" && strings.Contains(query, "group_by") {
				continue
			}
			got := string(r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path(asked) + query}).Body)
			if strings.Contains(got, "\u202e") || !strings.Contains(got, "\ufffdevil") {
				t.Errorf("%s%s: %s", r.path(asked), query, got)
			}
		}
	}
}

// TestATableOfTooManyLinesIsNotSplitByKey: with one line more than an answer can have, the table is the account's.
func TestATableOfTooManyLinesIsNotSplitByKey(t *testing.T) {
	keytest.OneAtATime(t)
	r := mixed(t)
	r.named(t)
	if got := strings.Join(table(t, r.download(t, apikey.Key{}, "").Body), "; "); got != "map-display one 5 0 5 5; search one 10 5 5 0; search two 2 2 0 0" {
		t.Error(got)
	}
	for _, lines := range []int{15_000, 15_001} {
		r.rows = lines
		got := table(t, r.download(t, apikey.Key{}, "").Body)
		switch {
		case lines > 15_000:
			if whole := strings.Join(got, "; "); whole != "map-display  5 0 5 5; search  12 7 5 0" {
				t.Errorf("%d lines: %s", lines, whole)
			}
		case len(got) != lines || slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, "  ") }):
			t.Errorf("%d lines come as %d", lines, len(got))
		}
	}
}

// TestATableThatIsNotSplitByKeySaysSo, in a header and in the file's name, whichever bound it is beyond; one that is split, and a key's, don't.
func TestATableThatIsNotSplitByKeySaysSo(t *testing.T) {
	keytest.OneAtATime(t)
	r := mixed(t)
	says := func(want bool, r *harness, k apikey.Key, query string) {
		t.Helper()
		file := r.download(t, k, query)
		named := strings.HasSuffix(file.Header.Get("Content-Disposition"), `_by_account.csv"`)
		if got := file.Header.Get("X-Not-Split"); named != want || (got == "key") != want || !want && got != "" {
			t.Errorf("%s: X-Not-Split is %q, the file %s", query, got, file.Header.Get("Content-Disposition"))
		}
	}
	says(false, r, apikey.Key{}, "")
	r.more = true
	says(true, r, apikey.Key{}, "") // too many keys, or hours of them
	says(false, r, r.key, "")
	r.more, r.rows = false, 15_001
	says(true, r, apikey.Key{}, "")
	r.rows = 15_000
	says(false, r, apikey.Key{}, "")
	many := newHarness(t)
	apitest.People(t, many.API, many.account.ID)
	for range 60 { // with the harness's two they are one more than 46,000 rows of 744 hours
		many.NewKey(t, many.account)
	}
	from := "&interval=%s&from=" + keytest.Now.AddDate(0, 0, -31).Format(time.DateOnly) + "T00:00:00Z&to=" + keytest.Now.Format(time.DateOnly) + "T00:00:00Z"
	for interval, want := range map[string]bool{"hour": true, "day": false} {
		says(want, many, apikey.Key{}, fmt.Sprintf(from, interval))
	}
}

// TestSharesOfKeysNameThem, so that nobody has to read the list of keys for it.
func TestSharesOfKeysNameThem(t *testing.T) {
	r := mixed(t)
	r.named(t)
	want := map[string]any{"id": string(r.two.ID), "name": "two", "preview": r.two.Current.Preview, "billing_type": "freemium"}
	if got := r.get(t, r.two, "")["key"]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the key's own usage names %v, want %v", got, want)
	}
	shares := r.get(t, apikey.Key{}, "")["by_key"].([]any)
	if got := shares[1].(map[string]any)["key"]; len(shares) != 2 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the account's shares name %v, want %v", got, want)
	}
	if doc := r.get(t, apikey.Key{}, ""); doc["key"] != nil || doc["by_product"].([]any)[0].(map[string]any)["key"] != nil {
		t.Error("what belongs to no single key names one")
	}
}

// TestATableTellsBillingTypesApart: a key's calls stand under the type that it had when it was called, whatever it has now, and those by
// a record of a release before under none. So do they in the JSON; both add up to all calls, of a purged key too.
func TestATableTellsBillingTypesApart(t *testing.T) {
	r := newHarness(t)
	r.named(t)
	gone := r.two
	gone.ID = keytest.KeyID()
	for n, one := range []struct {
		key     apikey.Key
		billing apikey.BillingType
		code    authz.Code
	}{
		{r.two, "evaluation", authz.Allowed},
		{r.two, "paying", authz.Allowed},
		{r.two, "", authz.Allowed},
		{r.two, "paying", authz.DomainNotAllowed},
		{gone, "free", authz.Allowed},
		{gone, "", authz.DomainNotAllowed},
		{r.two, "trial", authz.Allowed},
	} {
		c := call(one.key, "search", one.code, keytest.Now.Add(-2*time.Hour))
		c.Billing = one.billing
		r.count(t, n+1, c)
	}
	lines := func(k apikey.Key, query string) (found []string) {
		rows, err := csv.NewReader(strings.NewReader(string(r.download(t, k, query).Body))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			found = append(found, strings.Join([]string{row[3], row[4], row[7], row[8]}, " ")) // name, type, allowed, refused
		}
		return found
	}
	of := []string{"two  3 0", "two evaluation 1 0", "two paying 2 4", "two trial 7 0"}
	for _, interval := range []string{"", "&interval=day"} {
		if got := lines(r.two, interval); fmt.Sprint(got) != fmt.Sprint(of) {
			t.Errorf("the key%s: %q, want %q", interval, got, of)
		}
		if got, want := lines(apikey.Key{}, interval), append([]string{"  0 6", " free 5 0"}, of...); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the account%s: %q, want %q", interval, got, want)
		}
	}
	if got := lines(r.two, "&outcome=refused"); fmt.Sprint(got) != "[two paying 0 4]" {
		t.Errorf("refused calls: %q", got)
	}
	for k, want := range map[*apikey.Key]string{
		&r.two: "map[:3 3 0 0 evaluation:1 1 0 0 paying:6 2 4 0 trial:7 7 0 0]", {}: "map[:9 3 6 0 evaluation:1 1 0 0 free:5 5 0 0 paying:6 2 4 0 trial:7 7 0 0]",
	} {
		if got := fmt.Sprint(named(r.get(t, *k, "")["by_billing_type"])); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
