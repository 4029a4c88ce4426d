package sim

import (
	"errors"
	"math"
	"sort"
	"time"

	"latchkey/shared/limiter"
)

// item is the item of one limit, with what the other policies keep in it too.
type item struct {
	window, used, capacity int64
	ahead                  int64 // used of the window after
	age                    time.Duration
	expires                time.Time
	tat                    int64           // GCRA
	counts                 map[int64]int64 // per call
}

// Table is a lease table in memory: one writer at a time, as in DynamoDB.
type Table struct {
	items map[string]*item
}

// NewTable makes an empty table.
func NewTable() *Table { return &Table{items: map[string]*item{}} }

// Take is the conditional write that limiter.Ask describes.
func (t *Table) Take(ask limiter.Ask) limiter.Seen {
	it := t.items[ask.Limit]
	if it == nil {
		if !ask.Create {
			return limiter.Seen{}
		}
		t.items[ask.Limit] = &item{window: ask.Window, used: ask.N, ahead: ask.Ahead, capacity: ask.Capacity, age: ask.Age, expires: ask.Expires}
		return limiter.Seen{Applied: true}
	}
	seen := limiter.Seen{Window: it.window, Used: it.used, Ahead: it.ahead, Capacity: it.capacity, Age: it.age, Expires: it.expires}
	if ask.Create || it.window != ask.Window && it.window != ask.Window-1 {
		return seen
	}
	seen.Applied = true
	if it.window != ask.Window {
		it.window, it.used, it.ahead, it.capacity = ask.Window, it.ahead, 0, ask.Capacity
	}
	it.used += ask.N
	it.ahead += ask.Ahead
	it.age, it.expires = ask.Age, ask.Expires
	return seen
}

var (
	errTimeout   = errors.New("time-out")
	errThrottled = errors.New("throttled")
)

// latency is log-normal around the median, with the tail that stores have.
func (s *run) latency() time.Duration {
	return time.Duration(float64(s.Latency) * math.Exp(0.35*s.rnd.NormFloat64()))
}

// call sends a write, with what may go wrong on its way, and gives the answer to the environment.
func (s *run) call(e *env, write func() limiter.Seen, answer func(limiter.Seen, error)) {
	there, back := s.latency()/2, s.latency()/2
	if s.rnd.Float64() < s.Faults.Delay {
		there += s.pause(2 * time.Second)
	}
	if s.rnd.Float64() < s.Faults.Delay {
		back += s.pause(2 * time.Second)
	}
	deliver := func(seen limiter.Seen, err error) { s.deliver(e, seen, err, answer) }
	commit := func() limiter.Seen {
		s.out.Writes++
		return write()
	}
	switch {
	case s.rnd.Float64() < s.Faults.Lost:
		if s.rnd.IntN(2) == 0 {
			s.at(there, func() { commit() })
		}
		s.at(300*time.Millisecond, func() { deliver(limiter.Seen{}, errTimeout) })
	case s.rnd.Float64() < s.Faults.Duplicate:
		// The answer that arrives is either the first write's or the second's.
		again := there + s.pause(2*time.Second)/4
		if s.rnd.IntN(2) == 0 {
			there, again = again, there
		}
		s.at(again, func() { commit() })
		s.at(there, func() {
			seen := commit()
			s.at(back, func() { deliver(seen, nil) })
		})
	default:
		s.at(there, func() {
			if s.ItemRate > 0 && !s.room.admit(float64(s.ItemRate), s.now) {
				s.out.Writes++
				s.at(back, func() { deliver(limiter.Seen{}, errThrottled) })
				return
			}
			seen := commit()
			s.at(back, func() { deliver(seen, nil) })
		})
	}
	s.maybeFreeze(e)
}

// deliver hands an answer over once the environment runs.
func (s *run) deliver(e *env, seen limiter.Seen, err error, answer func(limiter.Seen, error)) {
	if e.dead {
		return
	}
	if s.now < e.thawed {
		s.at(e.thawed-s.now, func() { s.deliver(e, seen, err, answer) })
		return
	}
	answer(seen, err)
}

// Over returns by how many calls the worst interval of whole seconds is over the guarantee for the limit; 0 or less
// if it holds. Intervals are closed at their start and open at their end.
func Over(admitted []time.Duration, limit int) int {
	slack := 1
	if limit > 100 {
		slack = 2
	}
	worst := -limit
	if len(admitted) == 0 {
		return worst
	}
	last := int(admitted[len(admitted)-1]/time.Second) + 1
	for t := 1; t <= last; t++ {
		bound, end := limit*(t+slack), 0
		if len(admitted) <= bound {
			break // no longer interval of that many calls can be over either
		}
		for start := range admitted {
			for end < len(admitted) && admitted[end] < admitted[start]+time.Duration(t)*time.Second {
				end++
			}
			worst = max(worst, end-start-bound)
		}
	}
	return worst
}

// Percentile returns the p-th part of the durations, 0 <= p <= 1. It sorts them.
func Percentile(d []time.Duration, p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sort.Slice(d, func(i, j int) bool { return d[i] < d[j] })
	return d[min(len(d)-1, int(p*float64(len(d))))]
}
