package control

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
)

// blocked reports whether a key is one that an operator has blocked and may unblock.
func blocked(k apikey.Key) bool {
	return k.Blocked != nil && k.DeletedAt.IsZero() && k.RevokedAt.IsZero()
}

// fileBlocked keeps blocked keys in the index: their locators are in it as long as they are blocked.
func (s *Store) fileBlocked(before *apikey.Key, after apikey.Key) []op {
	switch {
	case before == nil:
		return nil // the locator is new
	case blocked(after):
		gpk, gsk := blockedIndex(after)
		return []op{update(s.control, locatorKey(after.ID), "SET gpk = :g, gsk = :s", cond{
			text: exists.text, values: dynamo.Item{":g": gpk, ":s": gsk},
		}, always(dynamo.ErrNotFound))}
	case blocked(*before):
		return []op{update(s.control, locatorKey(after.ID), "REMOVE gpk, gsk", exists, always(dynamo.ErrNotFound))}
	}
	return nil
}

// blockedIndex is the place of a blocked key's locator in the index.
func blockedIndex(k apikey.Key) (gpk, gsk types.AttributeValue) {
	return dynamo.S(gBlocked), dynamo.S(stamp(k.Blocked.At) + "#" + string(k.ID))
}

// MostOfOverview is the most things that an overview counts. One of so many may have more.
const MostOfOverview = 100

// BlockedKey is a blocked key with its account.
type BlockedKey struct {
	Key     apikey.Key
	Account account.Account
}

// Overview lists what waits for operators.
type Overview struct {
	Pending int          // QPS requests
	Blocked int          // keys
	Last    []BlockedKey // of these, the last blocked first
}

// Overview counts the pending requests and the blocked keys of all accounts, and reads the last few of these; for operators. Both are a
// moment late. A key that was blocked by a release before this one is in it from its next change on.
func (s *Store) Overview(ctx context.Context, few int) (o Overview, err error) {
	open, err := s.OpenRequests(ctx, "", MostOfOverview)
	if err != nil {
		return o, err
	}
	o.Pending = len(open.Requests)
	filed, err := page(ctx, s, list[dynamo.Item]{
		query: query{index: true, pk: gBlocked, reverse: true, limit: MostOfOverview}, limit: MostOfOverview,
		read: all(func(item dynamo.Item) (dynamo.Item, error) { return item, nil }), mark: cursor,
	})
	if err != nil {
		return o, err
	}
	o.Blocked = len(filed.records)
	var ids []account.ID
	for _, item := range filed.records[:min(few, len(filed.records))] {
		id := account.ID(text(item, "account"))
		k, err := s.Key(ctx, id, apikey.ID(strings.TrimPrefix(text(item, "pk"), locatorPrefix)))
		switch {
		case errors.Is(err, dynamo.ErrNotFound), errors.Is(err, dynamo.ErrUnreadable):
			continue // it was purged meanwhile, or Key has reported it
		case err != nil:
			return o, err
		case !blocked(k):
			o.Blocked--
			continue
		}
		o.Last, ids = append(o.Last, BlockedKey{Key: k, Account: account.Account{ID: id}}), append(ids, id)
	}
	accounts, err := s.accounts(ctx, ids)
	if err != nil {
		return o, err
	}
	for i := range o.Last {
		if a, ok := accounts[o.Last[i].Account.ID]; ok {
			o.Last[i].Account = a
		}
	}
	return o, nil
}
