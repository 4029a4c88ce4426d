package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/functions/console/internal/management"
)

// sweep does the same to several keys: at most ten at a time, waits where the API says Retry-After, and begins nothing that could
// outlast the function.
type sweep struct {
	do   func(ctx context.Context, id string) (swept, error)
	stop time.Time // nothing begins, and nothing is waited for, after it
	now  func() time.Time

	mu   sync.Mutex
	wait time.Time // until when the API asked to wait
}

// swept is the outcome for one key.
type swept struct {
	name   string
	same   bool   // it needed no change
	recent bool   // for it was changed moments before, perhaps by the same form
	left   bool   // there was no time for it
	why    string // the message's key of what went wrong
	err    error
}

const (
	sweepAtOnce = 10
	sweepTime   = 7 * time.Second  // what begins in it
	sweepEnd    = 11 * time.Second // what is under way is given up then: the function has 15 s
)

// sweep does something to keys and puts down what has become of each, in their order. An error is that nobody is signed in any more:
// the keys that it was too late for are left.
func (v *visit) sweep(ids []string, do func(context.Context, string) (swept, error), o *outcome) error {
	ctx, cancel := context.WithTimeout(v.ctx(), sweepEnd)
	defer cancel()
	s := &sweep{do: do, now: time.Now, stop: time.Now().Add(sweepTime)}
	results := s.run(ctx, ids)
	v.settleTwice(ctx, o, ids, results)
	var out error
	for i, r := range results {
		var p *management.Problem
		if errors.As(r.err, &p) && p.Status == http.StatusUnauthorized {
			out, r = r.err, swept{left: true}
		}
		r.why = v.why(r.err)
		o.add(ids[i], r)
	}
	o.fit()
	return out
}

// run returns a result for each key.
func (s *sweep) run(ctx context.Context, ids []string) []swept {
	results := make([]swept, len(ids))
	var g errgroup.Group
	g.SetLimit(sweepAtOnce)
	for i, id := range ids {
		g.Go(func() error {
			results[i] = s.one(ctx, id)
			return nil
		})
	}
	_ = g.Wait()
	return results
}

// one does it to one key, again after each time that the API asks to wait. All of the API's writes are safe to repeat.
func (s *sweep) one(ctx context.Context, id string) swept {
	for s.ready(ctx) {
		r, err := s.do(ctx, id)
		if ctx.Err() != nil && err != nil {
			break
		}
		if wait := retryAfter(err); wait > 0 {
			s.later(wait)
			continue
		}
		r.err = err
		return r
	}
	return swept{left: true}
}

// ready waits for as long as the API asked to. It is false if there isn't the time.
func (s *sweep) ready(ctx context.Context) bool {
	s.mu.Lock()
	until := s.wait
	s.mu.Unlock()
	if now := s.now(); until.After(s.stop) || !now.Before(s.stop) {
		return false
	} else if pause := until.Sub(now); pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// later has all keys wait.
func (s *sweep) later(wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := s.now().Add(wait); until.After(s.wait) {
		s.wait = until
	}
}

// retryAfter reads for how long the API asks to wait; 0 if waiting doesn't help.
func retryAfter(err error) time.Duration {
	var p *management.Problem
	if !errors.As(err, &p) || p.Status != http.StatusTooManyRequests && p.Status != http.StatusServiceUnavailable {
		return 0
	}
	seconds, err := strconv.Atoi(p.RetryAfter)
	if err != nil || seconds < 1 {
		seconds = 1
	}
	return time.Duration(seconds) * time.Second
}

// why returns the key of the message that explains an error, "" for none.
func (v *visit) why(err error) string {
	var p *management.Problem
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &p):
		return "problem.unavailable"
	}
	for _, e := range p.Fields() {
		if key := v.fieldKey(e); key != "" {
			return key
		}
	}
	return v.lang.Known("problem."+p.Code, "problem.other")
}
