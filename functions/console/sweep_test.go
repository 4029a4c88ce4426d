package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

func busy(status int, after string) error {
	return &management.Problem{Problem: api.Problem{Status: status, Code: "too_many_changes"}, RetryAfter: after}
}

func numbered(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprint(i))
	}
	return ids
}

// sweeping runs a sweep with a clock that stands still while nobody waits.
func sweeping(t *testing.T, ids []string, do func(context.Context, string) (swept, error)) (results []swept, took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), sweepEnd)
		defer cancel()
		s := &sweep{do: do, now: time.Now, stop: begin.Add(sweepTime)}
		results = s.run(ctx, ids)
		took = time.Since(begin)
	})
	return results, took
}

func TestASweepDoesTenAtATime(t *testing.T) {
	var now, most atomic.Int32
	results, took := sweeping(t, numbered(25), func(_ context.Context, id string) (swept, error) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(time.Second)
		now.Add(-1)
		return swept{name: id}, nil
	})
	if most.Load() != 10 || took != 3*time.Second {
		t.Errorf("%d at a time, %s in all", most.Load(), took)
	}
	for i, r := range results {
		if r.name != fmt.Sprint(i) || r.left || r.err != nil {
			t.Errorf("key %d: %+v", i, r)
		}
	}
}

// TestASweepWaitsAsTheAPISays: everything waits, not only the key that was refused, and then all is done.
func TestASweepWaitsAsTheAPISays(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		after  string
		took   time.Duration
	}{
		"too many changes": {429, "3", 3 * time.Second}, "a busy service": {503, "2", 2 * time.Second}, "no time said": {429, "", time.Second},
		"a date": {429, "Wed, 21 Oct 2026 07:28:00 GMT", time.Second}, "none": {429, "0", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var calls []time.Time
			var begin time.Time
			results, took := sweeping(t, numbered(12), func(_ context.Context, id string) (swept, error) {
				mu.Lock()
				calls = append(calls, time.Now())
				first := len(calls) == 1
				mu.Unlock()
				if first {
					begin = time.Now()
					return swept{}, busy(c.status, c.after)
				}
				time.Sleep(time.Millisecond)
				return swept{name: id}, nil
			})
			if took < c.took || took > c.took+2*time.Millisecond || len(calls) != 13 {
				t.Errorf("%d calls in %s, want %s", len(calls), took, c.took)
			}
			early := 0
			for _, at := range calls {
				if at.Sub(begin) < c.took {
					early++
				}
			}
			if early > 10 { // that were under way together
				t.Errorf("%d calls in the time to wait", early)
			}
			for _, r := range results {
				if r.left || r.err != nil {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

// TestTheLongestWaitHolds: a shorter one that another call is asked for meanwhile doesn't end it.
func TestTheLongestWaitHolds(t *testing.T) {
	for name, asked := range map[string][]string{"the longest first": {"5", "1"}, "the longest last": {"1", "5"}} {
		var mu sync.Mutex
		var refused int
		results, took := sweeping(t, numbered(2), func(_ context.Context, id string) (swept, error) {
			time.Sleep(time.Millisecond) // so that both calls are under way
			mu.Lock()
			defer mu.Unlock()
			if refused < len(asked) {
				refused++
				return swept{}, busy(http.StatusTooManyRequests, asked[refused-1])
			}
			return swept{name: id}, nil
		})
		if took != 5*time.Second+2*time.Millisecond || results[0].left || results[1].left {
			t.Errorf("%s: over after %s, %+v", name, took, results)
		}
	}
}

// TestASweepNeverOutlastsTheFunction, which has 15 s: what there is no time for is left.
func TestASweepNeverOutlastsTheFunction(t *testing.T) {
	hanging := func(ctx context.Context, _ string) (swept, error) { <-ctx.Done(); return swept{}, ctx.Err() }
	slow := func(context.Context, string) (swept, error) { time.Sleep(4 * time.Second); return swept{}, nil }
	for name, c := range map[string]struct {
		do   func(context.Context, string) (swept, error)
		done int
		most time.Duration
	}{
		"an API that hangs": {hanging, 0, sweepEnd}, "a slow one": {slow, 20, 8 * time.Second},
		"one that asks for a minute": {func(context.Context, string) (swept, error) { return swept{}, busy(429, "60") }, 0, 0},
		"one that asks each time":    {func(context.Context, string) (swept, error) { return swept{}, busy(429, "1") }, 0, sweepTime},
	} {
		results, took := sweeping(t, numbered(25), c.do)
		done := len(slices.DeleteFunc(slices.Clone(results), func(r swept) bool { return r.left }))
		if done != c.done || took > c.most || took > 12*time.Second {
			t.Errorf("%s: %d done in %s", name, done, took)
		}
	}
}

// TestOnlyARequestToWaitIsRepeated.
func TestOnlyARequestToWaitIsRepeated(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusInternalServerError} {
		calls := 0
		results, took := sweeping(t, numbered(1), func(context.Context, string) (swept, error) { calls++; return swept{}, busy(status, "1") })
		var p *management.Problem
		if calls != 1 || took != 0 || !errors.As(results[0].err, &p) {
			t.Errorf("%d: %d calls, %+v", status, calls, results)
		}
	}
}
