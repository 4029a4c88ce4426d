package main

import (
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"latchkey/authorizer/internal/apigw"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/origin"
	"latchkey/shared/product"
)

// deps are the gate's dependencies; tests replace them.
type deps struct {
	store     store
	reconnect func()
	clock     clock
	catalogue product.Catalogue
	limiter   rateLimiter
	quotas    *quotaLeases // nil: none are kept
	recorder  recorder
	out       io.Writer // log lines and metrics
}

// Gate answers authorizer events. Lambda sends one at a time; the lock is for the signal that ends the process.
type Gate struct {
	config
	deps
	mu       sync.Mutex
	products authz.Matcher // the catalogue
	call     call
	events   apigw.Decoder
	request  []byte // the call's request ID, once its event is read
	reply    []byte // the last answer, whose memory the next one takes
	latest   latestSecret
	records  records
	metrics  metrics
	log      requestLog
}

// call holds the state of the current call until AfterReply. Invoke begins a new one.
type call struct {
	outcome  outcome
	deadline time.Time     // zero without one
	storeUp  bool          // the store has answered it, and no part of it has failed
	degraded bool          // the lease table did
	limits   limits        // what limits it, once the limiter is asked
	quotas   []quota.Limit // that it counts under
	unasked  bool          // nothing is, before the account's record has been read
	pending  bool          // AfterReply hasn't run for it yet
}

// The call is the context of what is done for it. It has a deadline and no timer: what waits bounds its wait by
// [remaining], and so a call that finds all that it needs in memory costs no context.
var _ context.Context = (*call)(nil)

// Deadline implements context.Context.
func (c *call) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

// Done implements context.Context: nothing ends a call before its time.
func (*call) Done() <-chan struct{} { return nil }

// Err implements context.Context.
func (*call) Err() error { return nil }

// Value implements context.Context.
func (*call) Value(any) any { return nil }

func newGate(c config, p deps) *Gate {
	g := &Gate{config: c, deps: p, products: p.catalogue}
	g.metrics.init(p.clock.now(), c.metrics)
	g.log.out, g.log.prefix = p.out, string(c.prefix)+"_"
	shorten := func(d time.Duration) time.Duration { return d - rand.N(d/4) }
	g.records = records{
		store: p.store, reconnect: p.reconnect, clock: p.clock, metrics: &g.metrics,
		cache: newCache(knownBytes, unknownBytes), breaker: newBreaker(shorten), usableFor: c.outageBound,
	}
	return g
}

// Invoke answers one event; the answer is good until the next one. A panic is answered like a breakdown: it must not take
// the environment, and with it everything that is cached, down.
func (g *Gate) Invoke(deadline time.Time, payload []byte) (answer []byte, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			g.log.internalError(g.clock.now(), string(g.request), "panic at "+panicked())
			answer, err = nil, apigw.ErrUnavailable
		}
	}()
	g.call, g.request = call{deadline: deadline, pending: true}, g.request[:0]
	ctx := &g.call
	event, err := g.events.Decode(payload)
	if err != nil {
		g.log.internalError(g.clock.now(), "", "event")
		return nil, apigw.ErrUnavailable
	}
	g.request = append(g.request, event.RequestID...)
	now := g.clock.now()
	o := &g.call.outcome
	wait := g.decide(ctx, now, event, o)
	g.metrics.usageDropped += g.recorder.Count(now, o)
	if !g.call.storeUp {
		g.report(now)
	}
	g.metrics.decided(o)
	if logged := g.log.decision(now, event, o); !logged && !o.Decision.Allowed() {
		g.metrics.unlogged++
	}
	return g.answer(event, o, wait)
}

// Close reports what hasn't been reported yet. It runs when Lambda ends the environment, half a second before it
// kills the process.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), flushBudget)
	defer cancel()
	g.log.flush()
	g.recorder.Flush(ctx)
	if g.quotas != nil {
		g.quotas.close(ctx)
		g.metrics.dropped(g.quotas.limits.Dropped())
	}
	g.metrics.flush(g.clock.now(), g.out)
}

