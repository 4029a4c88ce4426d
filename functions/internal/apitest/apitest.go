// Package apitest drives a function's handlers as a client would, and holds every request and every answer against
// the contract: what the contract doesn't allow must be refused, and each answer must be one that it describes.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// API is one function's mux on stores of its own.
type API struct {
	keytest.Stores
	Mux    *gateway.Mux
	Clock  *keytest.Clock
	Source env.Source
	Logs   *keytest.Buffer
	Calls  *keytest.Counting // of the store
	// Interrupt lets others come first, in the moment before a write.
	Interrupt *keytest.Interrupt
	Faults    *keytest.Faults // none, until a test chooses some
	All       *keytest.Buffer // every answer, headers and bodies, for scans
}

// New makes an API without operations; the caller registers its handler's on Mux. Its randomness is the test's own.
func New(t testing.TB, stores keytest.Stores) *API {
	interrupt := &keytest.Interrupt{DB: stores.DB}
	faults := keytest.NewFaults(interrupt, func(string, int) keytest.Fault { return keytest.NoFault })
	calls := &keytest.Counting{DB: faults}
	stores = keytest.NewStores(calls, stores.Tables)
	stores.Control = stores.Control.Reporting(func(ctx context.Context, _ control.Unreadable) { gateway.LeaveOut(ctx) })
	a := &API{Stores: stores, Calls: calls, Interrupt: interrupt, Faults: faults, Clock: keytest.NewClock(), Logs: &keytest.Buffer{}, All: &keytest.Buffer{}}
	a.Source = env.Source{Now: a.Clock.Now, Rand: keytest.RandomOf(t)}
	a.Mux = web.NewMux(tokens{}, stores.Control, slog.New(slog.NewJSONHandler(a.Logs, nil)), a.Clock.Now)
	a.Mux.Changes, a.Mux.PageKey = unbounded{}, []byte("the test's own")
	a.Mux.Looks = web.Looks{Store: stores.Control, Source: a.Source}
	return a
}

// Unverified is the subject of a person whose address the issuer doesn't vouch for.
const Unverified = "unverified"

// tokens takes "token-<subject>" as a valid token.
type tokens struct{}

func (tokens) Verify(_ context.Context, token string) (account.Person, error) {
	sub, ok := strings.CutPrefix(token, "token-")
	if !ok {
		return account.Person{}, gateway.ErrToken
	}
	p := account.Person{Subject: keytest.Subject(sub), Email: sub + "@example.com", Name: "Person " + sub}
	if sub == Unverified {
		p.Email = ""
	}
	return p, nil
}

// Member adds somebody to an account, as one of its owners.
func (a *API) Member(t testing.TB, id account.ID, sub string, role account.Role) {
	t.Helper()
	there, err := a.Control.Members(t.Context(), id, "", 0)
	var owner account.Subject
	for _, m := range there.Members {
		if m.Role == account.Owner {
			owner = m.Subject
		}
	}
	if err == nil {
		_, err = a.Control.PutMember(t.Context(), nil, keytest.Member(id, sub, role), owner, keytest.Row(id, "member.add", ""))
	}
	if err != nil {
		t.Fatalf("adding %s: %v", sub, err)
	}
}

// Call is one request.
type Call struct {
	As      string // the subject; "" sends no token
	Method  string
	Path    string
	Body    any // a string or bytes as they are, anything else as JSON; nil sends none
	Headers map[string]string
}

// Answer is a recorded response.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON reads the answer.
func (a Answer) JSON(t testing.TB) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(a.Body, &doc); err != nil {
		t.Fatalf("the answer is no JSON object: %v: %s", err, a.Body)
	}
	return doc
}

// Code is a problem's code, "" for anything else.
func (a Answer) Code() string {
	var p api.Problem
	if a.Status < 400 || json.Unmarshal(a.Body, &p) != nil {
		return ""
	}
	return p.Code
}

// Fields are a problem's errors.
func (a Answer) Fields() []api.FieldError {
	var p api.Problem
	if json.Unmarshal(a.Body, &p) != nil || p.Errors == nil {
		return nil
	}
	return *p.Errors
}

// Pointers are the pointers of a problem's errors.
func (a Answer) Pointers() (list []string) {
	var p api.Problem
	_ = json.Unmarshal(a.Body, &p)
	if p.Errors != nil {
		for _, e := range *p.Errors {
			list = append(list, e.Pointer)
		}
	}
	return list
}

// Do makes a call and checks both directions against the contract.
func (a *API) Do(t testing.TB, c Call) Answer {
	t.Helper()
	request := c.request(t)
	recorder := httptest.NewRecorder()
	a.Mux.ServeHTTP(recorder, request)
	answer := Answer{Status: recorder.Code, Header: recorder.Header(), Body: recorder.Body.Bytes()}
	var all bytes.Buffer
	_ = answer.Header.Write(&all)
	all.Write(answer.Body)
	_, _ = a.All.Write(all.Bytes())
	check(t, c, answer)
	return answer
}

