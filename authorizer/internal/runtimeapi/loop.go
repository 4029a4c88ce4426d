// Package runtimeapi is the authorizer's loop on the Lambda Runtime API: it takes one event at a time, has it answered
// and posts the answer. It speaks plain HTTP/1.1 over one connection that it keeps, because AWS's client for Go costs
// several times more than a decision. docs/decisions/own-runtime-loop.md has the figures and the way back.
//
// The rules follow AWS's documents and its own clients in other languages:
//   - The next event is waited for without a time-out. Any other answer than 200, or a refused connection, ends the
//     process. A connection that breaks is replaced: asking again repeats nothing.
//   - An answer is posted once, and not after the call's deadline: the clock is looked at right before the write. Where its
//     fate is unknown it isn't repeated.
//   - Lambda-Runtime-Invocation-Id, where Lambda sends it, is echoed, so that an answer can't reach another call. 410 says
//     that an answer came too late for its call: the loop goes on. It holds where a process is stopped between the clock and
//     the write.
//   - 4xx to an answer is logged, and the loop goes on. 5xx is Lambda's "container error" and ends the process. The status alone decides:
//     the rest of that answer may break off.
package runtimeapi

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Handler answers events, one at a time.
type Handler interface {
	// Invoke answers one event before the deadline. The payload is valid until Invoke returns, the answer until AfterReply
	// returns. The text of an error becomes errorMessage.
	Invoke(deadline time.Time, payload []byte) (answer []byte, err error)
	// AfterReply is called when the answer has been posted. What it does delays the next event, and no caller.
	AfterReply()
	// Close is called once, of an environment that has had a call: by another goroutine when Lambda ends it, or when the loop
	// ends by itself. The process ends when it returns.
	Close()
}

// Loop runs a handler.
type Loop struct {
	API     string // host and port of the Runtime API
	Handler Handler
	Now     func() time.Time
	Log     func(message string) // what went wrong and was survived; never holds what was sent
	// Dial makes the connections, in that time unless it is 0; nil: net.DialTimeout.
	Dial func(network, address string, timeout time.Duration) (net.Conn, error)

	called  bool // the handler has had a call
	listens bool // SIGTERM closes the handler
	closed  sync.Once
}

// ErrNoAPI says that the process doesn't run in Lambda.
var ErrNoAPI = errors.New("runtimeapi: AWS_LAMBDA_RUNTIME_API is not set")

// Check reports whether the environment is one that this loop can serve: one call at a time. Answers of concurrent
// calls would need a connection each.
func Check(getenv func(string) string) error {
	if getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		return ErrNoAPI
	}
	if n := getenv("AWS_LAMBDA_MAX_CONCURRENCY"); n != "" {
		if most, err := strconv.Atoi(n); err != nil || most > 1 {
			return fmt.Errorf("runtimeapi: AWS_LAMBDA_MAX_CONCURRENCY is %q, and this function answers one call at a time", n)
		}
	}
	return nil
}

// Run answers events until the process has to end, closes the handler if it has had one, and says why: it doesn't return
// otherwise. It first asks for SIGTERM by registering an extension, which Lambda wants before the first event is asked for.
func (l *Loop) Run() error {
	if extension, err := register(l.API, l.dial()); err != nil {
		l.Log("no SIGTERM: " + err.Error())
	} else {
		defer extension.close()
	}
	c := newConn(l.API, l.dial(), l.Now)
	defer c.close()
	for {
		if err := l.once(c); err != nil {
			if l.called {
				l.close()
			}
			return err
		}
	}
}

func (l *Loop) dial() dialer {
	if l.Dial != nil {
		return l.Dial
	}
	return net.DialTimeout //nolint:gosec // the address is the one that Lambda gives
}

// once answers one event.
func (l *Loop) once(c *conn) error {
	call, err := c.next()
	if err != nil {
		return err
	}
	var post []byte
	if call.deadline.IsZero() {
		post = c.failure(call, errorDocument("the event has no deadline"))
	} else if answer, err := l.Handler.Invoke(call.deadline, call.payload); err != nil {
		post = c.failure(call, errorDocument(err.Error()))
	} else {
		post = c.response(call, answer)
	}
	l.called = true
	if err := l.post(c, post, call.deadline); err != nil {
		return err
	}
	l.closeOnSIGTERM()
	l.Handler.AfterReply()
	return nil
}

// closeOnSIGTERM is called behind the first answer: before it the handler has nothing to lose, the process may just end, and
// listening for signals takes a thread, which would make the first caller wait.
func (l *Loop) closeOnSIGTERM() {
	if l.listens {
		return
	}
	l.listens = true
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		l.close()
		os.Exit(0)
	}()
}

// close closes the handler, or waits until it is closed.
func (l *Loop) close() { l.closed.Do(l.Handler.Close) }

// post sends an answer once. An error ends the process.
func (l *Loop) post(c *conn, request []byte, deadline time.Time) error {
	status, err := c.post(request, deadline)
	switch {
	case errors.Is(err, errLate):
		l.Log("an answer was ready after its deadline, and isn't posted")
	case errors.Is(err, errDial):
		return err
	case err != nil:
		l.Log("the fate of an answer is unknown: " + err.Error())
	case status >= 500:
		return fmt.Errorf("runtimeapi: the answer was met with %d", status)
	case status == 410:
		l.Log("an answer came too late for its call")
	case status >= 300:
		l.Log("an answer was refused with " + strconv.Itoa(status))
	}
	return nil
}

// InitError tells Lambda why the function can't start. The process has to end after it.
func InitError(api, kind string, cause error) {
	c := newConn(api, net.DialTimeout, time.Now)
	defer c.close()
	_, _ = c.post(c.initError(kind, errorDocument(cause.Error())), time.Time{})
}
