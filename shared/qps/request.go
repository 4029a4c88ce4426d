// Package qps holds the requests to change a limit of queries per second, and the rules of who may set which limit.
// The limiter that enforces limits is package limiter. docs/glossary.md explains QPS request and class.
package qps

import (
	"errors"
	"slices"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/product"
	"latchkey/shared/text"
)

// RequestID names a QPS request: "qps_" and a ULID.
type RequestID string

// Status is the state of a request. The zero value is none of them.
type Status string

// The statuses: pending becomes one of the others, and nothing follows those.
const (
	Pending   Status = "pending"
	Approved  Status = "approved"
	Rejected  Status = "rejected"
	Withdrawn Status = "withdrawn"
)

// Request is a customer's wish for a higher limit of one key in one limit class.
type Request struct {
	ID            RequestID
	Account       account.ID
	KeyID         apikey.ID
	Product       product.ID
	Class         product.Class
	Requested     int
	Current       int // the limit in force at submission
	Justification string
	EndsAt        time.Time // zero: for good; else the old limit returns then
	Status        Status
	Decision      *Decision // of an approved or rejected request
	CreatedAt     time.Time
	CreatedBy     Party
	ClosedAt      time.Time // when it stopped being pending
	Version       int64     // grows by one with every write
}

// Party is a person who acted: the subject and, if the issuer vouches for it, the e-mail.
type Party struct {
	Subject account.Subject
	Email   string
}

// Decision is an operator's answer.
type Decision struct {
	By      Party
	At      time.Time
	Comment string // the customer sees it
	QPS     int    // the limit that was approved, which may differ from the one requested; 0 if rejected
}

// The longest texts, in characters.
const (
	MaxJustification = 2000
	MaxComment       = 2000
)

// Why a request can't be made or changed.
var (
	ErrNotPending      = errors.New("qps: the request is not pending: it was decided or withdrawn")
	ErrOwnRequest      = errors.New("qps: nobody decides their own request")
	ErrOpenRequest     = errors.New("qps: a request for this key and class is open already")
	ErrSameAsCurrent   = errors.New("qps: the requested limit is the one in force")
	ErrBelowOne        = errors.New("qps: a limit is at least 1")
	ErrAboveMax        = errors.New("qps: the limit is above the product's maximum")
	ErrNoJustification = errors.New("qps: a request requires a justification")
	ErrNoComment       = errors.New("qps: a rejection requires a comment")
	ErrEndsInPast      = errors.New("qps: ends_at is not in the future")
	ErrNotFree         = errors.New("qps: the limit is above what needs no approval")
	ErrFree            = errors.New("qps: the limit needs no approval")
	ErrObsolete        = errors.New("qps: what the request asks for is gone")
)

// Submit makes a pending request out of a draft and its justification. The draft has the wish and its author, and ID,
// Account, KeyID, Product, Class and Current; free is what needs no approval ([Free]) and most the catalogue's MaxQPS of
// the class. That no other request is open for the key and class is for the store to see to.
func Submit(draft Request, justification text.Block, free, most int, now time.Time) (Request, error) {
	if err := checkQPS(draft.Requested, most); err != nil {
		return Request{}, err
	}
	if draft.Requested == draft.Current {
		return Request{}, ErrSameAsCurrent
	}
	if draft.Requested <= free {
		return Request{}, ErrFree
	}
	draft.Justification = justification.String()
	if draft.Justification == "" {
		return Request{}, ErrNoJustification
	}
	if !draft.EndsAt.IsZero() && !draft.EndsAt.After(now) {
		return Request{}, ErrEndsInPast
	}
	draft.Status, draft.Decision = Pending, nil
	draft.CreatedAt, draft.ClosedAt = now, time.Time{}
	draft.Version = 1
	return draft, nil
}

// Withdraw takes a pending request back.
func (r Request) Withdraw(now time.Time) (Request, error) { return r.close(Withdrawn, nil, now) }

// isOf reports whether somebody made the request.
func (r Request) isOf(p Party) bool {
	return p.Subject != (account.Subject{}) && p.Subject == r.CreatedBy.Subject
}

// Approve grants a pending request: with the limit that was requested if qps is 0, else with qps. A request that
// ends is not approved after its end.
func (r Request) Approve(by Party, comment text.Block, qps, most int, now time.Time) (Request, error) {
	if r.Status != Pending {
		return Request{}, ErrNotPending
	}
	if r.isOf(by) {
		return Request{}, ErrOwnRequest
	}
	if qps == 0 {
		qps = r.Requested
	}
	if err := checkQPS(qps, most); err != nil {
		return Request{}, err
	}
	if !r.EndsAt.IsZero() && !r.EndsAt.After(now) {
		return Request{}, ErrEndsInPast
	}
	return r.close(Approved, &Decision{By: by, At: now, Comment: comment.String(), QPS: qps}, now)
}

// Reject refuses a pending request. The customer sees the comment.
func (r Request) Reject(by Party, comment text.Block, now time.Time) (Request, error) {
	if r.Status != Pending {
		return Request{}, ErrNotPending
	}
	if r.isOf(by) {
		return Request{}, ErrOwnRequest
	}
	if comment.String() == "" {
		return Request{}, ErrNoComment
	}
	return r.close(Rejected, &Decision{By: by, At: now, Comment: comment.String()}, now)
}

func (r Request) close(to Status, decision *Decision, now time.Time) (Request, error) {
	if r.Status != Pending {
		return Request{}, ErrNotPending
	}
	r.Status, r.Decision, r.ClosedAt = to, decision, now
	r.Version++
	return r, nil
}

// Ends reports whether a change of its key leaves nothing that the request could change: the key is gone for good, its
// account may not ask, or the product that the class belongs to is off the key. Submission and approval refuse then.
func (r Request) Ends(k apikey.Key) bool {
	return k.Editable() != nil || k.AccountType != account.Enterprise || !slices.Contains(k.Products, r.Product)
}

// Over reports whether nobody can approve the request any more, whatever has become of its key: its own end has come, or the catalogue has
// not its class.
func (r Request) Over(products product.Catalogue, now time.Time) bool {
	_, _, known := products.Class(r.Class)
	return !known || !r.EndsAt.IsZero() && !r.EndsAt.After(now)
}

// CheckGrant checks a limit that an operator sets: 1 to the catalogue's MaxQPS of the class.
func CheckGrant(qps, most int) error { return checkQPS(qps, most) }

func checkQPS(qps, most int) error {
	switch {
	case qps < 1:
		return ErrBelowOne
	case qps > most:
		return ErrAboveMax
	default:
		return nil
	}
}
