package apitest

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"latchkey/shared/dynamo/control"
)

// noCustomers are the reads of operators that show no customer's data.
var noCustomers = []string{"listOperators", "listOperatorsAudit"}

// looksLeaveARow wants a row of whatever an operator reads of customers: the first time in an hour, with the operator's
// name, in the account's trail or, for a list over all accounts, in the operators' own.
func looksLeaveARow(t *testing.T, fixture func(testing.TB) Fixture, op Operation) {
	t.Helper()
	if op.Method != http.MethodGet || slices.Contains(noCustomers, op.ID) ||
		!slices.Contains(op.Roles, "operator") && !slices.Contains(op.Roles, "admin") {
		return
	}
	f := fixture(t)
	count := f.looks(t)
	read := func() {
		t.Helper()
		if got := f.call(t, op, "operator", f.params(op)); got.Status != http.StatusOK {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	f.Clock.Advance(2 * time.Hour) // the fixture may have looked itself
	for i, want := range []int{1, 1, 2} {
		if i == 2 {
			f.Clock.Advance(time.Hour)
		}
		read()
		if got := f.looks(t) - count; got != want {
			t.Errorf("%d rows of looks after read %d, want %d", got, i+1, want)
		}
	}
}

// looks counts the rows that the operator's looks have left.
func (f Fixture) looks(t testing.TB) (n int) {
	t.Helper()
	for _, row := range append(f.AllAudit(t, f.Account), f.AllAudit(t, control.Operators)...) {
		if (row.Action == "operator.look" || row.Action == "operator.list") && row.Actor.Subject.ID == "operator" && row.Actor.Email != "" {
			n++
		}
	}
	return n
}
