package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"latchkey/shared/account"
)

// ErrToken means that a token isn't valid. Verifiers wrap it; any other error of theirs is a breakdown.
var ErrToken = errors.New("gateway: the token is not valid")

// Verifier checks a bearer token and says who it speaks for.
type Verifier interface {
	Verify(ctx context.Context, token string) (account.Person, error)
}

// People reads the memberships, on every request.
type People interface {
	// Role returns a member's role, "" for somebody who is none.
	Role(ctx context.Context, id account.ID, who account.Subject) (account.Role, error)
	// Rank returns an operator's rank, "" for somebody who is none.
	Rank(ctx context.Context, who account.Subject) (account.Rank, error)
	// AccountExists reports whether there is such an account, open or closed.
	AccountExists(ctx context.Context, id account.ID) (bool, error)
}

// Principal is the person who makes a request, with their role.
type Principal struct {
	Person    account.Person
	Account   account.ID   // of the path; "" where there is none
	Role      account.Role // the member's role in it; "" for an operator who is no member
	Operator  bool         // acts as an operator
	Rank      account.Rank // of an operator who acts as one
	SourceIP  string       // where the request came from, as API Gateway saw it; "" if unknown
	RequestID string
}

// RoleName is the role as the audit trail names it.
func (c Principal) RoleName() string {
	if c.Operator {
		return account.RoleOperator
	}
	return string(c.Role)
}

// Endpoint answers one operation. It has written an answer, or returns an error and has written nothing. After an error
// that says that the object has changed since it was read, it may be run again.
type Endpoint func(w http.ResponseWriter, r *http.Request, c Principal) error

// Mux routes requests, and checks the token and the right to an operation before its endpoint runs.
type Mux struct {
	Verifier Verifier
	People   People
	Errors   Table
	Log      *slog.Logger
	Now      func() time.Time
	Changes  Changes // bounds what one person changes; nil lets nobody change anything
	Looks    Looks   // keeps a trace of operators' looks; nil for none
	PageKey  []byte  // seals page tokens; without one none is taken
	Docs     string  // a URL to which a problem's code is appended, for its type; "" for none

	mux http.ServeMux
}

// Public registers an operation that needs no token.
func (m *Mux) Public(pattern string, e Endpoint) { m.PublicUpTo(pattern, MaxBody, e) }

// PublicUpTo is Public for an operation that takes bodies of so many bytes, and reads them itself.
func (m *Mux) PublicUpTo(pattern string, most int64, e Endpoint) {
	m.handleUpTo(pattern, most, func(w http.ResponseWriter, r *http.Request) error {
		return e(w, r, Principal{RequestID: RequestID(r.Context())})
	})
}

func (m *Mux) person(r *http.Request) (account.Person, error) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return account.Person{}, ErrUnauthorized
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	token = strings.Trim(token, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return account.Person{}, ErrUnauthorized
	}
	person, err := m.Verifier.Verify(r.Context(), token)
	switch {
	case errors.Is(err, ErrToken):
		m.Log.InfoContext(r.Context(), "token refused", "why", err.Error(), "request_id", RequestID(r.Context()))
		refused := *ErrUnauthorized
		refused.Challenge += `, error="invalid_token"`
		return account.Person{}, &refused
	case err != nil:
		m.Log.ErrorContext(r.Context(), "tokens can't be checked", "error", err.Error(), "request_id", RequestID(r.Context()))
		return account.Person{}, ErrUnavailable
	}
	return person, nil
}

const maxToken = 16 << 10

func (m *Mux) handle(pattern string, run func(http.ResponseWriter, *http.Request) error) {
	m.handleUpTo(pattern, MaxBody, run)
}

func (m *Mux) handleUpTo(pattern string, most int64, run func(http.ResponseWriter, *http.Request) error) {
	m.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		r = counting(once(r.WithContext(context.WithValue(r.Context(), pageKey{}, m.PageKey))))
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			w = &conditional{ResponseWriter: w, wanted: strings.Join(r.Header.Values("If-None-Match"), ",")}
		}
		if err := m.decideAgain(w, r, most, run); err != nil {
			m.refuse(w, r, err)
		}
	})
}

func (m *Mux) refuse(w http.ResponseWriter, r *http.Request, err error) {
	id := RequestID(r.Context())
	p, known := m.Errors.problem(err)
	switch {
	case !known && errors.Is(err, context.DeadlineExceeded):
		p = ErrUnavailable
		fallthrough
	case !known, p.Status >= http.StatusInternalServerError:
		m.Log.ErrorContext(r.Context(), "request failed", "error", err.Error(), "route", r.Pattern, "request_id", id)
	}
	p.write(w, id, m.Docs)
}

// ServeHTTP answers a request, observed.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	failed := func(w http.ResponseWriter, r *http.Request) { errInternal.write(w, RequestID(r.Context()), m.Docs) }
	Observe(Observer{Log: m.Log, Now: m.Now, Failed: failed}, m.route).ServeHTTP(w, r)
}

func (m *Mux) route(w http.ResponseWriter, r *http.Request) {
	if !canonical(r.URL.EscapedPath()) {
		errNoRoute.write(w, RequestID(r.Context()), m.Docs)
		return
	}
	if handler, pattern := m.mux.Handler(r); pattern == "" {
		m.unrouted(w, r, handler)
		return
	}
	m.mux.ServeHTTP(w, r)
}

// canonical reports whether a path has no empty and no dot segments: the standard mux would redirect those.
func canonical(path string) bool {
	for i, segment := range strings.Split(path, "/") {
		if segment == "." || segment == ".." || (segment == "" && i > 0) {
			return false
		}
	}
	return strings.HasPrefix(path, "/")
}

// unrouted answers as the standard mux would, but with a problem: 405 with Allow, or 404.
func (m *Mux) unrouted(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	probe := &headOnly{header: http.Header{}}
	handler.ServeHTTP(probe, r)
	if probe.code == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		errMethod.write(w, RequestID(r.Context()), m.Docs)
		return
	}
	errNoRoute.write(w, RequestID(r.Context()), m.Docs)
}

type headOnly struct {
	header http.Header
	code   int
}

func (h *headOnly) Header() http.Header         { return h.header }
func (h *headOnly) Write(b []byte) (int, error) { return len(b), nil }
func (h *headOnly) WriteHeader(code int)        { h.code = code }
