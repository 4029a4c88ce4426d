// Package environments plays AWS Lambda: it runs bootstrap binaries behind the Runtime API, one invocation at a time in each
// execution environment, starts more environments when calls wait, freezes idle ones and shuts them down.
package environments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Function describes one Lambda function to the pool.
type Function struct {
	Name      string // logical ID
	ARN       string
	Bootstrap string // absolute path of the binary; empty: not built
	Handler   string
	Timeout   time.Duration
	MemoryMB  int
	JSONLogs  bool
	Env       map[string]string // the template's variables
}

// Options of a pool. Zero values mean the defaults named beside them.
type Options struct {
	Region   string        // us-east-1
	Account  string        // 000000000000
	Idle     time.Duration // 10 s: idle environments are shut down after it
	Grace    time.Duration // 500 ms, at most 2 s: from SIGTERM to SIGKILL
	InitTime time.Duration // 10 s: from the start to the first call for work
	Overtime time.Duration // 1 s: from a call's time-out until the process has to ask for work again
	Max      int           // 64 environments for each function; calls beyond wait
	// Output gets each line that a function writes, and the pool's own remarks (stream "").
	Output func(function string, environment int, stream, line string)
	// BaseEnv is set for every function before the template's variables, e.g. credentials.
	BaseEnv map[string]string
}

// Payload limits of a synchronous invocation, in bytes.
const (
	MaxRequest  = 6 << 20
	MaxResponse = 6<<20 + 100
)

var (
	// ErrUnknownFunction: the template has no such function, or its binary was not built.
	ErrUnknownFunction = errors.New("no such function")
	// ErrTooLarge: the request payload is above 6 MB.
	ErrTooLarge = errors.New("request payload too large")
	// ErrClosed: the pool is shutting down.
	ErrClosed = errors.New("the runner is shutting down")
)

// Result of one invocation. FunctionError is empty, or "Unhandled" when the payload is an error document.
type Result struct {
	Payload       []byte
	FunctionError string
	RequestID     string
	Environment   int           // number of the environment, from 1, for each function
	Init          time.Duration // how long this environment took to start; 0 if it was warm
}

// Pool holds the environments of all functions.
type Pool struct {
	opts  Options
	lanes map[string]*lane
}

// New returns a pool. No process is started before the first call.
func New(functions []Function, o Options) *Pool {
	def(&o.Region, "us-east-1")
	def(&o.Account, "000000000000")
	def(&o.Idle, 10*time.Second)
	def(&o.Grace, 500*time.Millisecond)
	def(&o.InitTime, 10*time.Second)
	def(&o.Overtime, time.Second)
	def(&o.Max, 64)
	o.Grace = min(o.Grace, 2*time.Second)
	if o.Output == nil {
		o.Output = func(string, int, string, string) {}
	}
	p := &Pool{opts: o, lanes: map[string]*lane{}}
	for _, f := range functions {
		def(&f.Timeout, 3*time.Second)
		def(&f.MemoryMB, 128)
		p.lanes[f.Name] = &lane{fn: f, opts: &p.opts, envs: map[*environment]struct{}{}}
	}
	return p
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Invoke calls a function synchronously. err means that no answer of the function exists.
func (p *Pool) Invoke(ctx context.Context, function string, payload []byte) ([]byte, string, error) {
	r, err := p.Call(ctx, function, payload, "")
	return r.Payload, r.FunctionError, err
}

// Call is Invoke with a trace header and the whole result. When ctx ends first, the invocation itself goes on.
func (p *Pool) Call(ctx context.Context, function string, payload []byte, trace string) (Result, error) {
	l := p.lanes[function]
	if l == nil || l.fn.Bootstrap == "" {
		return Result{}, fmt.Errorf("%w: %s", ErrUnknownFunction, function)
	}
	if len(payload) > MaxRequest {
		return Result{}, ErrTooLarge
	}
	c := &call{id: requestID(), invocation: requestID(), payload: payload, trace: trace, done: make(chan Result, 1)}
	if c.trace == "" {
		c.trace = TraceHeader()
	}
	if err := l.submit(c); err != nil {
		return Result{}, err
	}
	select {
	case r := <-c.done:
		return r, nil
	case <-ctx.Done():
		l.abandon(c)
		return Result{}, ctx.Err()
	}
}

// Info describes one environment that is alive.
type Info struct {
	Function string `json:"function"`
	Number   int    `json:"number"`
	PID      int    `json:"pid"`
	State    string `json:"state"` // starting, busy, frozen, stopping
}

// Environments lists what is alive.
func (p *Pool) Environments() []Info {
	var all []Info
	for _, l := range p.lanes {
		all = append(all, l.list()...)
	}
	return all
}

// Close refuses new calls, waits for those in progress until ctx ends, then shuts the environments down: thawed, told by
// SIGTERM if they asked for that, killed after the grace time. It returns when their processes are gone. It closes the
// named functions, or all when none is named; closing one again does nothing.
func (p *Pool) Close(ctx context.Context, functions ...string) {
	var wg sync.WaitGroup
	for name, l := range p.lanes {
		if len(functions) == 0 || slices.Contains(functions, name) {
			wg.Go(func() { l.close(ctx) })
		}
	}
	wg.Wait()
}
