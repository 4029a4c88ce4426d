package quota

import (
	"math"
	"time"

	"latchkey/shared/limiter"
	"latchkey/shared/limiter/internal/breaker"
)

const day = 24 * 60 * 60

// state is an environment's knowledge of one limit on one day.
type state struct {
	day   int64     // of the clock that decides, since 1970
	date  time.Time // its beginning
	limit Limit     // the numbers that hold

	known      bool // the sums were seen since the numbers last changed
	dayTaken   int64
	monthTaken int64

	tokens int64
	debt   int64 // admitted without a token, and not counted yet
	settle Ask   // the correction that counts some of it, until it is known to be written
	stamp  int64 // the largest of a correction that is known

	demand demand
	used   limiter.Now // when it was last called for
	passed bool        // the call at hand asked in vain, or has no time to ask

	breaker breaker.Limit
}

// dayOf is the day of a reading of the wall clock.
func dayOf(now limiter.Now) int64 {
	s := now.Wall.Unix()
	d := s / day
	if s%day < 0 {
		d--
	}
	return d
}

// enter makes the state that of the call's day and numbers. Of another day of the month, what was seen of the month
// still holds.
func (s *state) enter(limit Limit, today int64, now limiter.Now) {
	if s.day != today || s.date.IsZero() {
		date := time.Unix(today*day, 0).UTC()
		if date.Month() != s.date.Month() || date.Year() != s.date.Year() {
			s.monthTaken = 0
		}
		s.day, s.date, s.dayTaken = today, date, 0
	}
	if s.limit != limit {
		s.limit, s.known = limit, false
	}
	s.used = now
	s.demand.calls++
}

// unsettled reports whether calls were admitted that aren't known to be counted.
func (s *state) unsettled() bool { return s.debt > 0 || s.settle.Stamp != 0 }

// uncounted returns the calls that were admitted and neither counted nor asked for, as a correction without a stamp.
func (s *state) uncounted() Ask { return Ask{Name: s.limit.Name, Date: s.date, N: s.debt} }

// exhausted returns the period whose number is known to be reached, the longer one first.
func (s *state) exhausted() Period {
	if !s.known || s.tokens > 0 {
		return 0
	}
	return s.reached()
}

// reached is exhausted by what was last seen of the period, be it under another number.
func (s *state) reached() Period {
	switch {
	case s.limit.Month > 0 && s.monthTaken >= s.limit.Month:
		return Month
	case s.limit.Day > 0 && s.dayTaken >= s.limit.Day:
		return Day
	default:
		return 0
	}
}

// refusal is the answer to a call beyond a period's number.
func (s *state) refusal(p Period) Result {
	r := Result{Refused: s.limit, Period: p, Number: s.limit.Day, Ends: s.date.AddDate(0, 0, 1)}
	if p == Month {
		r.Number = s.limit.Month
		r.Ends = time.Date(s.date.Year(), s.date.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return r
}

// left returns the rest of the smaller of the two, as far as it is known.
func (s *state) left() int64 {
	left := int64(math.MaxInt64)
	if s.limit.Day > 0 {
		left = s.limit.Day - s.dayTaken
	}
	if s.limit.Month > 0 {
		left = min(left, s.limit.Month-s.monthTaken)
	}
	return left
}

// ask is the next write: one token, or a lease. Of a limit of which nothing is known yet it is one token.
func (s *state) ask(tries int, now limiter.Now) Ask {
	n := int64(1)
	if expected := s.demand.at(now); s.known && tries < maxTries-1 {
		n = max(1, min(expected, s.left()/shares))
	}
	room := n
	if n > 1 {
		room = shares * n
	}
	return Ask{
		Name: s.limit.Name, Date: s.date, N: n,
		DayBound: s.limit.Day > 0, DayMost: s.limit.Day - room,
		MonthBound: s.limit.Month > 0, MonthMost: s.limit.Month - room,
	}
}

// learn takes over what a write has found.
func (s *state) learn(ask Ask, seen Seen) {
	s.known, s.dayTaken, s.monthTaken = true, seen.Day, seen.Month
	if seen.Applied {
		s.dayTaken, s.monthTaken = seen.Day+ask.N, seen.Month+ask.N
		s.tokens += ask.N
	}
}

// demand estimates how many calls an environment gets under one limit within the horizon.
type demand struct {
	calls    int64 // since folded
	expected float64
	begun    limiter.Now
	folded   limiter.Now
}

// boldest is the largest factor by which the calls of a limit that is younger than the horizon are projected to it: a lone
// flood is no rate.
const boldest = 4

// at is the number of calls of the last horizon, older ones counting less.
func (d *demand) at(now limiter.Now) int64 {
	calls := float64(d.calls)
	if d.begun.Wall.IsZero() {
		d.begun, d.folded = now, now
	}
	if part := float64(now.Since(d.folded)) / float64(horizon); part > 1e-9 {
		fade := math.Exp(-part)
		d.expected = d.expected*fade + calls*(1-fade)/part
	} else {
		d.expected += calls
	}
	d.calls, d.folded = 0, now
	seen := 1 - math.Exp(-float64(now.Since(d.begun))/float64(horizon)) // of the horizon, weighted in the same way
	return int64(d.expected / max(seen, 1.0/boldest))
}
