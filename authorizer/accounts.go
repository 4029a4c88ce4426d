package main

import (
	"context"
	"errors"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
)

// standing holds the facts of a key's account. code is Unavailable where nothing can be known of it, and then the account's
// keys are refused.
type standing struct {
	record *authz.Account // nil with a code
	code   authz.Code
}

// decide decides a call of one of the account's keys. An account of which nothing can be known refuses where a suspended
// one does.
func (s standing) decide(now time.Time, req *authz.Request, policy *authz.Compiled) authz.Decision {
	if req.Account = s.record; s.code != "" {
		req.Account = &unknownAccount
	}
	d := policy.Decide(now, req)
	if s.code != "" && d.Code == authz.AccountSuspended {
		d.Code = s.code
	}
	return d
}

// reading is the first attempt to read an account's record. It runs while the key's record is read, or a lease is
// taken, so that the account costs no call a second wait.
type reading struct {
	of     account.ID // "" if none runs
	began  moment
	answer chan accountRead
}

type accountRead struct {
	record authz.Account
	found  bool
	err    error
}

// unknownAccount stands in a decision for an account of which nothing can be known.
var unknownAccount = authz.Account{Suspended: true}

var errAccountRead = errors.New("authorizer: reading an account's record panicked")

// account returns what memory knows of an account that is fresh.
func (r *records) account(a *accountEntry, now moment) (_ standing, fresh bool) {
	if !a.read || now.since(a.readAt) >= freshFor {
		return standing{}, false
	}
	return a.standing(), true
}

func (a *accountEntry) standing() standing {
	if a.unreadable {
		return standing{code: authz.Unavailable}
	}
	return standing{record: &a.record}
}

// begin starts to read an account's record, unless it is fresh or being read. While the breaker is open nothing runs
// beside the one read that probes the store. An environment's first read of an account waits for the connection that there
// is: to make a second one takes longer.
func (r *records) begin(ctx context.Context, a *accountEntry) {
	now := r.clock.now()
	if _, fresh := r.account(a, now); fresh || r.reading.of != "" || !r.warm || r.breaker.open || !r.breaker.allows(record{account: a.id}, now) {
		return
	}
	deadline, _ := ctx.Deadline()
	limit := min(firstAttempt, now.remaining(r.left(now, now), deadline))
	if limit <= 0 {
		return
	}
	answer := make(chan accountRead, 1)
	r.reading = reading{of: a.id, began: now, answer: answer}
	go func() {
		read := accountRead{err: errAccountRead}
		defer func() {
			_ = recover() // a panic here would take the environment down, and with it all that is cached
			answer <- read
		}()
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		read.record, read.found, read.err = r.store.Account(ctx, a.id)
	}()
}

// await returns what is known of an account once the store has been asked. It follows the rules of lookup.
func (r *records) await(ctx context.Context, a *accountEntry) standing {
	began, of := r.clock.now(), record{account: a.id}
	runs := r.reading.of == a.id
	if runs {
		began = r.reading.began
	} else if r.failed || !r.breaker.allows(of, began) {
		return r.staleAccount(a, began, r.usableFor)
	}
	got, found, err := r.readAccount(ctx, a, runs, began)
	r.warm = true
	r.answered = r.answered || err == nil || errors.Is(err, dynamo.ErrUnreadable)
	switch {
	case errors.Is(err, dynamo.ErrUnreadable):
		r.breaker.succeeded(of)
		r.metrics.unreadable++
		r.cache.keep(a, began, authz.Account{}, true)
		return a.standing()
	case errors.Is(err, errNoTime):
		return r.staleAccount(a, r.clock.now(), unprovenFor)
	case err != nil:
		now := r.clock.now()
		if !r.failed { // else it is the outage that the key's read has found
			r.breaker.failed(of, now)
		}
		return r.staleAccount(a, now, r.usableFor)
	}
	r.breaker.succeeded(of)
	if !found {
		got = authz.Account{ID: a.id}
	}
	r.cache.keep(a, began, got, false)
	return a.standing()
}

// readAccount asks the store by the rules of retried. The attempt that runs is the first one; where the key's read has
// failed in this call, it is the last one, too.
func (r *records) readAccount(ctx context.Context, a *accountEntry, runs bool, began moment) (authz.Account, bool, error) {
	get := func(ctx context.Context) (authz.Account, bool, error) { return r.store.Account(ctx, a.id) }
	young := a.read && began.since(a.readAt) <= unprovenFor
	if !runs {
		return retried(ctx, r, young, get)
	}
	got := r.collect()
	ok := got.err == nil || errors.Is(got.err, dynamo.ErrUnreadable)
	r.metrics.asked(ok)
	throttled := dynamo.Throttled(got.err)
	if ok || r.failed || throttled && young {
		return got.record, got.found, got.err
	}
	if !throttled {
		r.reconnect()
	}
	deadline, _ := ctx.Deadline()
	now := r.clock.now()
	budget := now.remaining(r.left(began, now), deadline)
	if budget <= 0 {
		return authz.Account{}, false, errNoTime
	}
	return attempt(ctx, r, budget, get)
}

// collect waits for the attempt that runs. It has a time limit of its own.
func (r *records) collect() accountRead {
	answer := r.reading.answer
	r.reading = reading{}
	return <-answer
}

// abandon waits for what begin began, where the key's record has decided already.
func (r *records) abandon() {
	if r.reading.of != "" {
		r.collect()
	}
}

// staleAccount answers without the store, as stale does: an account of which nothing was ever read can't be known.
func (r *records) staleAccount(a *accountEntry, now moment, limit time.Duration) standing {
	age := now.since(a.readAt)
	if !a.read || a.unreadable || age > limit {
		return standing{code: authz.Unavailable}
	}
	r.servedStale(age)
	return a.standing()
}

// oldRecord is the age from which a record that is served without the store is counted as old, and an alarm rings. Where
// the outage bound is below 15 minutes it is two thirds of that, for beyond the bound none is served.
const oldRecord = 10 * time.Minute

// servedStale counts a record that is served without the store. A call is one of the stale ones once, however many of its records are; of old
// records each counts.
func (r *records) servedStale(age time.Duration) {
	if age >= min(oldRecord, r.usableFor*2/3) {
		r.metrics.oldServes++
	}
	if !r.stalely {
		r.metrics.staleServes++
	}
	r.stalely = true
	r.metrics.oldest = max(r.metrics.oldest, age)
}