// decide runs the seven steps. Where a call is refused before its path is looked at, the product is set all the
// same, because usage counts refusals under it. wait, in seconds, is set for
// QPSExceeded and QuotaExceeded.
func (g *Gate) decide(ctx context.Context, now moment, event *apigw.Event, o *outcome) (wait int) {
	req := &authz.Request{Target: event.Target(g.products)}
	req.Origin, req.Presence = event.CallerOrigin()
	o.Origin, o.Presence = req.Origin, req.Presence
	if g.hidesSecret(req.Origin.Host()) {
		o.Origin, o.Presence = origin.Origin{}, origin.Unreadable
	}
	o.Decision.Product, o.Decision.Class = req.Target.Match.Product, req.Target.Match.Class

	text, place, code := event.Credential()
	if code != "" {
		o.Decision.Code = code
		return 0
	}
	req.Place = place
	hash, err := g.latest.hashOf(g.prefix, text)
	if err != nil {
		o.Decision.Code = authz.KeyMalformed
		return 0
	}
	known, code := g.records.lookup(ctx, now, hash)
	g.call.storeUp = g.records.answered
	if code != "" {
		g.records.abandon()
		o.Decision.Code = code
		return 0
	}
	if known.policy.ListsCallers() {
		req.Address, req.App = event.Address(), event.App()
	}
	return g.judge(ctx, now, req, known, o)
}

// judge is steps 4 to 7. An account whose record has to be read is judged last, so that the store is asked for it beside
// the limit.
func (g *Gate) judge(ctx context.Context, now moment, req *authz.Request, known *entry, o *outcome) (wait int) {
	policy := known.policy
	its, fresh := g.records.account(known.account, now)
	if !fresh {
		g.records.begin(ctx, known.account)
	}
	o.Decision = its.decide(now.wall, req, policy)
	if !fresh && o.Decision.Code == authz.PathNotGranted { // the account may have accepted the path
		its, fresh = g.records.await(ctx, known.account), true
		g.call.storeUp = g.records.answered
		o.Decision = its.decide(now.wall, req, policy)
	}
	if o.Decision.Code != authz.Unavailable {
		o.Key, o.Account, o.Secret, o.Outgoing, o.Billing = policy.KeyID, policy.Account, policy.Hash, policy.Outgoing, policy.BillingType
		if policy.Proposed != nil {
			o.Proposed = policy.Proposed.Since
		}
	}
	first := admission{}
	if o.Decision.Allowed() {
		first = g.limitFirst(ctx, now, o, known, fresh)
	}
	if !fresh {
		its = g.records.await(ctx, known.account)
		g.call.storeUp = g.records.answered && !g.call.degraded
		d := its.decide(now.wall, req, policy)
		if d.Code == authz.AccountSuspended || d.Code == authz.KeyRevoked || d.Code == authz.Unavailable { // what an account does to all of its keys
			o.Decision = d
		}
		o.Decision.Shadow = d.Shadow // by what the account has accepted
		if o.Decision.Code == authz.Unavailable {
			o.Key, o.Account, o.Secret, o.Outgoing, o.Billing, o.Proposed = "", "", apikey.Hash{}, false, "", time.Time{}
		}
		if o.Decision.Allowed() {
			first = g.limitAll(ctx, now, o, known, first)
		}
	}
	if !o.Decision.Allowed() {
		return first.RetryAfter
	}
	return g.quota(ctx, now, o)
}

// answer renders a decision as the gateway needs it to send the right status.
func (g *Gate) answer(event *apigw.Event, o *outcome, wait int) ([]byte, error) {
	switch code := o.Decision.Code; apigw.Status(code) {
	case 200:
		g.reply = apigw.Allow(g.reply[:0], event.Stage, g.usagePlanKey,
			apigw.Grant{Key: o.Key, Account: o.Account, Product: o.Decision.Product})
	case 401:
		return nil, apigw.ErrUnauthorized
	case 403:
		g.reply = apigw.Deny(g.reply[:0], event.Stage, o.Key, code)
	case 429:
		if g.denyOver {
			g.reply = apigw.Deny(g.reply[:0], event.Stage, o.Key, code)
			break
		}
		g.reply = apigw.OverLimit(g.reply[:0], event.Stage, o.Key, o.limited(max(wait, 1)))
	default:
		return nil, apigw.ErrUnavailable
	}
	return g.reply, nil
}
