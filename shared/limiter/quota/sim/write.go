package sim

import (
	"context"
	"math"
	"time"

	"latchkey/shared/limiter/quota"
)

// longest is the greatest delay of a write that went astray.
const longest = 3 * time.Second

// Written is the longest time from a call's beginning until the last of its writes is done or lost, where no environment is frozen meanwhile.
const Written = 2*longest + time.Second

func (s *run) latency() time.Duration {
	return time.Duration(float64(4*time.Millisecond) * math.Exp(0.35*s.rnd.NormFloat64()))
}

func (s *run) stray() time.Duration { return time.Duration(s.rnd.Int64N(int64(longest))) }

// write sends a write, with what may go wrong on its way, and gives the answer to the environment. old: the call's numbers are.
func (s *run) write(e *env, ask quota.Ask, old bool, answer func(quota.Seen, error)) {
	there, back := s.latency()/2, s.latency()/2
	if s.rnd.Float64() < s.Faults.Delay {
		there += s.stray()
	}
	if s.rnd.Float64() < s.Faults.Freeze {
		back += 20 * s.stray()
	}
	commit := func() quota.Seen {
		seen, _ := s.out.Table.Write(context.Background(), ask)
		if ask.Stamp != 0 && ask.N > 0 && seen.Applied && ask.Name == Account {
			s.out.Counted += ask.N
		}
		if old && seen.Applied && ask.Name == Account {
			s.out.OldAt = s.now
			s.out.Before[Key{Account, ask.Date.Format("2006-01-02")}], s.out.Before[Key{Account, ask.Date.Format("2006-01")}] = s.out.Table.Taken(ask)
		}
		return seen
	}
	deliver := func(seen quota.Seen, err error) {
		if !e.dead {
			answer(seen, err)
		}
	}
	fails := s.now >= s.Faults.Outage && s.now < s.Faults.OutageEnds || s.rnd.Float64() < s.Faults.Lost
	switch {
	case fails || there > 300*time.Millisecond:
		if s.rnd.IntN(2) == 0 {
			s.at(there, func() { commit() })
		}
		s.at(300*time.Millisecond, func() { deliver(quota.Seen{}, errLost) })
	default:
		if s.rnd.Float64() < s.Faults.Duplicate {
			s.at(s.stray(), func() { commit() })
		}
		s.at(there, func() {
			seen := commit()
			s.at(back, func() { deliver(seen, nil) })
		})
	}
}
