package sim

import (
	"math"
	"time"
)

// arrive handles one call and schedules the next.
func (s *run) arrive() {
	if s.now >= s.Length {
		return
	}
	s.at(s.gap(), s.arrive)
	s.out.Calls++
	s.route(s.now)
}

// gap is the time to the next call.
func (s *run) gap() time.Duration {
	rate := s.Load * float64(s.Limit)
	poisson := func(rate float64) time.Duration {
		return time.Duration(s.rnd.ExpFloat64() / rate * float64(time.Second))
	}
	switch s.Shape {
	case Bursty:
		d := poisson(rate * 10)
		// The phase of the burst moves by 37 ms a second, so that it meets every part of a window.
		period := time.Second + 37*time.Millisecond
		if (s.now+d)%period > period/10 {
			d += period - (s.now+d)%period
		}
		return d
	case OnOff:
		if s.now >= s.phaseEnds {
			s.flood = !s.flood
			s.phaseEnds = s.now + s.phase()
		}
		if !s.flood {
			rate = 1 + rate/50
		}
		return min(poisson(rate), max(s.phaseEnds-s.now, time.Millisecond))
	default:
		return poisson(rate)
	}
}

// phase draws the length of a trickle or a flood: mostly a little more or less than a window, or than a token lives.
func (s *run) phase() time.Duration {
	if s.rnd.IntN(2) == 0 {
		return time.Duration(s.rnd.Int64N(int64(1500 * time.Millisecond)))
	}
	critical := []int{20, 50, 90, 100, 200, 500, 800, 850, 900, 950, 980, 1000, 1050, 1100, 1500}
	d := time.Duration(critical[s.rnd.IntN(len(critical))]) * time.Millisecond
	return d + time.Duration(s.rnd.Int64N(int64(30*time.Millisecond)))
}

// route gives a call to an idle environment, or waits a little for one. Where all are frozen, the call is lost.
func (s *run) route(arrived time.Duration) {
	busy := false
	for range 4 {
		i := s.rnd.IntN(s.Envs)
		if s.Skewed {
			i = int(float64(s.Envs) * math.Pow(s.rnd.Float64(), 3))
		}
		e := s.envs[i]
		if s.now < e.thawed {
			continue
		}
		if e.busy {
			busy = true
			continue
		}
		ended := s.Life > 0 && s.now-e.born > s.Life
		if ended {
			s.out.Ended++
		}
		if s.rnd.Float64() < s.Faults.Kill || ended {
			e.dead = true
			e = s.newEnv(i)
			s.envs[i] = e
		}
		s.maybeFreeze(e)
		if s.now < e.thawed {
			continue
		}
		e.busy = true
		s.decide(e)
		return
	}
	if busy && s.now-arrived < 100*time.Millisecond {
		s.at(2*time.Millisecond, func() { s.route(arrived) })
	}
}

func (s *run) maybeFreeze(e *env) {
	if s.rnd.Float64() >= s.Faults.Freeze {
		return
	}
	d := s.pause(3 * time.Second)
	e.thawed = s.now + d
	if s.Faults.MonoStops {
		// The clock jumps back by what it missed; nobody looks at it before the thaw.
		e.stopped += d
	}
}

// pause is up to most long, or a tenth of that, or not quite as long as a token lives.
func (s *run) pause(most time.Duration) time.Duration {
	switch s.rnd.IntN(3) {
	case 0:
		most /= 10
	case 1:
		return 100*time.Millisecond - time.Duration(s.rnd.Int64N(int64(40*time.Millisecond)))
	}
	return time.Duration(s.rnd.Int64N(int64(most)))
}
