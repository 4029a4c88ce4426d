package main

import (
	"time"

	"latchkey/shared/limiter"
)

// moment is a reading of both clocks. The monotonic clock may stop while the environment is frozen and the wall clock
// may be set back, so an age is taken from both.
type moment struct {
	wall time.Time     // without a monotonic reading
	mono time.Duration // since some fixed time
}

// reading is the moment as the limiters take it.
func (m moment) reading() limiter.Now { return limiter.Now{Wall: m.wall, Mono: m.mono} }

// since is the larger of the times that the two clocks say have passed since earlier.
func (m moment) since(earlier moment) time.Duration {
	return max(m.wall.Sub(earlier.wall), m.mono-earlier.mono)
}

// remaining returns the part of a budget that ends before a call's deadline; without a deadline, all of it.
func (m moment) remaining(budget time.Duration, deadline time.Time) time.Duration {
	if deadline.IsZero() {
		return budget
	}
	return min(budget, deadline.Sub(m.wall)-answerMargin)
}

type systemClock struct{ start time.Time }

func newSystemClock() systemClock { return systemClock{start: time.Now()} }

func (c systemClock) now() moment {
	t := time.Now()
	return moment{wall: t.Round(0), mono: t.Sub(c.start)}
}
