package main

import (
	"context"
	"time"

	"latchkey/shared/limiter"
	"latchkey/shared/product"
)

const (
	// leaseCall bounds all calls of the tables of leases and quotas for one call of the gate: a caller who waits longer is better
	// served by the local share.
	leaseCall = 300 * time.Millisecond
	// leaseKept is the part of it that the key's limit leaves to the account's, and both to the quota, so that an item which hangs
	// suspends its own bound alone.
	leaseKept = 100 * time.Millisecond
	// maxLimits bounds the limits that an environment remembers. Each takes about half a kilobyte.
	maxLimits = 8192
)

// leased limits by leases, which all environments take out of one table.
type leased struct {
	limits *limiter.Limiter
	table  bounded
	clock  func() limiter.Now
	names  map[limitName]string // so that a call that holds a lease joins no strings
	latest [2]item              // of the call before: its key's and its account's
}

// limitName is the owner of a limit, a key or an account, and the class.
type limitName struct {
	owner string
	class product.Class
}

// item names a limit's item.
type item struct {
	of   limitName
	name string
}

func newLeased(store limiter.Store, c clock) *leased {
	return &leased{
		limits: limiter.New(maxLimits), table: bounded{store: store, clock: c}, names: map[limitName]string{},
		clock: func() limiter.Now { return c.now().reading() },
	}
}

// Admit asks the limiter, which asks the table if it holds no lease. After an error it doesn't ask again for a
// while: a write whose answer was lost has wasted its tokens, and a second one would waste more.
func (l *leased) Admit(ctx context.Context, of *limits) admission {
	key := limiter.Bound{Name: l.keyName(of), Limit: of.qps}
	l.table.call = of
	if of.accountQPS == 0 {
		return admissionOf(l.limits.AdmitAll(ctx, &l.table, l.clock, key))
	}
	all := limiter.Bound{Name: l.name(&l.latest[1], limitName{string(of.account), of.class}), Limit: of.accountQPS}
	l.table.last = all.Name
	return admissionOf(l.limits.AdmitAll(ctx, &l.table, l.clock, key, all))
}

func admissionOf(r limiter.Result) admission {
	return admission{Admitted: r.Admit, ByAccount: !r.Admit && r.By > 0, RetryAfter: r.RetryAfter, Degraded: r.Fallback}
}

// GiveBack keeps a token in hand for the next call.
func (l *leased) GiveBack(of *limits, gave admission) {
	l.limits.GiveBack(l.keyName(of), limiter.Result{Admit: gave.Admitted, Fallback: gave.Degraded}, l.clock())
}

func (l *leased) keyName(of *limits) string {
	return l.name(&l.latest[0], limitName{string(of.key), of.class})
}

// name is the name of a limit's item, which is often the latest one.
func (l *leased) name(latest *item, of limitName) string {
	if latest.of == of {
		return latest.name
	}
	name, ok := l.names[of]
	if !ok {
		if len(l.names) >= maxLimits {
			clear(l.names)
		}
		name = of.owner + "#" + string(of.class)
		l.names[of] = name
	}
	*latest = item{of, name}
	return name
}

// bounded bounds the calls of the lease table.
type bounded struct {
	store limiter.Store
	clock clock
	call  *limits // whose they are
	last  string  // the account's limit, which the kept time is for
}

func (b *bounded) Take(ctx context.Context, ask limiter.Ask) (limiter.Seen, error) {
	kept := b.call.kept
	if ask.Limit == b.last {
		kept = 0
	}
	return within(ctx, b.clock, &b.call.left, kept, func(ctx context.Context) (limiter.Seen, error) { return b.store.Take(ctx, ask) })
}

// within calls a table in what is left of a time but for the part that is kept, takes what that took from it, and leaves time to answer
// before the call's own deadline. Where no time is left the table isn't called: limiter.ErrNotAsked.
func within[T any](ctx context.Context, c clock, left *time.Duration, kept time.Duration, call func(context.Context) (T, error)) (T, error) {
	began := c.now()
	deadline, _ := ctx.Deadline()
	timeout := began.remaining(*left-kept, deadline)
	if timeout <= 0 {
		var none T
		return none, limiter.ErrNotAsked
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	got, err := call(ctx)
	*left -= c.now().since(began)
	return got, err
}
