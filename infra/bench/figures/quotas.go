package figures

import (
	"math"
	"time"

	"latchkey/shared/limiter/quota/sim"
)

// Quotas holds what a quota of each account, or a cap of each key, asks of the table `quotas` in a second. None is exhausted: one that
// is costs each environment one write until its period ends.
type Quotas struct {
	Writes, Item   float64 // write units, and those of the busiest item
	First, FirstOf float64 // the same in the first second of a UTC day, when no lease holds any more
}

const (
	// rarest is the rate at which an environment is called for a name, a second, below which each call is taken as a write.
	rarest = 1.0 / 3600
	// lifetime is that of an environment, as in the simulation's tests: AWS publishes none.
	lifetime = 15 * time.Minute
	// daysOfMonth are the account's counters that are read for its quota at a month's end.
	daysOfMonth = 30
)

// quotas simulates one environment's part of a quota for each quarter of a decade: environments share no more than what is left, and
// a lease is at most a 64th of that, which is more here than an environment is called for.
func (l Load) quotas(rates []float64) (of Quotas) {
	known, n := steps[float64]{}, float64(l.Environments)
	for _, r := range rates {
		each, _ := known.of(max(r/n, rarest), writesOfQuota)
		first := -math.Expm1(-r/n) * n
		of.Writes, of.Item = of.Writes+each*r, max(of.Item, each*r)
		of.First, of.FirstOf = of.First+first, max(of.FirstOf, first)
	}
	return of
}

// writesOfQuota is the mean number of writes for a call, with those that give tokens back, where each environment is called so often.
// The quota is of a month: twice what comes in it, and half of it is taken.
func writesOfQuota(rate float64) float64 {
	length := max(4*lifetime, time.Duration(1000/rate*float64(time.Second)))
	month := int64(math.Ceil(rate * daysOfMonth * 86400))
	out := sim.Run(sim.Config{
		Seed: 1, Envs: 1, Rate: rate, Start: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Length: length, Life: lifetime,
		Others: 0.1, Month: 2 * month, Taken: month,
	})
	return float64(out.Writes+out.Returns) / float64(max(1, out.Calls))
}
