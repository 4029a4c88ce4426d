package control

import (
	"context"
	"errors"
	"slices"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
)

// RowMaker makes an audit row for one step of a fan-out, with an ID of its own each time it is called. The key is ""
// for the step that concerns the account.
type RowMaker func(action string, key apikey.ID) audit.Row

// staleAttempts bounds how often a fan-out reads a key again that others keep changing.
const staleAttempts = 10

// SetType changes an account's type and that of all its keys. It may be repeated after a breakdown: it goes on where
// it stopped. Until it is done, no key is created or restored and no billing type edited (account.ErrTypeChanging);
// the answer comes after the last key. apikey.ErrBilling when a key's billing type doesn't fit the new type: nothing
// changes then.
func (s *Store) SetType(ctx context.Context, id account.ID, to account.Type, now time.Time, row RowMaker) (account.Account, error) {
	a, err := s.Account(ctx, id)
	if err != nil {
		return a, err
	}
	switch {
	case a.Closed():
		return a, account.ErrClosed
	case a.PendingType == "" && a.Type == to:
		return a, nil
	}
	if a.PendingType != to {
		pending := a
		pending.PendingType = to
		if a, err = s.UpdateAccount(ctx, a, pending, row("account.type.begin", "")); err != nil {
			return a, err
		}
	}
	// From here on no billing type changes, so what fits now fits at the end.
	keys, err := s.Keys(ctx, id, KeyQuery{Deleted: true})
	if err != nil {
		return a, err
	}
	if len(keys.Bad) > 0 { // nobody knows whether its billing type fits
		return a, keys.Bad[0].Err
	}
	for _, k := range keys.Keys {
		if k.DeletedAt.IsZero() && !slices.Contains(apikey.BillingTypes(to), k.BillingType) {
			return s.abandonType(ctx, a, row)
		}
	}
	for _, k := range keys.Keys {
		err := s.eachStale(ctx, k, "key.account_type", row, func(k apikey.Key) (apikey.Key, bool) {
			after := k.Touched(now)
			after.AccountType = to
			return after, k.AccountType != to
		})
		if err != nil {
			return a, err
		}
	}
	done := a
	done.Type, done.PendingType = to, ""
	return s.UpdateAccount(ctx, a, done, row("account.type", ""))
}

func (s *Store) abandonType(ctx context.Context, a account.Account, row RowMaker) (account.Account, error) {
	back := a
	back.PendingType = ""
	a, err := s.UpdateAccount(ctx, a, back, row("account.type.refuse", ""))
	if err != nil {
		return a, err
	}
	return a, apikey.ErrBilling
}

// Close ends an account: from the first step on nothing is created in it, then each key is revoked, then it is
// closed. It may be repeated after a breakdown, and changes nothing in an account that is closed.
func (s *Store) Close(ctx context.Context, id account.ID, now time.Time, row RowMaker) (account.Account, error) {
	a, err := s.Account(ctx, id)
	if err != nil || !a.ClosedAt.IsZero() {
		return a, err
	}
	if !a.Closing {
		closing := a
		closing.Closing = true
		if a, err = s.UpdateAccount(ctx, a, closing, row("account.close.begin", "")); err != nil {
			return a, err
		}
	}
	keys, err := s.Keys(ctx, id, KeyQuery{Deleted: true})
	if err != nil {
		return a, err
	}
	// A key that can't be read can't be revoked either: the others are, and the account stays closing.
	for _, k := range keys.Keys {
		err := s.eachStale(ctx, k, "key.revoke", row, func(k apikey.Key) (apikey.Key, bool) { return k.RevokeForClosure(now) })
		if err != nil {
			return a, err
		}
	}
	if len(keys.Bad) > 0 {
		return a, keys.Bad[0].Err
	}
	closed := a
	closed.Closing, closed.PendingType, closed.ClosedAt = false, "", now
	return s.UpdateAccount(ctx, a, closed, row("account.close", ""))
}

// eachStale commits one step to a key, reading it again when it has changed in between. A key that is gone needs none.
func (s *Store) eachStale(ctx context.Context, k apikey.Key, action string, row RowMaker, step func(apikey.Key) (apikey.Key, bool)) error {
	for attempt := 1; ; attempt++ {
		after, needed := step(k)
		if !needed {
			return nil
		}
		_, err := s.Commit(ctx, Change{Before: &k, After: after, Audit: row(action, k.ID)})
		if !errors.Is(err, dynamo.ErrStale) || attempt == staleAttempts {
			if errors.Is(err, dynamo.ErrNotFound) {
				return nil
			}
			return err
		}
		if k, err = s.Key(ctx, k.Account, k.ID); err != nil {
			if errors.Is(err, dynamo.ErrNotFound) {
				return nil
			}
			return err
		}
	}
}
