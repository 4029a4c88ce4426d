package control

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
)

// Unreadable is a stored record that can't be read. A list leaves it out, so that it stops no other.
type Unreadable struct {
	Account account.ID // "" where the record belongs to no account
	Item    string     // the record's ID, or its sort key; of a key its ID in any case
	Err     error
}

// Reporting returns the store with a place for the records that its lists leave out.
func (s *Store) Reporting(report func(context.Context, Unreadable)) *Store {
	told := *s
	told.report = report
	return &told
}

func (s *Store) unreadable(ctx context.Context, item dynamo.Item, err error) Unreadable {
	u := Unreadable{Account: account.ID(text(item, "account")), Item: text(item, "id"), Err: err}
	if u.Item == "" {
		u.Item = strings.TrimPrefix(text(item, "sk"), keyPrefix)
	}
	if u.Account == "" {
		u.Account = accountOf(text(item, "pk"))
	}
	if s.report != nil {
		s.report(ctx, u)
	}
	return u
}

// list is a query whose items are read as records of one type.
type list[T any] struct {
	query
	limit int // records in a page; 0 for as many as one page looks at
	// read decodes an item. keep is false for a record that isn't asked for.
	read func(dynamo.Item) (record T, keep bool, err error)
	mark func(dynamo.Item) string // the cursor of an item
}

// accountOf is the account of a partition, "" for a partition of something else.
func accountOf(pk string) account.ID {
	id, ok := strings.CutPrefix(pk, accountPK(""))
	if !ok {
		return ""
	}
	return account.ID(id)
}

// all keeps every record that a decoder reads.
func all[T any](decode func(dynamo.Item) (T, error)) func(dynamo.Item) (T, bool, error) {
	return func(item dynamo.Item) (T, bool, error) {
		record, err := decode(item)
		return record, true, err
	}
}

// found is one page of a list.
type found[T any] struct {
	records []T
	bad     []Unreadable
	next    string // the cursor of the next page; "" at the end
}

// MostLooked is the most records that one page of a list looks at. A page that leaves records out, because nobody asked
// for them or nobody can read them, may so be short, or empty, and still have a next one.
const MostLooked = 1000

// page reads one page. Every list of one partition that the API shows goes through it: an item that can't be read is reported and left out,
// and nobody reads a whole account at once.
func page[T any](ctx context.Context, s *Store, l list[T]) (p found[T], err error) {
	last, looked := "", 0
	l.most = MostLooked + 1 // one more, to know whether there is a next page
	err = s.each(ctx, l.query, func(item dynamo.Item) (bool, error) {
		if looked == MostLooked {
			p.next = last
			return false, nil
		}
		record, keep, unreadable := l.read(item)
		switch {
		case unreadable != nil:
			p.bad = append(p.bad, s.unreadable(ctx, item, unreadable))
		case keep && l.limit > 0 && len(p.records) == l.limit:
			p.next = last
			return false, nil
		case keep:
			p.records = append(p.records, record)
		}
		last = l.mark(item)
		looked++
		return true, nil
	})
	return p, err
}

// perCall is the number of items that a page of so many records reads at once: one more, to know whether there is a next page.
func perCall(limit int) int32 {
	if limit == 0 {
		return 0 // as many as DynamoDB gives
	}
	return int32(min(limit, MostLooked)) + 1 //nolint:gosec // bounded
}

// perSearch is the number of items that a page reads at once where it leaves many out.
func perSearch(limit int) int32 {
	return max(perCall(limit), MostLooked/4)
}

func sortKey(item dynamo.Item) string { return text(item, "sk") }

// one reads a single record. One that can't be read is reported as those are that lists leave out, and is an error.
func one[T any](ctx context.Context, s *Store, key dynamo.Item, decode func(dynamo.Item) (T, error)) (record T, err error) {
	item, err := s.get(ctx, key)
	if err != nil {
		return record, err
	}
	if record, err = decode(item); err != nil {
		s.unreadable(ctx, item, err)
	}
	return record, err
}

// maxBatch is the most items of one BatchGetItem.
const maxBatch = 100

// accounts reads several accounts at once, strongly consistent. One that is gone or can't be read isn't in the answer.
func (s *Store) accounts(ctx context.Context, ids []account.ID) (map[account.ID]account.Account, error) {
	keys := make([]dynamo.Item, len(ids))
	for i, id := range ids {
		keys[i] = accountKey(id)
	}
	list := make(map[account.ID]account.Account, len(ids))
	err := batch(ctx, s, keys, decodeAccount, func(a account.Account) { list[a.ID] = a })
	return list, err
}

// KeyNames returns the names of some of an account's keys, those that are deleted too. One that is purged or can't be read isn't in the answer.
func (s *Store) KeyNames(ctx context.Context, id account.ID, keys ...apikey.ID) (map[apikey.ID]string, error) {
	owners := make(map[apikey.ID]account.ID, len(keys))
	for _, key := range keys {
		owners[key] = id
	}
	return s.KeyNamesOf(ctx, owners)
}

// KeyNamesOf is KeyNames for keys of several accounts, each with the one that it belongs to.
func (s *Store) KeyNamesOf(ctx context.Context, owners map[apikey.ID]account.ID) (map[apikey.ID]string, error) {
	items := make([]dynamo.Item, 0, len(owners))
	for key, id := range owners {
		items = append(items, keyKey(id, key))
	}
	names := make(map[apikey.ID]string, len(owners))
	err := batch(ctx, s, items, DecodeKey, func(k apikey.Key) { names[k.ID] = k.Name })
	return names, err
}

// batch reads several records at once, strongly consistent, each once. One that is gone or can't be read is left out.
func batch[T any](ctx context.Context, s *Store, keys []dynamo.Item, decode func(dynamo.Item) (T, error), take func(T)) error {
	asked := map[string]bool{}
	keys = slices.DeleteFunc(slices.Clone(keys), func(key dynamo.Item) bool {
		at := text(key, "pk") + "\x00" + sortKey(key)
		twice := asked[at]
		asked[at] = true
		return twice
	})
	for part := range slices.Chunk(keys, maxBatch) {
		for attempt := 1; len(part) > 0; attempt++ {
			out, err := s.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
				s.control: {Keys: part, ConsistentRead: &consistent},
			}})
			if err != nil {
				return fmt.Errorf("control: reading several records: %w", err)
			}
			for _, item := range out.Responses[s.control] {
				record, err := decode(item)
				if err != nil {
					s.unreadable(ctx, item, err)
					continue
				}
				take(record)
			}
			if part = out.UnprocessedKeys[s.control].Keys; len(part) > 0 {
				if err := dynamo.Pause(ctx, attempt); err != nil {
					return fmt.Errorf("control: reading several records: %w", err)
				}
			}
		}
	}
	return nil
}
