package control

import (
	"context"
	"errors"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/moment"
)

// JobPage is one page of keys that a job has to look at. The list is a moment late, so a key may have changed since:
// the condition of the write finds that out.
type JobPage struct {
	Keys []apikey.Key
	Bad  []Unreadable // records that can't be read: they stop no other
	Next string       // the after of the next page; "" at the end
}

// Due lists keys for which package rotation has something to do by now, the longest due first.
func (s *Store) Due(ctx context.Context, now time.Time, after string, limit int) (JobPage, error) {
	return s.jobPage(ctx, gDue, dueBefore(now), after, limit)
}

// Purgeable lists keys that were deleted before a time, the longest deleted first.
func (s *Store) Purgeable(ctx context.Context, before time.Time, after string, limit int) (JobPage, error) {
	return s.jobPage(ctx, gPurge, moment.Format(before), after, limit)
}

// jobPage's cursor is a place, not a key: the page's last key has moved on by the time of the next page.
func (s *Store) jobPage(ctx context.Context, partition, below, after string, limit int) (JobPage, error) {
	q := query{index: lookup, pk: partition, below: below, limit: perCall(limit), start: cursorItem(partition, after)}
	p, err := page(ctx, s, list[apikey.Key]{query: q, limit: limit, read: all(DecodeKey), mark: cursor})
	return JobPage{p.records, p.bad, p.next}, err
}

// Purge removes a key that was deleted, with its policy records, for good; audit rows stay. ErrStale when it has
// changed since it was read, so a restored key is safe. Purging what is gone changes nothing.
func (s *Store) Purge(ctx context.Context, k apikey.Key, row audit.Row) error {
	ops := []op{
		remove(s.control, keyKey(k.Account, k.ID), cond{
			text: "version = :ver AND attribute_exists(deleted_at)", values: dynamo.Item{":ver": dynamo.N(k.Version)},
		}, gone(dynamo.ErrStale)),
		remove(s.control, locatorKey(k.ID), whatever, always(dynamo.ErrStale)), // tables that were restored may lack it
		remove(s.control, exposedKey(k.ID), whatever, always(dynamo.ErrStale)), // a release that doesn't know it may have deleted the key
	}
	for _, p := range authz.PoliciesOf(k) {
		ops = append(ops, remove(s.gate, policies.Key(p.Hash), ofKey(k.ID), always(dynamo.ErrExists)))
	}
	err := s.write(ctx, row, ops...)
	if errors.Is(err, dynamo.ErrNotFound) {
		return nil
	}
	return err
}
