package main

import (
	"context"

	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// limitsOf lists the limits of a call: its key's, and its account's where that has one. That of an account whose record isn't
// fresh is asked when it has been read: the number may have been lowered, and a suspended account's keys take nothing of it.
func (g *Gate) limitsOf(o *outcome, known *entry, fresh bool) limits {
	class, policy := o.Decision.Class, known.policy
	of := limits{class: class, key: o.Key, qps: o.Decision.Limit, account: o.Account, accountQPS: g.accountQPS(class, known), left: leaseCall}
	if of.qps == 0 {
		of.qps = g.catalogue.DefaultQPS(class, policy.AccountType)
	}
	if of.accountQPS > 0 || !known.account.read {
		of.kept = leaseKept
	}
	if !fresh {
		of.accountQPS = 0
	}
	return of
}

// accountQPS is the limit over all keys of an account, as its record said last; 0 for none. An account without a record is of
// its keys' type.
func (g *Gate) accountQPS(class product.Class, known *entry) int {
	its := known.account.record
	if own := its.Limits.Of(string(class)); own != 0 {
		return own
	}
	kind := its.Type
	if kind == "" {
		kind = known.policy.AccountType
	}
	return g.catalogue.AccountQPS(class, kind)
}

// limit is step 7, by what is known of the limits.
func (g *Gate) limit(ctx context.Context, o *outcome) admission {
	of := &g.call.limits
	a := g.limiter.Admit(ctx, of)
	if a.Degraded {
		g.call.storeUp = false
		if !g.call.degraded {
			g.metrics.limiterDegraded++
		}
		g.call.degraded = true
	}
	o.Limit, o.OfAll = of.qps, a.ByAccount
	if a.ByAccount {
		o.Limit = of.accountQPS
	}
	if !a.Admitted {
		o.Decision.Code = authz.QPSExceeded
	}
	return a
}

// limitAll is step 7 of a call whose account had to be read, once that is done: the key's limit has admitted it beside the read,
// and what it gave is in hand.
func (g *Gate) limitAll(ctx context.Context, o *outcome, known *entry, first admission) (wait int) {
	of := &g.call.limits
	if of.accountQPS = g.accountQPS(of.class, known); of.accountQPS == 0 {
		return first.RetryAfter
	}
	of.kept = leaseKept
	g.limiter.GiveBack(of, first)
	return g.limit(ctx, o).RetryAfter
}
