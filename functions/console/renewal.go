package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"latchkey/functions/console/internal/session"
	"latchkey/functions/console/internal/signin"
	"latchkey/functions/internal/gateway"
)

const (
	// refreshBefore is the remaining lifetime at which an access token is replaced.
	refreshBefore = time.Minute
	// holdLife is the time that a request has to renew a session before another one tries. The issuer is given less.
	holdLife = 20 * time.Second
	// refreshPause is the time for which an issuer that can't answer isn't asked again about a session, unless it says longer.
	refreshPause = 5 * time.Second
	// longestPause bounds what an issuer can ask for.
	longestPause = 10 * time.Minute
	// A request without a good access token waits this often, and so long each time, for the one that renews it.
	waits     = 15
	waitEvery = 200 * time.Millisecond
)

// renew replaces an access token that ends soon. Requests of one session that come at the same time agree in its row on
// the one that asks the issuer, since many issuers take a refresh token once and end everything at the second time; the
// others go on with the access token that is still good, or wait for the new one.
func (v *visit) renew(s *session.Session) error {
	if tokens, ok := v.app.unkept.of(s.Refresh); ok {
		if err := v.keep(s, tokens); err != nil {
			return err
		}
	}
	first := s.Access
	for range waits {
		if v.livesFor(s, refreshBefore) || s.Access != first && v.livesFor(s, 0) {
			return nil
		}
		if s.Refresh == "" && v.livesFor(s, 0) {
			return nil // it is used up
		}
		if now := v.app.now(); !now.Before(s.HeldUntil()) {
			held, err := v.app.keeper.Hold(v.ctx(), s, now.Add(holdLife))
			if held {
				return v.refresh(s)
			}
			if err != nil {
				return v.orGoOn(s, err)
			}
			continue
		}
		if v.livesFor(s, 0) {
			return nil
		}
		if err := sleep(v.ctx(), waitEvery); err != nil {
			return err
		}
		if err := v.app.keeper.Reload(v.ctx(), s); err != nil {
			return signInIfNone(err)
		}
	}
	return signin.NewUnavailable(s.HeldUntil().Sub(v.app.now()), errors.New("it is left alone for a while"))
}

// refresh asks the issuer for new tokens. What comes of it is kept even if the browser doesn't wait: a refresh token may
// be good once. Only a refresh token that is over, or none, ends the session.
func (v *visit) refresh(s *session.Session) error {
	ctx, keeper := context.WithoutCancel(v.ctx()), v.app.keeper
	tokens, err := v.app.issuer.Refresh(ctx, s.Tokens)
	switch {
	case err == nil:
		return v.keep(s, tokens)
	case errors.Is(err, signin.ErrGrant), s.Refresh == "" && !v.livesFor(s, 0):
		ended, err := keeper.EndUnchanged(ctx, s)
		if ended {
			return errSignIn
		}
		return signInIfNone(err) // or another request has renewed it
	}
	pause := refreshPause
	var later *signin.Unavailable
	if errors.As(err, &later) {
		pause = min(max(pause, later.RetryAfter), longestPause)
	} else {
		err = signin.NewUnavailable(pause, errors.New(err.Error())) // of a wrong setting, such as invalid_client: signing in wouldn't help
	}
	if _, err := keeper.Hold(ctx, s, v.app.now().Add(pause)); err != nil {
		return v.orGoOn(s, err)
	}
	return v.orGoOn(s, err)
}

// keepTries bounds the writes of new tokens that fail.
const keepTries = 3

// keep stores new tokens, whose refresh token may be the only one that is still good. Where the store takes none, the request goes on
// with them, and the next one stores them. If the person has signed out meanwhile they are revoked.
func (v *visit) keep(s *session.Session, tokens session.Tokens) error {
	ctx, old := context.WithoutCancel(v.ctx()), s.Refresh
	var err error
	for try := range keepTries {
		if try > 0 && sleep(ctx, waitEvery) != nil {
			break
		}
		if err = v.app.keeper.Renew(ctx, s, tokens); err == nil {
			v.app.unkept.drop(old)
			return nil
		}
		if errors.Is(err, session.ErrNone) {
			v.app.unkept.drop(old)
			v.app.revoke(ctx, tokens)
			return errSignIn
		}
	}
	v.app.log.WarnContext(ctx, "new tokens were not stored", "error", err.Error(), "request_id", v.requestID())
	v.app.unkept.put(old, tokens)
	s.Tokens = tokens
	return nil //nolint:nilerr // the request goes on with them
}

// revoke makes a session's refresh token worthless at the issuer, if that offers it.
func (a *app) revoke(ctx context.Context, t session.Tokens) {
	if err := a.issuer.Revoke(ctx, t); err != nil {
		a.log.WarnContext(ctx, "the refresh token was not revoked", "error", err.Error(), "request_id", gateway.RequestID(ctx))
	}
}

// unkept has the tokens that the store didn't take, by the refresh token that they replace, while this process lives.
type unkept struct {
	mu sync.Mutex
	by map[string]session.Tokens
}

// mostUnkept bounds them: beyond it, some other one is forgotten.
const mostUnkept = 100

func (u *unkept) of(refresh string) (session.Tokens, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	t, ok := u.by[refresh]
	return t, ok
}

func (u *unkept) put(refresh string, t session.Tokens) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.by == nil {
		u.by = map[string]session.Tokens{}
	}
	for other := range u.by {
		if len(u.by) < mostUnkept {
			break
		}
		delete(u.by, other)
	}
	u.by[refresh] = t
}

func (u *unkept) drop(refresh string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.by, refresh)
}

// orGoOn goes on with an access token that lives although its renewal failed.
func (v *visit) orGoOn(s *session.Session, err error) error {
	if errors.Is(err, session.ErrNone) || !v.livesFor(s, 0) {
		return signInIfNone(err)
	}
	v.app.log.WarnContext(v.ctx(), "the access token was not renewed", "error", err.Error(), "request_id", v.requestID())
	return nil
}

// livesFor reports whether the access token is good for some time more. One without a stated end is.
func (v *visit) livesFor(s *session.Session, more time.Duration) bool {
	return s.Expires.IsZero() || v.app.now().Add(more).Before(s.Expires)
}

func signInIfNone(err error) error {
	if errors.Is(err, session.ErrNone) {
		return errSignIn
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
