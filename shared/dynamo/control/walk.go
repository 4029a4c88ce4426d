package control

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
)

// Place is a point in a walk over everything: behind an account's key, a record of the gate, or an item of the index. The zero place is
// the beginning. Accounts and keys are walked in the order of their IDs, which no change of name moves.
type Place struct {
	Account account.ID
	Key     apikey.ID // "" behind the account's own record
	Gate    bool      // accounts and keys are done with
	Record  string    // of the gate; "" before the first
	Index   string    // what waits for operators, in the index, behind all records of the gate; "" before the first
}

// EachKey goes through all keys of all accounts, deleted ones too. An unreadable record is given with its
// error and no more than its IDs.
// An account of the last moments may be missing.
func (s *Store) EachKey(ctx context.Context, yield func(apikey.Key, error) error) error {
	return s.EachKeyFrom(ctx, Place{}, yield, func(Place) error { return nil })
}

// EachKeyFrom is EachKey from a place on. done is called with the place behind each account's record and each key, after the
// key was yielded: the walk ends with done's error, and another one that begins at that place leaves nothing out.
func (s *Store) EachKeyFrom(ctx context.Context, from Place, yield func(apikey.Key, error) error, done func(Place) error) error {
	key := func(_ dynamo.Item, k apikey.Key, unreadable error) error { return yield(k, unreadable) }
	return s.walk(ctx, from, func(account.ID) error { return nil }, key, done)
}

func (s *Store) walk(ctx context.Context, from Place, one func(account.ID) error, key func(dynamo.Item, apikey.Key, error) error, done func(Place) error) error {
	ids, err := s.AccountIDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if id < from.Account {
			continue
		}
		q := query{pk: accountPK(id), prefix: keyPrefix}
		switch {
		case id == from.Account && from.Key != "":
			q.start = keyKey(id, from.Key)
		case id != from.Account:
			if err := one(id); err != nil {
				return err
			}
			if err := done(Place{Account: id}); err != nil {
				return err
			}
		}
		err := s.each(ctx, q, func(item dynamo.Item) (bool, error) {
			place := Place{Account: id, Key: apikey.ID(strings.TrimPrefix(text(item, "sk"), keyPrefix))}
			k, unreadable := DecodeKey(item)
			if unreadable != nil {
				k = apikey.Key{ID: place.Key, Account: id}
			}
			if err := key(item, k, unreadable); err != nil {
				return false, err
			}
			err := done(place)
			return err == nil, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mostLists bounds the lists of all accounts. Each that is needed beyond the second takes another account that is made or renamed during it.
const mostLists = 5

// AccountIDs lists all accounts in the order of their IDs, closed ones too. An account of the last moments may be missing. The index has
// them by name: an account that gets a name meanwhile that the list has passed is on no page of it. So they are listed until a list has
// none that those before lacked.
func (s *Store) AccountIDs(ctx context.Context) (ids []account.ID, err error) {
	for list := range mostLists {
		known := len(ids)
		err := s.each(ctx, query{index: lookup, pk: gAccounts}, func(item dynamo.Item) (bool, error) {
			ids = append(ids, accountOf(text(item, "pk")))
			return true, nil
		})
		if err != nil {
			return nil, err
		}
		slices.Sort(ids)
		if ids = slices.Compact(ids); list > 0 && len(ids) == known {
			break
		}
	}
	return ids, nil
}

// eachRecord goes through the gate's records, from a place on.
func (s *Store) eachRecord(ctx context.Context, from Place, yield func(dynamo.Item) error, done func(Place) error) error {
	input := &dynamodb.ScanInput{TableName: &s.gate, ConsistentRead: &consistent}
	if from.Record != "" {
		input.ExclusiveStartKey = dynamo.Item{"pk": dynamo.S(from.Record)}
	}
	for {
		out, err := s.db.Scan(ctx, input)
		if err != nil {
			return fmt.Errorf("control: scanning the gate: %w", err)
		}
		for _, item := range out.Items {
			if err := yield(item); err != nil {
				return err
			}
			if err := done(Place{Gate: true, Record: text(item, "pk")}); err != nil {
				return err
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		input.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
