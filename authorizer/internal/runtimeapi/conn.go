package runtimeapi

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"latchkey/shared/telemetry"
)

// call is one event, as the Runtime API hands it out. Its parts are valid until the next one is asked for.
type call struct {
	id           []byte
	invocationID []byte // empty where Lambda sends none
	deadline     time.Time
	payload      []byte
}

// conn is a connection to the Runtime API that is made when it is needed and made again when it broke.
type conn struct {
	api  string
	open dialer
	now  func() time.Time
	net  net.Conn
	in   *bufio.Reader
	out  []byte // the request at hand
	head head
	call call
}

var (
	errDial = errors.New("runtimeapi: no connection")
	// errAnswer says that what came back is no HTTP/1.1 answer.
	errAnswer = errors.New("runtimeapi: an unreadable answer")
	// errLate says that a request wasn't sent, because its time was over.
	errLate = errors.New("runtimeapi: too late to be sent")
)

const (
	// maxPayload is above what Lambda takes as an event.
	maxPayload = 8 << 20
	// maxTries bounds how often the next event is asked for when connections break without an answer.
	maxTries = 5
)

// dialer makes a connection, as net.DialTimeout does; a time-out of 0 is none.
type dialer func(network, address string, timeout time.Duration) (net.Conn, error)

func newConn(api string, open dialer, now func() time.Time) *conn {
	return &conn{api: api, open: open, now: now, in: bufio.NewReaderSize(nil, 16<<10)}
}

func (c *conn) close() {
	if c.net != nil {
		c.net.Close()
		c.net = nil
	}
}

// dial makes the connection if there is none. A zero time is no bound.
func (c *conn) dial(until time.Time) error {
	if c.net != nil {
		return nil
	}
	timeout, err := c.left(until)
	if err != nil {
		return err
	}
	n, err := c.open("tcp", c.api, timeout)
	switch {
	case err != nil && (timedOut(err, until) || c.late(until)):
		return errLate
	case err != nil:
		return fmt.Errorf("%w: %w", errDial, err)
	}
	c.net = newDirect(n)
	c.in.Reset(c.net)
	return nil
}

// timedOut reports whether a connection had until then and wasn't there. The clock doesn't say: the time-out may end at that very moment, or
// the clock has been set back meanwhile.
func timedOut(err error, until time.Time) bool {
	var timeout net.Error
	return !until.IsZero() && errors.As(err, &timeout) && timeout.Timeout()
}

// left is the time until then. It is 0 without a bound, and errLate when none is left.
func (c *conn) left(until time.Time) (time.Duration, error) {
	if until.IsZero() {
		return 0, nil
	}
	left := until.Sub(c.now())
	if left <= 0 {
		return 0, errLate
	}
	return left, nil
}

func (c *conn) late(until time.Time) bool {
	_, err := c.left(until)
	return err != nil
}

// next waits for the next event. An error ends the process.
func (c *conn) next() (*call, error) {
	c.begin("GET", "/2018-06-01/runtime/invocation/next")
	c.out = append(c.out, "\r\n"...)
	var err error
	for range maxTries {
		if err = c.roundTrip(c.out, time.Time{}); err == nil || errors.Is(err, errDial) || errors.Is(err, errAnswer) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if c.head.status != 200 {
		return nil, fmt.Errorf("runtimeapi: asking for the next event was met with %d", c.head.status)
	}
	if !plain(c.head.requestID) || !plain(c.head.invocationID) && len(c.head.invocationID) > 0 {
		return nil, fmt.Errorf("%w: the event has no usable ID", errAnswer)
	}
	c.call.id = append(c.call.id[:0], c.head.requestID...)
	c.call.invocationID = append(c.call.invocationID[:0], c.head.invocationID...)
	c.call.deadline = c.head.deadline
	c.call.payload = c.head.body
	return &c.call, nil
}

// plain reports whether an ID may stand in a path and in a header as it is.
func plain(id []byte) bool {
	for _, b := range id {
		if b <= ' ' || b >= 0x7f || b == '/' || b == '?' || b == '#' || b == '%' {
			return false
		}
	}
	return len(id) > 0
}

// begin starts a request.
func (c *conn) begin(method, path string) {
	c.out = append(c.out[:0], method...)
	c.out = append(c.out, ' ')
	c.out = append(c.out, path...)
	c.host()
}

func (c *conn) host() {
	c.out = append(c.out, " HTTP/1.1\r\nHost: "...)
	c.out = append(c.out, c.api...)
	c.out = append(c.out, "\r\nUser-Agent: latchkey\r\n"...)
}

// response makes the request that posts an answer.
func (c *conn) response(call *call, answer []byte) []byte {
	return c.answer(call, "/response", "", answer)
}

// failure makes the request that posts an error.
func (c *conn) failure(call *call, document []byte) []byte {
	return c.answer(call, "/error", "Lambda-Runtime-Function-Error-Type: "+errorType+"\r\n", document)
}

func (c *conn) answer(call *call, what, headers string, body []byte) []byte {
	c.out = append(c.out[:0], "POST /2018-06-01/runtime/invocation/"...)
	c.out = append(c.out, call.id...)
	c.out = append(c.out, what...)
	c.host()
	if len(call.invocationID) > 0 {
		c.out = append(c.out, "Lambda-Runtime-Invocation-Id: "...)
		c.out = append(c.out, call.invocationID...)
		c.out = append(c.out, "\r\n"...)
	}
	c.out = append(c.out, headers...)
	return c.body(body)
}

// initError makes the request that tells why the function can't start.
func (c *conn) initError(kind string, document []byte) []byte {
	c.begin("POST", "/2018-06-01/runtime/init/error")
	c.out = append(c.out, "Lambda-Runtime-Function-Error-Type: "...)
	c.out = append(c.out, kind...)
	c.out = append(c.out, "\r\n"...)
	return c.body(document)
}

func (c *conn) body(body []byte) []byte {
	c.out = append(c.out, "Content-Type: application/json\r\nContent-Length: "...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, body...)
	return c.out
}

// post sends a request once and returns the status of the answer, which holds though the rest of the answer breaks off. From
// until on, if that isn't zero, it sends nothing and returns errLate.
func (c *conn) post(request []byte, until time.Time) (status int, err error) {
	if err := c.roundTrip(request, until); err != nil && c.head.status < 200 {
		return 0, err
	}
	return c.head.status, nil
}

// roundTrip sends a request and reads the answer into c.head. Where it fails, the connection is closed, unless nothing was
// sent. The clock is looked at right before the write, when the connection stands. A deadline of the write itself would make
// the first wait after a freeze end for nothing; a request is small enough to be written at once.
func (c *conn) roundTrip(request []byte, until time.Time) error {
	c.head.status = 0 // of no answer yet
	if err := c.dial(until); err != nil {
		return err
	}
	if c.late(until) {
		return errLate
	}
	_, err := c.net.Write(request)
	if err == nil {
		err = c.head.read(c.in)
	}
	if err != nil || c.head.last {
		c.close()
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// errorType is the type that Lambda is given for every error: its text says the rest.
const errorType = "Latchkey.Refused"

// errorDocument is an error in the form that Lambda takes.
func errorDocument(message string) []byte {
	b := telemetry.AppendString([]byte(`{"errorMessage":`), message)
	return append(b, `,"errorType":"`+errorType+`"}`...)
}
