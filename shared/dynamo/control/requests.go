package control

import (
	"cmp"
	"context"
	"strings"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

type requestRecord struct {
	ID            string       `dynamodbav:"id"`
	Account       string       `dynamodbav:"account"`
	Key           string       `dynamodbav:"key_id"`
	Product       string       `dynamodbav:"product"`
	Class         string       `dynamodbav:"class"`
	CurrentQPS    int          `dynamodbav:"current_qps"`
	RequestedQPS  int          `dynamodbav:"requested_qps"`
	Justification string       `dynamodbav:"justification"`
	EndsAt        string       `dynamodbav:"ends_at,omitempty"`
	By            partyRecord  `dynamodbav:"created_by"`
	CreatedAt     string       `dynamodbav:"created_at"`
	Status        string       `dynamodbav:"request_status"`
	ClosedAt      string       `dynamodbav:"decided_at,omitempty"`
	Decision      *decisionRow `dynamodbav:"decision,omitempty"`
	Version       int64        `dynamodbav:"version"`
}

type partyRecord struct {
	Issuer  string `dynamodbav:"issuer"`
	Subject string `dynamodbav:"subject"`
	Email   string `dynamodbav:"email,omitempty"`
}

type decisionRow struct {
	By      partyRecord `dynamodbav:"decided_by"`
	At      string      `dynamodbav:"at"`
	Comment string      `dynamodbav:"decision_comment,omitempty"`
	QPS     int         `dynamodbav:"granted_qps,omitempty"`
}

func recordOfParty(p qps.Party) partyRecord {
	return partyRecord{Issuer: p.Subject.Issuer, Subject: p.Subject.ID, Email: p.Email}
}

func (r partyRecord) party() qps.Party {
	return qps.Party{Subject: account.Subject{Issuer: r.Issuer, ID: r.Subject}, Email: r.Email}
}

func encodeRequest(r qps.Request) dynamo.Item {
	gpk, gsk := "", ""
	if r.Status == qps.Pending {
		gpk, gsk = gOpen, moment.Format(r.CreatedAt)+"#"+string(r.ID)
	}
	record := requestRecord{
		ID: string(r.ID), Account: string(r.Account), Key: string(r.KeyID), Product: string(r.Product), Class: string(r.Class),
		CurrentQPS: r.Current, RequestedQPS: r.Requested, Justification: r.Justification, EndsAt: moment.Format(r.EndsAt),
		By: recordOfParty(r.CreatedBy), CreatedAt: moment.Format(r.CreatedAt), Status: string(r.Status), ClosedAt: moment.Format(r.ClosedAt),
		Version: r.Version,
	}
	if d := r.Decision; d != nil {
		record.Decision = &decisionRow{By: recordOfParty(d.By), At: moment.Format(d.At), Comment: d.Comment, QPS: d.QPS}
	}
	return encode(requestKey(r.Account, r.ID), "qps_request", record, gpk, gsk)
}

func decodeRequest(item dynamo.Item) (qps.Request, error) {
	var r requestRecord
	if err := decode(item, "qps_request", &r); err != nil {
		return qps.Request{}, err
	}
	var c clock
	request := qps.Request{
		ID: qps.RequestID(r.ID), Account: account.ID(r.Account), KeyID: apikey.ID(r.Key), Product: product.ID(r.Product),
		Class: product.Class(r.Class), Current: r.CurrentQPS, Requested: r.RequestedQPS, Justification: r.Justification,
		EndsAt: c.read(r.EndsAt), CreatedBy: r.By.party(), CreatedAt: c.read(r.CreatedAt), Status: qps.Status(r.Status),
		ClosedAt: c.read(r.ClosedAt), Version: r.Version,
	}
	if d := r.Decision; d != nil {
		request.Decision = &qps.Decision{By: d.By.party(), At: c.read(d.At), Comment: d.Comment, QPS: d.QPS}
	}
	return request, cmp.Or(c.err, placed(item, requestKey(request.Account, request.ID), request.Version))
}

// SubmitRequest writes a pending request, as [qps.Submit] made it. [*Replay], [qps.ErrOpenRequest] when one is open for
// this key and class, [dynamo.ErrNotFound] when the key is gone, deleted or revoked, [qps.ErrObsolete] when it has not the
// product (any more) or its account is no enterprise (any more), [account.ErrClosed], [account.ErrSuspended].
func (s *Store) SubmitRequest(ctx context.Context, r qps.Request, remember *Idempotency, row audit.Row) error {
	open := openRequestKey(r.Account, r.KeyID, r.Class)
	open["kind"], open["request_id"] = dynamo.S("guard"), dynamo.S(string(r.ID))
	ops := append(s.remember(r.Account, remember, string(r.ID), r.Version),
		check(s.control, keyKey(r.Account, r.KeyID), cond{
			text: "attribute_exists(pk) AND attribute_not_exists(deleted_at) AND attribute_not_exists(revoked_at)" +
				" AND contains(products, :product) AND account_type = :type",
			values: dynamo.Item{":product": dynamo.S(string(r.Product)), ":type": dynamo.S(string(account.Enterprise))},
		}, func(old dynamo.Item) error {
			if len(old) == 0 || old["deleted_at"] != nil || old["revoked_at"] != nil {
				return dynamo.ErrNotFound
			}
			return qps.ErrObsolete
		}),
		s.openActiveAccount(r.Account, r.CreatedAt),
		put(s.control, open, isNew, always(qps.ErrOpenRequest)),
		put(s.control, encodeRequest(r), isNew, always(dynamo.ErrExists)),
	)
	return s.write(ctx, row, ops...)
}

// Request reads an account's request.
func (s *Store) Request(ctx context.Context, id account.ID, request qps.RequestID) (qps.Request, error) {
	return one(ctx, s, requestKey(id, request), decodeRequest)
}

// RequestPage is one page of requests.
type RequestPage struct {
	Requests []qps.Request
	Next     string // the after of the next page; "" at the end
}

// RequestQuery selects the requests of an account to list.
type RequestQuery struct {
	After string                 // the Next of the page before; "" for the first page
	Limit int                    // requests in a page
	Match func(qps.Request) bool // nil for all
}

// Requests lists an account's requests, the newest first. A page may have fewer than were asked for, or none, and still a
// next one: it looks at [MostLooked] and no more.
func (s *Store) Requests(ctx context.Context, id account.ID, want RequestQuery) (RequestPage, error) {
	q := query{pk: accountPK(id), prefix: requestPrefix, reverse: true, limit: perCall(want.Limit)}
	if want.Match != nil {
		q.limit = perSearch(want.Limit)
	}
	if want.After != "" {
		q.start = requestKey(id, qps.RequestID(want.After))
	}
	p, err := page(ctx, s, list[qps.Request]{
		query: q, limit: want.Limit, mark: func(item dynamo.Item) string { return strings.TrimPrefix(sortKey(item), requestPrefix) },
		read: func(item dynamo.Item) (qps.Request, bool, error) {
			r, err := decodeRequest(item)
			return r, err != nil || want.Match == nil || want.Match(r), err
		},
	})
	return RequestPage{p.records, p.next}, err
}

// OpenRequests is the operators' queue over all accounts, the oldest first, a moment late.
func (s *Store) OpenRequests(ctx context.Context, after string, limit int) (RequestPage, error) {
	q := query{index: lookup, pk: gOpen, start: cursorItem(gOpen, after), limit: perCall(limit)}
	p, err := page(ctx, s, list[qps.Request]{query: q, limit: limit, read: all(decodeRequest), mark: cursor})
	return RequestPage{p.records, p.next}, err
}

// CloseRequest writes a request that was rejected or withdrawn, as its state machine made it. qps.ErrNotPending when
// another decision came first.
func (s *Store) CloseRequest(ctx context.Context, after qps.Request, row audit.Row) error {
	return s.write(ctx, row, s.decide(after)...)
}

// CommitDecision writes an approved request and changes the key's limit, together. The errors are those of Commit,
// and qps.ErrNotPending when another decision came first.
func (s *Store) CommitDecision(ctx context.Context, c Change, after qps.Request) (apikey.Key, error) {
	return s.commit(ctx, c, s.decide(after)...)
}

// decide replaces the pending request that after was made from, and lets the next one be filed.
func (s *Store) decide(after qps.Request) []op {
	return []op{
		put(s.control, encodeRequest(after), cond{
			text: "request_status = :pending AND version = :ver",
			values: dynamo.Item{
				":pending": dynamo.S(string(qps.Pending)), ":ver": dynamo.N(after.Version - 1),
			},
		}, gone(qps.ErrNotPending)),
		remove(s.control, openRequestKey(after.Account, after.KeyID, after.Class), cond{
			text: "attribute_not_exists(pk) OR request_id = :id", values: dynamo.Item{":id": dynamo.S(string(after.ID))},
		}, always(qps.ErrNotPending)),
	}
}
