package streams

import (
	"context"
	"encoding/json"
	"time"
)

const maxPayload = 6 << 20 // bytes of one invocation

// lane processes the records of some partition keys of a shard, one batch after the other.
type lane struct {
	*reader
	in       chan []*item
	carry    []*item // received, not yet in a batch
	failures int     // invocations that failed since the last that didn't
}

func (l *lane) run(ctx context.Context) {
	for {
		batch := l.gather(ctx)
		if len(batch) == 0 || !l.process(ctx, batch) {
			return
		}
	}
}

// gather waits for a batch: until it is full, or its window is over. Nothing means the end.
func (l *lane) gather(ctx context.Context) []*item {
	var window <-chan time.Time
	for open := true; ; {
		batch, full := l.cut()
		if full || len(batch) > 0 && (!open || l.m.BatchingWindow == 0 && len(l.in) == 0) {
			return l.take(len(batch))
		}
		if len(batch) > 0 && window == nil && l.m.BatchingWindow > 0 {
			window = time.After(l.m.BatchingWindow)
		}
		wake := l.draining
		if len(batch) == 0 {
			wake = nil
		} else if l.isDraining() && len(l.in) == 0 {
			return l.take(len(batch))
		}
		select {
		case more, ok := <-l.in:
			l.carry = append(l.carry, more...)
			if open = ok; !ok && len(l.carry) == 0 {
				return nil
			}
		case <-window:
			return l.take(len(batch))
		case <-wakeUnlessDraining(l, wake):
		case <-ctx.Done():
			return nil
		}
	}
}

// wakeUnlessDraining hides the signal once it has been seen, so that gather doesn't spin.
func wakeUnlessDraining(l *lane, wake chan struct{}) <-chan struct{} {
	if l.isDraining() {
		return nil
	}
	return wake
}

// cut finds the next batch in what has been received, and says whether it can't grow.
func (l *lane) cut() (batch []*item, full bool) {
	size := 0
	for i, it := range l.carry {
		size += len(it.raw) + 1
		if i == l.m.BatchSize || i > 0 && size > maxPayload-64 {
			return l.carry[:i], true
		}
	}
	return l.carry, len(l.carry) == l.m.BatchSize
}

func (l *lane) take(n int) []*item {
	batch := l.carry[:n:n]
	l.carry = l.carry[n:]
	return batch
}

// part is a batch, or what is left of one.
type part struct {
	items    []*item
	attempts int  // retries so far
	invoked  int  // invocations so far
	reported bool // the last invocation succeeded and reported failures
}

// process brings a batch to its end: done, or discarded. It says false when ctx ends first.
func (l *lane) process(ctx context.Context, batch []*item) bool {
	for queue := []part{{items: batch}}; len(queue) > 0; {
		b := queue[0]
		if !l.discardExpired(ctx, &b) {
			return false
		}
		if len(b.items) == 0 {
			queue = queue[1:]
			continue
		}
		succeeded, reported := l.invoke(ctx, b.items)
		if ctx.Err() != nil {
			return false
		}
		l.finish(b.items[:succeeded])
		if b.invoked++; succeeded > 0 { // what is left is a batch of its own, with all its retries
			b = part{items: b.items[succeeded:]}
		}
		b.reported = reported
		if len(b.items) == 0 {
			l.failures = 0
			queue = queue[1:]
			continue
		}
		l.failures++
		next, discard := l.split(b, succeeded > 0)
		if discard != nil && !l.discard(ctx, *discard, "RetryAttemptsExhausted") {
			return false
		}
		queue = append(next, queue[1:]...)
		if len(queue) > 0 && !l.pause(ctx, l.backoff()) {
			return false
		}
	}
	return true
}

// split decides about a failed part: retry it, retry its halves (which isn't counted), or give it up.
func (l *lane) split(b part, progress bool) (next []part, discard *part) {
	switch {
	case progress: // the function has said where to split
		return []part{b}, nil
	case l.m.Bisect && len(b.items) > 1:
		half := len(b.items) / 2
		first, second := b, b
		first.items, second.items = b.items[:half], b.items[half:]
		return []part{first, second}, nil
	}
	if b.attempts++; l.m.MaximumRetryAttempts >= 0 && b.attempts > l.m.MaximumRetryAttempts {
		return nil, &b
	}
	return []part{b}, nil
}

func (l *lane) backoff() time.Duration {
	d := l.cfg.Backoff
	for range min(l.failures-1, 30) {
		if d *= 2; d >= l.cfg.BackoffMax {
			return l.cfg.BackoffMax
		}
	}
	return d
}

// finish marks records as done and moves the checkpoint.
func (l *lane) finish(items []*item) {
	if len(items) > 0 {
		l.done.finish(items)
		l.checkpoint(false)
	}
}

// invoke returns how many records, from the first on, are done, and whether it was the function that said so.
func (l *lane) invoke(ctx context.Context, items []*item) (succeeded int, said bool) {
	answer, err := l.cfg.Invoker.Invoke(ctx, l.m.Function, payload(items))
	if err != nil {
		if ctx.Err() == nil {
			l.log.Warn("batch failed", "mapping", l.m.Name, "records", len(items), "error", err)
		}
		return 0, false
	}
	if !l.m.ReportFailures {
		return len(items), false
	}
	n := reported(answer, items)
	if n < len(items) {
		l.log.Warn("batch failed in part", "mapping", l.m.Name, "records", len(items), "succeeded", n)
	}
	return n, true
}

// reported reads the list of failures: the first record it names is where to go on. Nothing reported is success, an empty
// list in the object's place too; what can't be understood, or names a record that isn't in the batch, fails the whole of it.
func reported(answer []byte, items []*item) int {
	var empty []any
	if len(answer) == 0 || json.Unmarshal(answer, &empty) == nil && len(empty) == 0 {
		return len(items)
	}
	var response map[string]json.RawMessage // read by the exact name
	if err := json.Unmarshal(answer, &response); err != nil {
		return 0
	}
	list, ok := response["batchItemFailures"]
	if !ok {
		return len(items)
	}
	var failures []map[string]any
	if err := json.Unmarshal(list, &failures); err != nil {
		return 0
	}
	position := make(map[string]int, len(items))
	for i, it := range items {
		position[it.seq] = i
	}
	lowest := len(items)
	for _, f := range failures {
		id, _ := f["itemIdentifier"].(string)
		i, ok := position[id]
		if !ok {
			return 0
		}
		lowest = min(lowest, i)
	}
	return lowest
}
