package apitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

// otherForms are answers to the same question in another form, by the parameter's name.
var otherForms = map[string][]string{"format": {"csv"}, "interval": {"day"}, "with": {"before"}}

// Failures holds that no failure of the store is taken for an answer. Each call of the store that an operation makes fails once, in
// turn: then the operation fails too, as a breakdown, or it answers and writes all that it does without the failure, since it has tried
// again. So it is where the answer to a write is lost, and after a conflict with another transaction it does try again. spare names a
// member that the answer of an operation can do without.
func Failures(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool, spare map[string]string) {
	keytest.OneAtATime(t)
	for _, op := range Operations(t) {
		if !serves(op) || slices.Contains(op.Roles, "public") {
			continue
		}
		t.Run(op.ID, func(t *testing.T) { eachFails(t, fixture, op, spare[op.ID]) })
		for _, name := range parameters(t, op) {
			if op.Method != http.MethodGet || name == "page_size" {
				continue
			}
			for _, v := range append(slices.Clone(otherForms[name]), matching[name]...) {
				filtered := op
				filtered.Path += "?" + url.Values{name: {v}}.Encode()
				if f := fixture(t); f.call(t, filtered, op.Caller(), f.params(op)).Status == http.StatusOK {
					t.Run(op.ID+" by "+name, func(t *testing.T) { eachFails(t, fixture, filtered, spare[op.ID]) })
					break
				}
			}
		}
	}
}

// eachFails lets each call of an operation fail.
func eachFails(t *testing.T, fixture func(testing.TB) Fixture, op Operation, spare string) {
	t.Helper()
	whole := fixture(t).failing(t, op, 0, keytest.NoFault)
	if whole.Status >= http.StatusBadRequest {
		t.Fatalf("without a failure: %d %s", whole.Status, whole.Body)
	}
	for n, name := range whole.calls {
		faults := []keytest.Fault{keytest.Before}
		if name == "TransactWriteItems" {
			faults = append(faults, keytest.After, keytest.Conflict)
		}
		for _, fault := range faults {
			got := fixture(t).failing(t, op, n+1, fault)
			gaveUp := got.Status >= http.StatusInternalServerError && fault != keytest.Conflict
			if !gaveUp && got.same(spare) != whole.same(spare) {
				t.Errorf("fault %d in call %d of %v: %s\nwithout it: %s", fault, n+1, whole.calls, got.same(""), whole.same(""))
			}
		}
	}
}

// afterFailure holds the answer to an operation while a call of the store failed.
type afterFailure struct {
	Answer
	calls []string       // of the store, by the API's names
	items map[string]int // that are there afterwards, by table and kind
}

// same compares two fixtures but for a member of the answer.
func (a afterFailure) same(but string) string {
	return fmt.Sprint(a.Status, " ", form(a.Answer, but), " ", a.items)
}

// failing makes an operation's call while the n-th call of the store goes wrong.
func (f Fixture) failing(t testing.TB, op Operation, n int, fault keytest.Fault) (a afterFailure) {
	t.Helper()
	f.Faults.Choose(func(api string, call int) keytest.Fault {
		a.calls = append(a.calls, api)
		if call == n {
			return fault
		}
		return keytest.NoFault
	})
	as := op.Caller()
	if slices.Contains(op.Roles, "any") {
		as = "stranger" // who has no account yet
	}
	a.Answer = f.call(t, op, as, f.params(op))
	f.Faults.Choose(func(string, int) keytest.Fault { return keytest.NoFault })
	a.items = map[string]int{}
	for _, table := range []string{f.Tables.Control, f.Tables.Gate} {
		for _, item := range f.Items(t, table) {
			kind, _ := dynamo.GetS(item, "kind")
			a.items[table+" "+kind]++
		}
	}
	return a
}

var anyID = regexp.MustCompile(`[0-9A-Z]{26}`)

// form is all of an answer but what differs from one fixture to the next, and one member: of JSON the other members, the numbers, the
// lengths of lists; of a table its lines without IDs.
func form(a Answer, but string) string {
	var doc map[string]any
	if json.Unmarshal(a.Body, &doc) != nil {
		lines := strings.Split(anyID.ReplaceAllString(string(a.Body), ""), "\n")
		slices.Sort(lines) // they are in the order of the IDs
		return strings.Join(lines, "\n")
	}
	var parts []string
	var walk func(at string, value any)
	walk = func(at string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(at+"."+name, v[name])
			}
		case []any:
			parts = append(parts, fmt.Sprint(at, " of ", len(v)))
			for _, one := range v {
				walk(at, one)
			}
		case string:
			parts = append(parts, at)
		default:
			parts = append(parts, fmt.Sprint(at, "=", v))
		}
	}
	delete(doc, but)
	walk("", doc)
	return strings.Join(parts, " ")
}
