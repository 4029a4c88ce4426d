package control

import (
	"context"
	"errors"
	"reflect"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
)

// What waits for operators is indexed by the transaction that makes it wait, and by each change that follows, and taken out by the one
// that ends it. What a release that doesn't know the index has made wait, or has ended, the comparison of the tables puts in and takes out.

// blocked reports whether a key is one that an operator has blocked and may unblock.
func blocked(k apikey.Key) bool {
	return k.Blocked != nil && k.DeletedAt.IsZero() && k.RevokedAt.IsZero()
}

// indexedExposure is the exposure that a key is indexed by: also that of a secret whose rotation has ended, for nothing is written when it ends.
func indexedExposure(k apikey.Key) apikey.Exposure { return k.OpenExposure(time.Time{}) }

// exposed reports whether a secret of the key is known to others and nobody has seen to it.
func exposed(k apikey.Key) bool { return !indexedExposure(k).At.IsZero() }

// suspended reports whether an account is one that an operator has suspended and may resume, its end apart.
func suspended(a account.Account) bool { return !a.Suspended.At.IsZero() && !a.Closed() }

// locatorOf is the item that says which account a key is of. As long as the key is blocked, it is in the index by the time of the block.
func locatorOf(k apikey.Key) dynamo.Item {
	item := locatorKey(k.ID)
	item["kind"], item["account"] = dynamo.S("locator"), dynamo.S(string(k.Account))
	if blocked(k) {
		item["gpk"], item["gsk"] = dynamo.S(gBlocked), dynamo.S(moment.Format(k.Blocked.At)+"#"+string(k.ID))
	}
	return item
}

func (s *Store) indexBlocked(before *apikey.Key, after apikey.Key) []op {
	if before == nil || !blocked(*before) && !blocked(after) { // the locator of a new key is written with it
		return nil
	}
	return []op{put(s.control, locatorOf(after), exists, always(dynamo.ErrNotFound))}
}

func exposedItem(k apikey.Key) dynamo.Item {
	item := exposedKey(k.ID)
	item["kind"], item["account"] = dynamo.S("exposed"), dynamo.S(string(k.Account))
	item["gpk"], item["gsk"] = dynamo.S(gExposed), dynamo.S(moment.Format(indexedExposure(k).At)+"#"+string(k.ID))
	return item
}

func (s *Store) indexExposed(before *apikey.Key, after apikey.Key) []op {
	return s.index(exposedItem(after), before != nil && exposed(*before), exposed(after))
}

// index writes an item of what waits, and removes that of what has waited until now.
func (s *Store) index(item dynamo.Item, waited, waits bool) []op {
	switch {
	case waits:
		return []op{put(s.control, item, whatever, always(dynamo.ErrStale))}
	case waited:
		return []op{remove(s.control, placeOf(item), whatever, always(dynamo.ErrStale))}
	}
	return nil
}

// noEnd is the end by which a suspension without one is indexed, behind all that have one.
var noEnd = time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)

// suspendedItem has the end of a suspension first, so that those that have ended are read no more: nothing is written when one ends.
func suspendedItem(a account.Account) dynamo.Item {
	item, end := suspendedKey(a.ID), a.Suspended.Until
	if end.IsZero() {
		end = noEnd
	}
	item["kind"], item["account"] = dynamo.S("suspended"), dynamo.S(string(a.ID))
	item["gpk"], item["gsk"] = dynamo.S(gSuspended), dynamo.S(moment.Format(end)+"#"+moment.Format(a.Suspended.At)+"#"+string(a.ID))
	return item
}

func (s *Store) indexSuspended(before, after account.Account) []op {
	return s.index(suspendedItem(after), suspended(before), suspended(after))
}

// unindexed returns the item if the index has another one or none: a release before this one wrote the record that it is of.
func (s *Store) unindexed(ctx context.Context, item dynamo.Item) ([]op, error) {
	stored, err := s.get(ctx, placeOf(item))
	if err != nil && !errors.Is(err, dynamo.ErrNotFound) || reflect.DeepEqual(stored, item) {
		return nil, err
	}
	return []op{put(s.control, item, whatever, always(dynamo.ErrStale))}, nil
}
