package gates

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// promise bounds the time from a change's acknowledgement until every environment that can read the store obeys it.
const promise = 10 * time.Second

// pace is the time between two calls of one environment: without it the calls alone would keep all processors busy, and the
// reads of the store would wait for them.
const pace = 4 * time.Millisecond

// tooLong ends a test on which nothing happens any more.
const tooLong = 4 * time.Minute

// doomed is a key that all environments use when it ends.
type doomed struct {
	event   []byte
	holders atomic.Int64 // environments that have let a call of it through
	ended   atomic.Int64 // when its end was acknowledged, since the start; 0: it hasn't been
}

// ending ends keys together.
type ending struct {
	at   time.Duration // since the start; later if an environment hasn't used one of the keys by then
	keys []*doomed
	end  func() // returns with the acknowledgement
}

// caller is one environment, and what it has seen of the keys.
type caller struct {
	*environment
	calls, failed int
	slowest       time.Duration // from an acknowledgement to the last call that was let through
}

// obeyed lets environments call keys that end, and checks that each environment which can read the store lets none through 10 s
// after its end was acknowledged. A key ends once every environment has let a call of it through, and is called until each of
// them has refused it 10 s later: nothing depends on how fast this machine is.
func (tab *table) obeyed(t *testing.T, envs int, ends []ending) {
	t.Helper()
	slices.SortStableFunc(ends, func(a, b ending) int { return cmp.Compare(a.at, b.at) })
	callers := make([]*caller, envs)
	for i := range callers {
		callers[i] = &caller{environment: tab.start(t)}
		if _, err := callers[i].call(ends[0].keys[0].event); err != nil && !errors.Is(err, errFailed) {
			t.Fatal(err)
		}
	}
	began := time.Now()
	var group sync.WaitGroup
	group.Go(func() {
		for _, e := range ends {
			wait(t.Context(), e.at-time.Since(began))
			for slices.ContainsFunc(e.keys, func(d *doomed) bool { return d.holders.Load() < int64(envs) }) {
				if t.Failed() || time.Since(began) > tooLong {
					t.Error("an environment lets no call of a key through")
					return
				}
				wait(t.Context(), pace)
			}
			e.end()
			for _, d := range e.keys {
				d.ended.Store(int64(time.Since(began)))
			}
		}
	})
	for _, c := range callers {
		group.Go(func() { c.use(t, began, ends) })
	}
	group.Wait()
	keys := 0
	for _, e := range ends {
		keys += len(e.keys)
	}
	tab.judge(t, callers, keys)
}

// use calls each key, from some seconds before its end until it was refused later than the promise.
func (c *caller) use(t *testing.T, began time.Time, ends []ending) {
	held, done := map[*doomed]bool{}, map[*doomed]bool{}
	for left := true; left; wait(t.Context(), pace) {
		left = false
		for _, e := range ends {
			if e.at-6*time.Second > time.Since(began) {
				left = true
				break
			}
			for _, d := range e.keys {
				if done[d] {
					continue
				}
				left = true
				// What was acknowledged before the call was sent is held against its answer.
				ended, sent := time.Duration(d.ended.Load()), time.Since(began)
				admitted, err := c.call(d.event)
				c.calls++
				switch {
				case errors.Is(err, errFailed): // this machine is busy enough for a read to take a second
					c.failed++
				case err != nil:
					t.Error(err)
					return
				case admitted && !held[d]:
					held[d] = true
					d.holders.Add(1)
				case admitted && ended != 0:
					c.slowest = max(c.slowest, sent-ended)
				case !admitted && !held[d]:
					t.Error("a key is refused before its end")
					return
				}
				done[d] = ended != 0 && err == nil && sent-ended > promise && (!admitted || sent-ended > 2*promise)
				if t.Failed() || sent > tooLong {
					t.Error("a key's end isn't seen by all environments")
					return
				}
				wait(t.Context(), pace)
			}
		}
	}
}

// judge holds what was seen against the promise. An environment that says itself that reads failed, and that it served what it
// held without the store for longer, couldn't read the store: the promise isn't about it, and the others have to show it.
func (tab *table) judge(t *testing.T, callers []*caller, keys int) {
	t.Helper()
	var slowest time.Duration
	calls, failed, apart := 0, 0, 0
	for i, c := range callers {
		c.end()
		calls, failed = calls+c.calls, failed+c.failed
		switch {
		case c.slowest <= promise:
			slowest = max(slowest, c.slowest)
		case c.metric("StoreErrors") > 1 && c.metric("OldestRecordServed") > promise.Seconds():
			apart++
			t.Logf("environment %d couldn't read the store: it served a record of %v s, after %v failed reads", i, c.metric("OldestRecordServed"), c.metric("StoreErrors"))
		default:
			t.Errorf("environment %d could read the store, and obeyed after %v", i, c.slowest)
		}
	}
	t.Logf("%d processes, %d keys, %d calls, %d answered with 503: the slowest was obeyed after %v", len(callers), keys, calls, failed, slowest)
	if apart > len(callers)/2 {
		t.Errorf("%d environments of %d couldn't read the store: this machine is too busy to show anything", apart, len(callers))
	}
	if slowest == 0 {
		t.Error("no environment held a key in its memory: the test is empty")
	}
}

// metric is the largest value of a metric in what an environment printed; 0 if it isn't there. The environment has ended.
func (e *environment) metric(name string) (largest float64) {
	for line := range bytes.Lines(e.out.Bytes()) {
		var members map[string]any
		if json.Unmarshal(line, &members) != nil {
			continue
		}
		if n, ok := members[name].(float64); ok {
			largest = max(largest, n)
		}
	}
	return largest
}
