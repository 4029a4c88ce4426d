package runtimeapi

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// step is one exchange of a script: the request that is expected, and what is sent back, as it is. An empty answer
// closes the connection.
type step struct {
	want   string
	answer string
}

// hang answers nothing and keeps the connection.
const hang = "hang"

// server plays the Runtime API by a script, and the Extensions API as Lambda does. It notes what it is asked.
type server struct {
	t        *testing.T
	listener net.Listener
	pace     func(net.Conn, string) // how an answer is written

	mu       sync.Mutex
	script   []step
	asked    []string // method and path, body, and the invocation ID in brackets
	register string   // the answer to register
	done     chan struct{}
	calls    bool // the script has some
	pid      chan int
	process  int
}

func newServer(t *testing.T, script ...step) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		t: t, listener: l, script: script, calls: len(script) > 0, pid: make(chan int, 1), done: make(chan struct{}), pace: func(c net.Conn, text string) { _, _ = io.WriteString(c, text) },
		register: "HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: ext-1\r\nContent-Length: 2\r\n\r\n{}",
	}
	t.Cleanup(func() { l.Close() })
	go s.accept()
	return s
}

// set changes how the server plays, while nobody asks.
func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		go s.serve(c)
	}
}

func (s *server) serve(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(r.Body)
		answer := s.take(r, string(body))
		switch answer {
		case hang:
		case "":
			c.Close()
			return
		default:
			if strings.Contains(answer, isGone) {
				s.listener.Close()
			}
			s.mu.Lock()
			pace := s.pace
			s.mu.Unlock()
			pace(c, answer)
			if strings.Contains(answer, "Connection: close") || strings.Contains(answer, ", Close\r\n") {
				c.Close()
				return
			}
		}
	}
}

func (s *server) take(r *http.Request, body string) (answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := r.Method + " " + r.URL.Path
	if id := r.Header.Get("Lambda-Runtime-Invocation-Id"); id != "" {
		line += " [" + id + "]"
	}
	if r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/register") {
		line += " " + body
	}
	s.asked = append(s.asked, line)
	switch r.URL.Path {
	case "/2020-01-01/extension/register":
		return s.register
	case "/2020-01-01/extension/event/next":
		return hang
	}
	if len(s.script) == 0 {
		select {
		case <-s.done:
		default:
			close(s.done)
		}
		return hang
	}
	next := s.script[0]
	s.script = s.script[1:]
	if next.want != "" && !strings.HasPrefix(line, next.want) {
		s.t.Errorf("asked %q, want %q", line, next.want)
	}
	return next.answer
}

// log lists what was asked of the Runtime API, without the extension.
func (s *server) log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, line := range s.asked {
		if !strings.Contains(line, "/extension/") {
			out = append(out, strings.Replace(line, "/2018-06-01/runtime/", "", 1))
		}
	}
	return out
}

// client names what is tested: this package, or AWS's client for Go.
type client string

const (
	ours client = "ours"
	awss client = "aws"
)

// run starts the client against the server and waits until it has asked beyond the script or ended. code is -1 while it
// runs on.
func (s *server) run(c client, env ...string) (code int) {
	s.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), append([]string{"RUNTIMEAPI_CLIENT=" + string(c), "AWS_LAMBDA_RUNTIME_API=" + s.listener.Addr().String()}, env...)...)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.pid <- cmd.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return exitCode(err)
	case <-s.done:
	case <-time.After(20 * time.Second):
		s.t.Errorf("neither ended nor asked for the next event; asked so far: %q", s.log())
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		if code := exitCode(err); code != 0 && s.calls { // before the first answer nothing is closed
			s.t.Errorf("SIGTERM ends it with %d", code)
		}
	case <-time.After(5 * time.Second):
		_ = cmd.Process.Kill()
		<-ended
		s.t.Error("SIGTERM doesn't end it")
	}
	return -1
}

// freeze stops the process that was started, and returns when it stands. One request at a time may use it.
func (s *server) freeze() {
	if s.process == 0 {
		s.process = <-s.pid
	}
	_ = syscall.Kill(s.process, syscall.SIGSTOP)
	for range 1_000_000 {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process))
		if err != nil || strings.Contains(string(raw), ") T ") {
			return
		}
		runtime.Gosched()
	}
	s.t.Error("the process doesn't stop")
}

func (s *server) thaw() { _ = syscall.Kill(s.process, syscall.SIGCONT) }

func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -2
	}
	return 0
}

// event is the answer to "next" with one event.
func event(id, payload string, headers ...string) string {
	head := "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: " + id + "\r\n"
	for _, h := range headers {
		head += h + "\r\n"
	}
	if !strings.Contains(head, "Deadline-Ms") {
		head += fmt.Sprintf("Lambda-Runtime-Deadline-Ms: %d\r\n", time.Now().Add(time.Minute).UnixMilli())
	}
	return head + fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(payload), payload)
}

// closed is an answer behind which the connection is closed.
func closed(answer string) string {
	return strings.Replace(answer, "Content-Length", "Connection: close\r\nContent-Length", 1)
}

// brokenOff is an answer whose body ends in its middle, with the connection.
func brokenOff(answer string) string { return closed(answer)[:len(closed(answer))-5] }

// isGone is a header of the last answer there is: no connection is taken behind it.
const isGone = "X-Gone: 1\r\n"

func gone(answer string) string {
	return strings.Replace(closed(answer), "Content-Length", isGone+"Content-Length", 1)
}

func status(code int) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Length: 15\r\n\r\n{\"status\":\"OK\"}", code, http.StatusText(code))
}
