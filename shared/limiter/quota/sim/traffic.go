package sim

import (
	"math"
	"time"
)

func (s *run) poisson(rate float64) time.Duration {
	return time.Duration(s.rnd.ExpFloat64() / rate * float64(time.Second))
}

// arrive handles one call and schedules the next.
func (s *run) arrive() {
	if s.now >= s.Length {
		return
	}
	s.at(s.gap(), s.arrive)
	if e := s.route(); e != nil {
		s.out.Calls++
		s.decide(e)
	}
}

// In bursts an eighth of the time has nine tenths of the calls.
const burstPart, burstShare = 8, 0.9

func (s *run) gap() time.Duration {
	if !s.Bursts {
		return s.poisson(s.Rate)
	}
	for s.now >= s.phaseEnds {
		s.flood = !s.flood
		d := time.Second + time.Duration(s.rnd.Int64N(int64(18*time.Second)))
		if !s.flood {
			d *= burstPart - 1
		}
		s.phaseEnds += d
	}
	rate := s.Rate * burstShare * burstPart
	if !s.flood {
		rate = s.Rate * (1 - burstShare) * burstPart / (burstPart - 1)
	}
	return min(s.poisson(rate), max(s.phaseEnds-s.now, time.Millisecond))
}

// other is a call under no limit: what is due after a reply is done then too.
func (s *run) other() {
	if s.now >= s.Length {
		return
	}
	s.at(s.poisson(s.Others), s.other)
	if e := s.route(); e != nil {
		e.busy = false
		s.after(e)
	}
}

// route gives a call to an environment that is idle, if one of a few is. It replaces those that have lived their time.
func (s *run) route() *env {
	for range 4 {
		i := s.rnd.IntN(s.Envs)
		if s.Skewed {
			i = int(float64(s.Envs) * math.Pow(s.rnd.Float64(), 3))
		}
		e := s.envs[i]
		if e.busy {
			continue
		}
		switch {
		case s.Life > 0 && s.now-e.born > s.Life:
			s.close(e)
			s.out.Ended++
			e = s.newEnv()
		case s.rnd.Float64() < s.Faults.Kill:
			s.out.Killed += e.limiter.InHand(Account, s.clock(e))
			e.dead = true
			e = s.newEnv()
		}
		s.envs[i] = e
		e.busy = true
		return e
	}
	return nil
}
