package environments

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/infra/local/wire"
)

// alone is an environment without a process: the test asks its Runtime API.
func alone(out *lines) *environment {
	l := &lane{
		fn: Function{Name: "F", Timeout: 3 * time.Second}, opts: &Options{Overtime: time.Second, Idle: time.Hour, Output: out.add},
		envs: map[*environment]struct{}{}, starting: 1,
	}
	e := newEnvironment(l, 1)
	l.envs[e] = struct{}{}
	return e
}

// beside is another environment of the lane.
func (e *environment) beside() *environment {
	other := newEnvironment(e.lane, e.number+1)
	e.lane.envs[other] = struct{}{}
	e.lane.starting++
	return other
}

// begin has the environment fetch a call.
func (e *environment) begin(t *testing.T, id, invocation string) *call {
	t.Helper()
	c := &call{id: id, invocation: invocation, payload: []byte(invocation), done: make(chan Result, 1)}
	if err := e.lane.submit(c); err != nil {
		t.Fatal(err)
	}
	r := e.serve(&wire.Request{Method: http.MethodGet, Path: runtimePrefix + "invocation/next"})
	if r.Status != http.StatusOK || string(r.Body) != invocation {
		t.Fatalf("asked for %s: %d %s", invocation, r.Status, r.Body)
	}
	return c
}

func (e *environment) post(id, echoed, body string) (status int) {
	r := &wire.Request{Method: http.MethodPost, Path: runtimePrefix + "invocation/" + id + "/response", Body: []byte(body)}
	if echoed != "" {
		r.Headers = append(r.Headers, wire.Field{Name: "Lambda-Runtime-Invocation-Id", Value: echoed})
	}
	return e.serve(r).Status
}

func timedOut(t *testing.T, c *call) {
	t.Helper()
	select {
	case r := <-c.done:
		if r.FunctionError == "" || !strings.Contains(string(r.Payload), "Task timed out after 3.00 seconds") {
			t.Errorf("the caller has %s", r.Payload)
		}
	default:
		t.Error("the caller still waits")
	}
}

// TestALateAnswerIsGone: a call times out, its process goes on running, and the next call has the same request ID. An answer that names another
// invocation than the one that runs is met with 410, whether a call runs or not, and reaches nobody.
func TestALateAnswerIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := alone(&lines{})
		first := e.begin(t, "r1", "i1")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		timedOut(t, first)
		if status := e.post("r1", "i1", "late"); status != http.StatusGone {
			t.Errorf("while no call runs: %d", status)
		}
		if status := e.post("r1", "", "late"); status != http.StatusBadRequest {
			t.Errorf("while no call runs, by a client that doesn't know the header: %d", status)
		}
		second := e.begin(t, "r1", "i2")
		for _, echoed := range []string{"i1", "i3"} {
			if status := e.post("r1", echoed, "late"); status != http.StatusGone {
				t.Errorf("%s, while i2 runs: %d", echoed, status)
			}
		}
		if status := e.post("r1", "i2", "own"); status != http.StatusAccepted {
			t.Errorf("i2: %d", status)
		}
		if r := <-second.done; string(r.Payload) != "own" {
			t.Errorf("the second caller has %q", r.Payload)
		}
	})
}

// TestWorkIsGivenRightAfterTheDeadline: a process that asks a moment after its deadline isn't refused because the runner's timer is late.
func TestWorkIsGivenRightAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := alone(&lines{})
		first := e.begin(t, "r1", "i1")
		first.timer.Stop()
		time.Sleep(3*time.Second + time.Microsecond)
		second := e.begin(t, "r2", "i2")
		timedOut(t, first)
		if status := e.post("r2", "i2", "own"); status != http.StatusAccepted || string((<-second.done).Payload) != "own" {
			t.Errorf("the second call: %d", status)
		}
	})
}

// TestAProcessThatNeverComesBackIsEnded after a time-out; one that has asked for work isn't.
func TestAProcessThatNeverComesBackIsEnded(t *testing.T) {
	for _, comes := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			out := &lines{}
			e := alone(out)
			e.begin(t, "r1", "i1")
			time.Sleep(3500 * time.Millisecond)
			if comes {
				e.begin(t, "r2", "i2")
				e.post("r2", "i2", "own")
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if out.has("did not ask for work") == comes {
				t.Errorf("asked for work: %t; ended: %t", comes, !comes)
			}
		})
	}
}

// TestAProcessThatComesBackInTheLastMomentGoesOn: its timer has gone off and waits for the mutex while the process is given work.
func TestAProcessThatComesBackInTheLastMomentGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &lines{}
		e := alone(out)
		e.begin(t, "r1", "i1")
		time.Sleep(3500 * time.Millisecond)
		e.lane.mu.Lock()
		late := e.overtime
		e.lane.mu.Unlock()
		second := e.begin(t, "r2", "i2")
		overdue := func() {
			e.lane.mu.Lock()
			defer e.lane.mu.Unlock()
			e.overdue(late)
		}
		overdue()
		time.Sleep(3 * time.Second) // the second call times out too: the process has the whole of its overtime
		synctest.Wait()
		timedOut(t, second)
		overdue()
		if out.has("did not ask for work") {
			t.Error("ended by the timer of a call that was over")
		}
	})
}

// TestACallThatAnEnvironmentDiesWithGoesToAnotherUntilItIsFetched: what no process has seen can't have done anything.
func TestACallThatAnEnvironmentDiesWithGoesToAnotherUntilItIsFetched(t *testing.T) {
	for _, fetched := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			first := alone(&lines{})
			second, l := first.beside(), first.lane
			l.mu.Lock()
			l.ready(first) // it waits for work, and is about to ask for it
			l.mu.Unlock()
			c := &call{id: "r1", invocation: "i1", payload: []byte("p"), done: make(chan Result, 1)}
			if err := l.submit(c); err != nil {
				t.Fatal(err)
			}
			l.mu.Lock()
			c.taken = fetched
			l.mu.Unlock()
			l.gone(first, failure("Runtime.ExitError", "killed"))
			if fetched {
				if r := <-c.done; !strings.Contains(string(r.Payload), "killed") {
					t.Errorf("of a call that was fetched its caller has %s", r.Payload)
				}
				return
			}
			if len(c.done) != 0 {
				t.Fatalf("of a call that nobody has fetched its caller has %s", (<-c.done).Payload)
			}
			if r := second.serve(&wire.Request{Method: http.MethodGet, Path: runtimePrefix + "invocation/next"}); r.Status != http.StatusOK || string(r.Body) != "p" {
				t.Errorf("another environment is given %d %s", r.Status, r.Body)
			}
			if status := second.post("r1", "i1", "own"); status != http.StatusAccepted || string((<-c.done).Payload) != "own" {
				t.Errorf("its answer: %d", status)
			}
		})
	}
}
