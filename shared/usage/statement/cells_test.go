package statement_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
	"latchkey/shared/usage/statement"
)

// TestEachCellOfARowIsItsOwn: no two alike, a line read again says the same, and rows about other months keep which.
func TestEachCellOfARowIsItsOwn(t *testing.T) {
	columns := []string{"month", "adjusts", "account_id", "key_id", "product", "class", "billing_type", "requests", "allowed", "refused", "qps_exceeded", "domain_not_allowed", "other_refusals", "upstream_2xx"}
	if got := statement.Columns(); !slices.Equal(got[:10], columns[:10]) {
		t.Fatalf("the columns are %v", got)
	}
	place := statement.Place{Account: "acc_1", Adjusts: november - 2, Key: "key_1", Product: "search", Class: "search.x", Billing: "paying"}
	own := place
	own.Adjusts = 0
	rows := []statement.Row{
		{Place: own, Calls: map[authz.Code]int64{authz.Allowed: 3, authz.QPSExceeded: 4, authz.DomainNotAllowed: 5, "other_refusals": 6}},
		{Place: place, Calls: map[authz.Code]int64{authz.Allowed: -2, authz.DomainNotAllowed: 7}},
	}
	const want = "2026-11,,acc_1,key_1,search,search.x,paying,18,3,15,4,5,6,\n2026-11,2026-09,acc_1,key_1,search,search.x,paying,5,-2,7,0,7,0,\n"
	text := statement.Encode(columns, november, rows)
	if string(text) != want {
		t.Errorf("%s", text)
	}
	if again, err := statement.Decode(columns, text); err != nil || !reflect.DeepEqual(again, rows) {
		t.Errorf("read again: %+v, %v", again, err)
	}
	for name, line := range map[string]string{
		"a cell missing":     "2026-11,,acc_1,key_1,search,search.x,paying,18,3,15,4,5,6\n",
		"a cell too many":    "2026-11,,acc_1,key_1,search,search.x,paying,18,3,15,4,5,6,,\n",
		"no number":          "2026-11,,acc_1,key_1,search,search.x,paying,18,3,15,4,five,6,\n",
		"no number at all":   "2026-11,,acc_1,key_1,search,search.x,paying,18,3,15,4,,6,\n",
		"about no month":     "2026-11,2026-13,acc_1,key_1,search,search.x,paying,18,3,15,4,5,6,\n",
		"a quote in between": "2026-11,,acc\"_1,key_1,search,search.x,paying,18,3,15,4,5,6,\n",
	} {
		if got, err := statement.Decode(columns, []byte(want+line)); !errors.Is(err, statement.ErrTable) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestCodesWithoutAColumnAreFoldedAlone: rows of which all codes have one stay as they are, and so do the rows that were given.
func TestCodesWithoutAColumnAreFoldedAlone(t *testing.T) {
	calls := func(list map[authz.Code]int64) statement.Row { return statement.Row{Calls: list} }
	columns := []string{"allowed", "qps_exceeded", "other_refusals"}
	given := []statement.Row{calls(map[authz.Code]int64{"allowed": 1, "qps_exceeded": 2}), calls(map[authz.Code]int64{"qps_exceeded": 3, "later": 4, "latest": 5}), calls(map[authz.Code]int64{"allowed": 6})}
	want := []statement.Row{given[0], calls(map[authz.Code]int64{"qps_exceeded": 3, "other_refusals": 9}), given[2]}
	if got := statement.Fold(columns, given); !reflect.DeepEqual(got, want) || given[1].Calls["later"] != 4 {
		t.Errorf("%+v of %+v", got, given)
	}
}

// TestALineReadsBack, whatever is in its cells; a text that is none is refused.
func TestALineReadsBack(t *testing.T) {
	for _, cells := range [][]string{{"a", "b"}, {"", "x,y", "a \"b\"", "c\nd"}} {
		if got, err := statement.ReadLine(string(statement.Line(cells))); err != nil || !slices.Equal(got, cells) {
			t.Errorf("%q: %q, %v", cells, got, err)
		}
	}
	for _, text := range []string{"", "a\"b,c\n", "\"a\n"} {
		if got, err := statement.ReadLine(text); !errors.Is(err, statement.ErrTable) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// TestAMonthIsThatOfUTC, wherever the clock is read; none is written as nothing.
func TestAMonthIsThatOfUTC(t *testing.T) {
	east, west := time.FixedZone("", 3600), time.FixedZone("", -3600)
	for at, want := range map[time.Time]string{
		time.Date(2026, 12, 1, 0, 59, 59, 0, east): "2026-11", time.Date(2026, 12, 1, 1, 0, 0, 0, east): "2026-12", time.Date(2026, 12, 31, 23, 0, 0, 0, west): "2027-01",
		time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC): "2026-01",
	} {
		if m := statement.MonthOf(at); m.String() != want || m.Begin().Format("2006-01-02T15:04:05Z") != want+"-01T00:00:00Z" {
			t.Errorf("%v: %s from %v", at, m, m.Begin())
		}
	}
	if got := statement.Month(0).String(); got != "" {
		t.Errorf("none is %q", got)
	}
}

// TestCallsAreLostOnlyWhereAllRowsTogetherHaveFewer, by product and outcome: what went to another row isn't lost, and one that is lost is
// not made up for by another product's or outcome's.
func TestCallsAreLostOnlyWhereAllRowsTogetherHaveFewer(t *testing.T) {
	row := func(k apikey.ID, p product.ID, code authz.Code, n int64) statement.Row {
		return statement.Row{Place: statement.Place{Account: acct, Key: k, Product: p}, Calls: map[authz.Code]int64{code: n}}
	}
	for name, c := range map[string]struct {
		rows []statement.Row
		want bool
	}{
		"none":                  {nil, false},
		"more":                  {[]statement.Row{row("a", "search", "allowed", 2)}, false},
		"fewer":                 {[]statement.Row{row("a", "search", "allowed", -1)}, true},
		"to another key":        {[]statement.Row{row("a", "search", "allowed", -1), row("b", "search", "allowed", 1)}, false},
		"fewer to another key":  {[]statement.Row{row("a", "search", "allowed", -2), row("b", "search", "allowed", 1)}, true},
		"to another product":    {[]statement.Row{row("a", "search", "allowed", -1), row("a", "map", "allowed", 1)}, true},
		"to another outcome":    {[]statement.Row{row("a", "search", "allowed", -1), row("a", "search", "qps_exceeded", 1)}, true},
		"of the second of many": {[]statement.Row{row("a", "map", "allowed", 5), row("a", "search", "qps_exceeded", -1)}, true},
	} {
		if got := statement.Lost(c.rows); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestWhatOnlyOneSideHasOfPurgedKeysIsADifference: calls that nothing was said of, and calls that are in no counter any more.
func TestWhatOnlyOneSideHasOfPurgedKeysIsADifference(t *testing.T) {
	row := func(k apikey.ID, b apikey.BillingType, n int64) statement.Row {
		return statement.Row{Place: statement.Place{Account: acct, Key: k, Product: "search", Billing: b}, Calls: map[authz.Code]int64{authz.Allowed: n}}
	}
	for name, c := range map[string]struct {
		now, said []statement.Row
		want      []int64
	}{
		"said of none":             {[]statement.Row{row("", "free", 5)}, nil, []int64{5}},
		"counted no more":          {nil, []statement.Row{row("key_x", "free", 5)}, []int64{-5}},
		"more than was said":       {[]statement.Row{row("", "free", 6)}, []statement.Row{row("key_x", "free", 5)}, []int64{1}},
		"fewer than were said":     {[]statement.Row{row("", "free", 4)}, []statement.Row{row("key_x", "free", 5)}, []int64{-1}},
		"as many, of two purged":   {[]statement.Row{row("", "free", 9)}, []statement.Row{row("key_x", "free", 5), row("key_y", "free", 4)}, nil},
		"of a known key, said of":  {[]statement.Row{row("key_a", "free", 5)}, []statement.Row{row("key_a", "free", 5)}, nil},
		"of a known key, none now": {nil, []statement.Row{row("key_a", "free", 5)}, []int64{-5}},
	} {
		var got []int64
		for _, r := range statement.Differences(november, allKeys, c.now, c.said) {
			got = append(got, r.Allowed())
			if purged := strings.Contains(name, "known key"); (r.Key == "") == purged || r.Adjusts != november || r.Account != acct {
				t.Errorf("%s: %+v", name, r.Place)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
