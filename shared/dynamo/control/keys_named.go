package control

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
)

// DriftJob is the job that compares the tables, by whose passes NamesIndexed knows.
const DriftJob = "drift"

// NameQuery selects the keys of an account to list by name.
type NameQuery struct {
	After   string                // the Next of the page before, or a key's PlaceByName; "" for the first page
	Limit   int                   // keys in a page, at least one
	Last    bool                  // from the last name to the first
	Deleted bool                  // list deleted keys too
	Match   func(apikey.Key) bool // nil for all
	Look    int                   // at so many keys, and no more; 0 for mostByName
}

// mostByName is the most keys that one page by name looks at: it reads each of them twice, their places and their records.
const mostByName = MostLooked / 2

// NamePage is one page of keys by [apikey.Key.PlaceByName]. It may have fewer keys than were asked for, or none, and still a next page,
// as a KeyPage may.
type NamePage struct {
	Keys []apikey.Key
	Bad  []Unreadable // left out
	Next string       // the After of the next page; "" at the end
}

// KeysByName lists an account's keys by name, a moment late: a key that was made or renamed in the last moments may be missing. What
// it says of a key is what the key's own record says. What isn't indexed isn't listed: see NamesIndexed.
func (s *Store) KeysByName(ctx context.Context, id account.ID, want NameQuery) (NamePage, error) {
	l := &nameList{store: s, account: id, want: want, look: cmp.Or(want.Look, mostByName)}
	size := perCall(want.Limit)
	if want.Match != nil {
		size = perSearch(want.Limit)
	}
	batched := min(int(size), maxBatch)
	q := query{
		index: byNames, pk: accountPK(id), start: nameStart(id, want.After), reverse: want.Last,
		limit: size, most: int32(l.look) + 1, //nolint:gosec // bounded; one more, to know whether there is a next page
	}
	var places []dynamo.Item
	full := false
	err := s.each(ctx, q, func(place dynamo.Item) (_ bool, err error) {
		if places = append(places, place); len(places) == batched {
			full, err = l.read(ctx, places)
			places = nil
		}
		return !full, err
	})
	if err == nil && !full {
		_, err = l.read(ctx, places)
	}
	return l.page, err
}

// nameList is a page that is being read.
type nameList struct {
	store   *Store
	account account.ID
	want    NameQuery
	page    NamePage
	last    string // the place that was looked at last
	looked  int
	look    int
}

// read takes the keys of some places, in their order, until the page is full. A key that is gone, or has another name by now, isn't at its place.
func (l *nameList) read(ctx context.Context, places []dynamo.Item) (full bool, err error) {
	if rest := l.look - l.looked; len(places) > rest {
		if _, err := l.read(ctx, places[:rest]); err == nil && l.page.Next == "" {
			l.page.Next = l.last
		}
		return true, err
	}
	keys, items := make([]dynamo.Item, len(places)), make(map[string]dynamo.Item, len(places))
	for i, place := range places {
		keys[i] = placeOf(place)
	}
	raw := func(item dynamo.Item) (dynamo.Item, error) { return item, nil }
	if err := batch(ctx, l.store, keys, raw, func(item dynamo.Item) { items[sortKey(item)] = item }); err != nil {
		return false, err
	}
	for _, place := range places {
		at := text(place, byNames.sk)
		if item := items[sortKey(place)]; item != nil {
			k, unreadable := DecodeKey(item)
			switch {
			case unreadable != nil:
				l.page.Bad = append(l.page.Bad, l.store.unreadable(ctx, item, unreadable))
			case k.PlaceByName() != at || !l.wants(k):
			case len(l.page.Keys) == l.want.Limit:
				l.page.Next = l.last
				return true, nil
			default:
				l.page.Keys = append(l.page.Keys, k)
			}
		}
		l.last = at
		l.looked++
	}
	return false, nil
}

func (l *nameList) wants(k apikey.Key) bool {
	return (l.want.Deleted || k.DeletedAt.IsZero()) && (l.want.Match == nil || l.want.Match(k))
}

// nameStart is the place in the index that a list by name goes on from.
func nameStart(id account.ID, after string) dynamo.Item {
	if after == "" {
		return nil
	}
	start := keyKey(id, apikey.ID(after[strings.LastIndexByte(after, 0)+1:]))
	start[byNames.pk], start[byNames.sk] = dynamo.S(accountPK(id)), dynamo.S(after)
	return start
}

// named gives a key's item its place by name, for the index. A release that doesn't know it drops it when it writes the key: until
// the comparison of the tables comes by, lists by name leave the key out.
func named(item dynamo.Item, k apikey.Key) {
	item[byNames.pk], item[byNames.sk] = dynamo.S(accountPK(k.Account)), dynamo.S(k.PlaceByName())
}

// indexName gives a key its place by name that a release before this one has written, while it is as it was read.
func (s *Store) indexName(ctx context.Context, item dynamo.Item, k apikey.Key) error {
	want := dynamo.Item{}
	named(want, k)
	if text(item, byNames.pk) == text(want, byNames.pk) && text(item, byNames.sk) == text(want, byNames.sk) {
		return nil
	}
	err := s.unaudited(ctx, makingRecords, update(s.control, keyKey(k.Account, k.ID), "SET npk = :npk, nsk = :nsk", cond{
		text:   "version = :ver",
		values: dynamo.Item{":ver": dynamo.N(k.Version), ":npk": want[byNames.pk], ":nsk": want[byNames.sk]},
	}, gone(dynamo.ErrStale)))
	if errors.Is(err, dynamo.ErrStale) || errors.Is(err, dynamo.ErrNotFound) {
		return nil // it has changed, and the change has given it its place
	}
	return err
}

// NamesIndexed reports whether all keys have their places by name: whether a pass of the comparison of the tables has gone by all of
// them that no release took part in that doesn't know names.
func (s *Store) NamesIndexed(ctx context.Context) (bool, error) {
	p, err := s.Pass(ctx, DriftJob)
	return p.Named, err
}
