package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// runtimeAPI serves the Lambda Runtime API to one process, over bare TCP: what the harness itself costs is in every
// figure, so there should be little of it. One invocation at a time, as in Lambda.
type runtimeAPI struct {
	listener net.Listener
	waiting  chan struct{} // the process asks for its next event
	events   chan []byte
	answers  chan outcome
	began    atomic.Int64 // when the event was handed over, in nanoseconds since epoch (the answer may use another connection)
}

var epoch = time.Now()

// outcome is a finished invocation: its time from the first byte of the event to the last of the answer.
type outcome struct {
	took time.Duration
	at   time.Time
	body []byte
	err  error // the process reported an error, or its connection broke
}

func newRuntimeAPI() (*runtimeAPI, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	api := &runtimeAPI{listener: l, waiting: make(chan struct{}, 1), events: make(chan []byte), answers: make(chan outcome, 1)}
	go accept(l, api.serve)
	return api, nil
}

// accept serves connections until the listener is closed.
func accept(l net.Listener, serve func(net.Conn)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go serve(conn)
	}
}

func (a *runtimeAPI) address() string { return a.listener.Addr().String() }

func (a *runtimeAPI) close() { _ = a.listener.Close() }

const answerTimeout = 15 * time.Second

// ready waits until the process asks for an event.
func (a *runtimeAPI) ready() error {
	select {
	case <-a.waiting:
		return nil
	case got := <-a.answers: // an error during init
		return fmt.Errorf("instead of asking for an event: %w", got.err)
	case <-time.After(answerTimeout):
		return fmt.Errorf("not ready after %v", answerTimeout)
	}
}

// invoke hands over an event to a process that is ready, and waits for the answer.
func (a *runtimeAPI) invoke(event []byte) (outcome, error) {
	a.events <- event
	select {
	case got := <-a.answers:
		return got, got.err
	case <-time.After(answerTimeout):
		return outcome{}, fmt.Errorf("no answer after %v", answerTimeout)
	}
}

// requests answers the requests of one connection until it ends or an answer is empty. A client may use one connection
// for all requests, or several.
func requests(conn net.Conn, answer func(r *http.Request, body []byte, out *bytes.Buffer)) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 16<<10)
	var out bytes.Buffer
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return // the process is gone, or it closed an idle connection
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		out.Reset()
		if answer(r, body, &out); out.Len() == 0 {
			return
		}
		if _, err := conn.Write(out.Bytes()); err != nil {
			return
		}
	}
}

func (a *runtimeAPI) serve(conn net.Conn) {
	requests(conn, func(r *http.Request, body []byte, out *bytes.Buffer) {
		at := time.Now()
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/invocation/next"):
			a.waiting <- struct{}{}
			writeEvent(out, <-a.events)
			a.began.Store(int64(time.Since(epoch)))
		case strings.HasSuffix(path, "/response"):
			out.WriteString(accepted)
			a.answers <- outcome{took: at.Sub(epoch) - time.Duration(a.began.Load()), at: at, body: body}
		case strings.HasSuffix(path, "/error"):
			out.WriteString(accepted)
			a.answers <- outcome{err: fmt.Errorf("the process answered with an error: %s", body)}
		case strings.HasSuffix(path, "/extension/register"):
			out.WriteString("HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: bench\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
		case strings.HasSuffix(path, "/extension/event/next"):
			_, _ = io.Copy(io.Discard, conn) // nothing ever comes; the call hangs until the process ends
		default:
			out.WriteString("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
		}
	})
}

const accepted = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"

func writeEvent(out *bytes.Buffer, event []byte) {
	deadline := time.Now().Add(3 * time.Second).UnixMilli()
	fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"+
		"Lambda-Runtime-Aws-Request-Id: 7e1f0f3c-6c1b-4f0e-9a53-0d0c5c1e2f10\r\n"+
		"Lambda-Runtime-Invocation-Id: 0b7c2f0e-51d5-4a53-8f0e-6c1b4f0e9a53\r\n"+
		"Lambda-Runtime-Deadline-Ms: %d\r\n"+
		"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:bench\r\n"+
		"Lambda-Runtime-Trace-Id: Root=1-6740a1b2-3c4d5e6f708192a3b4c5d6e7;Parent=53995c3f42cd8ad8;Sampled=0\r\n"+
		"Content-Length: %d\r\n\r\n", deadline, len(event))
	out.Write(event)
}
