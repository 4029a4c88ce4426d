package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// TestMain lets the test's own binary be the function that is tested.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	switch client(os.Getenv("RUNTIMEAPI_CLIENT")) {
	case ours:
		if err := Check(os.Getenv); err != nil {
			InitError(os.Getenv("AWS_LAMBDA_RUNTIME_API"), "Runtime.Config", err)
			os.Exit(1)
		}
		l := &Loop{API: os.Getenv("AWS_LAMBDA_RUNTIME_API"), Handler: sample{}, Now: time.Now, Log: func(string) {}}
		_ = l.Run()
		os.Exit(1)
	case awss:
		lambda.StartWithOptions(awsSample{}, lambda.WithEnableSIGTERM(func() { os.Exit(0) }))
	}
	os.Exit(m.Run())
}

// sample answers an event with itself in brackets; "refuse" with an error, "late" after its deadline, "panic" never.
type sample struct{}

func (sample) answer(deadline time.Time, payload []byte) ([]byte, error) {
	switch string(payload) {
	case `"refuse"`:
		return nil, errors.New("Unauthorized")
	case `"late"`:
		time.Sleep(time.Until(deadline) + 20*time.Millisecond)
	case `"panic"`:
		panic("a fatal error")
	}
	return []byte("[" + string(payload) + "]"), nil
}

func (s sample) Invoke(deadline time.Time, payload []byte) ([]byte, error) {
	return s.answer(deadline, payload)
}
func (sample) AfterReply() {}
func (sample) Close()      {}

// awsSample is the same for AWS's client, which wants another Invoke.
type awsSample struct{ sample }

func (s awsSample) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	deadline, _ := ctx.Deadline()
	return s.answer(deadline, payload)
}

const next = "GET /2018-06-01/runtime/invocation/next"

