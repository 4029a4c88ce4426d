package limiter_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"latchkey/shared/keytest"
	"latchkey/shared/limiter/sim"
)

// seeds returns the number of runs in the search for a broken guarantee.
func seeds(short int) int {
	if keytest.Deep() {
		return 20_000
	}
	return short
}

// lifetime of an environment, where nothing else is said.
const lifetime = 15 * time.Minute

// randomConfig draws a run in which much goes wrong.
func randomConfig(seed uint64) sim.Config {
	rnd := rand.New(rand.NewPCG(seed, 7))
	pick := func(values ...int) int { return values[rnd.IntN(len(values))] }
	chance := func(most float64) float64 {
		if rnd.IntN(2) == 0 {
			return 0
		}
		return rnd.Float64() * most
	}
	c := sim.Config{
		Seed: seed, Envs: pick(1, 2, 2, 3, 5, 16, 200), Limit: pick(1, 2, 5, 5, 20, 50, 100, 101, 200, 2000), Load: []float64{0.9, 1.2, 2, 4, 10, 10}[rnd.IntN(6)],
		Length: time.Duration(3+rnd.IntN(5)) * time.Second, Shape: sim.Shape(pick(0, 1, 2, 2, 2)), Skewed: rnd.IntN(3) == 0,
		Latency: time.Duration(pick(1, 4, 30)) * time.Millisecond,
		Faults: sim.Faults{
			Lost: chance(0.01), Duplicate: chance(0.3), Delay: chance(0.4), Kill: chance(0.02), Freeze: chance(0.1),
			Skew: 5 * time.Second, MonoStops: rnd.IntN(2) == 0,
		},
	}
	if rnd.IntN(4) == 0 {
		c.Change = pick(1, 5, 50, 100, 150)
	}
	if c.Limit == 2000 {
		c.Load = []float64{0.1, 0.3}[rnd.IntN(2)] // where leases are largest
	}
	if float64(c.Limit)*c.Load > 1000 {
		c.Length = 5 * time.Second
	}
	c.Life = []time.Duration{0, time.Second, 3 * time.Second, lifetime}[rnd.IntN(4)]
	return c
}

func TestNeverOverTheBoundInAnyIntervalWhateverFails(t *testing.T) {
	n := seeds(400)
	admitted, closest := 0, -1_000_000
	for seed := range n {
		c := randomConfig(uint64(seed))
		out := sim.Run(c)
		admitted += len(out.Admitted)
		limit := max(c.Limit, c.Change)
		over := sim.Over(out.Admitted, limit)
		if over > 0 {
			t.Fatalf("seed %d: %d calls over the bound: %+v", seed, over, c)
		}
		closest = max(closest, over)
	}
	t.Logf("%d runs, %d calls admitted, the closest run %d calls below the bound", n, admitted, -closest)
	if admitted < 80*n || closest < -1 {
		t.Error("the runs never come near the bound, so they show nothing")
	}
}

func TestSaturatedLimitIsUsed(t *testing.T) {
	for _, limit := range []int{50, 100, 1000} {
		for _, load := range []float64{2, 10} {
			for _, envs := range []int{1, 4, 16, 20} {
				name := fmt.Sprintf("%d environments, limit %d, load %g", envs, limit, load)
				c := sim.Config{Seed: 1, Envs: envs, Limit: limit, Load: load, Length: 20 * time.Second, Life: lifetime, Faults: sim.Faults{Skew: 5 * time.Second}}
				out := sim.Run(c)
				used := float64(len(out.Admitted)) / float64(limit*20)
				perCall := float64(out.Writes) / float64(len(out.Admitted))
				t.Logf("%s: %.3f of the limit, %.3f writes a call", name, used, perCall)
				if used < 0.97 {
					t.Errorf("%s: %.3f of the limit is used", name, used)
				}
				if limit == 1000 && perCall > 0.05 {
					t.Errorf("%s: %.3f writes per admitted call", name, perCall)
				}
			}
		}
	}
}

// Large leases must not take what others want: burst after burst, tokens die with environments that nobody calls.
func TestBurstsOnManyEnvironmentsAreServedBelowTheLimit(t *testing.T) {
	served, calls := 0, 0.0
	for seed := range uint64(8) {
		c := sim.Config{
			Seed: seed, Envs: 16, Limit: 1000, Load: 0.9, Shape: sim.Bursty, Length: 20 * time.Second, Life: lifetime,
			Latency: 4 * time.Millisecond, Faults: sim.Faults{Skew: 5 * time.Second},
		}
		out := sim.Run(c)
		served, calls = served+len(out.Admitted), calls+float64(len(out.Latencies))
	}
	if part := float64(served) / calls; part < 0.99 {
		t.Errorf("%.4f of the calls are served", part)
	}
}

func TestALimitThatIsHardlyUsedCostsHardlyAWrite(t *testing.T) {
	for _, envs := range []int{1, 4} {
		c := sim.Config{Seed: 1, Envs: envs, Limit: 10_000, Load: 0.1, Length: 20 * time.Second, Life: lifetime, Faults: sim.Faults{Skew: 5 * time.Second}}
		out := sim.Run(c)
		perCall := float64(out.Writes) / float64(len(out.Admitted))
		t.Logf("%d environments: %.4f writes a call", envs, perCall)
		if served := float64(len(out.Admitted)) / (1000 * 20); served < 0.97 || perCall > 0.01 {
			t.Errorf("%d environments: %.2f of the calls served with %.4f writes each", envs, served, perCall)
		}
	}
}