// Want makes a call and wants a status.
func (a *API) Want(t testing.TB, status int, c Call) Answer {
	t.Helper()
	answer := a.Do(t, c)
	if answer.Status != status {
		t.Fatalf("%s %s as %q: status %d, want %d: %s", c.Method, c.Path, c.As, answer.Status, status, answer.Body)
	}
	return answer
}

func (c Call) request(t testing.TB) *http.Request {
	t.Helper()
	var body []byte
	switch b := c.Body.(type) {
	case nil:
	case string:
		body = []byte(b)
	case []byte:
		body = b
	default:
		var err error
		if body, err = json.Marshal(b); err != nil {
			t.Fatal(err)
		}
	}
	r := httptest.NewRequest(c.Method, c.Path, bytes.NewReader(body))
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.As != "" {
		r.Header.Set("Authorization", "Bearer token-"+c.As)
	}
	for name, value := range c.Headers {
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	return r
}

var contract = sync.OnceValues(func() (*openapi3.T, error) {
	return openapi3.NewLoader().LoadFromData(api.Contract)
})

var router = sync.OnceValues(func() (routers.Router, error) {
	doc, err := contract()
	if err != nil {
		return nil, err
	}
	// RFC 3339 takes T and Z in either case; the library's own pattern doesn't.
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewRegexpFormatValidator("(?i)"+openapi3.FormatOfStringDateTime))
	return gorillamux.NewRouter(doc)
})

// Contract is the parsed document.
func Contract(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func check(t testing.TB, c Call, answer Answer) {
	t.Helper()
	find, err := router()
	if err != nil {
		t.Fatal(err)
	}
	request := withoutEmpty(c.request(t))
	route, params, err := find.FindRoute(request)
	if err != nil {
		if answer.Status < http.StatusBadRequest {
			t.Errorf("%s %s: the contract doesn't know it, the answer is %d", c.Method, c.Path, answer.Status)
		}
		for name := range answer.Header {
			saw("problems", nil, onTheWire(name))
		}
		return
	}
	input := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true,
		},
	}
	if answer.Status < http.StatusBadRequest {
		if err := validRequest(t, input); err != nil {
			t.Errorf("%s %s %v: answered %d to what the contract refuses: %v", c.Method, c.Path, c.Body, answer.Status, err)
		}
	}
	looked, err := bodies.check(route.Spec, contentOf(route.Operation, answer.Status), answer.Header.Get("Content-Type"), answer.Body)
	if !looked {
		err = errors.Join(err, openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: answer.Status, Header: answer.Header, Body: io.NopCloser(bytes.NewReader(answer.Body)), Options: input.Options,
		}))
	}
	if err != nil {
		t.Errorf("%s %s: the answer isn't what the contract describes: %v\n%s", c.Method, c.Path, err, answer.Body)
	}
	checkHeaders(t, c, route, answer)
	checkTimes(t, c, answer)
	if answer.Status >= http.StatusBadRequest && !slices.ContainsFunc(api.Problems, func(p api.ProblemPage) bool {
		return p.Code == answer.Code() && p.Status == answer.Status
	}) {
		t.Errorf("%s %s: shared/api/problems.go has no %d %s", c.Method, c.Path, answer.Status, answer.Code())
	}
}

// validRequest holds a request against the contract, as the library does, and its body by a schema that is compiled once.
func validRequest(t testing.TB, input *openapi3filter.RequestValidationInput) error {
	t.Helper()
	described := input.Route.Operation.RequestBody
	if described == nil || input.Request.ContentLength == 0 {
		return openapi3filter.ValidateRequest(t.Context(), input)
	}
	body, err := io.ReadAll(input.Request.Body)
	if err != nil {
		t.Fatal(err)
	}
	input.Request.Body = io.NopCloser(bytes.NewReader(body))
	looked, err := bodies.check(input.Route.Spec, described.Value.Content, input.Request.Header.Get("Content-Type"), body)
	rest, options := *input, *input.Options
	rest.Options, options.ExcludeRequestBody = &options, looked
	return errors.Join(err, openapi3filter.ValidateRequest(t.Context(), &rest))
}

// withoutEmpty takes the empty parameters from a query: each may be empty, which is as none, and the library that checks doesn't
// know that.
func withoutEmpty(r *http.Request) *http.Request {
	query := r.URL.Query()
	for name, values := range query {
		if len(values) == 1 && values[0] == "" {
			query.Del(name)
		}
	}
	r.URL.RawQuery = query.Encode()
	return r
}

// Problem is a short form of an answer for comparisons: status, code and pointers.
func (a Answer) Problem() string { return fmt.Sprint(a.Status, " ", a.Code(), " ", a.Pointers()) }
