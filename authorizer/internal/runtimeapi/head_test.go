package runtimeapi

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzAnAnswerIsReadAsNetHTTPReadsIt compares what the loop takes out of an answer with net/http's reading. The loop may
// refuse more; what net/http refuses it refuses, and what it takes is the same.
func FuzzAnAnswerIsReadAsNetHTTPReadsIt(f *testing.F) {
	for _, text := range []string{
		event("r1", `{"a":1}`, "Lambda-Runtime-Invocation-Id: i1"), status(202), status(410),
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nLambda-Runtime-Aws-Request-Id: a\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\nto the end", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "HTTP/1.7 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nabcde", "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nabcde", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n7fffffffffffffff\r\nb\r\n0\r\n\r\n",
		"HTTP/1.1 202 Accepted\r\nConnection: x, close\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 202 Accepted\r\nConnection: x\r\nConnection: Close ,y\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nLambda-Runtime-Deadline-Ms: +1\r\nLambda-Runtime-Invocation-Id:\vi1\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nLambda-Runtime-Invocation-Id: i1\r\nLambda-Runtime-Invocation-Id: i2\r\nContent-Length: 0\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var h head
		if h.read(bufio.NewReaderSize(bytes.NewReader(raw), 64)) != nil {
			return
		}
		want, body, err := theirs(raw)
		if err != nil && slices.ContainsFunc(bytes.Split(raw, []byte{'\n'}), func(line []byte) bool { return len(line) >= 64 }) {
			return // the rest of a long line isn't looked at
		}
		if err != nil {
			t.Fatalf("taken, with status %d and body %q; net/http refuses: %v", h.status, h.body, err)
		}
		if h.status != want.StatusCode || string(h.body) != body {
			t.Fatalf("status %d, body %q; want %d, %q", h.status, h.body, want.StatusCode, body)
		}
		if want.Close && !h.last {
			t.Fatal("the connection ends with the answer, and is kept")
		}
		for name, got := range map[string][]byte{
			"Lambda-Runtime-Aws-Request-Id": h.requestID, "Lambda-Runtime-Invocation-Id": h.invocationID, "Lambda-Extension-Identifier": h.extensionID,
		} {
			if want := distinct(want.Header.Values(name)); strings.Join(want, ", ") != string(got) || len(want) > 1 {
				t.Fatalf("%s is %q, want it of %q", name, got, want)
			}
		}
		var deadlines []string
		for _, v := range want.Header.Values("Lambda-Runtime-Deadline-Ms") {
			if ms, err := strconv.ParseUint(v, 10, 63); err == nil && ms > 0 {
				deadlines = append(deadlines, strconv.FormatUint(ms, 10))
			}
		}
		if want := distinct(deadlines); len(want) == 0 != h.deadline.IsZero() || len(want) > 0 && (len(want) > 1 || strconv.FormatInt(h.deadline.UnixMilli(), 10) != want[0]) {
			t.Fatalf("the deadline is %s, want it of %q", h.deadline, want)
		}
	})
}

// theirs is net/http's reading.
func theirs(raw []byte) (*http.Response, string, error) {
	in := bufio.NewReader(bytes.NewReader(raw))
	for {
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return nil, "", err
		}
		if answer.StatusCode < 200 {
			continue
		}
		body, err := io.ReadAll(answer.Body)
		return answer, string(body), err
	}
}

// distinct returns the values of a header that aren't empty, each once.
func distinct(values []string) []string {
	values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
	slices.Sort(values)
	return slices.Compact(values)
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
	c := newConn("127.0.0.1:9001", net.DialTimeout, time.Now)
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
