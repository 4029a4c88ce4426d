package limiter

import (
	"math"
	"time"
)

// demand estimates how many calls a second an environment gets under one limit, admitted or not.
type demand struct {
	rate float64 // decays with a time constant of a second
	last time.Duration
	some bool
}

func (d *demand) add(now time.Duration) {
	d.rate = d.at(now) + 1
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

// The sizes of a lease.
const (
	leasesPerSecond = 20 // of one environment that has a limit for itself
	leaseCalls      = 34 // 3 % of the calls
	leaseCallsFull  = 64 // larger where the limit is exhausted: nothing is wasted, and every window also has its empty answers
	ample           = 4  // a limit is far from exhausted where less than one part in so many is used
	ampleShare      = 32 // and then an environment takes at most one part in so many at once: it may be one of many
)

// lease returns the number of tokens to ask for: the current call, and those that are sure to come while the tokens
// live. used is the known use of the window that is asked.
func (d *demand) lease(limit, used int64, full bool, now time.Duration) int64 {
	rate := d.at(now)
	coming := rate * life(limit).Seconds()
	most, doubt := max(rate/leasesPerSecond, leaseCalls), math.Sqrt(coming)
	switch {
	case full:
		// Tokens that die unused are lost to others, who want them.
		most, doubt = max(rate/leasesPerSecond, leaseCallsFull), 2*doubt
	case ample*(float64(used)+coming) <= float64(limit):
		most = max(most, float64(limit)/ampleShare)
	}
	n := 1 + int64(max(0, min(coming-doubt, most-1)))
	return min(n, limit)
}
