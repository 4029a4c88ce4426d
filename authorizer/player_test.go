package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/keytest"
	"latchkey/shared/product"
)

// player plays the Runtime API for a gate, and is the handler that stands before it.
type player struct {
	t           *testing.T
	b           *harness
	kinds       []kind
	answers     []map[byte]int // of each kind
	warm, calls int            // warm calls come first, and aren't counted as calls
	n           int            // the number of the next call, or of the one that isn't answered yet
	taken       []string       // the answers, where they are asked for
	notes       bool           // they are
	stop        func(at string)
	open        int  // connections in memory
	broke       bool // the connection, before the next call
	over        bool
	// order tells the race detector in which order the goroutines run: it doesn't see the loop's reads and writes, which order them.
	order sync.Mutex

	before, after held
}

// kind is a kind of calls.
type kind struct {
	name    string
	payload string // @secret@ and @host@ are other ones at each call
	answers string // all that it is answered with: Allow, Deny, Limited, Unauthorized, or b for a breakdown
	timed   bool   // its answers are the time's
}

// request holds what the loop has sent: its first line without the protocol, the invocation that it names, and its body.
type request struct{ line, invocation, body string }

func newPlayer(t *testing.T, warm, calls int) *player {
	b := newHarness(t)
	memory, names := keytest.NewMemory()
	b.gate.limiter = newLeased(leases.New(memory, names.Leases), b.clock)
	b.gate.quotas = newQuotaLeases(quotas.New(memory, names.Quotas), b.clock, product.Default())
	b.gate.recorder = newCounter(forgetful{}, b.clock)
	b.gate.log.out, b.gate.out = io.Discard, io.Discard
	p := &player{t: t, b: b, warm: warm, calls: calls, kinds: kindsOf(t, b), stop: func(string) {}}
	for range p.kinds {
		p.answers = append(p.answers, map[byte]int{})
	}
	return p
}

func kindsOf(t *testing.T, b *harness) []kind {
	other := func(id string) func(*authz.Policy) {
		return func(p *authz.Policy) { p.Account = account.ID(id) }
	}
	page := func(p *authz.Policy) { p.Domains, p.BillingType = []string{"*.example.com"}, "freemium" }
	open, locked := b.add(t, 1, own(10_000)), b.add(t, 2, page)
	revoked := b.add(t, 3, func(p *authz.Policy) { p.RevokedAt = b.clock.at.wall })
	slow, suspended := b.add(t, 4, own(1)), b.add(t, 5, other("acc_2"))
	damaged := b.add(t, 6, func(p *authz.Policy) { p.Domains = []string{"not a pattern"} })
	// A key of an account of its own, with a cap, and its account with a limit and a quota.
	bound := func(n uint64, most int64, qps int, quota int64) string {
		its := authz.Account{ID: account.ID(fmt.Sprint("acc_bound_", n)), Type: account.SelfServe, Version: 1, Limits: account.Limits{}.With("map-display.tiles", qps)}
		its.Quotas = account.Quotas{}.With(account.Quota{Billing: "freemium", Group: "tiles", Day: quota, Month: quota})
		b.store.accounts[its.ID] = its
		return b.add(t, n, capped(apikey.ID(fmt.Sprint("key_", n)), its, most))
	}
	const plenty, few = 1_000_000_000, 20
	all, daily := bound(7, plenty, 100_000, plenty), bound(8, few, 100_000, plenty)
	shared, used := bound(9, plenty, 1, plenty), bound(10, plenty, 100_000, few)
	b.store.accounts["acc_2"] = authz.Account{ID: "acc_2", Type: account.SelfServe, Suspended: true}
	at := func(host string) map[string]string { return map[string]string{"Origin": "https://" + host} }
	key := func(k string) map[string]string { return map[string]string{"key": k} }
	return []kind{
		{name: "a good key", payload: string(tileEvent(open)), answers: "A"},
		{name: "from a page of many", payload: string(event(tile, at("@host@.example.com"), key(locked))), answers: "A"},
		{name: "from a foreign page", payload: string(event(tile, at("@host@.example"), key(locked))), answers: "D"},
		{name: "a made-up key", payload: string(tileEvent("@secret@")), answers: "U"},
		{name: "a revoked key", payload: string(tileEvent(revoked)), answers: "U"},
		{name: "a limit of one a second", payload: string(tileEvent(slow)), answers: "AL", timed: true},
		{name: "a suspended account", payload: string(tileEvent(suspended)), answers: "U"},
		{name: "a damaged record", payload: string(tileEvent(damaged)), answers: "b"},
		{name: "all bounds that there are", payload: string(tileEvent(all)), answers: "A"},
		{name: "a cap", payload: string(tileEvent(daily)), answers: "AL", timed: true},
		{name: "an account's limit of one a second", payload: string(tileEvent(shared)), answers: "AL", timed: true},
		{name: "an account's quota", payload: string(tileEvent(used)), answers: "AL", timed: true},
		{name: "no key", payload: string(event(tile, nil, nil)), answers: "U"},
		{name: "no event", payload: "{", answers: "b"},
	}
}

