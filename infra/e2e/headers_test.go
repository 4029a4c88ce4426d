package e2e

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"latchkey/shared/api"
)

// ofTheGateway are the headers that API Gateway adds to every answer, and Content-Type, which the contract has as content.
var ofTheGateway = regexp.MustCompile("^(X-Amzn-(Requestid|Trace-Id|Errortype)|X-Amz-Apigw-Id|Date|Connection|Content-Length|Content-Type)$")

var contractRoutes = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
})

// problemHeaders are those that problems have had on the wire.
var problemHeaders = struct {
	sync.Mutex
	seen map[string]bool
}{seen: map[string]bool{}}

// describedFor returns what the contract says of an answer. What API Gateway answers itself is a problem as any other.
func describedFor(t testing.TB, method, path string, status int) *openapi3.Response {
	t.Helper()
	find, err := contractRoutes()
	if err != nil {
		t.Fatal(err)
	}
	path, _, _ = strings.Cut(path, "?")
	request := httptest.NewRequest(http.MethodGet, "/v1/me", nil)
	request.URL.Path = path
	request.Method = method
	route, _, err := find.FindRoute(request)
	if err != nil {
		request.URL.Path, request.Method, status = "/v1/me", http.MethodGet, max(status, http.StatusBadRequest)
		if route, _, err = find.FindRoute(request); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{strconv.Itoa(status), strconv.Itoa(status/100) + "XX"} {
		if r := route.Operation.Responses.Value(key); r != nil {
			return r.Value
		}
	}
	t.Errorf("%s %s: the contract has no answer %d", method, path, status)
	return nil
}

// asTheContractSays holds the headers of an answer of the management API, as they came over the wire, to the contract.
func asTheContractSays(t testing.TB, method, path string, a answer) {
	t.Helper()
	described := describedFor(t, method, path, a.status)
	if described == nil {
		return
	}
	names := map[string]bool{}
	for name, header := range described.Headers {
		names[http.CanonicalHeaderKey(name)] = true
		if header.Value.Required && a.header.Get(name) == "" {
			t.Errorf("%s %s: the answer %d has no %s", method, path, a.status, name)
		}
	}
	for name := range a.header {
		if !names[name] && !ofTheGateway.MatchString(name) {
			t.Errorf("%s %s: the contract doesn't know the header %s of the answer %d", method, path, name, a.status)
		}
		if a.status >= http.StatusBadRequest {
			problemHeaders.Lock()
			problemHeaders.seen[name] = true
			problemHeaders.Unlock()
		}
	}
}

// TestARequestIDThatACallerChoosesIsNotTheOneThatCounts: API Gateway lets callers choose one of its two.
func TestARequestIDThatACallerChoosesIsNotTheOneThatCounts(t *testing.T) {
	const chosen = "chosen-by-the-caller"
	a := shared.manage(t, "", "GET", "/v1/me", "", "X-Amzn-RequestId", chosen)
	gate := shared.product(t, tile+unknownSecret, http.Header{"X-Amzn-Requestid": {chosen}})
	for name, a := range map[string]answer{"the management API": a, "the gate": gate} {
		if id := a.header.Get("X-Request-Id"); a.header.Get("X-Amzn-Requestid") != chosen || id == "" || strings.Contains(id, chosen) || strings.Contains(string(a.body), chosen) {
			t.Errorf("%s: API Gateway's ID %q, ours %q, %s", name, a.header.Get("X-Amzn-Requestid"), id, a.body)
		}
	}
}

// TestContractAndWireAgreeOnTheHeadersOfProblems: the names are those that come through API Gateway, which renames some. Every
// answer that manage reads is held to the contract; here is each header that the contract has for problems.
func TestContractAndWireAgreeOnTheHeadersOfProblems(t *testing.T) {
	s := shared
	account := s.newAccount(t, "owner")
	for name, token := range map[string]string{"without a token": "", "with a bad one": "Bearer x"} {
		a := s.manage(t, token, "GET", "/v1/me", "")
		challenge := a.header.Get("x-amzn-Remapped-WWW-Authenticate")
		if a.status != 401 || !strings.HasPrefix(challenge, `Bearer realm="management"`) || strings.Contains(challenge, "invalid_token") != (token != "") {
			t.Errorf("%s: %d, challenge %q", name, a.status, challenge)
		}
		if v := a.header.Values("WWW-Authenticate"); len(v) != 0 {
			t.Errorf("%s: API Gateway keeps WWW-Authenticate for itself, and here it is %q", name, v)
		}
	}
	s.manage(t, "owner", "POST", account+"/keys", "{}", "Content-Type", "text/plain")
	s.manage(t, "owner", "POST", account+"/keys", "{}", "Content-Encoding", "gzip")
	s.manage(t, "owner", "PATCH", account, "{}", "Content-Type", "text/plain")
	s.manage(t, "owner", "PUT", "/v1/me", "{}")

	described := describedFor(t, "GET", "/v1/me", 400)
	unseen := maps.Clone(described.Headers)
	problemHeaders.Lock()
	defer problemHeaders.Unlock()
	for name := range described.Headers {
		if problemHeaders.seen[http.CanonicalHeaderKey(name)] {
			delete(unseen, name)
		}
	}
	delete(unseen, "Retry-After") // with 429 and 503, which other tests meet
	// API Gateway answers a method that a path doesn't have, as a path that isn't there: the functions' own 405 is for a template
	// that hands them all methods.
	delete(unseen, "Allow")
	if len(unseen) > 0 {
		t.Errorf("the contract has headers that no problem had on the wire: %v", slices.Sorted(maps.Keys(unseen)))
	}
}
