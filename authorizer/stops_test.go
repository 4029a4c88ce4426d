package main

import (
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"time"

	"latchkey/authorizer/internal/runtimeapi"
	"latchkey/shared/keytest"
)

// TestAStopOfTheGateChangesNothingButTime: the gate behind its loop is stopped for 20 ms at every byte that it sends and receives, or for a
// minute at every boundary of the protocol, with connections that break meanwhile. Every call is answered as it is without a stop.
func TestAStopOfTheGateChangesNothingButTime(t *testing.T) {
	calls := 700
	if keytest.Deep() {
		calls = 7_000
	}
	want, _ := stopped(t, calls, func(string) time.Duration { return 0 })
	for name, length := range map[string]func(at string) time.Duration{
		"20 ms at every byte": func(at string) time.Duration {
			if at == "byte" {
				return 20 * time.Millisecond
			}
			return 0
		},
		"a minute at every boundary": func(at string) time.Duration {
			if at != "byte" {
				return time.Minute
			}
			return 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, took := stopped(t, calls, length)
			if !slices.Equal(got, want) {
				i := 0
				for i < min(len(got), len(want)) && got[i] == want[i] {
					i++
				}
				t.Errorf("%d answers, want %d; they differ from call %d on: %s\nwant %s", len(got), len(want), i, slices.Concat(got, []string{"none"})[i], slices.Concat(want, []string{"none"})[i])
			}
			if took < time.Duration(calls)*10*time.Second {
				t.Errorf("stopped for %s in all", took)
			}
		})
	}
}

// stopped returns the answers to a number of calls, and how long they took.
func stopped(t *testing.T, calls int, length func(at string) time.Duration) ([]string, time.Duration) {
	t.Helper()
	p := newPlayer(t, 0, calls)
	p.kinds = slices.DeleteFunc(p.kinds, func(k kind) bool { return k.timed })
	p.notes, p.stop = true, func(at string) { p.b.clock.advance(length(at)) }
	began := p.b.clock.at.wall
	defer signal.Reset(syscall.SIGTERM)
	loop := runtimeapi.Loop{
		API: "in.memory:1", Handler: p, Now: func() time.Time { return p.b.clock.at.wall }, Dial: p.dial, Log: func(string) {},
	}
	err := loop.Run()
	if p.n != calls {
		t.Fatalf("ended after %d of %d calls: %v", p.n, calls, err)
	}
	return p.taken, p.b.clock.at.wall.Sub(began)
}
