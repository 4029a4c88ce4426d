package control

import (
	"context"
	"errors"
	"strings"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
)

// waitingPartitions are the partitions of what waits for operators, in order.
var waitingPartitions = []string{gBlocked, gExposed, gSuspended}

// reconcileIndex takes out of the index what waits for operators no longer: a release that doesn't know the index has ended it. It begins
// behind a place of the index.
func (s *Store) reconcileIndex(ctx context.Context, from string, done func(Place) error) error {
	begun, place, _ := strings.Cut(from, "\n")
	for _, partition := range waitingPartitions {
		if partition < begun {
			continue
		}
		q := query{index: lookup, pk: partition}
		if partition == begun {
			q.start = cursorItem(partition, place)
		}
		err := s.each(ctx, q, func(item dynamo.Item) (bool, error) {
			if err := s.takeOut(ctx, partition, item); err != nil {
				return false, err
			}
			err := done(Place{Gate: true, Index: partition + "\n" + cursor(item)})
			return err == nil, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// takeOut takes an item out of the index if what it is of doesn't wait, as long as that doesn't change.
func (s *Store) takeOut(ctx context.Context, partition string, item dynamo.Item) error {
	waits, unchanged, err := s.stillWaits(ctx, partition, item)
	switch {
	case errors.Is(err, dynamo.ErrUnreadable):
		return nil // reported already, and nobody knows whether it waits
	case err != nil || waits:
		return err
	}
	out := remove(s.control, placeOf(item), whatever, always(dynamo.ErrStale))
	if partition == gBlocked { // a locator stays
		k := apikey.Key{ID: keyOf(item), Account: account.ID(text(item, "account"))}
		out = put(s.control, locatorOf(k), exists, always(dynamo.ErrStale))
	}
	err = s.unaudited(ctx, makingRecords, unchanged, out)
	if errors.Is(err, dynamo.ErrStale) || errors.Is(err, dynamo.ErrNotFound) {
		return nil // it has changed, and the change has indexed it
	}
	return err
}

// stillWaits reports whether the key or account that an item of the index is of waits, and what holds as long as it doesn't change.
func (s *Store) stillWaits(ctx context.Context, partition string, item dynamo.Item) (waits bool, unchanged op, err error) {
	id := account.ID(text(item, "account"))
	if partition == gSuspended {
		a, err := s.Account(ctx, id)
		if errors.Is(err, dynamo.ErrNotFound) {
			return false, check(s.control, accountKey(id), isNew, always(dynamo.ErrStale)), nil
		}
		return suspended(a), s.accountStill(a), err
	}
	k, err := s.Key(ctx, id, keyOf(item))
	if errors.Is(err, dynamo.ErrNotFound) {
		return false, check(s.control, keyKey(id, keyOf(item)), isNew, always(dynamo.ErrStale)), nil
	}
	waits = partition == gBlocked && blocked(k) || partition == gExposed && exposed(k)
	return waits, s.keyStill(k), err
}

// keyOf is the key of a locator, or of another item in its partition.
func keyOf(item dynamo.Item) apikey.ID {
	return apikey.ID(strings.TrimPrefix(text(item, "pk"), locatorPrefix))
}
