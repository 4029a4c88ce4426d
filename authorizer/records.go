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
	readBudget   = time.Second      // of one record's reads together
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

	warm bool // an account's record was read before

	// Of the call at hand:
	answered bool    // the store did
	failed   bool    // the read of the key's record did
	stalely  bool    // a record was served that the store wasn't asked for
	reading  reading // of the account's record
}

// errNoTime means that the call's deadline left no time for a read, or for the retry that a failed read needs.
var errNoTime = errors.New("authorizer: no time left to ask the store")

// lookup returns the secret's policy, or KeyUnknown, or Unavailable.
func (r *records) lookup(ctx context.Context, now moment, hash apikey.Hash) (*entry, authz.Code) {
	r.answered, r.failed, r.stalely, r.reading = false, false, false, reading{}
	e := r.cache.get(hash)
	if e != nil && now.since(e.readAt) < freshFor {
		r.metrics.cacheHits++
		return e, e.code()
	}
	r.metrics.cacheMisses++
	of := record{hash: hash}
	if !r.breaker.allows(of, now) {
		return r.stale(e, now, r.usableFor)
	}
	if e != nil && e.account != nil {
		r.begin(ctx, e.account)
	}
	policy, found, err := retried(ctx, r, e != nil && now.since(e.readAt) <= unprovenFor, func(ctx context.Context) (authz.Policy, bool, error) {
		return r.store.Policy(ctx, hash)
	})
	r.answered = err == nil || errors.Is(err, dynamo.ErrUnreadable)
	switch {
	case errors.Is(err, dynamo.ErrUnreadable):
		r.breaker.succeeded(of)
		r.metrics.unreadable++
		return r.cache.put(hash, now, nil, true), authz.Unavailable
	case errors.Is(err, errNoTime):
		return r.stale(e, r.clock.now(), unprovenFor)
	case err != nil:
		now = r.clock.now()
		r.failed = true
		r.breaker.failed(of, now)
		return r.stale(e, now, r.usableFor)
	case !found:
		r.breaker.succeeded(of)
		return r.cache.put(hash, now, nil, false), authz.KeyUnknown
	}
	r.breaker.succeeded(of)
	compiled, err := authz.Compile(policy)
	if err != nil {
		r.metrics.unreadable++
		return r.cache.put(hash, now, nil, true), authz.Unavailable
	}
	return r.cache.put(hash, now, &compiled, false), ""
}

// code is "" where there is a policy to decide by.
func (e *entry) code() authz.Code {
	switch {
	case e.policy != nil:
		return ""
	case e.unreadable:
		return authz.Unavailable
	default:
		return authz.KeyUnknown
	}
}

// stale answers without the store. Only what is known to exist is served: that a secret was unknown a while ago says
// nothing now, and an outage must not look like a bad key.
func (r *records) stale(e *entry, now moment, limit time.Duration) (*entry, authz.Code) {
	if e == nil || e.policy == nil || now.since(e.readAt) > limit {
		return nil, authz.Unavailable
	}
	r.servedStale(now.since(e.readAt))
	return e, ""
}

// left subtracts what a read has taken since it began from its budget.
func (r *records) left(began, now moment) time.Duration {
	budget := readBudget
	if r.breaker.open {
		budget = probeBudget
	}
	return budget - now.since(began)
}

// retried asks the store, and once more on a fresh connection: a connection that died while the environment was frozen
// is found only by using it. While the breaker is open every attempt is on a fresh connection, and a first one that
// hangs is the only one. A throttled store is reachable by the connection that there is, and isn't asked again if what is
// held is young enough to serve.
func retried[T any](ctx context.Context, r *records, young bool, get func(context.Context) (T, bool, error)) (record T, found bool, err error) {
	deadline, _ := ctx.Deadline()
	now := r.clock.now()
	budget := now.remaining(r.left(now, now), deadline)
	if budget <= 0 {
		return record, false, errNoTime
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	first := min(firstAttempt, budget/2)
	if r.breaker.open {
		first = readBudget // longer than the budget, which ends it
		r.reconnect()
	}
	got, found, err := attempt(ctx, r, first, get)
	if err == nil || errors.Is(err, dynamo.ErrUnreadable) {
		return got, found, err
	}
	if ctx.Err() != nil {
		if r.breaker.open {
			return got, found, err
		}
		return record, false, errNoTime
	}
	if !dynamo.Throttled(err) {
		r.reconnect()
	} else if young {
		return got, found, err
	}
	return attempt(ctx, r, budget, get)
}

func attempt[T any](ctx context.Context, r *records, limit time.Duration, get func(context.Context) (T, bool, error)) (T, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := r.clock.now()
	record, found, err := get(ctx)
	r.metrics.read(r.clock.now().since(start), err == nil || errors.Is(err, dynamo.ErrUnreadable))
	return record, found, err
}
