package main

import (
	"fmt"
	"io"
	"time"

	"latchkey/shared/limiter/sim"
)

// row is one run and what it showed.
type row struct {
	sim.Config
	shape    string
	over     int     // calls over the guarantee; must be 0 or less
	second   float64 // most calls in a calendar second, as a multiple of the limit
	share    float64 // admitted, as a part of what the limit allows
	served   float64 // admitted, as a part of the calls
	writes   float64 // per admitted call
	p50, p99 time.Duration
}

var (
	environments = []int{1, 4, 16, 50, 200}
	loads        = []float64{0.1, 0.5, 0.9, 1, 2, 10}
	limits       = []int{1, 5, 50, 1000}
	policies     = []string{"leases", "local share", "write per call", "optimistic GCRA"}
)

// measure runs the grid: ours over everything, the others where they differ most.
func measure(length time.Duration) []row {
	var rows []row
	for _, limit := range limits {
		for _, envs := range environments {
			for _, load := range loads {
				base := sim.Config{
					Seed: 1, Envs: envs, Limit: limit, Load: load, Length: length, ItemRate: 1000,
					Faults: sim.Faults{Skew: 5 * time.Second},
				}
				skewed, bursty, faults := base, base, base
				skewed.Skewed, bursty.Shape = true, sim.Bursty
				faults.Faults.Kill, faults.Faults.Duplicate, faults.Faults.Freeze, faults.Faults.Delay = 0.001, 0.01, 0.001, 0.01
				rows = append(rows, run("Poisson", base), run("skewed", skewed), run("bursts", bursty), run("faults", faults))
				for policy := sim.Local; policy <= sim.GCRA; policy++ {
					other := base
					other.Policy = policy
					rows = append(rows, run("Poisson", other))
				}
			}
		}
	}
	return rows
}

func run(shape string, c sim.Config) row {
	out := sim.Run(c)
	r := row{Config: c, shape: shape, over: sim.Over(out.Admitted, c.Limit)}
	seconds := map[time.Duration]int{}
	for _, at := range out.Admitted {
		seconds[at/time.Second]++
		r.second = max(r.second, float64(seconds[at/time.Second])/float64(c.Limit))
	}
	n := float64(len(out.Admitted))
	r.share = n / (float64(c.Limit) * c.Length.Seconds())
	r.served = n / float64(max(1, out.Calls))
	r.writes = float64(out.Writes) / max(1, n)
	r.p50, r.p99 = sim.Percentile(out.Latencies, 0.5), sim.Percentile(out.Latencies, 0.99)
	return r
}

// report prints everything as Markdown tables.
func report(w io.Writer, rows []row) {
	worst := -1 << 30
	for _, r := range rows {
		if r.Policy == sim.Leases {
			worst = max(worst, r.over)
		}
	}
	fmt.Fprintf(w, "Worst run of the leases: %d calls over the guarantee (0 or less: it holds).\n", worst)
	for policy, name := range policies {
		fmt.Fprintf(w, "\n## %s\n\n", name)
		fmt.Fprintln(w, "| limit | environments | load | calls | over the guarantee | most in a calendar second | of the limit | of the calls | writes per admitted call | p50 | p99 |")
		fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|---|")
		for _, r := range rows {
			if int(r.Policy) != policy {
				continue
			}
			fmt.Fprintf(w, "| %d | %d | %gx | %s | %d | %.2fx | %.3f | %.3f | %.3f | %s | %s |\n", r.Limit, r.Envs, r.Load, r.shape,
				max(0, r.over), r.second, r.share, r.served, r.writes, milli(r.p50), milli(r.p99))
		}
	}
}

func milli(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
