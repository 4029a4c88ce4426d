package main

import (
	"context"
	"crypto/rand"
	"time"

	"latchkey/shared/origin"
	"latchkey/shared/usage"
)

// reportBudget bounds how long a report keeps the environment from its next call, flushBudget the last one. Lambda ends
// that sooner, 500 ms after it said so; no time-out of ours should come before its own, since what isn't written then is
// lost.
const (
	reportBudget = 300 * time.Millisecond
	flushBudget  = 2 * time.Second
	// reportEarly lets a report that no caller waits for run this much before it is due, so that the next caller doesn't
	// have to wait for it. It is more than a read takes, so that the call which reads a record in constant use every 5 s
	// is the one which reports.
	reportEarly = 500 * time.Millisecond
)

// counter counts the calls of known keys, and reports at the end of a call: between calls the environment is frozen, so
// no timer would help.
type counter struct {
	tally   *usage.Tally
	out     reportStore
	clock   clock
	tried   moment // when the last report was begun
	waiting bool   // it failed
	dropped int64  // of tally.Dropped, what Count has told
}

// newCounter starts at zero under a name that no other environment has ever had.
func newCounter(out reportStore, c clock) *counter {
	return &counter{tally: usage.NewTally(rand.Text()), out: out, clock: c}
}

// Count implements recorder. A call without a key belongs to no account.
func (c *counter) Count(now moment, o *outcome) (dropped int) {
	if o.Key != "" {
		c.tally.Count(new(callOf(now, o)))
	}
	dropped = int(c.tally.Dropped - c.dropped)
	c.dropped = c.tally.Dropped
	return dropped
}

// Report implements recorder.
func (c *counter) Report(now moment, deadline time.Time, storeUp bool) reported {
	elapsed := now.since(c.tried)
	if storeUp {
		elapsed += reportEarly
	}
	if c.waiting && elapsed < usage.ReportEvery || !c.tally.Due(now.wall, elapsed) {
		return reported{}
	}
	timeout := c.clock.now().remaining(reportBudget, deadline)
	if timeout <= 0 {
		return reported{} // the next call finds it due, too
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return reported{Begun: true, Failed: c.report(ctx, now) != nil}
}

// callOf converts an outcome to the call that package usage counts.
func callOf(now moment, o *outcome) usage.Call {
	call := usage.Call{
		At:      now.wall,
		Subject: usage.Subject{Account: o.Account, Key: o.Key, Product: o.Decision.Product},
		Code:    o.Decision.Code, Secret: o.Secret, Previous: o.Outgoing, Class: o.Decision.Class, Billing: o.Billing,
	}
	if o.Presence == origin.Known {
		call.Host = o.Origin.Name()
	}
	if o.Decision.Shadow != "" {
		call.Proposed, call.Shadow = o.Proposed, o.Decision.Shadow
	}
	return call
}

// report writes what changed. What isn't acknowledged is in the next report again, with larger numbers.
func (c *counter) report(ctx context.Context, now moment) error {
	c.tried, c.waiting = now, true
	for _, part := range c.tally.Report(now.wall) {
		if err := c.out.Write(ctx, part); err != nil {
			return err
		}
		c.tally.AcknowledgePart(part)
	}
	c.tally.Acknowledge(now.wall)
	c.waiting = false
	return nil
}

// Flush implements recorder. It takes what time there is, and if it fails, nothing is left to try.
func (c *counter) Flush(ctx context.Context) { _ = c.report(ctx, c.clock.now()) }
