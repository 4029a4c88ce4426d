package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/usage/statement"
)

// TestStatementsBeginWithAMonthThatThereIsSomethingToReadOf: without a month, a customer reads the last statement, if it is final, and the month in
// progress otherwise; a month that nobody states is told in a customer's words.
func TestStatementsBeginWithAMonthThatThereIsSomethingToReadOf(t *testing.T) {
	w := newWalker(t, "owner")
	present := statement.MonthOf(time.Now())
	root := "/accounts/" + account + "/statements"
	says := func(month statement.Month, change func(*api.Statement)) {
		w.api.on("GET /v1"+root+"/"+month.String(), func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			s := openStatement()
			s.Month = month.String()
			change(&s)
			reply(out, 200, s)
			return true
		})
	}
	says(present, func(*api.Statement) {})
	for status, want := range map[api.StatementStatus]statement.Month{api.Final: present - 1, api.Open: present} {
		says(present-1, func(s *api.Statement) { s.Status, s.WaitsFor = status, ptr("closing") })
		page := w.ask(http.MethodGet, root, nil)
		if got := `value="` + want.String() + `"`; !strings.Contains(page.text, got) {
			t.Errorf("the last month is %s: the page doesn't have %s", status, got)
		}
		if running := strings.Contains(text(page.doc), "Month in progress"); running != (want == present) {
			t.Errorf("the last month is %s: in progress: %t", status, running)
		}
	}
	says(present-1, func(s *api.Statement) { s.WaitsFor = ptr("closing") })
	for target, want := range map[string]bool{root: false, "/operator/statements": true} {
		w.state(func(me *api.Me, _ *api.KeyWithSecret) { me.Operator = true })
		w.api.on("GET /v1/operator/statements/"+(present-1).String(), func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			s := openStatement()
			s.WaitsFor = ptr("closing")
			reply(out, 200, s)
			return true
		})
		said := text(w.ask(http.MethodGet, target+"?month="+(present-1).String(), nil).doc)
		if operators := strings.Contains(said, "closing the month"); operators != want || strings.Contains(said, "There is no statement for this month.") == want {
			t.Errorf("%s: %s", target, said)
		}
	}
}

// TestAStatementIsAddedUp where all of its rows are on the page, and there are several.
func TestAStatementIsAddedUp(t *testing.T) {
	w := newWalker(t, "owner")
	row := api.StatementRow{AccountId: account, Requests: 1200, Allowed: 1150, Refused: 50}
	for name, c := range map[string]struct {
		rows int
		page string
		next *string
		want []string
	}{
		"several":   {rows: 3, want: []string{"3,600", "3,450", "150"}},
		"one":       {rows: 1},
		"a part":    {rows: 3, next: ptr("more")},
		"the rest":  {rows: 3, page: "&page=more"},
		"no row":    {},
		"two pages": {rows: 2, page: "&page=more", next: ptr("more")},
	} {
		w.api.on("GET /v1/accounts/"+account+"/statements/2026-07", func(out http.ResponseWriter, _ *http.Request, _ []byte) bool {
			s := openStatement()
			s.Rows, s.NextPageToken = slices.Repeat([]api.StatementRow{row}, c.rows), c.next
			reply(out, 200, s)
			return true
		})
		_, table, _ := strings.Cut(w.ask(http.MethodGet, "/accounts/"+account+"/statements?month=2026-07"+c.page, nil).text, `<tr class="total">`)
		var got []string
		for _, n := range []string{"3,600", "3,450", "150"} {
			if strings.Contains(table, ">"+n+"<") {
				got = append(got, n)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: the total has %q, want %q", name, got, c.want)
		}
	}
}
