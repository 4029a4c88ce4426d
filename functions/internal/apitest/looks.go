package apitest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// lookAction is the action of the row of an operator's look at an account.
const lookAction = "operator.look"

// noCustomers are the operations of operators that show no customer's data.
var noCustomers = []string{"listOperators", "listOperatorsAudit", "putOperator", "deleteOperator", "erasePerson", "endSessions", "closeStatement"}

// looksLeaveARow wants a row of whatever an operator sees of customers, in answers to changes too: the first time in an
// hour, with the operator's name, in the account's trail or, for a list over all accounts, in the operators' own.
func looksLeaveARow(t *testing.T, fixture func(testing.TB) Fixture, op Operation) {
	t.Helper()
	if slices.Contains(noCustomers, op.ID) ||
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
	f.unnoted(t, op)
	if op.Method != http.MethodGet {
		got := f.call(t, op, "operator", f.params(op))
		if got.Status >= http.StatusBadRequest {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
		if rows := f.looks(t) - count; rows != 1 {
			t.Errorf("%d rows of looks after an answer of %d, want 1", rows, got.Status)
		}
		return
	}
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

// unnoted makes the call while no look can be written: nothing is shown and nothing done.
func (f Fixture) unnoted(t *testing.T, op Operation) {
	t.Helper()
	f.Interrupt.Refuse(func(item map[string]types.AttributeValue) bool {
		action, _ := dynamo.GetS(item, "action")
		return action == lookAction || action == "operator.list"
	})
	defer f.Interrupt.Refuse(nil)
	before := f.Dump(t)
	if got := f.call(t, op, "operator", f.params(op)); got.Code() != "unavailable" || strings.Contains(string(got.Body), string(f.Account)) {
		t.Errorf("its look can't be written: %d %s", got.Status, got.Body)
	}
	if items := keytest.Written(before, f.Dump(t)); len(items) > 0 {
		t.Errorf("its look can't be written, and it wrote %v", items)
	}
}

// looks counts the rows that the operator's looks have left.
func (f Fixture) looks(t testing.TB) (n int) {
	t.Helper()
	for _, row := range append(f.AllAudit(t, f.Account), f.AllAudit(t, control.Operators)...) {
		if (row.Action == lookAction || row.Action == "operator.list") && row.Actor.Subject.ID == "operator" && row.Actor.Email != "" {
			n++
		}
	}
	return n
}

// written lists what differs between two dumps, without the trace of an operator's look and the catalogue's record of the versions that
// were deployed: these are no changes of the account, and are left of what is refused as well.
func written(before, after map[string]string) []string {
	return slices.DeleteFunc(keytest.Written(before, after), func(key string) bool {
		return strings.Contains(key, "LOOK#") || strings.Contains(after[key], `"S `+lookAction+`"`) || strings.Contains(key, `"S J#catalogue"`)
	})
}
