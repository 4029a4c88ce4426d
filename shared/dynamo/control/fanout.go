package control

import (
	"context"
	"errors"
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

// Close ends an account that was read: from the first step on nothing is created in it, then each key is revoked, then
// it is closed. A key that can't be read can't be revoked either: it stops no other, the closed account counts it
// (UnreadableKeys), and the gate refuses it with all keys of the account, from the first step on. Closing can't be undone, so
// the first step holds only for the account as it was read (its name, and that it isn't suspended): ErrStale, with nothing
// written, where it has changed since. A closing that has begun is gone on with, no matter who began it. It may be repeated
// after a breakdown, and changes nothing in an account that is closed.
func (s *Store) Close(ctx context.Context, a account.Account, now time.Time, row RowMaker) (account.Account, error) {
	if !a.ClosedAt.IsZero() {
		return a, nil
	}
	var err error
	if !a.Closing {
		if a, err = s.beginClosing(ctx, a, row("account.close.begin", "")); err != nil {
			return a, err
		}
	}
	s = s.afterDecision()
	unreadable, err := s.revokeAll(ctx, a.ID, now, row)
	if err != nil {
		return a, err
	}
	return s.finishClosing(ctx, a, unreadable, now, row)
}

func (s *Store) beginClosing(ctx context.Context, a account.Account, row audit.Row) (account.Account, error) {
	closing := a
	closing.Closing = true
	row.Changes = audit.AccountChanges(&a, closing)
	closing, err := s.updateAccount(ctx, a, closing, row)
	if errors.Is(err, account.ErrClosed) { // somebody else closed it meanwhile, which is what was asked for
		return closing, dynamo.ErrStale
	}
	return closing, err
}

// finishClosing ends an account whose keys are revoked but for so many, whatever else of it changes at the same moment.
func (s *Store) finishClosing(ctx context.Context, a account.Account, unreadable int, now time.Time, row RowMaker) (account.Account, error) {
	for attempt := 1; ; attempt++ {
		closed := a
		closed.Closing, closed.PendingType, closed.Operation, closed.ClosedAt = false, "", "", now
		closed.UnreadableKeys = unreadable
		ended := func() audit.Row {
			row := row("account.close", "")
			row.Changes = audit.AccountChanges(&a, closed)
			return row
		}
		closed, err := s.UpdateAccount(ctx, a, closed, ended())
		if errors.Is(err, dynamo.ErrUnreadable) { // the count of who opened it, which then can't be lowered
			s.unreadable(ctx, itemKey(subjectPK(a.OpenedBy), openedSK), err)
			closed.OpenedBy = account.Subject{}
			closed, err = s.UpdateAccount(ctx, a, closed, ended())
		}
		if err == nil || attempt == staleAttempts || !errors.Is(err, dynamo.ErrStale) && !errors.Is(err, account.ErrClosed) {
			return closed, err
		}
		if a, err = s.Account(ctx, a.ID); err != nil || !a.ClosedAt.IsZero() {
			return a, err
		}
	}
}

// revokeAll revokes all keys, page by page, and counts those that can't be.
func (s *Store) revokeAll(ctx context.Context, id account.ID, now time.Time, row RowMaker) (unreadable int, err error) {
	for after := apikey.ID(""); ; {
		page, err := s.Keys(ctx, id, KeyQuery{Deleted: true, After: after, Limit: keysPerStep})
		if err != nil {
			return unreadable, err
		}
		unreadable += len(page.Bad)
		for _, k := range page.Keys {
			err := s.eachStale(ctx, k, "key.revoke", row, func(k apikey.Key) (apikey.Key, bool) { return k.RevokeUnconfirmed(now) })
			switch {
			case errors.Is(err, dynamo.ErrUnreadable): // of the records that change with the key
				s.unreadable(ctx, keyKey(id, k.ID), err)
				unreadable++
			case err != nil:
				return unreadable, err
			}
		}
		if after = page.Next; after == "" {
			return unreadable, nil
		}
	}
}

// eachStale commits one step to a key, reading it again when it has changed in between. A key that is gone needs none.
func (s *Store) eachStale(ctx context.Context, k apikey.Key, action string, row RowMaker, step func(apikey.Key) (apikey.Key, bool)) error {
	for attempt := 1; ; attempt++ {
		after, needed := step(k)
		if !needed {
			return nil
		}
		made := row(action, k.ID)
		made.Changes = append(made.Changes, audit.KeyChanges(&k, after)...)
		_, err := s.Commit(ctx, Change{Before: &k, After: after, Audit: made})
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
