package control

import (
	"context"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/product"
)

// RequestStatus is where a QPS request stands.
type RequestStatus string

// The statuses: a request leaves pending once.
const (
	RequestPending   RequestStatus = "pending"
	RequestApproved  RequestStatus = "approved"
	RequestRejected  RequestStatus = "rejected"
	RequestWithdrawn RequestStatus = "withdrawn"
)

// Request is a customer's request to change the limit of one key in one limit class.
type Request struct {
	ID            string // "qps_" and a ULID
	Account       account.ID
	Key           apikey.ID
	Class         product.Class
	CurrentQPS    int // the limit when it was asked
	RequestedQPS  int
	Justification string
	EndsAt        time.Time // zero: for good
	By            account.Subject
	ByEmail       string
	CreatedAt     time.Time

	Status     RequestStatus
	GrantedQPS int    // what was approved, which may differ from what was asked
	Comment    string // the operator's, which the customer sees
	DecidedBy  string
	DecidedAt  time.Time
	Version    int64
}

type requestRecord struct {
	ID            string `dynamodbav:"id"`
	Account       string `dynamodbav:"account"`
	Key           string `dynamodbav:"key_id"`
	Class         string `dynamodbav:"class"`
	CurrentQPS    int    `dynamodbav:"current_qps"`
	RequestedQPS  int    `dynamodbav:"requested_qps"`
	Justification string `dynamodbav:"justification"`
	EndsAt        string `dynamodbav:"ends_at,omitempty"`
	Issuer        string `dynamodbav:"issuer"`
	Subject       string `dynamodbav:"subject"`
	ByEmail       string `dynamodbav:"email"`
	CreatedAt     string `dynamodbav:"created_at"`
	Status        string `dynamodbav:"request_status"`
	GrantedQPS    int    `dynamodbav:"granted_qps,omitempty"`
	Comment       string `dynamodbav:"decision_comment,omitempty"`
	DecidedBy     string `dynamodbav:"decided_by,omitempty"`
	DecidedAt     string `dynamodbav:"decided_at,omitempty"`
	Version       int64  `dynamodbav:"version"`
}

func encodeRequest(r Request) dynamo.Item {
	gpk, gsk := "", ""
	if r.Status == RequestPending {
		gpk, gsk = gOpen, stamp(r.CreatedAt)+"#"+r.ID
	}
	return encode(requestKey(r.Account, r.ID), "qps_request", requestRecord{
		ID: r.ID, Account: string(r.Account), Key: string(r.Key), Class: string(r.Class), CurrentQPS: r.CurrentQPS,
		RequestedQPS: r.RequestedQPS, Justification: r.Justification, EndsAt: stamp(r.EndsAt), Issuer: r.By.Issuer,
		Subject: r.By.ID, ByEmail: r.ByEmail, CreatedAt: stamp(r.CreatedAt), Status: string(r.Status),
		GrantedQPS: r.GrantedQPS, Comment: r.Comment, DecidedBy: r.DecidedBy, DecidedAt: stamp(r.DecidedAt), Version: r.Version,
	}, gpk, gsk)
}

func decodeRequest(item dynamo.Item) (Request, error) {
	var r requestRecord
	if err := decode(item, "qps_request", &r); err != nil {
		return Request{}, err
	}
	var c clock
	request := Request{
		ID: r.ID, Account: account.ID(r.Account), Key: apikey.ID(r.Key), Class: product.Class(r.Class),
		CurrentQPS: r.CurrentQPS, RequestedQPS: r.RequestedQPS, Justification: r.Justification, EndsAt: c.read(r.EndsAt),
		By: account.Subject{Issuer: r.Issuer, ID: r.Subject}, ByEmail: r.ByEmail, CreatedAt: c.read(r.CreatedAt),
		Status: RequestStatus(r.Status), GrantedQPS: r.GrantedQPS, Comment: r.Comment, DecidedBy: r.DecidedBy,
		DecidedAt: c.read(r.DecidedAt), Version: r.Version,
	}
	return request, c.err
}

