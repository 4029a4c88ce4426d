package apitest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
)

// Member describes the effect of a body with one member of its own, beside what the operation requires.
type Member struct {
	Body any // or a func(Fixture) any
	As   string
	// Elsewhere names the test that holds the member instead.
	Elsewhere string
	// Shows has members of the answer, as JSON.
	Shows map[string]string
	// Rows are the audit rows that it leaves, the newest first, each as "action field=after field=after"; an after of *
	// is any. What is not named must not be there.
	Rows []string
	// Gate says that what the gate holds of the key changes.
	Gate bool
}

// Members calls each operation that a function serves and that takes a body once for each member that the contract
// gives the body, and holds the answer, the audit rows, the versions and the gate's records against the table, which has
// "operation.member" for all of them.
func Members(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool, table map[string]Member) {
	keytest.OneAtATime(t)
	left := maps.Clone(table)
	for _, op := range Operations(t) {
		if !serves(op) || !op.HasBody || !op.Changes() {
			continue
		}
		for _, member := range membersOf(t, op) {
			name := op.ID + "." + member
			want, ok := table[name]
			if !ok {
				t.Errorf("the table has no row for %s", name)
				continue
			}
			delete(left, name)
			if want.Elsewhere != "" {
				continue
			}
			t.Run(name, func(t *testing.T) { fixture(t).member(t, op, member, want) })
		}
	}
	for name := range left {
		t.Errorf("%s is for no member of the contract", name)
	}
}

func membersOf(t testing.TB, op Operation) []string {
	t.Helper()
	body := Contract(t).Paths.Value(op.Path).GetOperation(op.Method).RequestBody.Value
	media := body.Content.Get("application/json")
	if media == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(media.Schema.Value.Properties))
}

func (f Fixture) member(t *testing.T, op Operation, member string, want Member) {
	t.Helper()
	body := want.Body
	if of, ok := body.(func(Fixture) any); ok {
		body = of(f)
	}
	raw, err := json.Marshal(body)
	if err != nil || !strings.Contains(string(raw), `"`+member+`":`) {
		t.Fatalf("the body has no %s: %s, %v", member, raw, err)
	}
	before, rows, gate := f.key(t, op), f.AllAudit(t, f.Account), f.gate(t, op)
	f.Bodies = map[string]any{op.ID: body}
	answer := f.call(t, op, cmp.Or(want.As, op.Caller()), f.params(op))
	if answer.Status >= 300 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	doc := answer.JSON(t)
	for field, value := range want.Shows {
		if got, _ := json.Marshal(doc[field]); string(got) != value {
			t.Errorf("it shows %s %s, want %s", field, got, value)
		}
	}
	f.checkRows(t, slices.DeleteFunc(f.AllAudit(t, f.Account), func(row audit.Row) bool { // the fixture's have other IDs
		return row.Action == lookAction || slices.ContainsFunc(rows, func(old audit.Row) bool { return old.ID == row.ID })
	}), want.Rows)
	after := f.key(t, op)
	if after.Version > before.Version && answer.Header.Get("ETag") != etag(after.Version) && op.IfMatch != NotTaken {
		t.Errorf("ETag %s at version %d", answer.Header.Get("ETag"), after.Version)
	}
	if strings.Contains(fmt.Sprint(want.Rows), "key.") && op.IfMatch != NotTaken && after.Version != before.Version+1 {
		t.Errorf("version %d after %d", after.Version, before.Version)
	}
	if changed := f.gate(t, op) != gate; changed != want.Gate {
		t.Errorf("the gate's record changed: %v, want %v", changed, want.Gate)
	}
}

func (f Fixture) key(t testing.TB, op Operation) (k apikey.Key) {
	t.Helper()
	id := f.params(op)["key"]
	if id == "" {
		return k
	}
	k, err := f.Control.Key(t.Context(), f.Account, apikey.ID(id))
	if err != nil {
		t.Fatal(err)
	}
	f.CheckGate(t, k)
	return k
}

// gate lists the policy records of the secrets of the path's key, but for the version.
func (f Fixture) gate(t testing.TB, op Operation) string {
	t.Helper()
	text := ""
	for _, p := range authz.PoliciesOf(f.key(t, op)) {
		stored, found, err := f.Gate.Policy(t.Context(), p.Hash)
		if err != nil || !found {
			t.Fatalf("%v, %v", found, err)
		}
		item := policies.Encode(stored)
		delete(item, "ver")
		raw, err := json.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		text += string(raw)
	}
	return text
}

func (f Fixture) checkRows(t testing.TB, rows []audit.Row, want []string) {
	t.Helper()
	if len(rows) != len(want) {
		t.Errorf("%d audit rows, want %q: %+v", len(rows), want, rows)
		return
	}
	for i, row := range rows {
		wanted := strings.Fields(want[i])
		got := []string{row.Action}
		for _, c := range row.Changes {
			after := strings.ReplaceAll(c.After, " ", "_")
			if slices.Contains(wanted, c.Field+"=*") && after != "" {
				after = "*"
			}
			got = append(got, c.Field+"="+after)
		}
		slices.Sort(got[1:])
		slices.Sort(wanted[1:])
		if strings.Join(got, " ") != strings.Join(wanted, " ") {
			t.Errorf("audit row\n %s, want\n %s", strings.Join(got, " "), strings.Join(wanted, " "))
		}
		if row.At != keytest.Now || row.Actor.Subject.ID == "" || row.Actor.Role == "" || row.RequestID == "" {
			t.Errorf("the row doesn't say when, who or in which request: %+v", row)
		}
	}
}
