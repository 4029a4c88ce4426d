package figures

import (
	"math"
	"time"

	"latchkey/shared/limiter/sim"
)

// Limits of calls a second: the default of the shipped catalogue's busiest class for a key, and the most that it allows.
const (
	usualLimit = 1000
	mostLimit  = 10_000
)

// limitOf is the limit that a key, or an account, with so many calls a second has here: the usual one where that is at least twice as
// much, or the most that it may have.
func limitOf(rate float64, most int) int {
	if 2*rate <= usualLimit {
		return usualLimit
	}
	return most
}

// Lease is an outcome of the limiter's simulation, for one key or account.
type Lease struct {
	Writes   float64 // a second, tried
	Fallback float64 // of the calls: admitted or refused without the table, by the local share
}

// lease simulates one limit over so many environments, with the bound of one item.
func lease(rate float64, environments, most int) Lease {
	limit := limitOf(rate, most)
	length := 3 * time.Second
	if calls := 200.0; rate*length.Seconds() < calls {
		length = time.Duration(calls / rate * float64(time.Second))
	}
	out := sim.Run(sim.Config{
		Seed: 1, Envs: environments, Limit: limit, Load: rate / float64(limit), Length: length, ItemRate: int(ItemWrites.Value),
		Faults: sim.Faults{Skew: 5 * time.Second},
	})
	calls := float64(max(1, out.Calls))
	return Lease{Writes: rate * float64(out.Writes) / calls, Fallback: float64(out.Fallback) / calls}
}

// Leases holds what a limit of each key, or of each account, asks of the table in a second.
type Leases struct {
	Writes, Item float64 // write units, and those of the busiest item
	Suspended    float64 // of all calls: not decided by the table, because it refused
}

// leases simulates one limit of each quarter of a decade, and takes those between two as that.
func (l Load) leases(rates []float64, most int) (of Leases) {
	known := steps[Lease]{}
	for _, r := range rates {
		one, at := known.of(r, func(at float64) Lease { return lease(at, l.Environments, most) })
		writes := one.Writes * r / at
		of.Writes, of.Item = of.Writes+writes, max(of.Item, writes)
		of.Suspended += one.Fallback * r / l.Calls
	}
	return of
}

// steps keeps what was computed for a rate of each quarter of a decade.
type steps[T any] map[int]T

func (s steps[T]) of(rate float64, compute func(at float64) T) (is T, at float64) {
	step := int(math.Round(4 * math.Log10(rate)))
	at = math.Pow(10, float64(step)/4)
	if _, ok := s[step]; !ok {
		s[step] = compute(at)
	}
	return s[step], at
}

// busiest is the largest rate of a key, in steps of a tenth, at which the asks for its leases stay below what one item takes.
func busiest(environments int) float64 {
	last := 0.0
	for rate := 10.0; rate <= mostLimit*0.9; rate *= 1.1 {
		if lease(rate, environments, mostLimit).Writes > ItemWrites.Value {
			return last
		}
		last = rate
	}
	return last
}
