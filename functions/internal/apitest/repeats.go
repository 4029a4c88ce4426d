package apitest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/keytest"
)

// noted are the operations of which each request has its own audit row, though it makes nothing: why.
var noted = map[string]string{
	"revealKey":   "each look at a secret is noted",
	"endSessions": "what began meanwhile is ended too",
}

// Repeats holds that no change is made twice: a request that is sent again, with the Idempotency-Key that it had if its operation takes
// one, writes nothing. So clients, their connections and people may repeat each of them. states names the one of States in which an
// operation has something to change.
func Repeats(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool, states map[string]string) {
	keytest.OneAtATime(t)
	for _, op := range Operations(t) {
		if !serves(op) || !op.Changes() {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			f := fixture(t).naming(op, "*")
			if state, ok := states[op.ID]; ok {
				bringInto(t, f, op, state)()
			}
			if op.Idempotency != NotTaken {
				f = f.sending(op, "Idempotency-Key", "the-same")
			}
			as := op.Caller()
			if slices.Contains(op.Roles, "any") {
				as = "stranger" // who is no member yet
			}
			if first := f.call(t, op, as, f.params(op)); first.Status >= http.StatusBadRequest {
				t.Fatalf("the first: %s", first.Problem())
			}
			before := f.Dump(t)
			second := f.call(t, op, as, f.params(op))
			if second.Status >= http.StatusInternalServerError {
				t.Errorf("the second: %s", second.Problem())
			}
			after := f.Dump(t)
			written := slices.DeleteFunc(keytest.Written(before, after), func(item string) bool {
				made := before[item] == ""
				return noted[op.ID] != "" && (!made || strings.Contains(item, "AUDIT#"))
			})
			if len(written) > 0 {
				t.Errorf("the second writes %v", written)
			}
		})
	}
}

// sending is the fixture with a header of an operation's call.
func (f Fixture) sending(op Operation, header, value string) Fixture {
	headers := map[string]string{}
	maps.Copy(headers, f.Headers[op.ID])
	headers[header] = value
	f.Headers = map[string]map[string]string{op.ID: headers}
	return f
}
