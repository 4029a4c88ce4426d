// Package wire is a small HTTP/1.1 server that hands over a request as the client sent it.
//
// net/http folds header names to one spelling and refuses targets that it can't decode. API Gateway does neither: the case of
// header names and the bytes of the path reach the authorizer. So the runner reads requests itself, whole, and answers whole.
package wire

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Field is one header line, name spelled as sent.
type Field struct{ Name, Value string }

// Request is one HTTP request, read to its end.
type Request struct {
	Method    string
	Authority string // of a target in absolute form, which names a host as the Host header does; mostly empty
	Path      string // from the first slash to the question mark, as sent
	Query     string // behind the question mark, as sent
	Headers   []Field
	Body      []byte
	Trailers  []Field
	HeadSize  int    // bytes of the request line and all header lines
	RemoteIP  string // without the port
	Minor     int    // 0 or 1, of HTTP/1.x
}

// Get returns the first value of a header, or of a trailer when there is no such header; names match in any case.
func (r *Request) Get(name string) string {
	for _, f := range r.Headers {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	for _, f := range r.Trailers {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Response is one answer. Content-Length, Connection and Date are the server's own business.
type Response struct {
	Status  int
	Headers []Field
	Body    []byte
}

// Server serves one listener. The zero MaxBody and MaxHead mean 16 MB and 64 KB.
type Server struct {
	Handler func(*Request) Response
	// Refuse, if set, answers what never reaches the Handler: 400, 413, 431, 501.
	Refuse  func(status int) Response
	MaxBody int64
	MaxHead int

	mu      sync.Mutex
	closing bool
	lis     net.Listener
	conns   map[*conn]struct{}
	active  sync.WaitGroup
}

type conn struct {
	net.Conn
	busy bool
}

// ErrClosed is returned by Serve after Shutdown or Close.
var ErrClosed = errors.New("wire: server closed")

// Serve accepts connections until Shutdown or Close.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		_ = l.Close()
		return ErrClosed
	}
	s.lis = l
	if s.conns == nil {
		s.conns = map[*conn]struct{}{}
	}
	s.mu.Unlock()
	for {
		c, err := l.Accept()
		if err != nil {
			s.mu.Lock()
			closing := s.closing
			s.mu.Unlock()
			if closing {
				return ErrClosed
			}
			var ne net.Error
			if errors.As(err, &ne) { // out of descriptors, aborted connection: it passes
				time.Sleep(5 * time.Millisecond)
				continue
			}
			return err
		}
		k := &conn{Conn: c}
		s.mu.Lock()
		if s.closing {
			s.mu.Unlock()
			_ = c.Close()
			continue
		}
		s.conns[k] = struct{}{}
		s.mu.Unlock()
		go s.serve(k)
	}
}

// Shutdown stops listening, closes idle connections and waits for the calls in progress, at most until ctx ends.
func (s *Server) Shutdown(ctx context.Context) {
	s.stop(false)
	done := make(chan struct{})
	go func() { s.active.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.stop(true)
}

// Close drops the listener and every connection.
func (s *Server) Close() { s.stop(true) }

func (s *Server) stop(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	if s.lis != nil {
		_ = s.lis.Close()
	}
	for c := range s.conns {
		if all || !c.busy {
			_ = c.Close()
		}
	}
}

// begin marks the connection as busy, unless the server is going down.
func (s *Server) begin(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	c.busy = true
	s.active.Add(1)
	return true
}

// end returns whether the connection may be kept.
func (s *Server) end(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.busy = false
	s.active.Done()
	return !s.closing
}

func (s *Server) serve(c *conn) {
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		_ = c.Close()
	}()
	maxHead, maxBody := s.MaxHead, s.MaxBody
	if maxHead == 0 {
		maxHead = 64 << 10
	}
	if maxBody == 0 {
		maxBody = 16 << 20
	}
	ip, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	br := bufio.NewReaderSize(c, 4096)
	for {
		// Waiting for the first byte is idling, and Shutdown may cut it off.
		if _, err := br.Peek(1); err != nil {
			return
		}
		if !s.begin(c) {
			return
		}
		keep := s.one(c, br, ip, maxHead, maxBody)
		if !s.end(c) || !keep {
			return
		}
	}
}

// one serves one request and returns whether the connection can carry another.
func (s *Server) one(c *conn, br *bufio.Reader, ip string, maxHead int, maxBody int64) bool {
	req, err := readHead(br, maxHead)
	if err == nil {
		req.RemoteIP = ip
		if strings.EqualFold(req.Get("Expect"), "100-continue") {
			if _, err := c.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
				return false
			}
		}
		err = readBody(br, req, maxBody)
	}
	if err != nil {
		var refused refusal
		if !errors.As(err, &refused) {
			return false
		}
		resp := Response{Status: int(refused)}
		if s.Refuse != nil {
			resp = s.Refuse(int(refused))
		}
		_ = write(c, &resp, false, true)
		lingeringClose(c)
		return false
	}
	connection := req.Get("Connection")
	closing := hasToken(connection, "close") || req.Minor == 0 && !hasToken(connection, "keep-alive")
	resp := s.Handler(req)
	return write(c, &resp, req.Method == http.MethodHead, closing) == nil && !closing
}

// lingeringClose reads on for a moment, so that a client in the middle of sending still gets to read the refusal.
func lingeringClose(c *conn) {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
	_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	buf := make([]byte, 32<<10)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
	}
}

func hasToken(list, token string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(part), token) {
			return true
		}
	}
	return false
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

func write(c net.Conn, r *Response, head, closing bool) error {
	p := buffers.Get().(*[]byte)
	b := (*p)[:0]
	defer func() {
		if cap(b) <= 64<<10 {
			*p = b
			buffers.Put(p)
		}
	}()
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(r.Status)...)
	b = append(b, "\r\n"...)
	for _, f := range r.Headers {
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	if r.Status >= 200 && r.Status != http.StatusNoContent && r.Status != http.StatusNotModified {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(r.Body)), 10)
		b = append(b, "\r\n"...)
	} else {
		head = true // these statuses have no body
	}
	b = append(b, "Date: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	b = append(b, "\r\n"...)
	if closing {
		b = append(b, "Connection: close\r\n"...)
	} else {
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	b = append(b, "\r\n"...)
	if head || len(r.Body) == 0 {
		_, err := c.Write(b)
		return err
	}
	if len(r.Body) <= 16<<10 {
		b = append(b, r.Body...)
		_, err := c.Write(b)
		return err
	}
	bufs := net.Buffers{b, r.Body}
	_, err := bufs.WriteTo(c)
	return err
}