// breakEvery is the number of calls after which a connection ends, in one of three ways.
const breakEvery = 100

// The ways.
const (
	closes       = iota // the answer says so
	breaksBehind        // instead of taking an answer's receipt
	breaksBefore        // instead of handing out an event
	ways
)

// breaks reports whether the call at hand ends its connection, and how.
func (p *player) breaks(way int) bool {
	return p.n%breakEvery == breakEvery/2 && p.n/breakEvery%ways == way && !p.over
}

const extensionNext = "/2020-01-01/extension/event/next"

// play answers a request of the loop; "" breaks the connection.
func (p *player) play(r request) string {
	const api, receipt = "/2018-06-01/runtime/invocation/", "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
	switch {
	case r.line == "POST /2020-01-01/extension/register":
		return "HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: ext\r\nContent-Length: 0\r\n\r\n"
	case r.line == "GET "+extensionNext || p.over:
		return ""
	case r.line == "GET "+api+"next":
		return p.next()
	}
	if !strings.HasPrefix(r.line, fmt.Sprintf("POST %s%d/", api, p.n)) || r.invocation != fmt.Sprint("i", p.n) {
		p.fail("the answer to call %d: %s of %q", p.n, r.line, r.invocation)
	}
	p.take(r.body)
	answer := receipt
	switch {
	case p.breaks(closes):
		answer = strings.Replace(receipt, "Content-Length", "Connection: close\r\nContent-Length", 1)
	case p.breaks(breaksBehind):
		answer = ""
	}
	p.n++
	return answer
}

// next hands out an event. Of a call before which the connection breaks it does at the second time.
func (p *player) next() string {
	switch p.n {
	case p.warm:
		p.before = p.holds()
	case p.warm + p.calls:
		p.after, p.over = p.holds(), true
		return ""
	}
	if p.breaks(breaksBefore) && !p.broke {
		p.broke = true
		return ""
	}
	p.broke = false
	payload := p.kinds[p.n%len(p.kinds)].payload
	if strings.Contains(payload, "@secret@") {
		payload = strings.ReplaceAll(payload, "@secret@", secret(p.t, uint64(1000+p.n)).Reveal()) //nolint:gosec // never negative
	}
	if strings.Contains(payload, "@host@") {
		payload = strings.ReplaceAll(payload, "@host@", fmt.Sprint("page-", p.n))
	}
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: %d\r\nLambda-Runtime-Invocation-Id: i%d\r\nLambda-Runtime-Deadline-Ms: 99999999999999\r\nContent-Length: %d\r\n\r\n%s",
		p.n, p.n, len(payload), payload)
}

// take checks the answer of the call at hand.
func (p *player) take(body string) {
	status := byte('?')
	switch {
	case strings.Contains(body, `"Effect":"Allow"`) && strings.Contains(body, "plan-key"):
		status = 'A'
	case strings.Contains(body, `"Effect":"Allow"`):
		status = 'L'
	case strings.Contains(body, `"Effect":"Deny"`):
		status = 'D'
	case strings.Contains(body, `"errorMessage":"Unauthorized"`):
		status = 'U'
	case strings.Contains(body, `"errorMessage":`):
		status = 'b'
	}
	k := p.n % len(p.kinds)
	p.answers[k][status]++
	if p.notes {
		p.taken = append(p.taken, body)
	}
	if strings.IndexByte(p.kinds[k].answers, status) < 0 {
		p.fail("call %d, %s, was answered with %s", p.n, p.kinds[k].name, body)
	}
}

// fail ends the test: the next request is met with a broken connection, and no other is made.
func (p *player) fail(format string, args ...any) {
	if !p.over {
		p.t.Errorf(format, args...)
	}
	p.over = true
}

// serve plays over TCP.
func (p *player) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go p.serveOne(l, c)
	}
}

func (p *player) serveOne(l net.Listener, c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if r.URL.Path == extensionNext {
			_, _ = in.ReadByte() // nothing ever comes of it, until the loop ends
			return
		}
		p.order.Lock()
		answer := p.play(request{r.Method + " " + r.URL.Path, r.Header.Get("Lambda-Runtime-Invocation-Id"), string(body)})
		if p.over {
			_ = l.Close() // so that the loop ends
		}
		p.order.Unlock()
		if _, err := io.WriteString(c, answer); err != nil || answer == "" || strings.Contains(answer, "Connection: close") {
			return
		}
	}
}
