package wire

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, h func(*Request) Response) (*Server, string) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Handler: h, MaxBody: 1000}
	go func() { _ = s.Serve(lis) }()
	t.Cleanup(s.Close)
	return s, lis.Addr().String()
}

// talk sends raw bytes and returns all that comes back.
func talk(t *testing.T, addr, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr) //nolint:noctx // a test on loopback
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	raw, _ := io.ReadAll(c)
	return string(raw)
}

func echo(r *Request) Response {
	return Response{Headers: []Field{{"X-cAsE", "kept"}}, Body: fmt.Appendf(nil, "%s|%s|%s|%v|%s", r.Method, r.Path, r.Query, r.Headers, r.Body)}
}

func TestRequestsArriveAsTheyWereSent(t *testing.T) {
	_, addr := start(t, echo)
	for name, c := range map[string]struct{ in, want string }{
		"raw path": {"GET /a%2e%2e//%zz?x=%1&y HTTP/1.1\r\nhOsT: h\r\nConnection: close\r\n\r\n", "GET|/a%2e%2e//%zz|x=%1&y|[{hOsT h} {Connection close}]|"},
		"absolute": {"GET http://h/p?q HTTP/1.0\r\n\r\n", "GET|/p|q|[]|"},
		"capitals": {"GET HTTPS://h?q HTTP/1.0\r\n\r\n", "GET|/|q|[]|"},
		"no form":  {"GET /a?u=x://y HTTP/1.0\r\n\r\n", "GET|/a|u=x://y|[]|"},
		"length":   {"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi", "POST|/||[{Content-Length 2}]|hi"},
		"chunked":  {"POST / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: x\r\n\r\n", "|hi"},
		"pipeline": {"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.0\r\n\r\n", "GET|/1||[]|HTTP/1.1 200 OK"},
	} {
		if got := talk(t, addr, c.in); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\nX-cAsE: kept\r\n") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAmbiguousRequestsAreRefused(t *testing.T) {
	_, addr := start(t, echo)
	for name, c := range map[string]struct {
		in     string
		status int
	}{
		"two lengths":    {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
		"both framings":  {"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na", 400},
		"signed length":  {"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\na", 400},
		"other encoding": {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		"folded line":    {"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400},
		"space in name":  {"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400},
		"no version":     {"GET /\r\n\r\n", 400},
		"HTTP/2":         {"GET / HTTP/2.0\r\n\r\n", 400},
		"no slash":       {"GET p HTTP/1.1\r\n\r\n", 400},
		"no authority":   {"GET http:///p HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"only a query":   {"GET http://?p HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"no scheme":      {"GET ://h/p HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"other scheme":   {"GET ftp://h/p HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"no URL at all":  {"GET x:y://h/p HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"large body":     {"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", 413},
		"large chunks":   {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + strings.Repeat("a", 1001) + "\r\n0\r\n\r\n", 413},
		"large head":     {"GET / HTTP/1.1\r\nA: " + strings.Repeat("a", 70000) + "\r\n\r\n", 431},
	} {
		if got := talk(t, addr, c.in); !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", c.status)) {
			t.Errorf("%s: %.40q, want %d", name, got, c.status)
		}
	}
}

func TestShutdownFinishesCallsAndDropsIdleConnections(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	s, addr := start(t, func(*Request) Response { close(begun); <-release; return Response{Body: []byte("done")} })
	idle, err := net.Dial("tcp", addr) //nolint:noctx // a test on loopback
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan string, 1)
	go func() { answer <- talk(t, addr, "GET / HTTP/1.1\r\n\r\n") }()
	<-begun
	down := make(chan struct{})
	go func() { s.Shutdown(context.Background()); close(down) }()
	if _, err := bufio.NewReader(idle).ReadByte(); err == nil {
		t.Fatal("the idle connection is still open")
	}
	close(release)
	<-down
	if got := <-answer; !strings.HasSuffix(got, "done") {
		t.Fatalf("%q", got)
	}
}

func TestClientsOfTheStandardLibraryAreServed(t *testing.T) {
	_, addr := start(t, echo)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		req, _ := http.NewRequestWithContext(t.Context(), method, "http://"+addr+"/p?q=1", io.MultiReader(strings.NewReader("chunked")))
		req.Header.Set("Expect", "100-continue")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != 200 || (len(body) == 0) != (method == http.MethodHead) {
			t.Errorf("%s: %d %q %v", method, res.StatusCode, body, err)
		}
	}
}

func FuzzRequests(f *testing.F) {
	f.Add("POST /a?b HTTP/1.1\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		br := bufio.NewReader(strings.NewReader(text))
		r, err := readHead(br, 1<<16)
		if err != nil {
			return
		}
		if r.Path[0] != '/' || strings.Contains(r.Path, "?") {
			t.Fatalf("path %q", r.Path)
		}
		_ = readBody(br, r, 1000)
	})
}
