package session

import (
	"context"
	"errors"
	"time"

	"latchkey/shared/dynamo"
)

// HeldUntil is the time before which nobody should renew the session's tokens: another request is renewing them, or
// the issuer asked to be left alone.
func (s *Session) HeldUntil() time.Time { return s.row.HeldUntil }

// Hold keeps other requests from renewing the session's tokens until then, so that a refresh token which is good once is
// used once. If another request has written the session since it was read, held is false and s is what that one wrote.
// ErrNone if the session is over.
func (k Keeper) Hold(ctx context.Context, s *Session, until time.Time) (held bool, err error) {
	row := s.row
	row.HeldUntil = until.UTC()
	written, err := k.Store.Put(ctx, row)
	if errors.Is(err, dynamo.ErrStale) {
		return false, k.Reload(ctx, s)
	}
	if err != nil {
		return false, err
	}
	s.row = written
	return true, nil
}

// Renew keeps new tokens. If another call was faster, its tokens are taken.
func (k Keeper) Renew(ctx context.Context, s *Session, t Tokens) error {
	sealed, err := k.seal(s.key, s.row.ID, t)
	if err != nil {
		return err
	}
	row := s.row
	row.Sealed, row.ExpiresAt, row.HeldUntil = sealed, k.end(row), time.Time{}
	written, err := k.Store.Put(ctx, row)
	if errors.Is(err, dynamo.ErrStale) {
		return k.Reload(ctx, s)
	}
	if err != nil {
		return err
	}
	s.row, s.Tokens = written, t
	return nil
}

// Reload reads the session again. ErrNone if it is over.
func (k Keeper) Reload(ctx context.Context, s *Session) error {
	row, err := k.Store.Get(ctx, s.row.ID, k.Now())
	if errors.Is(err, dynamo.ErrNotFound) || errors.Is(err, dynamo.ErrUnreadable) {
		return ErrNone
	}
	if err != nil {
		return err
	}
	t, err := unseal(s.key, row.ID, row.Sealed)
	if err != nil {
		return ErrNone
	}
	s.row, s.Tokens = row, t
	return nil
}

// EndUnchanged ends the session if nobody has written it since it was read. Otherwise ended is false and s is what is
// stored now. ErrNone if it was over already.
func (k Keeper) EndUnchanged(ctx context.Context, s *Session) (ended bool, err error) {
	err = k.Store.DeleteUnchanged(ctx, s.row)
	if errors.Is(err, dynamo.ErrStale) {
		return false, k.Reload(ctx, s)
	}
	return err == nil, err
}

// mostNewer bounds how often a session that ends may be found written meanwhile.
const mostNewer = 5

// EndNewest ends the session, also if it was written since it was read; s is then what was stored last, with the refresh token
// that is still good. It does no harm twice.
func (k Keeper) EndNewest(ctx context.Context, s *Session) error {
	for range mostNewer {
		ended, err := k.EndUnchanged(ctx, s)
		if ended || errors.Is(err, ErrNone) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return k.Store.Delete(ctx, s.row.ID)
}
