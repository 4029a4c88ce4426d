package limiter

import (
	"math"
	"time"
)

// demand estimates how many calls a second an environment gets under one limit, admitted or not.
type demand struct {
	rate  float64       // decays with a time constant of a second
	began time.Duration // with the first call after none was left in the rate
	last  time.Duration
	some  bool
}

func (d *demand) add(now time.Duration) {
	d.rate = d.at(now)
	if d.rate < idle {
		d.began = now
	}
	d.rate++
	d.last, d.some = now, true
}

// hold keeps the estimate as it is for a time of which nothing is known.
func (d *demand) hold(now time.Duration) { d.last = max(d.last, now) }

func (d *demand) at(now time.Duration) float64 {
	if !d.some || now < d.last {
		return d.rate
	}
	return d.rate * math.Exp(-(now - d.last).Seconds())
}

// coming estimates how many calls a second come beside the one in hand. Those that have only begun are expected to go on: without
// that, the first second costs a write for nearly each call.
func (d *demand) coming(now time.Duration) float64 {
	return max(0, d.at(now)-1) / max(1/mostProjected, 1-math.Exp(-(now-d.began).Seconds()))
}

// The sizes of a lease.
const (
	leasesPerSecond = 20  // of one environment that has a limit for itself
	leaseCalls      = 34  // 3 % of the calls
	leaseCallsFull  = 64  // larger where the limit is exhausted: nothing is wasted, and every window also has its empty answers
	ample           = 2   // a limit is far from exhausted where less than one part in so many is used
	ampleShare      = 32  // and then an environment takes at most one part in so many at once: it may be one of many
	aheadShare      = 4   // of the window that isn't open yet, one part in so many is given at most
	idle            = 0.1 // calls a second: who has called less begins again
	mostProjected   = 4.0
)

// lease returns the number of tokens to ask for: the current call, and those that are sure to come while the tokens
// live. Of a limit that is far from exhausted it also takes what may come, and of the window after what is sure to: such tokens
// save a write, and nobody misses them. use is the most that was known of a window lately.
func (d *demand) lease(limit, use int64, full bool, now time.Duration) (n, ahead int64) {
	rate := d.at(now)
	if limit > smallLimit {
		rate = d.coming(now)
	}
	coming := rate * life(limit).Seconds()
	most, doubt := max(rate/leasesPerSecond, leaseCalls), math.Sqrt(coming)
	switch {
	case full:
		// Tokens that die unused are lost to others, who want them.
		most, doubt = max(rate/leasesPerSecond, leaseCallsFull), 2*doubt
	case limit > smallLimit && ample*(float64(use)+coming) <= float64(limit):
		if most = max(most, float64(limit)/ampleShare); coming < most {
			ahead = int64(coming)
		}
		doubt = -doubt
	}
	return min(1+int64(max(0, min(coming-doubt, most-1))), limit), ahead
}
