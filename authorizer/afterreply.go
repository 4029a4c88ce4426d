package main

import (
	"context"
	"net/http"
)

// runtimeTransport returns the transport for AWS's runtime client, which copies http.DefaultTransport. The Runtime
// API is plain HTTP/1.1 on this machine, so there is no proxy to look for, no HTTP/2 to prepare and no compression to
// offer. docs/performance.md has what that saves.
func runtimeTransport() *http.Transport {
	var http1 http.Protocols
	http1.SetHTTP1(true)
	return &http.Transport{DisableCompression: true, Protocols: &http1}
}

// replyContext is a base context for AWS's runtime client, which derives each call's context from it and cancels that when
// the answer has been taken and before it asks for the next call. Package context then tells the parent to forget the
// child (the stop function of AfterFunc), and that moment is what settle waits for: the caller has the answer, and
// Lambda doesn't freeze the environment before the next call is asked for. A test with the built binary in
// infra/e2e/gates holds the client to that order. The client must not wrap the context in one with values.
//
// A deadline that passes ends a context, too, at any moment and from another goroutine. So settle may come early, twice
// or not at all, and has to work in each case.
type replyContext struct {
	context.Context
	stop func() bool
}

// withReplyHook returns a base context that calls settle.
func withReplyHook(parent context.Context, settle func()) context.Context {
	return replyContext{parent, func() bool {
		settle()
		return true
	}}
}

// neverDone is never closed. A channel, other than Background's nil, makes child contexts register.
var neverDone = make(chan struct{})

func (replyContext) Done() <-chan struct{} { return neverDone }

// AfterFunc is asked by the context of each call; what it returns is called when that ends.
func (a replyContext) AfterFunc(func()) (stop func() bool) { return a.stop }

// AfterReply does what is due once the caller has the answer: it writes the log line, reports usage and writes metrics. What
// it takes is part of the call for Lambda, but nobody waits for it. What isn't settled is left to the next call.
//
// Usage is reported here only if the store has just answered, so that it takes milliseconds. An environment that hung
// here while the store is down would be busy without a caller who waits: the next call would go to a new one, which
// knows no key and refuses it.
func (g *Gate) AfterReply() {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			g.log.internalError(g.clock.now(), g.call.requestID, "panic at "+panicked())
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
	}
	g.metrics.flushIfDue(now, g.out)
}

func (g *Gate) report(now moment) {
	g.metrics.reported(g.recorder.Report(now, g.call.deadline, g.call.storeUp))
}
