package main

import (
	"context"

	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// limitsOf lists the limits of a call: its key's, and its account's where that has one. That of an account whose record isn't
// fresh is asked when it has been read: the number may have been lowered, and a suspended account's keys take nothing of it.
func (g *Gate) limitsOf(of *limits, o *outcome, known *entry, fresh bool) {
	class, policy := o.Decision.Class, known.policy
	of.class, of.key, of.account, of.left, of.kept = class, o.Key, o.Account, leaseCall, 0
	of.qps, of.accountQPS = o.Decision.Limit, g.accountQPS(class, known)
	if of.qps == 0 {
		of.qps = g.catalogue.DefaultQPS(class, policy.AccountType)
	}
	if of.accountQPS > 0 || !known.account.read {
		of.kept = leaseKept
	}
	if len(g.call.quotas) > 0 {
		of.left -= leaseKept // for the quota's item
	}
	if !fresh {
		of.accountQPS = 0
	}
}

// accountQPS is the limit over all keys of an account, as its record said last; 0 for none. An account without a record is of
// its keys' type.
func (g *Gate) accountQPS(class product.Class, known *entry) int {
	its := &known.account.record
	if own := its.Limits.Of(string(class)); own != 0 {
		return own
	}
	kind := its.Type
	if kind == "" {
		kind = known.policy.AccountType
	}
	return g.catalogue.AccountQPS(class, kind)
}

// limitFirst is step 7 by what is known before the account's record has been read. A quota that memory knows to be exhausted refuses before
// anything is asked; it outlasts every second. While its number may have changed nothing is asked either: limitAll decides.
func (g *Gate) limitFirst(ctx context.Context, now moment, o *outcome, known *entry, fresh bool) admission {
	if g.quotas != nil {
		g.call.quotas = g.quotas.of(o, known.policy.Caps, &known.account.record)
	}
	g.limitsOf(&g.call.limits, o, known, fresh)
	if r, is := g.quotas.known(g.call.quotas, now); is {
		if g.call.unasked = !fresh; g.call.unasked {
			return admission{}
		}
		o.Limit = g.call.limits.qps
		return admission{RetryAfter: o.overQuota(r, now)}
	}
	return g.limit(ctx, o)
}

// limit asks for the limits of calls a second.
func (g *Gate) limit(ctx context.Context, o *outcome) admission {
	of := &g.call.limits
	a := g.limiter.Admit(ctx, of)
	if a.Degraded {
		g.degraded()
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

// degraded notes, once a call, that a bound of it is suspended.
func (g *Gate) degraded() {
	g.call.storeUp = false
	if !g.call.degraded {
		g.metrics.limiterDegraded++
	}
	g.call.degraded = true
}

// limitAll is step 7 of a call whose account had to be read, once that is done: the key's limit has admitted it beside the read,
// and what it gave is in hand.
func (g *Gate) limitAll(ctx context.Context, now moment, o *outcome, known *entry, first admission) admission {
	if g.call.unasked {
		return g.limitFirst(ctx, now, o, known, true)
	}
	of := &g.call.limits
	if g.quotas != nil {
		kept := len(g.call.quotas) > 0
		g.call.quotas = g.quotas.of(o, known.policy.Caps, &known.account.record)
		switch has := len(g.call.quotas) > 0; {
		case has && !kept:
			of.left -= leaseKept
		case kept && !has: // lifted since
			of.left += leaseKept
		}
	}
	if of.accountQPS = g.accountQPS(of.class, known); of.accountQPS == 0 {
		return first
	}
	of.kept = leaseKept
	g.limiter.GiveBack(of, first)
	return g.limit(ctx, o)
}

// quota is the end of step 7: what the limits admit counts under the key's cap and the account's quota, where there are such.
func (g *Gate) quota(ctx context.Context, now moment, o *outcome) (wait int) {
	if len(g.call.quotas) == 0 {
		return 0
	}
	r := g.quotas.admit(ctx, g.call.quotas, now, g.call.limits.left+leaseKept)
	if r.Suspended {
		g.degraded()
		g.metrics.quotasSuspended++
	}
	if !r.Admit {
		return o.overQuota(r, now)
	}
	return 0
}
