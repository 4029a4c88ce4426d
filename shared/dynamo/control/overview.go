package control

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
)

// MostOfOverview is the most things of a kind that an overview counts. One of so many may have more.
const MostOfOverview = 100

// WaitingKey is a key that waits for operators, with its account.
type WaitingKey struct {
	Key     apikey.Key
	Account account.Account // its ID alone where it can't be read
}

// Overview lists what waits for operators. Of each kind it has the number of all, and the last few.
type Overview struct {
	Pending       int // QPS requests
	Blocked       int
	Exposed       int // keys with an open exposure
	Suspended     int
	LastBlocked   []WaitingKey
	LastExposed   []WaitingKey
	LastSuspended []account.Account // those without an end first, then by the end, the last one first
}

// Overview counts the pending requests, the blocked and exposed keys and the suspended accounts at a time, and reads the last few of
// these; for operators. All are a moment late. What a release before this one wrote is in it, and what it ended is out of it, from the next
// change or comparison of the tables on.
func (s *Store) Overview(ctx context.Context, now time.Time, few int) (o Overview, err error) {
	group, at := errgroup.WithContext(ctx)
	group.Go(func() error {
		open, err := s.OpenRequests(at, "", MostOfOverview)
		o.Pending = len(open.Requests)
		return err
	})
	group.Go(func() (err error) {
		o.Blocked, o.LastBlocked, err = s.waitingKeys(at, gBlocked, few, blocked)
		return err
	})
	group.Go(func() (err error) {
		waits := func(k apikey.Key) bool { return !k.OpenExposure(now).At.IsZero() }
		o.Exposed, o.LastExposed, err = s.waitingKeys(at, gExposed, few, waits)
		return err
	})
	group.Go(func() (err error) {
		q := query{pk: gSuspended, above: moment.Format(now) + "~"}
		read := func(item dynamo.Item) (account.Account, error) {
			return s.Account(at, account.ID(text(item, "account")))
		}
		waits := func(a account.Account) bool { return suspended(a) && a.Suspended.Holds(now) }
		o.Suspended, o.LastSuspended, err = waiting(at, s, q, few, read, waits)
		return err
	})
	if err := group.Wait(); err != nil {
		return o, err
	}
	var ids []account.ID
	for _, w := range append(o.LastBlocked[:len(o.LastBlocked):len(o.LastBlocked)], o.LastExposed...) {
		ids = append(ids, w.Account.ID)
	}
	accounts, err := s.accounts(ctx, ids)
	if err != nil {
		return o, err
	}
	for _, list := range [][]WaitingKey{o.LastBlocked, o.LastExposed} {
		for i := range list {
			if a, ok := accounts[list[i].Account.ID]; ok {
				list[i].Account = a
			}
		}
	}
	return o, nil
}

func (s *Store) waitingKeys(ctx context.Context, partition string, few int, waits func(apikey.Key) bool) (int, []WaitingKey, error) {
	read := func(item dynamo.Item) (WaitingKey, error) {
		id := account.ID(text(item, "account"))
		k, err := s.Key(ctx, id, keyOf(item))
		return WaitingKey{Key: k, Account: account.Account{ID: id}}, err
	}
	return waiting(ctx, s, query{pk: partition}, few, read, func(w WaitingKey) bool { return waits(w.Key) })
}

// waiting counts what is in a partition of the index, and reads the last few of it: an item whose record says something else isn't
// counted, and the next one is read in its place.
func waiting[T any](ctx context.Context, s *Store, q query, few int, read func(dynamo.Item) (T, error), waits func(T) bool) (n int, last []T, err error) {
	items, _, err := s.indexed(ctx, q, MostOfOverview)
	if err != nil {
		return 0, nil, err
	}
	n = len(items)
	for _, item := range items {
		if len(last) == few {
			break
		}
		one, err := read(item)
		switch {
		case errors.Is(err, dynamo.ErrUnreadable): // it was reported
		case err != nil && !errors.Is(err, dynamo.ErrNotFound):
			return 0, nil, err
		case err != nil || !waits(one):
			n--
		default:
			last = append(last, one)
		}
	}
	return n, last, nil
}
