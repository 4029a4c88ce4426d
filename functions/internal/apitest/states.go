package apitest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/keytest"
	"latchkey/shared/rotation"
)

// States lists the states of a key or its account, and how they get there from an active key. Changes go through the
// store, as those of other functions do.
var States = map[string]func(t testing.TB, f Fixture, k apikey.Key){
	"active":   func(testing.TB, Fixture, apikey.Key) {},
	"disabled": edit(func(k *apikey.Key) { k.Disabled = true }),
	"blocked":  edit(func(k *apikey.Key) { k.Blocked = &apikey.Block{Reason: "abuse", At: keytest.Now, By: "operator"} }),
	"expired":  edit(func(k *apikey.Key) { k.ExpiresAt = keytest.Now }),
	"revoked":  edit(func(k *apikey.Key) { k.RevokedAt = keytest.Now }),
	"deleted":  edit(func(k *apikey.Key) { k.DeletedAt = keytest.Now }),
	"rotating": edit(rotate),
	"cancelled": edit(func(k *apikey.Key) {
		rotate(k)
		*k, _ = rotation.Cancel(*k, keytest.Now)
	}),
	"closing":   accountEdit(func(a *account.Account) { a.Closing = true }),
	"closed":    closed,
	"suspended": accountEdit(func(a *account.Account) { a.Suspended = account.Suspension{Reason: "abuse", At: keytest.Now} }),
	"retyping":  accountEdit(retype),
}

func edit(change func(*apikey.Key)) func(testing.TB, Fixture, apikey.Key) {
	return func(t testing.TB, f Fixture, k apikey.Key) {
		t.Helper()
		if _, err := f.Edit(t.Context(), k, "key.edit", change); err != nil {
			t.Fatal(err)
		}
	}
}

func rotate(k *apikey.Key) {
	if k.Outgoing != nil { // the fixture's own rotation
		*k, _ = rotation.End(*k, keytest.Now)
	}
	grace, _ := rotation.ParseGrace(nil, rotation.Other)
	*k, _ = rotation.Rotate(*k, keytest.StoredSecret(string(k.ID)+"/rotated"), grace, rotation.Other, keytest.Now)
}

// retype is to the type that the account hasn't.
func retype(a *account.Account) {
	a.PendingType = account.Enterprise
	if a.Type == account.Enterprise {
		a.PendingType = account.SelfServe
	}
}

func accountEdit(change func(*account.Account)) func(testing.TB, Fixture, apikey.Key) {
	return func(t testing.TB, f Fixture, _ apikey.Key) {
		t.Helper()
		before, err := f.Control.Account(t.Context(), f.Account)
		after := before
		change(&after)
		if err == nil {
			_, err = f.Control.UpdateAccount(t.Context(), before, after, keytest.Row(f.Account, "account.edit", ""))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func closed(t testing.TB, f Fixture, _ apikey.Key) {
	t.Helper()
	if _, err := f.CloseAccount(t.Context(), f.Account); err != nil {
		t.Fatal(err)
	}
}

// StateTable holds a literal table: a row for each operation that a function serves and that changes something, a
// column for each of States that it names, and in each cell the status of the answer or the code of the problem. A
// refused operation must write nothing. The key of the fixture is active, and no rotation of it runs.
func StateTable(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool, table string) {
	keytest.OneAtATime(t)
	lines := strings.Split(strings.TrimSpace(table), "\n")
	columns := strings.Fields(lines[0])
	rows := map[string][]string{}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		if len(cells) != len(columns)+1 {
			t.Fatalf("%d cells for %d columns: %s", len(cells)-1, len(columns), line)
		}
		rows[cells[0]] = cells[1:]
	}
	for _, state := range slices.Sorted(maps.Keys(States)) {
		if !slices.Contains(columns, state) {
			t.Errorf("the table has no column for %s", state)
		}
	}
	for _, op := range Operations(t) {
		if !serves(op) {
			continue
		}
		cells, ok := rows[op.ID]
		if !op.Changes() && !ok { // what only reads is answered in each state
			cells, ok = slices.Repeat([]string{"200"}, len(columns)), true
		}
		if !ok {
			t.Errorf("the table has no row for %s", op.ID)
			continue
		}
		delete(rows, op.ID)
		t.Run(op.ID, func(t *testing.T) {
			for i, want := range cells {
				stateCell(t, fixture(t), op, columns[i], want)
				stateBetween(t, fixture(t), op, columns[i], want)
			}
		})
	}
	for id := range rows {
		t.Errorf("the row %s is for no operation of this function", id)
	}
}

// stateCell brings the key or its account into a state, and then does the operation.
func stateCell(t *testing.T, f Fixture, op Operation, state, want string) {
	t.Helper()
	bring := bringInto(t, f, op, state)
	bring()
	before := f.Dump(t)
	checkCell(t, f, op, state, want, &before)
}

// stateBetween is stateCell with the change in the moment before the operation's first write: what was decided on the state
// before is decided again.
func stateBetween(t *testing.T, f Fixture, op Operation, state, want string) {
	t.Helper()
	bring := bringInto(t, f, op, state)
	f.Mux.Looks = nil // an operator's look is a write of its own
	var before map[string]string
	f.Interrupt.Arm(func() {
		bring()
		before = f.Dump(t)
	})
	defer f.Interrupt.Arm(nil)
	checkCell(t, f, op, state+" in between", want, &before)
}

// bringInto returns what brings the operation's key or its account into a state.
func bringInto(t *testing.T, f Fixture, op Operation, state string) func() {
	t.Helper()
	k, err := f.Control.Key(t.Context(), f.Account, apikey.ID(f.params(op)["key"]))
	if err != nil {
		t.Fatal(err)
	}
	prepare, ok := States[state]
	if !ok {
		t.Fatalf("there is no state %q", state)
	}
	return func() { prepare(t, f, k) }
}

// checkCell does the operation and wants the table's answer, and that one which is refused writes nothing besides what
// was there before.
func checkCell(t *testing.T, f Fixture, op Operation, state, want string, before *map[string]string) {
	t.Helper()
	answer := f.naming(op, "*").call(t, op, op.Caller(), f.params(op))
	got := answer.Code()
	if got == "" {
		got = strconv.Itoa(answer.Status)
	}
	if *before == nil {
		return // it wrote nothing, so nothing came in between
	}
	if got != want {
		t.Errorf("%s: %s, want %s (%s)", state, got, want, answer.Body)
	}
	if items := written(*before, f.Dump(t)); answer.Status >= http.StatusBadRequest && len(items) > 0 {
		t.Errorf("%s: refused, and it wrote %v", state, items)
	}
	if k, err := f.Control.Key(t.Context(), f.Account, apikey.ID(f.params(op)["key"])); err == nil {
		f.CheckGate(t, k)
	}
}
