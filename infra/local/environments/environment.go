package environments

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"latchkey/infra/local/child"
	"latchkey/infra/local/wire"
)

type state int

const (
	starting state = iota
	idle           // frozen, or about to be given a call
	busy
	stopping
	dead
)

// environment is one execution environment: a process and the Runtime API server that only it knows. Fields below the line
// are guarded by the lane's mutex.
type environment struct {
	lane    *lane
	number  int
	started time.Time
	exited  chan struct{}
	work    chan *call

	state       state
	proc        *os.Process
	current     *call
	initTook    time.Duration // reported with the first call
	finishing   bool          // has answered, and not asked for work yet
	asked       bool          // the runtime waits in "next"
	extensions  map[string]*extension
	idleTimer   *time.Timer
	frozen      bool
	stopWanted  bool
	slowInit    bool        // init took too long
	overtime    *time.Timer // runs from a time-out until the process asks for work
	initFailure []byte      // what the runtime posted to init/error
}

func newEnvironment(l *lane, number int) *environment {
	return &environment{
		lane: l, number: number, started: time.Now(), exited: make(chan struct{}), work: make(chan *call, 1),
		extensions: map[string]*extension{},
	}
}

func (e *environment) say(format string, args ...any) {
	e.lane.opts.Output(e.lane.fn.Name, e.number, "", fmt.Sprintf(format, args...))
}

// run starts the process, serves its Runtime API and returns when it has ended.
func (e *environment) run() {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		close(e.exited)
		e.lane.gone(e, failure("Runner.Listen", err.Error()))
		return
	}
	api := &wire.Server{Handler: e.serve, MaxBody: MaxResponse + 1<<20}
	go func() { _ = api.Serve(lis) }()
	defer api.Close()

	cmd := exec.Command(e.lane.fn.Bootstrap) //nolint:gosec // the binary that the runner has just built
	cmd.Dir = filepath.Dir(e.lane.fn.Bootstrap)
	cmd.Env = e.variables(lis.Addr().String())
	var pipes sync.WaitGroup
	closePipes, err := e.capture(cmd, &pipes)
	if err == nil {
		err = child.Start(cmd)
		closePipes()
	}
	if err != nil {
		close(e.exited)
		e.lane.gone(e, failure("Runtime.InvalidEntrypoint", err.Error()))
		return
	}
	e.lane.mu.Lock()
	e.proc = cmd.Process
	stop := e.stopWanted
	if e.state == idle && !stop { // the process was faster than this goroutine
		e.freeze()
	}
	e.lane.mu.Unlock()
	if stop {
		go e.shutdown()
	}
	initTimer := time.AfterFunc(e.lane.opts.InitTime, e.initTimeout)
	err = cmd.Wait()
	initTimer.Stop()
	child.Signal(cmd.Process, syscall.SIGKILL) // whatever the process left behind in its group
	close(e.exited)
	waitBriefly(&pipes)
	e.lane.gone(e, e.epitaph(err))
}

// waitBriefly lets the last lines of output through; a stray grandchild that holds the pipe must not hold the runner.
func waitBriefly(wg *sync.WaitGroup) {
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(200 * time.Millisecond):
	}
}

// capture connects the process's output to the log, line by line.
func (e *environment) capture(cmd *exec.Cmd, wg *sync.WaitGroup) (closeWriters func(), err error) {
	var writers []*os.File
	closeWriters = func() {
		for _, w := range writers {
			_ = w.Close()
		}
	}
	for _, s := range []struct {
		name string
		to   *io.Writer
	}{{"stdout", &cmd.Stdout}, {"stderr", &cmd.Stderr}} {
		r, w, err := os.Pipe()
		if err != nil {
			closeWriters()
			return nil, err
		}
		writers = append(writers, w)
		*s.to = w
		wg.Go(func() {
			defer func() { _ = r.Close() }()
			br := bufio.NewReaderSize(r, 64<<10)
			for {
				line, _, err := br.ReadLine() // a line above 64 KB comes in parts
				if err != nil {
					return
				}
				e.lane.opts.Output(e.lane.fn.Name, e.number, s.name, string(line))
			}
		})
	}
	return closeWriters, nil
}

func (e *environment) initTimeout() {
	e.lane.mu.Lock()
	defer e.lane.mu.Unlock()
	if e.state == starting {
		e.slowInit = true
		e.say("init took more than %s", e.lane.opts.InitTime)
		e.kill()
	}
}

