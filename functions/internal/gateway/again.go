package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

// How often a request that lost a race is decided again, and how long the pauses between are at most. A dozen
// requests that change one key at the same moment all get through.
const (
	raceTries    = 12
	racePause    = 10 * time.Millisecond
	longestPause = 250 * time.Millisecond
)

// decideAgain runs a request until it has not lost a race. Where the caller named no version (If-Match), a change that
// somebody else made in the meantime is not their concern: the whole decision is made again on what is there now, from
// the token and the rights to the state and the limits. The last try's answer is 503, never 412: that is for those who
// sent a version.
//
// A right that was lost in the meantime (ErrRightLost) is decided again for those who sent a version too: 412 would ask them
// to try with another one.
//
// A lost race means that nothing was written, so the request can be run again, one that makes a secret too.
func (m *Mux) decideAgain(w http.ResponseWriter, r *http.Request, most int64, run func(http.ResponseWriter, *http.Request) error) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return run(w, r)
	}
	named := OptionalIfMatch(r).names()
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1)) // one byte more than what is taken, so that it is refused
	if err != nil {
		return run(w, r)
	}
	for try := 1; ; try++ {
		r.Body = io.NopCloser(bytes.NewReader(body))
		err := run(w, r)
		if !m.lostRace(err, named) {
			return err
		}
		if try == raceTries || pause(r.Context(), try) != nil {
			return ErrUnavailable
		}
	}
}

// lostRace reports whether an error says that the caller's right is gone since the request came, or, where the caller named
// no version, that the object has changed since it was read.
func (m *Mux) lostRace(err error, named bool) bool {
	if err == nil {
		return false
	}
	p, known := m.Errors.problem(err)
	return known && (p == ErrRightLost || !named && p.Code == ErrStale.Code)
}

// names reports whether the header names a version. "*" names none: it asks only that there is an object.
func (m Match) names() bool { return m.sent && !m.any }

// pause waits at random, so that those who met don't meet again.
func pause(ctx context.Context, try int) error {
	timer := time.NewTimer(rand.N(min(racePause<<min(try-1, 8), longestPause)) + time.Millisecond) //nolint:gosec // no secret
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return errors.Join(ErrUnavailable, ctx.Err())
	case <-timer.C:
		return nil
	}
}
