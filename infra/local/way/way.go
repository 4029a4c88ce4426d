// Package way lets functions that run on this machine call it by the name that it has for containers, and nothing else.
package way

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
)

// Host is the name by which containers reach the machine.
const Host = "host.docker.internal"

// Way is the functions' only way out, as an HTTP proxy: it leads to this machine under the name that containers know. Whatever
// else a function calls is refused and remembered.
type Way struct {
	mu      sync.Mutex
	strange []string
}

// ServeHTTP passes a call of Host on, and refuses others.
func (w *Way) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.Host)
	if r.Method == http.MethodConnect || err != nil || host != Host || r.URL.Scheme != "http" {
		w.mu.Lock()
		w.strange = append(w.strange, r.Method+" "+r.Host)
		w.mu.Unlock()
		http.Error(rw, "functions under test reach nothing but this machine", http.StatusForbidden)
		return
	}
	p := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.Out.URL.Host = "127.0.0.1:" + port
		p.Out.Host = p.In.Host
	}}
	p.ServeHTTP(rw, r)
}

// Taken are the calls to elsewhere since the last time.
func (w *Way) Taken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.strange
	w.strange = nil
	return s
}

// Dial connects to an address, of this machine where that has the name that containers know: for programs on it, which may not.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && host == Host {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// Open serves the way on a free port.
func (w *Way) Open() (url string, closer io.Closer, err error) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	srv := &http.Server{Handler: w} //nolint:gosec // on loopback, for a minute
	go func() { _ = srv.Serve(lis) }()
	return fmt.Sprint("http://", lis.Addr()), srv, nil
}
