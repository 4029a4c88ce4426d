package gateway

import (
	"context"
	"errors"
	"net/http"

	"github.com/awslabs/aws-lambda-go-api-proxy/core"

	"latchkey/shared/account"
)

// ErrOwnAccount refuses an operator's decision in an account of which they are a member.
var ErrOwnAccount = NewProblem(http.StatusForbidden, "own_account", "You are a member of this account, so another operator has to decide.")

// Looks keeps a trace of what operators look at. Nothing is shown if it can't be noted.
type Looks interface {
	// Looked notes that an operator sees an account's data: what they read, or the answer to what they change.
	Looked(ctx context.Context, c Principal) error
	// Listed notes that an operator reads a list over all accounts.
	Listed(ctx context.Context, c Principal, list string) error
}

// Person registers an operation for everybody with a valid token.
func (m *Mux) Person(pattern string, e Endpoint) {
	m.handle(pattern, func(w http.ResponseWriter, r *http.Request) error {
		person, err := m.person(r)
		if err != nil {
			return err
		}
		if err := m.bound(r, person.Subject); err != nil {
			m.denied(r, person.Subject, err)
			return err
		}
		err = e(w, r, Principal{Person: person, SourceIP: SourceIP(r), RequestID: RequestID(r.Context())})
		m.denied(r, person.Subject, err)
		return err
	})
}

// SourceIP is the address that a request came from, as API Gateway saw it; "" if unknown.
func SourceIP(r *http.Request) string {
	c, ok := core.GetAPIGatewayContextFromContext(r.Context())
	if !ok {
		return ""
	}
	return c.Identity.SourceIP
}

// errOutside is the answer to those who have no part in an account. It looks like that of an account that isn't there.
var errOutside = &Problem{Status: ErrNotFound.Status, Code: ErrNotFound.Code, Text: ErrNotFound.Text}

// denied logs who was refused what they have no right to: the person by the subject, never by the e-mail.
func (m *Mux) denied(r *http.Request, who account.Subject, err error) {
	if err == nil {
		return
	}
	p, _ := m.Errors.problem(err) // as it is answered, also where the store or a core package refused
	if p.Status == http.StatusForbidden || p.Status == http.StatusTooManyRequests || p == errOutside {
		id, _ := account.ParseID(r.PathValue("account")) // "" for anything else that was typed there
		m.Log.InfoContext(r.Context(), "denied", "subject", who.ID, "method", r.Method, "route", r.Pattern, "status", p.Status, "code", p.Code,
			"account", string(id), "request_id", RequestID(r.Context()))
	}
}

// Operator registers an operation for operators, on no account in particular.
func (m *Mux) Operator(pattern string, e Endpoint, action account.Action) {
	m.Person(pattern, func(w http.ResponseWriter, r *http.Request, c Principal) error {
		rank, err := m.People.Rank(r.Context(), c.Person.Subject)
		switch {
		case err != nil:
			return err
		case !rank.May(action):
			return ErrForbidden
		}
		c.Operator, c.Rank = true, rank
		return e(w, r, c)
	})
}

// OperatorList registers an operation for operators that lists data of all customers. list names what is read.
func (m *Mux) OperatorList(pattern string, list func(*http.Request) string, e Endpoint, action account.Action) {
	m.Operator(pattern, func(w http.ResponseWriter, r *http.Request, c Principal) error {
		if m.Looks != nil {
			if err := m.Looks.Listed(r.Context(), c, list(r)); err != nil {
				return err
			}
		}
		return e(w, r, c)
	}, action)
}

// Account registers an operation on the account in the path's {account}. Any of the actions suffices. Where the
// caller is neither a member nor an operator, the answer is that of an account that doesn't exist.
func (m *Mux) Account(pattern string, e Endpoint, actions ...account.Action) {
	m.Person(pattern, func(w http.ResponseWriter, r *http.Request, c Principal) error {
		c, err := m.admit(r.Context(), c, r.PathValue("account"), actions)
		if err != nil {
			return err
		}
		if c.Operator && m.Looks != nil { // whatever the method: answers to changes show the account too
			if err := m.Looks.Looked(r.Context(), c); err != nil {
				return err
			}
		}
		return e(w, r, c)
	})
}

func (m *Mux) admit(ctx context.Context, c Principal, id string, actions []account.Action) (Principal, error) {
	id, err := ID(id, "acc_")
	switch {
	case errors.Is(err, ErrNotFound):
		return c, errOutside
	case err != nil:
		return c, err
	}
	parsed := account.ID(id)
	c.Account = parsed
	if c.Role, err = m.People.Role(ctx, parsed, c.Person.Subject); err != nil {
		return c, err
	}
	for _, action := range actions {
		if c.Role.May(action) {
			return c, nil
		}
	}
	rank, err := m.People.Rank(ctx, c.Person.Subject)
	if err != nil {
		return c, err
	}
	if c.Role != "" { // members act as members: who belongs to an account decides nothing in it
		for _, action := range actions {
			if rank.May(action) {
				return c, ErrOwnAccount
			}
		}
		return c, ErrForbidden
	}
	if rank == "" {
		return c, errOutside
	}
	switch exists, err := m.People.AccountExists(ctx, parsed); {
	case err != nil:
		return c, err
	case !exists:
		return c, errOutside
	}
	for _, action := range actions {
		if rank.May(action) {
			c.Operator, c.Rank = true, rank
			return c, nil
		}
	}
	return c, ErrForbidden
}

// May reports whether the caller may do an action, in the role in which they were admitted.
func (c Principal) May(action account.Action) bool {
	return c.Role.May(action) || (c.Operator && c.Rank.May(action))
}
