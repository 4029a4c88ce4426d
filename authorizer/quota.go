package main

import (
	"context"
	"math/rand/v2"
	"time"

	"latchkey/authorizer/internal/apigw"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/limiter"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/product"
)

// correctionBudget bounds one correction after the answer.
const correctionBudget = 300 * time.Millisecond

// quotaLeases keeps quotas by leases, which all environments take out of one table.
type quotaLeases struct {
	limits    *quota.Limiter
	table     boundedQuotas
	now       func() limiter.Now
	catalogue product.Catalogue
	// catalogueSets says that the catalogue has quotas of its own.
	catalogueSets bool
	asked         [2]quota.Limit // of the call at hand, so that a call that holds a lease allocates nothing
}

func newQuotaLeases(store quota.Store, c clock, catalogue product.Catalogue) *quotaLeases {
	return &quotaLeases{
		limits: quota.New(rand.Uint64(), maxLimits), table: boundedQuotas{store: store, clock: c}, catalogue: catalogue,
		catalogueSets: catalogue.SetsQuotas(),
		now:           func() limiter.Now { return c.now().reading() },
	}
}

// of returns the quotas that a call counts under, good until the next call: the key's cap, and the account's quota by its own numbers,
// as its record said last, or else the catalogue's. A record of a release before names no billing type, and has no quota.
func (h *quotaLeases) of(o *outcome, caps apikey.Caps, its *authz.Account) []quota.Limit {
	if len(caps) == 0 && len(its.Quotas) == 0 && !h.catalogueSets {
		return nil
	}
	group := h.catalogue.Group(o.Decision.Class)
	asked := h.asked[:0]
	if day := caps.Of(group); day != 0 {
		asked = append(asked, quota.Limit{Name: quota.Name{Scope: string(o.Key), Group: string(group)}, Day: day})
	}
	if q := h.catalogue.QuotaOf(its.Quotas, string(o.Billing), group); q != (product.Quota{}) {
		name := quota.Name{Scope: string(o.Account), Type: string(o.Billing), Group: string(group)}
		asked = append(asked, quota.Limit{Name: name, Day: q.Day, Month: q.Month})
	}
	return asked
}

// known reports whether memory knows that a call is refused.
func (h *quotaLeases) known(limits []quota.Limit, now moment) (quota.Result, bool) {
	if len(limits) == 0 {
		return quota.Result{}, false
	}
	return h.limits.Exhausted(limits, now.reading())
}

// admit asks for one call in the period of now. All writes together take at most the budget.
func (h *quotaLeases) admit(ctx context.Context, limits []quota.Limit, now moment, budget time.Duration) quota.Result {
	h.table.left, h.table.several = budget, len(limits) > 1
	return h.limits.Admit(ctx, &h.table, h.now, limits, now.reading())
}

// after makes a correction that is due, while no caller waits.
func (h *quotaLeases) after(ctx context.Context, now moment) {
	ask, due := h.limits.Due(now.reading())
	if !due {
		return
	}
	h.table.left, h.table.several = correctionBudget, false
	seen, err := h.table.Write(ctx, ask)
	h.limits.Corrected(ask, seen, err)
}

// close gives back what the environment holds, as far as there is time.
func (h *quotaLeases) close(ctx context.Context) {
	for _, ask := range h.limits.Close(h.now()) {
		var seen quota.Seen
		err := ctx.Err()
		if err == nil {
			seen, err = h.table.store.Write(ctx, ask)
		}
		if err != nil || !seen.Made(ask) { // nothing is left to try
			h.limits.Drop(ask)
		}
	}
}

// boundedQuotas bounds the writes of the table of quotas, as bounded does those of the lease table.
type boundedQuotas struct {
	store quota.Store
	clock clock
	left  time.Duration
	// several says that the call counts under the account's quota behind the key's cap, which leaves it half of the time: an item that
	// hangs suspends its own bound alone.
	several bool
}

func (b *boundedQuotas) Write(ctx context.Context, ask quota.Ask) (quota.Seen, error) {
	kept := time.Duration(0)
	if b.several && ask.Type == "" {
		kept = b.left / 2
	}
	return within(ctx, b.clock, &b.left, kept, func(ctx context.Context) (quota.Seen, error) { return b.store.Write(ctx, ask) })
}

// limited says by what a call is refused.
func (o *outcome) limited(wait int) apigw.Limited {
	l := apigw.Limited{Class: o.Decision.Class, Account: o.OfAll, QPS: o.Limit, RetryAfter: wait}
	if o.Decision.Code == authz.QuotaExceeded {
		period, begins := "day", o.Exceeded.Ends.AddDate(0, 0, -1)
		if o.Exceeded.Period == quota.Month {
			period, begins = "month", o.Exceeded.Ends.AddDate(0, -1, 0)
		}
		l.Quota = apigw.Quota{
			Key: o.Exceeded.Refused.Type == "", Group: product.Group(o.Exceeded.Refused.Group), Calls: o.Exceeded.Number, Period: period,
			Seconds: int(o.Exceeded.Ends.Sub(begins) / time.Second),
		}
	}
	return l
}

// overQuota refuses a call, and returns the whole seconds until the period ends.
func (o *outcome) overQuota(r quota.Result, now moment) (wait int) {
	o.Decision.Code, o.Exceeded = authz.QuotaExceeded, r
	return r.RetryAfter(now.wall)
}
