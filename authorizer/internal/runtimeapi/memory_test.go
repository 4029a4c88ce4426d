package runtimeapi

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// memory plays the Runtime API in memory as Lambda does, with deadlines and invocation IDs. Its clock goes on only where stop moves it: at
// each byte, and at each boundary of the protocol. It is the handler, too: it answers the n-th event, which is n, with [n].
type memory struct {
	t     *testing.T
	calls []invocation
	stop  func(at string)
	form  func(answer string) string // how answers are written; nil: as they are
	down  func() error               // why there is no connection; nil: there is one
	write func(request string) error // why a request isn't sent; nil: it is

	clock    time.Time
	n        int // calls that were handed out
	deadline time.Time
	got      map[string]string // the answers that were taken, by invocation
	posts    []string          // the invocations that posts named
	dials    []time.Duration   // the time that each dial was given
	logged   []string
	closed   int
}

type invocation struct {
	id, invocation string
	timeout        time.Duration
}

// run runs the loop until all calls have been handed out and the next one is asked for, or until it ends by itself.
func (l *memory) run() error {
	l.clock, l.got = time.UnixMilli(1_800_000_000_000), map[string]string{}
	if l.stop == nil {
		l.stop = func(string) {}
	}
	loop := &Loop{API: "in.memory:1", Handler: l, Now: func() time.Time { return l.clock }, Log: func(m string) { l.logged = append(l.logged, m) }, Dial: l.dial}
	loop.listens = true // signals are for processes
	return loop.Run()
}

// errOver ends the loop when the script is over.
var errOver = errors.New("the script is over")

func (l *memory) Invoke(_ time.Time, payload []byte) ([]byte, error) {
	l.stop("deciding")
	return []byte("[" + string(payload) + "]"), nil
}
func (l *memory) AfterReply() { l.stop("after the reply") }
func (l *memory) Close()      { l.closed++ }

func (l *memory) dial(_, _ string, timeout time.Duration) (net.Conn, error) {
	if l.n > len(l.calls) {
		return nil, errOver
	}
	l.dials = append(l.dials, timeout)
	l.stop("connecting")
	if l.down != nil {
		if err := l.down(); err != nil {
			return nil, err
		}
	}
	return &memoryConn{api: l}, nil
}

type memoryConn struct {
	net.Conn
	api  *memory
	left string
}

func (c *memoryConn) Close() error { return nil }

func (c *memoryConn) Write(request []byte) (int, error) {
	method, _, _ := strings.Cut(string(request), " ")
	if c.api.write != nil {
		if err := c.api.write(string(request)); err != nil {
			return 0, err
		}
	}
	c.api.stop("sending " + method)
	for range request {
		c.api.stop("byte")
	}
	c.left = c.api.play(string(request))
	if c.api.form != nil {
		c.left = c.api.form(c.left)
	}
	c.api.stop("waiting for " + method)
	return len(request), nil
}

func (c *memoryConn) Read(into []byte) (int, error) {
	if c.left == "" {
		return 0, io.EOF
	}
	c.api.stop("byte")
	into[0], c.left = c.left[0], c.left[1:]
	return 1, nil
}

func (l *memory) play(request string) string {
	head, body, _ := strings.Cut(request, "\r\n\r\n")
	switch {
	case strings.HasPrefix(head, "POST /2020-01-01/"):
		return "HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: ext\r\nContent-Length: 0\r\n\r\n"
	case strings.HasPrefix(head, "GET /2020-01-01/"):
		return ""
	case strings.HasPrefix(head, next):
		return l.next()
	}
	_, echoed, _ := strings.Cut(head, "Lambda-Runtime-Invocation-Id: ")
	echoed, _, _ = strings.Cut(echoed, "\r\n")
	l.posts = append(l.posts, echoed)
	current := l.calls[l.n-1]
	if !strings.HasPrefix(head, "POST /2018-06-01/runtime/invocation/"+current.id+"/response ") {
		l.t.Errorf("asked %q while %s runs", head, current.id)
	}
	if echoed != current.invocation || l.clock.After(l.deadline) {
		return status(410)
	}
	l.got[echoed] = body
	return status(202)
}

func (l *memory) next() string {
	if l.n++; l.n > len(l.calls) {
		return ""
	}
	c := l.calls[l.n-1]
	l.deadline = l.clock.Add(c.timeout)
	return event(c.id, "event "+strconv.Itoa(l.n), "Lambda-Runtime-Invocation-Id: "+c.invocation, fmt.Sprintf("Lambda-Runtime-Deadline-Ms: %d", l.deadline.UnixMilli()))
}
