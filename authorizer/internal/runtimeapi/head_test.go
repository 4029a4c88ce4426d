package runtimeapi

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzAnAnswerIsReadAsNetHTTPReadsIt compares what the loop takes out of an answer with net/http's reading. The loop may
// refuse more; what it takes must be the same.
func FuzzAnAnswerIsReadAsNetHTTPReadsIt(f *testing.F) {
	for _, text := range []string{
		event("r1", `{"a":1}`), status(202), status(410),
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nLambda-Runtime-Aws-Request-Id: a\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\nto the end", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var h head
		if h.read(bufio.NewReaderSize(bytes.NewReader(raw), 64)) != nil {
			return
		}
		in := bufio.NewReader(bytes.NewReader(raw))
		for {
			want, err := http.ReadResponse(in, nil)
			if err != nil {
				return // stricter than the loop, on headers that it doesn't need
			}
			body, err := io.ReadAll(want.Body)
			if want.StatusCode < 200 {
				continue
			}
			if err != nil {
				return
			}
			if h.status != want.StatusCode {
				t.Fatalf("status %d, want %d", h.status, want.StatusCode)
			}
			if string(h.body) != string(body) && h.status != 204 && h.status != 304 {
				t.Fatalf("body %q, want %q", h.body, body)
			}
			if ids := want.Header.Values("Lambda-Runtime-Aws-Request-Id"); len(ids) == 1 && string(h.requestID) != ids[0] {
				t.Fatalf("ID %q, want %q", h.requestID, ids[0])
			}
			return
		}
	})
}

// pipe is a connection to a Runtime API that answers at once, without a network.
type pipe struct {
	net.Conn
	answers [][]byte
	n       int
	left    []byte
}

func (p *pipe) Write(b []byte) (int, error) {
	p.left = p.answers[p.n%len(p.answers)]
	p.n++
	return len(b), nil
}

func (p *pipe) Read(b []byte) (int, error) {
	n := copy(b, p.left)
	p.left = p.left[n:]
	return n, nil
}

func (p *pipe) Close() error { return nil }

type constant struct{ answer []byte }

func (c constant) Invoke(time.Time, []byte) ([]byte, error) { return c.answer, nil }
func (constant) AfterReply()                                {}
func (constant) Close()                                     {}

func TestTheLoopItselfAllocatesNothing(t *testing.T) {
	p := &pipe{answers: [][]byte{
		[]byte("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 8f5a\r\nLambda-Runtime-Deadline-Ms: " + strconv.Itoa(99999999999999) +
			"\r\nContent-Length: 4000\r\n\r\n" + strings.Repeat("x", 4000)),
		[]byte(status(202)),
	}}
	c := newConn("127.0.0.1:9001", net.Dial)
	c.net = p
	c.in.Reset(p)
	l := &Loop{Handler: constant{[]byte(`{"principalId":"key"}`)}, Now: time.Now, Log: func(m string) { t.Error(m) }}
	if n := testing.AllocsPerRun(1000, func() {
		if err := l.once(c); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a call", n)
	}
}
