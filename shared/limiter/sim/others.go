package sim

import (
	"time"

	"latchkey/shared/limiter"
)

// localLimit is a token bucket with a second's worth of tokens, at least one.
type localLimit struct {
	tokens float64
	last   time.Duration
	begun  bool
}

func (l *localLimit) admit(share float64, now time.Duration) bool {
	depth := max(1, share)
	if !l.begun {
		l.tokens, l.begun = depth, true
	}
	l.tokens = min(depth, l.tokens+share*(now-l.last).Seconds())
	l.last = now
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}

func (s *run) only() *item {
	it := s.table.items["key#class"]
	if it == nil {
		it = &item{counts: map[int64]int64{}}
		s.table.items["key#class"] = it
	}
	return it
}

// perCall counts every call in the second of the environment's own clock.
func (s *run) perCall(e *env) {
	began := s.now
	second := int64((s.now + e.wall + 10*time.Second) / time.Second)
	s.call(e, func() limiter.Seen {
		it := s.only()
		it.counts[second]++
		return limiter.Seen{Used: it.counts[second]}
	}, func(seen limiter.Seen, err error) {
		s.finish(e, began, err == nil && seen.Used <= int64(s.Limit), false)
	})
}

// gcra advances a theoretical arrival time by a conditional write on the value seen last, three times at most.
func (s *run) gcra(e *env, began time.Duration, tries int) {
	step := int64(time.Second) / int64(s.Limit)
	now := int64(s.now + e.wall)
	next := max(e.gcraSeen, now) + step
	if tries == 3 || next-now > int64(time.Second) {
		s.finish(e, began, false, false)
		return
	}
	expected := e.gcraSeen
	s.call(e, func() limiter.Seen {
		it := s.only()
		seen := limiter.Seen{Applied: it.tat == expected, Used: it.tat}
		if seen.Applied {
			it.tat = next
			seen.Used = next
		}
		return seen
	}, func(seen limiter.Seen, err error) {
		if err != nil {
			s.finish(e, began, false, false)
			return
		}
		e.gcraSeen = seen.Used
		if seen.Applied {
			s.finish(e, began, true, false)
			return
		}
		s.gcra(e, began, tries+1)
	})
}
