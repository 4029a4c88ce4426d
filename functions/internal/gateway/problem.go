// Package gateway is the HTTP layer of the management API: it serves a mux behind a REST API, reads tokens and strict
// bodies, checks who may do what, and writes problem documents (RFC 9457).
package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"latchkey/shared/api"
)

// Problem is an error that knows its answer. Its texts are for the caller: they hold no secret and nothing internal.
type Problem struct {
	Status int
	Code   string // stable
	Text   string // what is wrong, in one sentence
	Detail string // what to do about it; may be empty
	Fields []api.FieldError

	RetryAfter int // seconds; 0 sends no header
	Challenge  string

	header [2]string // one more header, with its value
}

func (p *Problem) withHeader(name, value string) *Problem {
	q := *p
	q.header = [2]string{name, value}
	return &q
}

// Error returns the code and the sentence.
func (p *Problem) Error() string { return p.Code + ": " + p.Text }

// WithDetail returns a copy with a detail.
func (p *Problem) WithDetail(detail string) *Problem {
	q := *p
	q.Detail = detail
	return &q
}

// NewProblem makes a problem.
func NewProblem(status int, code, text string) *Problem {
	return &Problem{Status: status, Code: code, Text: text}
}

// Invalid lists the invalid members of a body: 422.
func Invalid(fields ...api.FieldError) *Problem {
	return &Problem{Status: http.StatusUnprocessableEntity, Code: "invalid", Text: "The body has invalid members.", Fields: fields}
}

// Field makes one entry of Invalid for a top-level member.
func Field(member, code, detail string) api.FieldError {
	return api.FieldError{Pointer: "/" + escapePointer(member), Code: code, Detail: detail}
}

// Range makes one entry of Invalid for a top-level number that isn't within its bounds; or says what else it may be, such as ", or null".
func Range(member string, least, most int64, or string) api.FieldError {
	return Field(member, "out_of_range", fmt.Sprintf("It must be %d to %d%s.", least, most, or))
}

// Parameter names an invalid parameter of the URL or header: 400.
func Parameter(name, detail string) *Problem {
	return &Problem{
		Status: http.StatusBadRequest, Code: "parameter_invalid", Text: "A parameter is invalid.",
		Fields: []api.FieldError{{Pointer: name, Code: "invalid", Detail: detail}},
	}
}

// The problems that have one form everywhere.
var (
	ErrUnauthorized = &Problem{
		Status: http.StatusUnauthorized, Code: "unauthorized", Text: "A valid bearer token is required.", Challenge: `Bearer realm="management"`,
	}
	ErrForbidden = NewProblem(http.StatusForbidden, "forbidden", "Your role doesn't allow this.")
	// ErrRightLost is for a right that was there when the request came, and gone when its change was written. The mux
	// decides such a request again, from its rights on.
	ErrRightLost = NewProblem(http.StatusForbidden, ErrForbidden.Code, ErrForbidden.Text)
	ErrNotFound  = NewProblem(http.StatusNotFound, "not_found", "There is no such object.")
	ErrStale     = NewProblem(http.StatusPreconditionFailed, "version_stale", "The object has changed since you read it.").
			WithDetail("Read it again and repeat the change with its new ETag.")
	ErrUnavailable = &Problem{
		Status: http.StatusServiceUnavailable, Code: "unavailable", Text: "The service is temporarily unavailable.",
		Detail: "Try again in a moment.", RetryAfter: 1,
	}
	errInternal = NewProblem(http.StatusInternalServerError, "internal", "An internal error occurred.").
			WithDetail("Send the request ID to support.")
	errNoRoute = NewProblem(http.StatusNotFound, "not_found", "There is no such object.")
	errMethod  = NewProblem(http.StatusMethodNotAllowed, "method_not_allowed", "The path doesn't support this method.")
)

// Rule maps a sentinel error to the problem that the caller gets.
type Rule struct {
	Err     error
	Fits    func(error) bool // in place of Err, for errors that are known by their type
	Problem *Problem
}

// Table turns the errors of stores and core packages into problems; the first rule that fits wins.
type Table []Rule

// problem finds the answer to an error; known is false for one that nobody foresaw, which is a breakdown.
func (t Table) problem(err error) (p *Problem, known bool) {
	if errors.As(err, &p) {
		return p, true
	}
	for _, rule := range t {
		if (rule.Err != nil && errors.Is(err, rule.Err)) || (rule.Fits != nil && rule.Fits(err)) {
			return rule.Problem, true
		}
	}
	return errInternal, false
}

// Refusal is the code of an error that refuses what was asked for, to be said of one object among several; ok is false for a
// breakdown, and where what was decided by has changed meanwhile.
func (t Table) Refusal(err error) (code string, ok bool) {
	p, known := t.problem(err)
	return p.Code, known && p != ErrRightLost && p.Status < http.StatusInternalServerError
}

// write renders a problem. docs is the URL that a code is appended to; "" for none.
func (p *Problem) write(w http.ResponseWriter, requestID, docs string) {
	h := w.Header()
	for _, name := range []string{"ETag", "Location", "Content-Disposition", "Idempotent-Replayed"} {
		h.Del(name)
	}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Challenge != "" {
		h.Set("WWW-Authenticate", p.Challenge)
	}
	if p.header[0] != "" {
		h.Set(p.header[0], p.header[1])
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	kind := "about:blank"
	if docs != "" {
		kind = docs + p.Code
	}
	doc := api.Problem{
		Type: kind, Title: http.StatusText(p.Status), Status: p.Status, Code: p.Code, Error: p.Text, RequestId: requestID,
	}
	if p.Detail != "" {
		doc.Detail = &p.Detail
	}
	if len(p.Fields) > 0 {
		doc.Errors = &p.Fields
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(doc) // texts alone, so it can't fail; a lost client is not our error
}

// JSON answers with a document. It is encoded first: one that can't be is an error, and nothing is written.
func JSON(w http.ResponseWriter, status int, doc any) error {
	raw, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("gateway: encoding the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "private, no-cache")
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n')) // the writer is a buffer in Lambda; a lost client is not our error
	return nil
}

// NoStore marks an answer that holds a secret. Call it before JSON.
func NoStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }
