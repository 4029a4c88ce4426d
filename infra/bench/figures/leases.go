package figures

import (
	"math"
	"time"

	"latchkey/shared/limiter/sim"
)

// Limits of a key's calls a second: the default of the shipped catalogue's busiest class, and the most that it allows.
const (
	usualLimit = 1000
	mostLimit  = 10_000
)

// limitOf is the limit that a key with so many calls a second has here: the usual one where that is at least twice as much.
func limitOf(rate float64) int {
	if 2*rate <= usualLimit {
		return usualLimit
	}
	return mostLimit
}

// Lease is an outcome of the limiter's simulation, for one key.
type Lease struct {
	Writes   float64 // a second, tried
	Fallback float64 // of the calls: admitted or refused without the table, by the local share
}

// lease simulates one key over so many environments, with the bound of one item.
func lease(rate float64, environments int) Lease {
	limit := limitOf(rate)
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

// leases are the writes a second of all keys and those of the busiest, and the share of all calls that the table didn't decide. It simulates
// one key of each quarter of a decade, and takes the keys between two as those.
func (l Load) leases(rates []float64) (all, most, fallback float64) {
	known := map[int]Lease{}
	for _, r := range rates {
		step := int(math.Round(4 * math.Log10(r)))
		at := math.Pow(10, float64(step)/4)
		if _, ok := known[step]; !ok {
			known[step] = lease(at, l.Environments)
		}
		writes := known[step].Writes * r / at
		all, most = all+writes, max(most, writes)
		fallback += known[step].Fallback * r / l.Calls
	}
	return all, most, fallback
}

// busiest is the largest rate of a key, in steps of a tenth, at which the asks for its leases stay below what one item takes.
func busiest(environments int) float64 {
	last := 0.0
	for rate := 10.0; rate <= mostLimit*0.9; rate *= 1.1 {
		if lease(rate, environments).Writes > ItemWrites.Value {
			return last
		}
		last = rate
	}
	return last
}
