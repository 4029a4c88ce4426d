package main

// AfterReply does what is due once the caller has the answer: it writes the log line, reports usage and writes metrics. What
// it takes is part of the call for Lambda, but nobody waits for it. What isn't done is left to the next call.
//
// Usage is reported here only if the store has just answered, so that it takes milliseconds. An environment that hung
// here while the store is down would be busy without a caller who waits: the next call would go to a new one, which
// knows no key and refuses it.
func (g *Gate) AfterReply() {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			g.log.internalError(g.clock.now(), string(g.request), "panic at "+panicked())
		}
	}()
	if !g.call.pending {
		return
	}
	g.call.pending = false
	g.log.flush()
	now := g.clock.now()
	if g.call.storeUp {
		g.report(now)
		if g.quotas != nil {
			g.quotas.after(&g.call, now)
			g.metrics.dropped(g.quotas.limits.Dropped())
		}
	}
	g.metrics.flushIfDue(now, g.out)
}

func (g *Gate) report(now moment) {
	g.metrics.reported(g.recorder.Report(now, g.call.deadline, g.call.storeUp))
}
