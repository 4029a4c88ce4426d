package environments

import (
	"context"
	"errors"
	"slices"
	"sync"
	"syscall"
	"time"

	"latchkey/infra/local/child"
)

// call is one invocation on its way to an environment.
type call struct {
	id string
	// invocation tells apart two calls with one request ID: a client may choose that, and a retry has it again.
	invocation string
	payload    []byte
	trace      string
	done       chan Result // holds one
	// taken is set once the environment's runtime has fetched the call; before that a dead environment costs nothing.
	taken    bool
	deadline time.Time
	timer    *time.Timer
}

func (c *call) finish(r Result) {
	if c.timer != nil {
		c.timer.Stop()
	}
	r.RequestID = c.id
	select {
	case c.done <- r:
	default:
	}
}

// lane is one function with its environments and the calls that wait for one. Its mutex guards the state of all of them.
type lane struct {
	fn   Function
	opts *Options

	mu       sync.Mutex
	closed   bool
	envs     map[*environment]struct{}
	idle     []*environment // the last used is taken first, so that the others can run out
	waiting  []*call
	starting int
	// finishing counts environments that have answered and not asked for work yet.
	finishing int
	number    int
	changed   chan struct{} // closed and renewed when a call or an environment ends; only while closing
}

func (l *lane) submit(c *call) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.dispatch(c)
	return nil
}

// dispatch gives c to an idle environment, or queues it and starts another environment. The caller holds the mutex.
func (l *lane) dispatch(c *call) {
	if n := len(l.idle); n > 0 {
		e := l.idle[n-1]
		l.idle = l.idle[:n-1]
		e.deliver(c)
		return
	}
	l.waiting = append(l.waiting, c)
	l.grow(l.finishing)
	if l.finishing > 0 {
		time.AfterFunc(reuseWait, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.grow(0)
		})
	}
}

// reuseWait is the time that a call waits for an environment that has answered and is about to ask for work,
// before it gets a new one.
const reuseWait = 20 * time.Millisecond

// grow starts environments for the waiting calls, less those that soon will have one. The caller holds the mutex.
func (l *lane) grow(soon int) {
	for l.starting+soon < len(l.waiting) && len(l.envs) < l.opts.Max && !l.closed {
		l.number++
		e := newEnvironment(l, l.number)
		l.envs[e] = struct{}{}
		l.starting++
		go e.run()
	}
}

// ready takes an environment that has asked for work.
func (l *lane) ready(e *environment) {
	if e.state == starting {
		l.starting--
		e.initTook = time.Since(e.started)
	}
	l.finished(e)
	if e.overtime != nil {
		e.overtime.Stop()
		e.overtime = nil
	}
	e.state = idle
	if len(l.waiting) > 0 {
		c := l.waiting[0]
		l.waiting = slices.Delete(l.waiting, 0, 1)
		e.deliver(c)
		return
	}
	l.idle = append(l.idle, e)
	e.freeze()
	e.idleTimer = time.AfterFunc(l.opts.Idle, func() { l.expire(e) })
	l.notify()
}

func (l *lane) finished(e *environment) {
	if e.finishing {
		e.finishing = false
		l.finishing--
	}
}

// expire shuts an environment down that has been idle for too long.
func (l *lane) expire(e *environment) {
	l.mu.Lock()
	i := slices.Index(l.idle, e)
	if i < 0 {
		l.mu.Unlock()
		return
	}
	l.idle = slices.Delete(l.idle, i, i+1)
	e.state = stopping
	l.mu.Unlock()
	e.shutdown()
}

// gone removes an environment whose process has ended and settles the call it held.
func (l *lane) gone(e *environment, why Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.envs, e)
	l.finished(e)
	if i := slices.Index(l.idle, e); i >= 0 {
		l.idle = slices.Delete(l.idle, i, i+1)
	}
	if e.idleTimer != nil {
		e.idleTimer.Stop()
	}
	if e.overtime != nil {
		e.overtime.Stop()
	}
	if e.state == starting {
		l.starting--
		if len(l.waiting) > 0 { // the call that made it start pays, so that a broken binary isn't started forever
			l.waiting[0].finish(why)
			l.waiting = slices.Delete(l.waiting, 0, 1)
		}
	}
	if c := e.current; c != nil {
		e.current = nil
		if !c.taken && !l.closed {
			l.dispatch(c)
		} else {
			c.finish(why)
		}
	}
	e.state = dead
	l.grow(0)
	l.notify()
}

func (l *lane) abandon(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, c); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
}

func (l *lane) notify() {
	if l.changed != nil {
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

func (l *lane) list() []Info {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Info
	for e := range l.envs {
		if e.proc != nil {
			all = append(all, Info{l.fn.Name, e.number, e.proc.Pid, e.stateName()})
		}
	}
	return all
}

// wait blocks until cond holds or ctx ends. The caller holds the mutex.
func (l *lane) wait(ctx context.Context, cond func() bool) {
	for !cond() {
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		ch := l.changed
		l.mu.Unlock()
		select {
		case <-ch:
			l.mu.Lock()
		case <-ctx.Done():
			l.mu.Lock()
			return
		}
	}
}

func (l *lane) close(ctx context.Context) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.closed = true
	l.wait(ctx, func() bool {
		for e := range l.envs {
			if e.current != nil {
				return false
			}
		}
		return len(l.waiting) == 0
	})
	for _, c := range l.waiting {
		c.finish(failure("Runner.Closed", "the runner is shutting down"))
	}
	l.waiting, l.idle = nil, nil
	for e := range l.envs {
		e.stopWanted = true
		if e.idleTimer != nil {
			e.idleTimer.Stop()
		}
		go e.shutdown()
	}
	// What doesn't die by SIGKILL can't be waited for.
	end, cancel := context.WithTimeout(context.Background(), l.opts.Grace+2*time.Second)
	defer cancel()
	l.wait(end, func() bool { return len(l.envs) == 0 })
	l.mu.Unlock()
}

// kill ends an environment at once. The caller holds the lane's mutex.
func (e *environment) kill() {
	if e.proc != nil {
		child.Signal(e.proc, syscall.SIGKILL)
	}
}

var errNoRequest = errors.New("no such request")
