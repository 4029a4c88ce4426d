// Package chaos holds fault tools for tests: proxies between two processes that misbehave.
package chaos

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
)

// Mode is a fault that a Proxy applies to its connections, open ones included unless the mode says otherwise.
type Mode int

// The modes.
const (
	Pass        Mode = iota // forward both ways
	Refuse                  // reset every connection
	Hang                    // take everything and answer nothing, as a host does that has vanished from the network
	LoseAnswers             // forward what is asked, then reset the connection when the answer comes: it was done, and nobody knows
	Strand                  // hang on connections opened before and serve new ones, as after the thaw of a process whose peers are gone
)

// Proxy forwards TCP connections to one address. Its zero value is not usable; New makes one.
type Proxy struct {
	target string
	lis    net.Listener

	mu    sync.Mutex
	mode  Mode
	since chan struct{}     // closed when the mode changes
	turns int               // how often it has changed
	open  map[net.Conn]bool // both ends of each connection
	only  string
	lost  int
}

// New starts a proxy to an address such as 127.0.0.1:8000 on a free loopback port.
func New(target string) (*Proxy, error) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, lis: lis, since: make(chan struct{}), open: map[net.Conn]bool{}}
	go p.accept()
	return p, nil
}

// Addr returns the address that the proxy listens on.
func (p *Proxy) Addr() string { return p.lis.Addr().String() }

// Set changes the mode. From Refuse and LoseAnswers on, open connections are reset; a Hang and a Strand keep them, and they
// are reset when it ends, since what they lost never comes. Strand upon Strand takes those that were opened in between too.
func (p *Proxy) Set(m Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m == p.mode && m != Strand {
		return
	}
	if m == Refuse || p.mode == Hang || p.mode == Strand && m != Strand {
		p.resetAll()
	}
	p.mode = m
	p.turns++
	close(p.since)
	p.since = make(chan struct{})
}

// Only restricts LoseAnswers to answers of requests that hold a text in their first packet, such as the name of an operation.
func (p *Proxy) Only(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.only = text
}

// Lost returns the number of answers that were lost.
func (p *Proxy) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	_ = p.lis.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resetAll()
}

func (p *Proxy) resetAll() {
	for c := range p.open {
		reset(c)
	}
	clear(p.open)
}

// now is the mode for a connection that was opened when the mode had changed so many times.
func (p *Proxy) now(opened int) (m Mode, changed <-chan struct{}, only string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m = p.mode
	if m == Strand {
		if m = Hang; opened == p.turns {
			m = Pass
		}
	}
	return m, p.since, p.only
}

func (p *Proxy) accept() {
	for {
		c, err := p.lis.Accept()
		if err != nil {
			return
		}
		go p.serve(c)
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer reset(client)
	p.mu.Lock()
	mode, opened := p.mode, p.turns
	p.mu.Unlock()
	if mode == Refuse {
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer reset(server)
	p.mu.Lock()
	p.open[client], p.open[server] = true, true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.open, client)
		delete(p.open, server)
		p.mu.Unlock()
	}()
	done := make(chan struct{}, 2)
	var asked atomic.Pointer[[]byte] // the start of the latest request
	go func() { p.copy(server, client, opened, &asked, false); done <- struct{}{} }()
	go func() { p.copy(client, server, opened, &asked, true); done <- struct{}{} }()
	<-done
}

// copy forwards bytes until one side ends or the mode says so.
func (p *Proxy) copy(to, from net.Conn, opened int, asked *atomic.Pointer[[]byte], answers bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if first := buf[:n]; !answers && (bytes.HasPrefix(first, []byte("POST ")) || bytes.HasPrefix(first, []byte("GET "))) {
			first = bytes.Clone(first)
			asked.Store(&first)
		}
		mode, changed, only := p.now(opened)
		for mode == Hang { // what was read stays here; Set resets the connection when the hang ends
			<-changed
			mode, changed, only = p.now(opened)
		}
		if first := asked.Load(); mode == LoseAnswers && answers && (only == "" || first != nil && bytes.Contains(*first, []byte(only))) {
			p.mu.Lock()
			p.lost++
			p.mu.Unlock()
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// reset ends a connection with RST, so that the other side fails at once and nothing lingers.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
