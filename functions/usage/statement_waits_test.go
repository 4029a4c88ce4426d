package main

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// save puts october into a state behind the one that it has.
func (r *harness) save(t *testing.T, change func(*statements.State)) {
	t.Helper()
	s, err := r.tables.State(t.Context(), october)
	if err != nil {
		t.Fatal(err)
	}
	next := s
	change(&next)
	if _, err := r.tables.Save(t.Context(), s, next); err != nil {
		t.Fatal(err)
	}
}

// TestAnOpenMonthPastItsDaySaysWhatItWaitsFor, to owners too: until then that is the day, and of a final one nothing.
func TestAnOpenMonthPastItsDaySaysWhatItWaitsFor(t *testing.T) {
	r := billed(t)
	says := func(month statement.Month, want any) {
		t.Helper()
		for as, root := range map[string]string{"owner": r.root(), "operator": "/v1/operator"} {
			if got := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: root + "/statements/" + month.String()}).JSON(t)["waits_for"]; got != want {
				t.Errorf("%s: %s waits for %v, want %v", as, month, got, want)
			}
		}
	}
	says(october+1, nil)     // it runs
	says(october, "closing") // no job has seen it
	r.save(t, func(*statements.State) {})
	says(october, "records")
	r.save(t, func(s *statements.State) { s.Status, s.Columns = statements.Writing, statement.Columns() })
	says(october, "writing")
	r.save(t, func(s *statements.State) {
		s.Status, s.Ended, s.SHA256 = statements.Final, keytest.Now, statements.Empty(s.Columns)
	})
	says(october, nil)
}

// TestAFileIsNamedByWhatItIs: one that may still grow, or that lacks something, has another name than the statement.
func TestAFileIsNamedByWhatItIs(t *testing.T) {
	r := billed(t)
	named := func(want string) {
		t.Helper()
		for as, root := range map[string]string{"owner": r.root(), "operator": "/v1/operator"} {
			of := "statement_" + october.String()
			if as == "owner" {
				of += "_" + string(r.account.ID)
			}
			if got := r.stated(t, as, root, "?format=csv").Header.Get("Content-Disposition"); got != `attachment; filename="`+of+want+`.csv"` {
				t.Errorf("%s: %s, want …%s.csv", as, got, want)
			}
		}
	}
	named("_open")
	r.save(t, func(s *statements.State) {
		s.Status, s.Columns, s.Left = statements.Writing, statement.Columns(), []account.ID{r.account.ID}
	})
	named("_open") // what can be read of the account is in it
	day := fmt.Sprintf("D#%09d#z", usage.HourOf(october.Begin()))
	r.Put(t, r.Tables.Counters, dynamo.Item{"pk": dynamo.S("A#" + string(r.account.ID)), "sk": dynamo.S(day), "v": dynamo.S("damaged")})
	file := r.stated(t, "operator", "/v1/operator", "?format=csv")
	if got := file.Header.Get("Content-Disposition"); !strings.HasSuffix(got, `_open_partial.csv"`) || file.Header.Get("X-Unreadable") == "" {
		t.Errorf("with a damaged counter: %s, %v", got, file.Header)
	}
	r.save(t, func(s *statements.State) {
		s.Status, s.After, s.Ended, s.SHA256 = statements.Final, r.account.ID, keytest.Now, statements.Empty(s.Columns)
	})
	named("_partial")
	whole := billed(t)
	whole.write(t)
	if got := whole.stated(t, "operator", "/v1/operator", "?format=csv").Header.Get("Content-Disposition"); got != `attachment; filename="statement_2026-10.csv"` {
		t.Errorf("whole and final: %s", got)
	}
}