// SubmitRequest writes a pending request. *Replay, ErrOpenRequest when one is open for this key and class,
// ErrNotFound when the key is gone, deleted or revoked, ErrClosed.
func (s *Store) SubmitRequest(ctx context.Context, r Request, remember *Idempotency, row audit.Row) (Request, error) {
	r.Status, r.Version = RequestPending, 1
	var ops []op
	if remember != nil {
		record := *remember
		record.Resource, record.Version = r.ID, 1
		ops = append(ops, s.putIdempotency(r.Account, record))
	}
	open := openRequestKey(r.Account, r.Key, r.Class)
	open["kind"], open["request_id"] = dynamo.S("guard"), dynamo.S(r.ID)
	ops = append(ops,
		check(s.control, keyKey(r.Account, r.Key), cond{
			text: "attribute_exists(pk) AND attribute_not_exists(deleted_at) AND attribute_not_exists(revoked_at)",
		}, always(dynamo.ErrNotFound)),
		s.openAccount(r.Account),
		put(s.control, open, isNew, always(dynamo.ErrOpenRequest)),
		put(s.control, encodeRequest(r), isNew, always(dynamo.ErrExists)),
	)
	return r, s.write(ctx, row, ops...)
}

// Request reads an account's request.
func (s *Store) Request(ctx context.Context, id account.ID, request string) (Request, error) {
	item, err := s.get(ctx, requestKey(id, request))
	if err != nil {
		return Request{}, err
	}
	return decodeRequest(item)
}

// RequestPage is one page of requests.
type RequestPage struct {
	Requests []Request
	Next     string // the after of the next page; "" at the end
}

// Requests lists an account's requests, the newest first. after is the ID of the last request of the page before.
func (s *Store) Requests(ctx context.Context, id account.ID, after string, limit int) (RequestPage, error) {
	q := query{pk: accountPK(id), prefix: requestPrefix, reverse: true}
	if after != "" {
		q.start = requestKey(id, after)
	}
	return s.requestPage(ctx, q, limit, func(r Request, _ dynamo.Item) string { return r.ID })
}

// OpenRequests is the operators' queue over all accounts, the oldest first, a moment late.
func (s *Store) OpenRequests(ctx context.Context, after string, limit int) (RequestPage, error) {
	q := query{index: true, pk: gOpen}
	if after != "" {
		q.start = cursorItem(gOpen, after)
	}
	return s.requestPage(ctx, q, limit, func(_ Request, item dynamo.Item) string { return cursor(item) })
}

func (s *Store) requestPage(ctx context.Context, q query, limit int, mark func(Request, dynamo.Item) string) (page RequestPage, err error) {
	q.limit = int32(limit) + 1 //nolint:gosec // the API bounds page sizes
	last := ""
	err = s.each(ctx, q, func(item dynamo.Item) (bool, error) {
		if len(page.Requests) == limit {
			page.Next = last
			return false, nil
		}
		r, err := decodeRequest(item)
		last = mark(r, item)
		page.Requests = append(page.Requests, r)
		return err == nil, err
	})
	return page, err
}

// CloseRequest rejects or withdraws a request. ErrDecided when it isn't pending any more.
func (s *Store) CloseRequest(ctx context.Context, before, after Request, row audit.Row) (Request, error) {
	after, ops := s.decide(before, after)
	return after, s.write(ctx, row, ops...)
}

// CommitDecision approves a request and changes the key's limit, together. The errors are those of Commit, and
// ErrDecided when the request isn't pending any more.
func (s *Store) CommitDecision(ctx context.Context, c Change, before, after Request) (apikey.Key, Request, error) {
	after, ops := s.decide(before, after)
	key, err := s.commit(ctx, c, ops...)
	return key, after, err
}

func (s *Store) decide(before, after Request) (Request, []op) {
	after.ID, after.Account, after.Key, after.Class = before.ID, before.Account, before.Key, before.Class
	after.Version = before.Version + 1
	return after, []op{
		put(s.control, encodeRequest(after), cond{
			text: "request_status = :pending AND version = :ver",
			values: dynamo.Item{
				":pending": dynamo.S(string(RequestPending)), ":ver": dynamo.N(before.Version),
			},
		}, gone(dynamo.ErrDecided)),
		remove(s.control, openRequestKey(before.Account, before.Key, before.Class), cond{
			text: "attribute_not_exists(pk) OR request_id = :id", values: dynamo.Item{":id": dynamo.S(before.ID)},
		}, always(dynamo.ErrDecided)),
	}
}
