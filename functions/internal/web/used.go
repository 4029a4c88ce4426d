package web

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/usage"
)

// Uses reads from the counters when the secrets of keys were last used, and what their calls came to.
type Uses struct {
	counters interface {
		LastUsed(ctx context.Context, a account.ID, keys []apikey.ID) (map[apikey.ID]map[string]time.Time, error)
		KeyRows(ctx context.Context, a account.ID, key apikey.ID, in counters.Range) ([]usage.Row, error)
	}
	unreadable func(context.Context, control.Unreadable) // nil: nobody is told
}

// LastUsed reads the counters that the environment names. A function without them knows of no use.
func (b *Base) LastUsed() Uses {
	table := b.Env.Or("COUNTERS_TABLE", "")
	if table == "" {
		return Uses{}
	}
	return UsesIn(b.Counters(table), b.unreadable)
}

// UsesIn reads from these counters, and tells of what can't be read; nil for nobody.
func UsesIn(store *counters.Store, unreadable func(context.Context, control.Unreadable)) Uses {
	return Uses{counters: store, unreadable: unreadable}
}

// Counters is the store of a table of counters, on the function's one client.
func (b *Base) Counters(table string) *counters.Store {
	return counters.New(b.client, table).Reporting(func(ctx context.Context, id account.ID, item string, err error) {
		b.unreadable(ctx, control.Unreadable{Account: id, Item: item, Err: err})
	})
}

// LastUsed answers for keys of one account. A key that isn't in the answer was never used.
func (u Uses) LastUsed(ctx context.Context, id account.ID, keys ...apikey.Key) (map[apikey.ID]Used, error) {
	if u.counters == nil || len(keys) == 0 {
		return nil, nil
	}
	tags, err := u.tags(ctx, id, keys)
	if err != nil {
		return nil, err
	}
	used := map[apikey.ID]Used{}
	for _, k := range keys {
		of, known := tags[k.ID]
		one := Used{Known: known}
		for tag, at := range of {
			if tag != usage.RefusedTag && at.After(one.Allowed) {
				one.Allowed = at
			}
		}
		if k.Outgoing != nil {
			one.Previous = tags[k.ID][usage.HashTag(k.Outgoing.Hash)]
		}
		one.Refused = tags[k.ID][usage.RefusedTag]
		used[k.ID] = one
	}
	return used, nil
}

// CalledSince keeps the keys of one account that were called since a time, with any secret and whatever the answer was. One whose
// last use can't be read is kept.
func (u Uses) CalledSince(ctx context.Context, id account.ID, since time.Time, keys ...apikey.Key) (called []apikey.Key, err error) {
	if u.counters == nil || len(keys) == 0 {
		return nil, nil
	}
	tags, err := u.tags(ctx, id, keys)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		last, known := tags[k.ID]
		recent := func(at time.Time) bool { return !at.Before(since) }
		if !known || slices.ContainsFunc(slices.Collect(maps.Values(last)), recent) {
			called = append(called, k)
		}
	}
	return called, nil
}

// KeyRows reads a key's counters in a range; none where the function has no counters.
func (u Uses) KeyRows(ctx context.Context, id account.ID, key apikey.ID, in counters.Range) ([]usage.Row, error) {
	if u.counters == nil {
		return nil, nil
	}
	return u.counters.KeyRows(ctx, id, key, in)
}

// tags are the last uses of each key's secrets. A key of which they can't be read has none.
func (u Uses) tags(ctx context.Context, id account.ID, keys []apikey.Key) (map[apikey.ID]map[string]time.Time, error) {
	ids := make([]apikey.ID, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	tags, err := u.counters.LastUsed(ctx, id, ids)
	if errors.Is(err, dynamo.ErrUnreadable) {
		return u.oneByOne(ctx, id, ids)
	}
	return tags, err
}

// oneByOne leaves out what can't be read: a bad counter hides when its own key was last used, and no key.
func (u Uses) oneByOne(ctx context.Context, id account.ID, keys []apikey.ID) (map[apikey.ID]map[string]time.Time, error) {
	tags := map[apikey.ID]map[string]time.Time{}
	for _, key := range keys {
		one, err := u.counters.LastUsed(ctx, id, []apikey.ID{key})
		switch {
		case errors.Is(err, dynamo.ErrUnreadable):
			if u.unreadable != nil {
				u.unreadable(ctx, control.Unreadable{Account: id, Item: "last use of " + string(key), Err: err})
			}
		case err != nil:
			return nil, err
		default:
			tags[key] = one[key]
		}
	}
	return tags, nil
}
