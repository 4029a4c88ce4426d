package control

import (
	"context"
	"strings"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
)

// WaitingPage is one page of the keys that wait for operators.
type WaitingPage struct {
	Keys []WaitingKey
	Next string
}

// ExposedKeys lists the keys with an open exposure at a time, those that were first reported last first; a moment late, as [Store.Overview]
// is. What is in the index and waits no longer, or can't be read, is left out: a page may be short, or empty, and have a next one.
func (s *Store) ExposedKeys(ctx context.Context, now time.Time, after string, limit int) (WaitingPage, error) {
	return s.waitingPage(ctx, gExposed, after, limit, func(k apikey.Key) bool { return !k.OpenExposure(now).At.IsZero() })
}

// BlockedKeys lists the keys that an operator has blocked and may unblock, the last blocked first, as [Store.ExposedKeys] does.
func (s *Store) BlockedKeys(ctx context.Context, after string, limit int) (WaitingPage, error) {
	return s.waitingPage(ctx, gBlocked, after, limit, blocked)
}

func (s *Store) waitingPage(ctx context.Context, partition, after string, limit int, waits func(apikey.Key) bool) (WaitingPage, error) {
	items, next, err := s.indexed(ctx, query{pk: partition, start: cursorItem(partition, after)}, limit)
	if err != nil {
		return WaitingPage{}, err
	}
	places, ids := make([]dynamo.Item, len(items)), make([]account.ID, len(items))
	for i, item := range items {
		ids[i] = account.ID(text(item, "account"))
		places[i] = keyKey(ids[i], keyOf(item))
	}
	keys := make(map[apikey.ID]apikey.Key, len(items))
	if err := batch(ctx, s, places, DecodeKey, func(k apikey.Key) { keys[k.ID] = k }); err != nil {
		return WaitingPage{}, err
	}
	accounts, err := s.accounts(ctx, ids)
	if err != nil {
		return WaitingPage{}, err
	}
	page := WaitingPage{Next: next}
	for i, item := range items {
		k, found := keys[keyOf(item)]
		if !found || !waits(k) {
			continue
		}
		a, found := accounts[ids[i]]
		if !found {
			a.ID = ids[i]
		}
		page.Keys = append(page.Keys, WaitingKey{Key: k, Account: a})
	}
	return page, nil
}

// SuspendedAccounts lists the accounts that are suspended at a time, in the order of [Overview], and as late. What waits no longer or can't be
// read is left out, as by [Store.ExposedKeys].
func (s *Store) SuspendedAccounts(ctx context.Context, now time.Time, after string, limit int) (AccountPage, error) {
	q := query{pk: gSuspended, above: moment.Format(now) + "~", start: cursorItem(gSuspended, after)}
	if end, _, _ := strings.Cut(after, "\n"); after != "" && end <= q.above {
		return AccountPage{}, nil // the last suspension of the page before has ended since, and with it all behind it; DynamoDB takes no place outside the range
	}
	items, next, err := s.indexed(ctx, q, limit)
	if err != nil {
		return AccountPage{}, err
	}
	ids := make([]account.ID, len(items))
	for i, item := range items {
		ids[i] = account.ID(text(item, "account"))
	}
	accounts, err := s.accounts(ctx, ids)
	if err != nil {
		return AccountPage{}, err
	}
	page := AccountPage{Next: next}
	for _, id := range ids {
		if a, found := accounts[id]; found && suspended(a) && a.Suspended.Holds(now) {
			page.Accounts = append(page.Accounts, a)
		}
	}
	return page, nil
}

// indexed reads one page of a partition of the index, from its end.
func (s *Store) indexed(ctx context.Context, q query, limit int) (items []dynamo.Item, next string, err error) {
	q.index, q.reverse, q.limit = lookup, true, perCall(limit)
	found, err := page(ctx, s, list[dynamo.Item]{
		query: q, limit: limit, mark: cursor,
		read: all(func(item dynamo.Item) (dynamo.Item, error) { return item, nil }),
	})
	return found.records, found.next, err
}
