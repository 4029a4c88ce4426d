package control

import (
	"context"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
)

// Key reads a key of an account, a deleted one too. ErrNotFound when the account has no such key.
func (s *Store) Key(ctx context.Context, id account.ID, key apikey.ID) (apikey.Key, error) {
	item, err := s.get(ctx, keyKey(id, key))
	if err != nil {
		return apikey.Key{}, err
	}
	return DecodeKey(item)
}

// FindKey reads a key by its ID alone; for operators.
func (s *Store) FindKey(ctx context.Context, key apikey.ID) (apikey.Key, error) {
	item, err := s.get(ctx, locatorKey(key))
	if err != nil {
		return apikey.Key{}, err
	}
	return s.Key(ctx, account.ID(text(item, "account")), key)
}

// KeyQuery selects the keys of an account to list.
type KeyQuery struct {
	After   apikey.ID             // the last key of the page before; "" for the first page
	Limit   int                   // keys in a page; 0 for all
	Deleted bool                  // list deleted keys too
	Match   func(apikey.Key) bool // nil for all
}

// KeyPage is one page of keys, in the order of their IDs, which is that of their creation.
type KeyPage struct {
	Keys []apikey.Key
	Next apikey.ID // the After of the next page; "" at the end
}

// Keys lists an account's keys.
func (s *Store) Keys(ctx context.Context, id account.ID, want KeyQuery) (page KeyPage, err error) {
	q := query{pk: accountPK(id), prefix: keyPrefix}
	if want.After != "" {
		q.start = keyKey(id, want.After)
	}
	err = s.each(ctx, q, func(item dynamo.Item) (bool, error) {
		k, err := DecodeKey(item)
		if err != nil {
			return false, err
		}
		if !want.Deleted && !k.DeletedAt.IsZero() || want.Match != nil && !want.Match(k) {
			return true, nil
		}
		if want.Limit > 0 && len(page.Keys) == want.Limit {
			page.Next = page.Keys[want.Limit-1].ID
			return false, nil
		}
		page.Keys = append(page.Keys, k)
		return true, nil
	})
	return page, err
}
