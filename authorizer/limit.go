package main

import (
	"context"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/limiter"
	"latchkey/shared/product"
)

const (
	// leaseCall bounds one call of the lease table: a caller who waits longer is better served by the local share.
	leaseCall = 300 * time.Millisecond
	// maxLimits bounds the limits that an environment remembers. Each takes about half a kilobyte.
	maxLimits = 8192
)

// leased limits by leases, which all environments take out of one table.
type leased struct {
	limits *limiter.Limiter
	store  limiter.Store
	clock  func() limiter.Now
	names  map[limitName]string // so that a call that holds a lease joins no strings
}

type limitName struct {
	key   apikey.ID
	class product.Class
}

func newLeased(store limiter.Store, c clock) *leased {
	return &leased{
		limits: limiter.New(maxLimits), store: withTimeout{store, c}, names: map[limitName]string{},
		clock: func() limiter.Now {
			now := c.now()
			return limiter.Now{Wall: now.wall, Mono: now.mono}
		},
	}
}

// Admit asks the limiter, which asks the table if it holds no lease. After an error it doesn't ask again for a
// while: a write whose answer was lost has wasted its tokens, and a second one would waste more.
func (l *leased) Admit(ctx context.Context, key apikey.ID, class product.Class, limit int) admission {
	r := l.limits.Admit(ctx, l.store, l.clock, l.name(key, class), limit)
	return admission{Admitted: r.Admit, RetryAfter: r.RetryAfter, Degraded: r.Fallback}
}

// name is the item of a limit.
func (l *leased) name(key apikey.ID, class product.Class) string {
	n := limitName{key, class}
	name, ok := l.names[n]
	if !ok {
		if len(l.names) >= maxLimits {
			clear(l.names)
		}
		name = string(key) + "#" + string(class)
		l.names[n] = name
	}
	return name
}

// withTimeout bounds each call of the lease table, and leaves time to answer before the call's own deadline.
type withTimeout struct {
	store limiter.Store
	clock clock
}

func (h withTimeout) Take(ctx context.Context, ask limiter.Ask) (limiter.Seen, error) {
	deadline, _ := ctx.Deadline()
	timeout := h.clock.now().remaining(leaseCall, deadline)
	if timeout <= 0 {
		return limiter.Seen{}, errNoTime
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return h.store.Take(ctx, ask)
}