// epitaph says why the process ended, as Lambda would word it to the caller.
func (e *environment) epitaph(err error) Result {
	e.lane.mu.Lock()
	defer e.lane.mu.Unlock()
	id := ""
	if e.current != nil {
		id = "RequestId: " + e.current.id + " "
	}
	var r Result
	switch {
	case e.slowInit:
		r = e.timeoutResult(id)
	case e.initFailure != nil:
		r = Result{Payload: e.initFailure, FunctionError: "Unhandled"}
	default:
		what := "exit status 0"
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			what = exit.Error()
		} else if err != nil {
			what = err.Error()
		}
		r = failure("Runtime.ExitError", id+"Error: Runtime exited with error: "+what)
		if e.state != stopping && !e.stopWanted {
			e.say("ended: %s", what)
		}
	}
	r.Environment = e.number
	return r
}

// deliver hands a call to an environment that waits for one. The caller holds the lane's mutex.
func (e *environment) deliver(c *call) {
	if e.idleTimer != nil {
		e.idleTimer.Stop()
		e.idleTimer = nil
	}
	e.state, e.current, e.asked = busy, c, false
	c.deadline = time.Now().Add(e.lane.fn.Timeout).Truncate(time.Millisecond) // as the process is told
	c.timer = time.AfterFunc(e.lane.fn.Timeout, func() {
		e.lane.mu.Lock()
		defer e.lane.mu.Unlock()
		e.timeout(c)
	})
	e.thaw()
	for _, x := range e.extensions {
		if x.invoke {
			x.waits = false
			x.events <- c
		}
	}
	e.work <- c
}

// timeout tells the caller that the call's time is over. The process goes on running, as on Lambda: what it still answers is refused,
// and it may ask for work again. One that doesn't within the overtime is ended. The caller holds the lane's mutex.
func (e *environment) timeout(c *call) {
	if c == nil || e.current != c {
		return
	}
	e.current = nil
	if e.state == busy && !c.taken { // nobody has fetched it: what waits in the channel is another call's one day
		select {
		case <-e.work:
		default:
		}
	}
	c.finish(e.timeoutResult("RequestId: " + c.id + " "))
	var timer *time.Timer
	timer = time.AfterFunc(e.lane.opts.Overtime, func() {
		e.lane.mu.Lock()
		defer e.lane.mu.Unlock()
		e.overdue(timer)
	})
	e.overtime = timer
	e.lane.notify()
}

// overdue ends a process that hasn't asked for work since the time-out whose timer this is. The caller holds the lane's mutex: while the
// timer waited for it, the process may have come back.
func (e *environment) overdue(timer *time.Timer) {
	if e.overtime != timer {
		return
	}
	e.say("did not ask for work %s after a time-out", e.lane.opts.Overtime)
	e.kill()
}

func (e *environment) timeoutResult(id string) Result {
	r := failure("Sandbox.Timedout", fmt.Sprintf("%sError: Task timed out after %.2f seconds", id, e.lane.fn.Timeout.Seconds()))
	r.Environment = e.number
	return r
}

// freeze stops the process until its next call. The caller holds the lane's mutex.
func (e *environment) freeze() {
	if !e.frozen && e.proc != nil {
		child.Signal(e.proc, syscall.SIGSTOP)
		e.frozen = true
	}
}

// thaw lets the process go on. The caller holds the lane's mutex.
func (e *environment) thaw() {
	if e.frozen {
		child.Signal(e.proc, syscall.SIGCONT)
		e.frozen = false
	}
}

// shutdown ends the process as Lambda does: SIGTERM only reaches a runtime that has registered an extension.
func (e *environment) shutdown() {
	e.lane.mu.Lock()
	e.stopWanted = true
	if e.proc == nil { // not started yet: run sees stopWanted
		e.lane.mu.Unlock()
		return
	}
	told := len(e.extensions) > 0
	e.thaw()
	e.lane.mu.Unlock()
	if told {
		child.Signal(e.proc, syscall.SIGTERM)
		select {
		case <-e.exited:
			return
		case <-time.After(e.lane.opts.Grace):
			e.say("did not end %s after SIGTERM", e.lane.opts.Grace)
		}
	}
	child.Signal(e.proc, syscall.SIGKILL)
}

func (e *environment) stateName() string {
	switch {
	case e.frozen:
		return "frozen"
	case e.state == starting:
		return "starting"
	case e.state == stopping || e.stopWanted:
		return "stopping"
	}
	return "busy"
}