// TestTheLoopKeepsTheRulesOfTheRuntimeAPI runs each case against this loop and against AWS's client for Go. Where the two
// differ, AWS's documents and its clients in other languages decide, and the case says how AWS's client for Go behaves.
func TestTheLoopKeepsTheRulesOfTheRuntimeAPI(t *testing.T) {
	refused := `{"errorMessage":"Unauthorized","errorType":"` + errorType + `"}`
	soon := fmt.Sprintf("Lambda-Runtime-Deadline-Ms: %d", time.Now().Add(1500*time.Millisecond).UnixMilli())
	for _, c := range []struct {
		name   string
		script []step
		want   []string // what is asked; after it the loop waits for the next event
		code   int      // -1: it runs on
		aws    []string // the same of AWS's client, where it differs; nil: as above
		code2  int
	}{
		{
			name:   "an event is answered, and the next asked for",
			script: []step{{next, event("r1", `1`)}, {"POST", status(202)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/response [1]", "GET invocation/next"}, code: -1,
		},
		{
			name:   "an error's text is the message",
			script: []step{{next, event("r1", `"refuse"`)}, {"POST", status(202)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/error " + refused, "GET invocation/next"}, code: -1,
			aws: []string{"GET invocation/next", `POST invocation/r1/error {"errorMessage":"Unauthorized","errorType":"errorString"}`, "GET invocation/next"}, code2: -1,
		},
		{
			name:   "the invocation's ID is echoed with answers and errors",
			script: []step{{next, event("r1", `1`, "Lambda-Runtime-Invocation-Id: i1")}, {"POST", status(202)}, {next, event("r1", `"refuse"`, "Lambda-Runtime-Invocation-Id: i2")}, {"POST", status(202)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/response [i1] [1]", "GET invocation/next", "POST invocation/r1/error [i2] " + refused, "GET invocation/next"}, code: -1,
			aws: []string{"GET invocation/next", "POST invocation/r1/response [1]", "GET invocation/next", `POST invocation/r1/error {"errorMessage":"Unauthorized","errorType":"errorString"}`, "GET invocation/next"}, code2: -1,
		},
		{
			name:   "410: too late, the loop goes on",
			script: []step{{next, event("r1", `1`)}, {"POST", status(410)}, {next, event("r2", `2`)}, {"POST", status(202)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/response [1]", "GET invocation/next", "POST invocation/r2/response [2]", "GET invocation/next"}, code: -1,
			aws: []string{"GET invocation/next", "POST invocation/r1/response [1]"}, code2: 1,
		},
		{
			name:   "a refused answer isn't posted again, and the loop goes on",
			script: []step{{next, event("r1", `1`)}, {"POST", status(400)}, {next, event("r2", `2`)}, {"POST", status(403)}, {next, event("r3", `3`)}, {"POST", status(413)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/response [1]", "GET invocation/next", "POST invocation/r2/response [2]", "GET invocation/next", "POST invocation/r3/response [3]", "GET invocation/next"}, code: -1,
			aws: []string{"GET invocation/next", "POST invocation/r1/response [1]"}, code2: 1,
		},
		{
			name:   "5xx to an answer is a container error",
			script: []step{{next, event("r1", `1`)}, {"POST", status(500)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/response [1]"}, code: 1,
		},
		{
			name:   "5xx to an answer is a container error, though its body breaks off",
			script: []step{{next, event("r1", `1`)}, {"POST", brokenOff(status(500))}},
			want:   []string{"GET invocation/next", "POST invocation/r1/response [1]"}, code: 1,
		},
		{
			name:   "an answer is taken, though the body that says so breaks off",
			script: []step{{next, event("r1", `1`)}, {"POST", brokenOff(status(202))}, {next, event("r2", `2`)}, {"POST", status(202)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/response [1]", "GET invocation/next", "POST invocation/r2/response [2]", "GET invocation/next"}, code: -1,
			aws: []string{"GET invocation/next", "POST invocation/r1/response [1]"}, code2: 1,
		},
		{
			name:   "410 to an error: too late, the loop goes on",
			script: []step{{next, event("r1", `"refuse"`)}, {"POST", status(410)}, {next, event("r2", `2`)}, {"POST", status(202)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/error " + refused, "GET invocation/next", "POST invocation/r2/response [2]", "GET invocation/next"}, code: -1,
			aws: []string{"GET invocation/next", `POST invocation/r1/error {"errorMessage":"Unauthorized","errorType":"errorString"}`}, code2: 1,
		},
		{
			name:   "5xx to an error is a container error",
			script: []step{{next, event("r1", `"refuse"`)}, {"POST", status(503)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/error " + refused}, code: 1,
			aws: []string{"GET invocation/next", `POST invocation/r1/error {"errorMessage":"Unauthorized","errorType":"errorString"}`}, code2: 1,
		},
		{
			name:   "a refused connection for an event ends the process",
			script: []step{{next, event("r1", `1`)}, {"POST", gone(status(202))}},
			want:   []string{"GET invocation/next", "POST invocation/r1/response [1]"}, code: 1,
		},
		{
			name:   "a fatal error ends the process with 2, and without an answer",
			script: []step{{next, event("r1", `"panic"`)}},
			want:   []string{"GET invocation/next"}, code: 2,
			aws: skip, // it posts the trace, and ends with 1
		},
		{
			name:   "any other status than 200 for an event ends the process",
			script: []step{{next, status(403)}},
			want:   []string{"GET invocation/next"}, code: 1,
		},
		{
			name:   "an event without an ID ends the process",
			script: []step{{next, strings.Replace(event("r1", `1`), "Aws-Request-Id: r1", "Other: x", 1)}, {"POST", status(202)}},
			want:   []string{"GET invocation/next"}, code: 1,
			aws: []string{"GET invocation/next", "POST invocation//response [1]", "GET invocation/next"}, code2: -1,
		},
		{
			name:   "an event without a deadline is a failure, not a call without end",
			script: []step{{next, event("r1", `1`, "Lambda-Runtime-Deadline-Ms: soon")}, {"POST", status(202)}},
			want:   []string{"GET invocation/next", `POST invocation/r1/error {"errorMessage":"the event has no deadline","errorType":"` + errorType + `"}`, "GET invocation/next"}, code: -1,
			aws: []string{"GET invocation/next", `POST invocation/r1/error {"errorMessage":"failed to parse deadline: strconv.ParseInt: parsing \"soon\": invalid syntax","errorType":"errorString"}`, "GET invocation/next"}, code2: -1,
		},
		{
			name:   "nothing is posted after the deadline",
			script: []step{{next, event("r1", `"late"`, soon)}, {next, event("r2", `2`)}, {"POST", status(202)}},
			want:   []string{"GET invocation/next", "GET invocation/next", "POST invocation/r2/response [2]", "GET invocation/next"}, code: -1,
			aws: skip,
		},
		{
			name: "a late answer isn't the next call's, though that has the same request ID",
			script: []step{
				{next, event("r1", `"late"`, soon, "Lambda-Runtime-Invocation-Id: i1")},
				{next, event("r1", `2`, "Lambda-Runtime-Invocation-Id: i2")},
				{"POST", status(202)},
			},
			want: []string{"GET invocation/next", "GET invocation/next", "POST invocation/r1/response [i2] [2]", "GET invocation/next"}, code: -1,
			aws: skip,
		},
		{
			name:   "a status is three digits",
			script: []step{{next, strings.Replace(event("r1", `1`), "200 OK", "2000 OK", 1)}},
			want:   []string{"GET invocation/next"}, code: 1,
		},
		{
			name:   "a length is digits",
			script: []step{{next, strings.Replace(event("r1", `1`), "Content-Length: 1", "Content-Length: +1", 1)}},
			want:   []string{"GET invocation/next"}, code: 1,
		},
		{
			name:   "a connection is closed by any option that says so",
			script: []step{{next, strings.Replace(event("r1", `1`), "Content-Type", "Connection: x, Close\r\nContent-Type", 1)}, {"POST", status(202)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/response [1]", "GET invocation/next"}, code: -1,
		},
		{
			name:   "a connection that is closed after an answer is made again",
			script: []step{{next, strings.Replace(event("r1", `1`), "Content-Type", "Connection: close\r\nContent-Type", 1)}, {"POST", strings.Replace(status(202), "Content-Length", "Connection: close\r\nContent-Length", 1)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/response [1]", "GET invocation/next"}, code: -1,
		},
		{
			name:   "a connection that breaks while an event is waited for: it is asked for again",
			script: []step{{next, event("r1", `1`)}, {"POST", status(202)}, {next, ""}, {next, event("r2", `2`)}, {"POST", status(202)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/response [1]", "GET invocation/next", "GET invocation/next", "POST invocation/r2/response [2]", "GET invocation/next"}, code: -1,
		},
		{
			name:   "a connection that breaks after an answer was sent: it isn't sent again",
			script: []step{{next, event("r1", `1`)}, {"POST", ""}, {next, event("r2", `2`)}, {"POST", status(202)}},
			want:   []string{"GET invocation/next", "POST invocation/r1/response [1]", "GET invocation/next", "POST invocation/r2/response [2]", "GET invocation/next"}, code: -1,
			aws: []string{"GET invocation/next", "POST invocation/r1/response [1]"}, code2: 1,
		},
		{
			name: "chunked events, headers in any case, and headers of any length",
			script: []step{
				{next, "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: r1\r\nLAMBDA-RUNTIME-DEADLINE-MS: 99999999999999\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n3;x=y\r\n1,2\r\n1\r\n]\r\n0\r\nTrailer: x\r\n\r\n"},
				{"POST", "HTTP/1.1 100 Continue\r\n\r\n" + status(202)},
				{next, event("r2", `2`, "Lambda-Runtime-Client-Context: "+strings.Repeat("x", 100<<10), "Lambda-Runtime-Cognito-Identity: {}")},
				{"POST", status(202)},
			},
			want: []string{"GET invocation/next", "POST invocation/r1/response [[1,2]]", "GET invocation/next", "POST invocation/r2/response [2]", "GET invocation/next"}, code: -1,
			aws: skip, // a client context that is no JSON
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, c.script...)
			if code := s.run(ours); code != c.code || !slices.Equal(s.log(), c.want) {
				t.Errorf("ended with %d, want %d; asked\n  %s\nwant\n  %s", code, c.code, strings.Join(s.log(), "\n  "), strings.Join(c.want, "\n  "))
			}
		})
		t.Run(c.name+"/aws-lambda-go", func(t *testing.T) {
			want, wantCode := c.want, c.code
			if c.aws != nil {
				want, wantCode = c.aws, c.code2
			}
			if len(c.aws) == 1 && c.aws[0] == skip[0] {
				t.Skip("AWS's client isn't asked")
			}
			s := newServer(t, c.script...)
			if code := s.run(awss); code != wantCode || !slices.Equal(s.log(), want) {
				t.Errorf("ended with %d, want %d; asked\n  %s\nwant\n  %s", code, wantCode, strings.Join(s.log(), "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

var skip = []string{"skip"}

func TestTheExtensionIsReadyBeforeTheFirstEventIsAskedFor(t *testing.T) {
	s := newServer(t)
	s.run(ours)
	want := []string{"POST /2020-01-01/extension/register", "GET /2020-01-01/extension/event/next", next}
	s.set(func() {
		if len(s.asked) != 3 || s.asked[0] != want[0] || !slices.Contains(s.asked, want[1]) || !slices.Contains(s.asked, want[2]) {
			t.Errorf("asked %q, want %q", s.asked, want)
		}
	})
}

func TestARuntimeWithoutExtensionsIsServed(t *testing.T) {
	s := newServer(t, step{next, event("r1", `1`)}, step{"POST", status(202)})
	s.set(func() { s.register = status(404) })
	if code := s.run(ours); code != -1 || len(s.log()) != 3 {
		t.Errorf("ended with %d; asked %q", code, s.log())
	}
}

func TestSeveralCallsAtOnceAreRefusedAtTheStart(t *testing.T) {
	s := newServer(t, step{"POST /2018-06-01/runtime/init/error", status(202)})
	if code := s.run(ours, "AWS_LAMBDA_MAX_CONCURRENCY=2"); code != 1 {
		t.Errorf("ended with %d", code)
	}
	if got := s.log(); len(got) != 1 || !strings.Contains(got[0], "answers one call at a time") {
		t.Errorf("asked %q", got)
	}
	for value, ok := range map[string]bool{"": true, "1": true, "2": false, "many": false} {
		err := Check(func(name string) string {
			return map[string]string{"AWS_LAMBDA_RUNTIME_API": "x", "AWS_LAMBDA_MAX_CONCURRENCY": value}[name]
		})
		if (err == nil) != ok {
			t.Errorf("%q: %v", value, err)
		}
	}
	if err := Check(func(string) string { return "" }); !errors.Is(err, ErrNoAPI) {
		t.Errorf("outside of Lambda: %v", err)
	}
}

// TestAFreezeChangesNothingButTime stops the process, as Lambda freezes it, before each answer of the Runtime API, in the middle of it and
// behind it.
func TestAFreezeChangesNothingButTime(t *testing.T) {
	s := newServer(t,
		step{next, event("r1", `{"a":1}`, "Lambda-Runtime-Invocation-Id: i1")}, step{"POST", status(202)},
		step{next, "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r2\r\nLambda-Runtime-Deadline-Ms: 99999999999999\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n"}, step{"POST", status(202)})
	freezes := 0
	var one sync.Mutex // the extension has a connection of its own
	s.set(func() {
		s.pace = func(c net.Conn, text string) {
			one.Lock()
			defer one.Unlock()
			for _, part := range []string{text[:len(text)/2], text[len(text)/2:]} {
				s.freeze()
				freezes++
				_, _ = io.WriteString(c, part)
				s.thaw()
			}
			s.freeze()
			s.thaw()
		}
	})
	want := []string{"GET invocation/next", `POST invocation/r1/response [i1] [{"a":1}]`, "GET invocation/next", "POST invocation/r2/response [[1]]", "GET invocation/next"}
	if code := s.run(ours); code != -1 || !slices.Equal(s.log(), want) || freezes < 8 {
		t.Errorf("ended with %d after %d freezes; asked %q", code, freezes, s.log())
	}
}
