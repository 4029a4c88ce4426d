package main

import (
	"context"
	"errors"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
)

// The promises of the record cache.
const (
	freshFor     = 5 * time.Second  // served without asking
	unprovenFor  = 10 * time.Second // beyond it only after a retry on a fresh connection has failed too
	readBudget   = time.Second      // of one call's reads together
	firstAttempt = 400 * time.Millisecond
	probeBudget  = 500 * time.Millisecond // the same while the breaker is open
	answerMargin = 50 * time.Millisecond  // left of the call's own deadline to answer in

	knownBytes   = 64 << 20
	unknownBytes = 4 << 20
)

// records answers what is known of a secret: from memory while that is fresh, else from the store, and from memory
// again, for a while, when the store is down. Decisions are never kept. It is not safe for concurrent use.
type records struct {
	store     store
	reconnect func() // makes the next read use a fresh connection
	clock     clock
	cache     *cache
	breaker   *breaker
	metrics   *metrics
	usableFor time.Duration // of a record: never served beyond it, whatever the store does
	answered  bool          // the store did, in the lookup at hand
}

// errNoTime means that the call's deadline left no time for a read, or for the retry that a failed read needs.
var errNoTime = errors.New("authorizer: no time left to ask the store")

// lookup returns the secret's policy, or KeyUnknown, or Unavailable.
func (r *records) lookup(ctx context.Context, hash apikey.Hash) (*authz.Compiled, authz.Code) {
	r.answered = false
	now := r.clock.now()
	e := r.cache.get(hash)
	if e != nil && now.since(e.readAt) < freshFor {
		r.metrics.cacheHits++
		return e.answer()
	}
	r.metrics.cacheMisses++
	if !r.breaker.allows(hash, now) {
		return r.stale(e, now, r.usableFor)
	}
	policy, found, err := r.read(ctx, hash, e != nil && now.since(e.readAt) <= unprovenFor)
	r.answered = err == nil || errors.Is(err, dynamo.ErrUnreadable)
	switch {
	case errors.Is(err, dynamo.ErrUnreadable):
		r.breaker.succeeded(hash)
		r.metrics.unreadable++
		return r.cache.put(hash, now, nil, true).answer()
	case errors.Is(err, errNoTime):
		return r.stale(e, r.clock.now(), unprovenFor)
	case err != nil:
		now = r.clock.now()
		r.breaker.failed(hash, now)
		return r.stale(e, now, r.usableFor)
	case !found:
		r.breaker.succeeded(hash)
		return r.cache.put(hash, now, nil, false).answer()
	}
	r.breaker.succeeded(hash)
	compiled, err := authz.Compile(policy)
	if err != nil {
		r.metrics.unreadable++
		return r.cache.put(hash, now, nil, true).answer()
	}
	return r.cache.put(hash, now, &compiled, false).answer()
}

func (e *entry) answer() (*authz.Compiled, authz.Code) {
	switch {
	case e.policy != nil:
		return e.policy, ""
	case e.unreadable:
		return nil, authz.Unavailable
	default:
		return nil, authz.KeyUnknown
	}
}

// stale answers without the store. Only what is known to exist is served: that a secret was unknown a while ago says
// nothing now, and an outage must not look like a bad key.
func (r *records) stale(e *entry, now moment, limit time.Duration) (*authz.Compiled, authz.Code) {
	if e == nil || e.policy == nil || now.since(e.readAt) > limit {
		return nil, authz.Unavailable
	}
	r.metrics.servedStale(now.since(e.readAt))
	return e.policy, ""
}

// read asks the store, and once more on a fresh connection: a connection that died while the environment was frozen
// is found only by using it. While the breaker is open every attempt is on a fresh connection, and a first one that
// hangs is the only one. A throttled store is reachable by the connection that there is, and isn't asked again if what is
// held is young enough to serve.
func (r *records) read(ctx context.Context, hash apikey.Hash, young bool) (authz.Policy, bool, error) {
	budget := readBudget
	if r.breaker.open {
		budget = probeBudget
	}
	deadline, _ := ctx.Deadline()
	budget = r.clock.now().remaining(budget, deadline)
	if budget <= 0 {
		return authz.Policy{}, false, errNoTime
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	first := min(firstAttempt, budget/2)
	if r.breaker.open {
		first = readBudget // longer than the budget, which ends it
		r.reconnect()
	}
	policy, found, err := r.attempt(ctx, hash, first)
	if err == nil || errors.Is(err, dynamo.ErrUnreadable) {
		return policy, found, err
	}
	if ctx.Err() != nil {
		if r.breaker.open {
			return policy, found, err
		}
		return authz.Policy{}, false, errNoTime
	}
	if !dynamo.Throttled(err) {
		r.reconnect()
	} else if young {
		return policy, found, err
	}
	return r.attempt(ctx, hash, budget)
}

func (r *records) attempt(ctx context.Context, hash apikey.Hash, limit time.Duration) (authz.Policy, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := r.clock.now()
	policy, found, err := r.store.Policy(ctx, hash)
	r.metrics.read(r.clock.now().since(start), err == nil || errors.Is(err, dynamo.ErrUnreadable))
	return policy, found, err
}
