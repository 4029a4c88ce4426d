package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/authorizer/internal/runtimeapi"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
)

// TestAMillionCallsLeaveNothingBehind: a gate with limits, quotas and usage, behind its own loop, is called with keys of all kinds, over
// connections that break now and then. After many calls (in CI a million) it holds what it held after the warm-up: not a byte a call more,
// no descriptor, no connection and no goroutine.
func TestAMillionCallsLeaveNothingBehind(t *testing.T) {
	// The warm-up fills what has a bound of its own: the unknown keys that are remembered, the hosts that are counted.
	warm, calls, loopback := 300_000, 200_000, 20_000
	switch {
	case keytest.Deep():
		calls, loopback = 10_000_000, 10_000_000
	case keytest.Race:
		warm, calls, loopback = 20_000, 20_000, 5_000
	case os.Getenv("CI") != "": // a minute, which nobody waits for
		calls, loopback = 1_000_000, 300_000
	}
	t.Run("in memory", func(t *testing.T) {
		p := newPlayer(t, warm, calls)
		p.run("in.memory:1", p.dial)
	})
	t.Run("over loopback", func(t *testing.T) { // a call takes several times as long, and connections have descriptors
		p := newPlayer(t, min(warm, loopback), loopback)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go p.serve(l)
		p.run(l.Addr().String(), nil)
	})
}

// maxGrowth bounds the bytes that may be in use beyond those of before, after a collection: a quarter of a byte for each of a million calls.
// A warm-up of less than enough calls adds what is still to be filled.
const (
	enough    = 300_000
	maxGrowth = 250_000
	unfilled  = 4_000_000
)

// breaking bounds the descriptors of a connection that breaks right now, one at each end. Some hundred break in a run: a loop that kept
// them would hold far more.
const breaking = 2

// held counts what a process holds.
type held struct {
	heap                                 int64
	descriptors, connections, goroutines int
}

func (p *player) holds() held {
	open, _ := os.ReadDir("/proc/self/fd") // none where it isn't Linux; a collection would close what was forgotten
	for range 100 {
		runtime.Gosched() // a connection that broke just now is closed by a goroutine of its own
		if now, _ := os.ReadDir("/proc/self/fd"); len(now) < len(open) {
			open = now
		}
	}
	runtime.GC()
	runtime.GC() // for what the first one has only found
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return held{int64(m.HeapAlloc), len(open), p.open, runtime.NumGoroutine()} //nolint:gosec // it is far below
}

func (p *player) run(address string, dial func(network, address string, timeout time.Duration) (net.Conn, error)) {
	p.t.Helper()
	var logged int
	loop := runtimeapi.Loop{
		API: address, Handler: p, Now: func() time.Time { return p.b.clock.at.wall }, Dial: dial,
		Log: func(string) { logged++ },
	}
	defer signal.Reset(syscall.SIGTERM) // which ends the process once the loop runs
	err := loop.Run()
	p.order.Lock()
	defer p.order.Unlock()
	if p.n != p.warm+p.calls {
		p.t.Fatalf("ended after %d of %d calls: %v", p.n, p.warm+p.calls, err)
	}
	before, after := p.before, p.after
	p.t.Logf("%d calls, %v; %+v, then %+v; %d answers of unknown fate", p.n, p.answers, before, after, logged)
	if logged == 0 || logged > p.n/breakEvery {
		p.t.Errorf("%d answers are of unknown fate", logged)
	}
	most := int64(maxGrowth)
	if p.warm < enough {
		most += unfilled
	}
	if grown := after.heap - before.heap; grown > most {
		p.t.Errorf("%d bytes of heap more after %d calls", grown, p.calls)
	}
	if after.descriptors > before.descriptors+breaking || after.connections > before.connections || after.goroutines > before.goroutines {
		p.t.Errorf("more is open than before: %+v, then %+v", before, after)
	}
	for i, k := range p.kinds {
		for _, status := range k.answers {
			if p.answers[i][byte(status)] == 0 {
				p.t.Errorf("%s: never answered with %c", k.name, status)
			}
		}
	}
}

// Invoke implements runtimeapi.Handler: the gate's time goes on by a millisecond a call.
func (p *player) Invoke(deadline time.Time, payload []byte) ([]byte, error) {
	p.b.clock.advance(time.Millisecond)
	return p.b.gate.Invoke(deadline, payload)
}

// AfterReply implements runtimeapi.Handler.
func (p *player) AfterReply() {
	p.stop("after the reply")
	p.b.gate.AfterReply()
}

// Close implements runtimeapi.Handler.
func (p *player) Close() { p.b.gate.Close() }

// forgetful takes usage reports and keeps nothing of them.
type forgetful struct{}

func (forgetful) Write(context.Context, usage.Report) error { return nil }

var errOver = errors.New("the test is over")

// dial opens a connection in memory, whose answers are there when a request is written.
func (p *player) dial(string, string, time.Duration) (net.Conn, error) {
	if p.over {
		return nil, errOver
	}
	p.open++
	p.stop("connecting")
	return &memoryConn{player: p}, nil
}

type memoryConn struct {
	net.Conn
	player *player
	answer string
}

func (c *memoryConn) Write(sent []byte) (int, error) {
	c.player.stop("sending")
	head, body, _ := strings.Cut(string(sent), "\r\n\r\n")
	line, headers, _ := strings.Cut(head, "\r\n")
	_, invocation, _ := strings.Cut(headers, "Lambda-Runtime-Invocation-Id: ")
	invocation, _, _ = strings.Cut(invocation, "\r\n")
	c.answer = c.player.play(request{strings.TrimSuffix(line, " HTTP/1.1"), invocation, body})
	for range sent {
		c.player.stop("byte")
	}
	c.player.stop("waiting")
	return len(sent), nil
}

func (c *memoryConn) Read(into []byte) (int, error) {
	if c.answer == "" {
		return 0, io.EOF
	}
	if c.player.notes {
		into = into[:1]
		c.player.stop("byte")
	}
	n := copy(into, c.answer)
	c.answer = c.answer[n:]
	return n, nil
}

func (c *memoryConn) Close() error {
	c.player.open--
	return nil
}
