package control

import (
	"context"
	"errors"
	"slices"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

// mostEnded bounds the requests that end in one transaction with their key. The job ends the rest; until then the queue
// leaves them out.
const mostEnded = 20

// endedRequests withdraws, in memory, the open requests that a change of a key leaves without what they ask for. What
// can't be read is left to the job: a key must be revocable while a request isn't readable.
func (s *Store) endedRequests(ctx context.Context, before *apikey.Key, after apikey.Key) (ended []qps.Request) {
	if before == nil || !mayEnd(*before, after) {
		return nil
	}
	var ids []qps.RequestID
	q := query{pk: accountPK(after.Account), prefix: openRequestPrefix(after.ID), limit: mostEnded, most: mostEnded}
	err := s.each(ctx, q, func(item dynamo.Item) (bool, error) {
		ids = append(ids, qps.RequestID(text(item, "request_id")))
		return len(ids) < mostEnded, nil
	})
	if err != nil {
		return nil
	}
	for _, id := range ids {
		r, err := s.Request(ctx, after.Account, id)
		if err != nil || !r.Ends(after) {
			continue
		}
		if r, err = r.Withdraw(after.UpdatedAt); err == nil {
			ended = append(ended, r)
		}
	}
	return ended
}

// mayEnd reports whether a change is one of those that can end requests: most aren't, and read nothing more.
func mayEnd(before, after apikey.Key) bool {
	if before.Editable() == nil && after.Editable() != nil || before.AccountType != after.AccountType {
		return true
	}
	return slices.ContainsFunc(before.Products, func(id product.ID) bool { return !slices.Contains(after.Products, id) })
}

// endRequest closes a request in the transaction of its key's change. Where somebody decided meanwhile, the whole
// change is thought about again.
func (s *Store) endRequest(after qps.Request) []op {
	ops := s.decide(after)
	for i := range ops {
		ops[i].failed = always(dynamo.ErrStale)
	}
	return ops
}

// EndObsolete withdraws a pending request that is over, or whose key is gone, no longer has what it asks for, or can't be read in an account
// that is closed. ok is false where the request stands. For the job: what a change of a key couldn't end itself.
func (s *Store) EndObsolete(ctx context.Context, r qps.Request, over bool, now time.Time, row audit.Row) (ok bool, err error) {
	k, err := s.Key(ctx, r.Account, r.KeyID)
	switch {
	case over, errors.Is(err, dynamo.ErrNotFound): // purged
	case errors.Is(err, dynamo.ErrUnreadable) && s.isClosed(ctx, r.Account): // and will never be read
	case err != nil:
		return false, err
	case !r.Ends(k):
		return false, nil
	}
	after, err := r.Withdraw(now)
	if err != nil {
		return false, nil //nolint:nilerr // it was decided before
	}
	err = s.CloseRequest(ctx, after, row)
	if errors.Is(err, qps.ErrNotPending) {
		return false, nil
	}
	return err == nil, err
}

// isClosed reports whether an account is known to be closed.
func (s *Store) isClosed(ctx context.Context, id account.ID) bool {
	a, err := s.Account(ctx, id)
	return err == nil && a.Closed()
}
