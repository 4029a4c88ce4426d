package control

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
)

// Key reads a key of an account, a deleted one too. ErrNotFound when the account has no such key.
func (s *Store) Key(ctx context.Context, id account.ID, key apikey.ID) (apikey.Key, error) {
	return one(ctx, s, keyKey(id, key), DecodeKey)
}

// FindKey reads a key by its ID alone; for operators.
func (s *Store) FindKey(ctx context.Context, key apikey.ID) (apikey.Key, error) {
	item, err := s.get(ctx, locatorKey(key))
	if err != nil {
		return apikey.Key{}, err
	}
	return s.Key(ctx, account.ID(text(item, "account")), key)
}

// KeyBySecret reads the key of an account that has, or had, the secret with this hash, in whatever state it is, and tells
// which of its secrets that is. ErrNotFound for a secret that no key has and for one of another account's key alike, after
// the same one read.
func (s *Store) KeyBySecret(ctx context.Context, id account.ID, hash apikey.Hash) (apikey.Key, apikey.SecretRole, error) {
	owner, key, err := s.holder(ctx, hash)
	switch {
	case err != nil:
		return apikey.Key{}, "", err
	case owner != id:
		return apikey.Key{}, "", dynamo.ErrNotFound
	}
	return s.keyWith(ctx, owner, key, hash)
}

// FindKeyBySecret is KeyBySecret over all accounts; for operators.
func (s *Store) FindKeyBySecret(ctx context.Context, hash apikey.Hash) (apikey.Key, apikey.SecretRole, error) {
	owner, key, err := s.holder(ctx, hash)
	if err != nil {
		return apikey.Key{}, "", err
	}
	return s.keyWith(ctx, owner, key, hash)
}

// holder asks the gate's table whose secret has a hash.
func (s *Store) holder(ctx context.Context, hash apikey.Hash) (account.ID, apikey.ID, error) {
	record, err := s.gateRecord(ctx, policies.Key(hash))
	switch {
	case err != nil:
		return "", "", err
	case len(record) == 0:
		return "", "", dynamo.ErrNotFound
	}
	return account.ID(text(record, "acct")), apikey.ID(text(record, "kid")), nil
}

// keyWith reads a key that is said to have a secret: its own record decides.
func (s *Store) keyWith(ctx context.Context, id account.ID, key apikey.ID, hash apikey.Hash) (apikey.Key, apikey.SecretRole, error) {
	k, err := s.Key(ctx, id, key)
	if err != nil {
		return apikey.Key{}, "", err
	}
	role := k.RoleOf(hash)
	if role == "" {
		return apikey.Key{}, "", dynamo.ErrNotFound
	}
	return k, role, nil
}

// KeyQuery selects the keys of an account to list.
type KeyQuery struct {
	After   apikey.ID             // the last key that the page before looked at; "" for the first page
	Limit   int                   // keys in a page; 0 for all of the first [MostLooked]
	Newest  bool                  // the newest first
	Deleted bool                  // list deleted keys too
	Match   func(apikey.Key) bool // nil for all
}

// KeyPage is one page of keys, in the order of their IDs, which is that of their creation. It may have fewer keys than
// were asked for, or none, and still a next page: one page looks at [MostLooked] keys and no more.
type KeyPage struct {
	Keys []apikey.Key
	Bad  []Unreadable // left out
	Next apikey.ID    // the After of the next page; "" at the end
}

// Keys lists an account's keys.
func (s *Store) Keys(ctx context.Context, id account.ID, want KeyQuery) (KeyPage, error) {
	q := query{pk: accountPK(id), prefix: keyPrefix, reverse: want.Newest, limit: perCall(want.Limit)}
	if want.Match != nil {
		q.limit = perSearch(want.Limit)
	}
	if want.After != "" {
		q.start = keyKey(id, want.After)
	}
	p, err := page(ctx, s, list[apikey.Key]{
		query: q, limit: want.Limit, mark: keyIn,
		read: func(item dynamo.Item) (apikey.Key, bool, error) {
			k, err := DecodeKey(item)
			return k, (want.Deleted || k.DeletedAt.IsZero()) && (err != nil || want.Match == nil || want.Match(k)), err
		},
	})
	return KeyPage{p.records, p.bad, apikey.ID(p.next)}, err
}

// KeyBrief is of a key what a count of keys looks at.
type KeyBrief struct {
	ID     apikey.ID
	Labels []string
}

// BriefPage is the first [MostLooked] keys of an account, in one order.
type BriefPage struct {
	Keys []KeyBrief // those that aren't deleted
	Next apikey.ID  // the last one that was looked at, where the account has more; "" where it has not
}

// KeysInBrief reads the first keys of an account in the order of their IDs, or the last ones, newest first. It takes a fraction of the time
// of [Store.Keys]: most of a record isn't read, so that one of which only the rest is damaged is among them.
func (s *Store) KeysInBrief(ctx context.Context, id account.ID, newest bool) (BriefPage, error) {
	q := query{pk: accountPK(id), prefix: keyPrefix, reverse: newest, only: []string{"sk", "labels", "deleted_at"}}
	p, err := page(ctx, s, list[KeyBrief]{
		query: q, mark: keyIn,
		read: func(item dynamo.Item) (KeyBrief, bool, error) {
			var r struct {
				Labels    []string `dynamodbav:"labels"`
				DeletedAt string   `dynamodbav:"deleted_at"`
			}
			err := attributevalue.UnmarshalMap(item, &r)
			return KeyBrief{apikey.ID(keyIn(item)), r.Labels}, err != nil || r.DeletedAt == "", nil //nolint:nilerr // reported where its page is read
		},
	})
	return BriefPage{p.records, apikey.ID(p.next)}, err
}

// keyIn is the ID of the key whose record an item is.
func keyIn(item dynamo.Item) string { return strings.TrimPrefix(sortKey(item), keyPrefix) }

// KeysByID reads some of an account's keys, in the order of their IDs as given. One that is gone or can't be read isn't in the answer.
func (s *Store) KeysByID(ctx context.Context, id account.ID, keys ...apikey.ID) ([]apikey.Key, error) {
	items := make([]dynamo.Item, len(keys))
	for i, key := range keys {
		items[i] = keyKey(id, key)
	}
	var list []apikey.Key
	err := batch(ctx, s, items, DecodeKey, func(k apikey.Key) { list = append(list, k) })
	slices.SortFunc(list, func(a, b apikey.Key) int { return cmp.Compare(slices.Index(keys, a.ID), slices.Index(keys, b.ID)) })
	return list, err
}
