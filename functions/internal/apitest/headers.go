package apitest

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"latchkey/shared/keytest"
)

// ofTheForm are the headers that the contract describes as content, not by name.
var ofTheForm = []string{"Content-Type"}

// onTheWire is the name under which a header of a function reaches the caller: API Gateway keeps the challenge's for itself. The
// contract has the caller's names; infra/e2e holds them to what comes through.
func onTheWire(name string) string {
	if name == "Www-Authenticate" {
		return "X-Amzn-Remapped-Www-Authenticate"
	}
	return name
}

// responseOf returns what the contract says of an operation's answers with a status.
func responseOf(op *openapi3.Operation, status int) *openapi3.Response {
	for _, key := range []string{strconv.Itoa(status), strconv.Itoa(status/100) + "XX"} {
		if r := op.Responses.Value(key); r != nil {
			return r.Value
		}
	}
	return nil
}

// contentOf returns what the contract says of their bodies.
func contentOf(op *openapi3.Operation, status int) openapi3.Content {
	if r := responseOf(op, status); r != nil {
		return r.Content
	}
	return nil
}

// checkHeaders holds an answer's headers against the contract: none that it doesn't describe, and each that it requires. Those that
// are there now and then are in [Headers].
func checkHeaders(t testing.TB, c Call, route *routers.Route, answer Answer) {
	t.Helper()
	op := route.Operation
	described := responseOf(op, answer.Status)
	if described == nil {
		t.Errorf("%s %s: the contract has no answer %d", c.Method, c.Path, answer.Status)
		return
	}
	canonical := map[string]bool{}
	for name := range described.Headers {
		canonical[http.CanonicalHeaderKey(name)] = true
	}
	for name := range answer.Header {
		name = onTheWire(name)
		if !canonical[name] && !slices.Contains(ofTheForm, name) {
			t.Errorf("%s %s: the contract doesn't know the header %s of the answer %d", c.Method, c.Path, name, answer.Status)
		}
		saw(op.OperationID, described, name)
	}
	for name, header := range described.Headers {
		value := answer.Header.Get(name)
		if header.Value.Required && value == "" {
			t.Errorf("%s %s: the answer %d has no %s", c.Method, c.Path, answer.Status, name)
		}
		if value == "" || header.Value.Schema == nil {
			continue
		}
		if err := bodies.text(route.Spec, header.Value.Schema, value); err != nil {
			t.Errorf("%s %s: the header %s of the answer %d is %q: %v", c.Method, c.Path, name, answer.Status, value, err)
		}
	}
	if answer.Status == http.StatusNotModified && len(answer.Body) > 0 {
		t.Errorf("%s %s: 304 with a body", c.Method, c.Path)
	}
}

// seen are the headers that answers of this test binary had.
var (
	seenLock sync.Mutex
	seen     = map[string]bool{}
)

func saw(op string, r *openapi3.Response, name string) {
	seenLock.Lock()
	defer seenLock.Unlock()
	seen[headerName(op, r, name)] = true
}

// headerName names the problem's headers once for all operations: one place writes them.
func headerName(op string, r *openapi3.Response, name string) string {
	if r != nil && r.Content.Get("application/problem+json") != nil {
		op = "problems"
	}
	return op + " " + http.CanonicalHeaderKey(name)
}

// Headers makes each operation that a function serves answer in each way that has headers of its own, and holds the contract
// against what was sent: a header that it describes, and that no answer has had, isn't there. The opposite is held by every call.
func Headers(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool) {
	keytest.OneAtATime(t)
	var served []Operation
	for _, op := range Operations(t) {
		if !serves(op) {
			continue
		}
		served = append(served, op)
		f := fixture(t)
		if op.Idempotency != NotTaken {
			f = f.sending(op, "Idempotency-Key", "the-same")
			f.call(t, op, op.Caller(), f.params(op))
		}
		answer := f.call(t, op, op.Caller(), f.params(op))
		if tag := answer.Header.Get("ETag"); tag != "" && op.Method == http.MethodGet {
			again := f.Do(t, Call{As: op.Caller(), Method: op.Method, Path: fill(op.Path, f.params(op)), Headers: map[string]string{"If-None-Match": tag}})
			if again.Status != http.StatusNotModified {
				t.Errorf("%s: %d to who has the answer", op.ID, again.Status)
			}
		}
	}
	refusals(t, fixture(t), served)
	for _, op := range served {
		of := Contract(t).Paths.Value(op.Path).GetOperation(op.Method)
		for status, r := range of.Responses.Map() {
			for name := range r.Value.Headers {
				if !seen[headerName(op.ID, r.Value, name)] {
					t.Errorf("%s: no answer %s has had the header %s, which the contract describes", op.ID, status, name)
				}
			}
		}
	}
}

// refusals has each kind of problem that has a header of its own.
func refusals(t *testing.T, f Fixture, served []Operation) {
	t.Helper()
	for _, op := range served {
		path := fill(op.Path, f.params(op))
		f.Do(t, Call{Method: op.Method, Path: path})                         // 401
		f.Do(t, Call{As: op.Caller(), Method: http.MethodTrace, Path: path}) // 405
		if op.HasBody {
			for _, wrong := range []map[string]string{{"Content-Type": "text/plain"}, {"Content-Encoding": "gzip"}} {
				if op.IfMatch == Required {
					wrong["If-Match"] = "*"
				}
				f.Do(t, Call{As: op.Caller(), Method: op.Method, Path: path, Body: "{}", Headers: wrong}) // 415
			}
		}
	}
	changes := slices.IndexFunc(served, func(op Operation) bool { return op.Changes() && !slices.Contains(op.Roles, "public") }) // a person's are counted
	if changes < 0 {                                                                                                             // it takes no body and changes nothing: the other functions send these
		for _, name := range []string{"Accept-Post", "Accept-Patch", "Accept-Encoding", "Retry-After"} {
			seen["problems "+name] = true
		}
		return
	}
	f.Mux.Changes = nil // 503
	f.call(t, served[changes], served[changes].Caller(), f.params(served[changes]))
	if !slices.ContainsFunc(served, func(op Operation) bool { return op.Method == http.MethodPatch }) {
		seen["problems Accept-Patch"] = true
	}
}
