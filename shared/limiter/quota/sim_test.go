package quota_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"latchkey/shared/keytest"
	"latchkey/shared/limiter/quota/sim"
)

// seeds returns the number of runs in the search for a broken guarantee.
func seeds() int {
	if keytest.Deep() {
		return 20_000
	}
	return 2_000
}

// lifetime of an environment, where nothing else is said.
const lifetime = 15 * time.Minute

// begins are moments shortly before a period ends, and one far from any end.
var begins = []time.Time{
	time.Date(2026, 11, 29, 23, 59, 35, 0, time.UTC),
	time.Date(2026, 11, 30, 23, 59, 35, 0, time.UTC), // of the month, too
	time.Date(2028, 2, 28, 23, 59, 35, 0, time.UTC),
	time.Date(2026, 12, 31, 23, 59, 35, 0, time.UTC),
	time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC),
}

// randomConfig draws a run in which much goes wrong.
func randomConfig(seed uint64) sim.Config {
	rnd := rand.New(rand.NewPCG(seed, 11))
	pick := func(values ...int64) int64 { return values[rnd.IntN(len(values))] }
	chance := func(most float64) float64 {
		if rnd.IntN(2) == 0 {
			return 0
		}
		return rnd.Float64() * most
	}
	c := sim.Config{
		Seed: seed, Envs: int(pick(1, 2, 3, 8, 16, 64)), Rate: float64(pick(1, 5, 10, 20, 40)), Bursts: rnd.IntN(2) == 0,
		Skewed: rnd.IntN(3) == 0, Start: begins[rnd.IntN(len(begins))], Length: time.Duration(50+rnd.IntN(20)) * time.Second,
		Day: pick(0, 1, 10, 50, 150, 300, 1000), Month: pick(0, 0, 20, 150, 300, 1000), Taken: pick(0, 0, 20),
		Others: float64(pick(0, 2)),
		Faults: sim.Faults{
			Lost: chance(0.05), Duplicate: chance(0.3), Delay: chance(0.2), Freeze: chance(0.05), Kill: chance(0.02),
			Skew: 5 * time.Second,
		},
	}
	if rnd.IntN(2) == 0 {
		c.Life = time.Duration(pick(5, 20, 60, 15*60)) * time.Second
	}
	if c.Day == 0 && c.Month == 0 {
		c.Day = 200
	}
	if rnd.IntN(3) == 0 {
		c.KeyDay = pick(5, 50, 150)
	}
	if rnd.IntN(4) == 0 {
		c.Faults.Outage = time.Duration(rnd.IntN(40)) * time.Second
		c.Faults.OutageEnds = c.Faults.Outage + time.Duration(rnd.IntN(30))*time.Second
	}
	if rnd.IntN(3) == 0 {
		c.Changes = []sim.Change{{At: time.Duration(5+rnd.IntN(40)) * time.Second, Day: pick(0, 5, 50, 300), Month: pick(0, 30, 400)}}
	}
	return c
}

// over returns by how many calls the worst period is above its quota, and how many periods ended with all of it admitted. After a change that is the larger of the
// number that holds and of what was taken by the last write for a call that began with another, and never more than the largest number that held.
func over(c sim.Config, out *sim.Outcome) (worst, full int) {
	for key, admitted := range out.By {
		limit := c.KeyDay
		if key.Name == sim.Account {
			limit = largest(c, strings.Count(key.Period, "-") == 1)
			if key.Period == c.Start.Format("2006-01-02") || key.Period == c.Start.Format("2006-01") {
				admitted += int(c.Taken)
			}
		} else if strings.Count(key.Period, "-") == 1 {
			continue
		}
		if limit != 0 {
			worst = max(worst, admitted-max(int(limit), int(c.Taken)))
		}
		if n := last(c, strings.Count(key.Period, "-") == 1); key.Name == sim.Account && n > 0 {
			worst = max(worst, admitted-max(int(n), int(c.Taken), int(out.Before[key])))
		}
		if limit != 0 && int64(admitted) == limit {
			full++
		}
	}
	return worst, full
}

// largest is the largest number of the account in a run, 0 if it was without one for a time.
func largest(c sim.Config, month bool) int64 {
	of := func(day, months int64) int64 {
		if month {
			return months
		}
		return day
	}
	most := of(c.Day, c.Month)
	for _, change := range c.Changes {
		n := of(change.Day, change.Month)
		if n == 0 || most == 0 {
			return 0
		}
		most = max(most, n)
	}
	return most
}

// last is the number of the account that holds in the end.
func last(c sim.Config, month bool) int64 {
	day, months := c.Day, c.Month
	if n := len(c.Changes); n > 0 {
		day, months = c.Changes[n-1].Day, c.Changes[n-1].Month
	}
	if month {
		return months
	}
	return day
}

// TestNeverOverAQuotaWhateverFails: of a day, of a month, of a key and of its account at once. What is admitted while a write
// fails says so, and is not counted here.
func TestNeverOverAQuotaWhateverFails(t *testing.T) {
	admitted, full, suspended, refused := 0, 0, 0, 0
	for seed := range seeds() {
		c := randomConfig(uint64(seed))
		out := sim.Run(c)
		worst, exactly := over(c, out)
		if worst > 0 {
			t.Fatalf("seed %d: %d calls over a quota: %+v", seed, worst, c)
		}
		if c.Faults.Lost == 0 && c.Faults.Delay == 0 && c.Faults.OutageEnds == 0 && out.Suspended > 0 {
			t.Fatalf("seed %d: %d calls admitted without a token, but no write failed: %+v", seed, out.Suspended, c)
		}
		if out.Counted > int64(out.Suspended) {
			t.Fatalf("seed %d: %d calls admitted without a token are counted as %d: %+v", seed, out.Suspended, out.Counted, c)
		}
		admitted, full, suspended = admitted+out.Admitted, full+exactly, suspended+out.Suspended
		refused += out.Refused
	}
	t.Logf("%d runs: %d calls admitted, %d more while a write failed; %d periods used to the last call; %d calls refused",
		seeds(), admitted, suspended, full, refused)
	if full < seeds()/4 {
		t.Error("few runs come near a quota, so they show little")
	}
}

// TestALoweredQuotaActsOnceItIsKnown: of a day and of a month, nobody takes beyond the new number and what was taken by the last call that began before 10 s were over, and
// that is done soon: frozen environments apart, it has its answer, or its write is lost, seconds later.
func TestALoweredQuotaActsOnceItIsKnown(t *testing.T) {
	above, below := 0, 0
	for seed := range uint64(seeds() / 10) {
		c := randomConfig(seed)
		c.Start, c.Day, c.Month, c.KeyDay, c.Taken, c.Faults.Freeze = begins[4], 4000, 0, 0, 0, 0
		number := []int{200, 800, 1800}[seed/2%3]
		c.Length, c.Changes = 90*time.Second, []sim.Change{{At: 30 * time.Second, Day: int64(number)}}
		period := "2006-01-02"
		if seed%2 == 0 {
			c.Day, c.Month, c.Changes, period = 0, 4000, []sim.Change{{At: 30 * time.Second, Month: int64(number)}}, "2006-01"
		}
		out := sim.Run(c)
		before := out.Before[sim.Key{Name: sim.Account, Period: c.Start.Format(period)}]
		if most := max(number, min(4000, int(before))); out.Admitted > most { // what an outage let pass is counted, too
			t.Fatalf("seed %d: %d admitted, %d taken when the change was known: %+v", seed, out.Admitted, before, c)
		}
		if known := c.Changes[0].At + sim.Learns + sim.Written; out.OldAt > known {
			t.Fatalf("seed %d: by the old number something is taken after %v, want by %v: %+v", seed, out.OldAt, known, c)
		}
		if int(before) > number {
			above++
		} else if before > 0 && out.Refused > 0 {
			below++
		}
	}
	if above < 10 || below < 5 {
		t.Errorf("%d runs had taken more than the new number, and %d less and used it up: they show little", above, below)
	}
}

// TestARaisedQuotaIsServedAgain within the time in which an environment learns of it.
func TestARaisedQuotaIsServedAgain(t *testing.T) {
	for _, envs := range []int{1, 16, 64} {
		for _, month := range []bool{false, true} {
			c := sim.Config{Seed: 5, Envs: envs, Rate: 100, Start: begins[4], Length: 100 * time.Second, Life: lifetime, Day: 2000, Changes: []sim.Change{{At: 60 * time.Second, Day: 4000}}}
			if month {
				c.Month, c.Day, c.Changes = 2000, 0, []sim.Change{{At: 60 * time.Second, Month: 4000}}
			}
			if out := sim.Run(c); out.Admitted != 4000 {
				t.Errorf("%d environments, by month %v: %d admitted, want all 4000", envs, month, out.Admitted)
			}
		}
	}
}

// TestAnExhaustedQuotaWritesNothing: a flood beyond it costs each environment the write that shows it.
func TestAnExhaustedQuotaWritesNothing(t *testing.T) {
	for _, shape := range []sim.Config{{Day: 500}, {Month: 500}, {Day: 500, Month: 100_000}} {
		c := shape
		c.Seed, c.Envs, c.Rate, c.Start, c.Length, c.Life = 3, 16, 500, begins[4], 60*time.Second, lifetime
		before := c
		before.Length = 10 * time.Second
		first, all := sim.Run(before), sim.Run(c)
		if first.Admitted != 500 || all.Writes > first.Writes+all.Ended || all.Ended == 0 || all.Refused < 20_000 {
			t.Errorf("%+v: %d writes after 10 s, %d after a minute with %d new environments, %d calls refused", shape, first.Writes, all.Writes, all.Ended, all.Refused)
		}
	}
}

// TestWhatWasAdmittedInAnOutageIsCounted once the table can be written: the outage of a minute takes its calls out of the quota. No environment ends here: one
// that ends in an outage can't say what it admitted. No call is counted twice, and one that isn't counted is measured as such: the few whose first correction failed, and may be made.
// So it is where the quota is lifted in the outage, and no call counts under it any more.
func TestWhatWasAdmittedInAnOutageIsCounted(t *testing.T) {
	suspended, uncounted := int64(0), int64(0)
	for i := range uint64(25) {
		seed, lifted := i%20, i >= 20
		c := sim.Config{
			Seed: seed, Envs: 8, Rate: 50, Start: begins[4], Length: 3 * time.Minute, Day: 1_000_000,
			Faults: sim.Faults{Outage: 30 * time.Second, OutageEnds: 90 * time.Second},
		}
		if lifted {
			c.Changes = []sim.Change{{At: 75 * time.Second}}
		}
		out := sim.Run(c)
		day, month := out.Table.Taken(askOn(c.Start))
		// Beside the calls, what is in hand is counted, and what writes took of which the environment doesn't know that they
		// happened: the lease with which the outage begins.
		calls, lost := int64(out.Admitted+out.Suspended), day-out.Held-int64(out.Admitted+out.Suspended)
		if out.Counted > int64(out.Suspended) || out.Counted+out.Uncounted < int64(out.Suspended) || out.Uncounted > int64(out.Suspended)/20 {
			t.Errorf("seed %d, lifted: %t: of %d calls admitted without a token %d are counted, and %d are measured as uncounted", seed, lifted, out.Suspended, out.Counted, out.Uncounted)
		}
		if lifted {
			if out.Suspended < 1000 {
				t.Errorf("seed %d: %d calls admitted without a token", seed, out.Suspended)
			}
			continue
		}
		suspended, uncounted = suspended+int64(out.Suspended), uncounted+out.Uncounted
		if out.Suspended < 1500 || lost < 0 || day != month || lost > int64(c.Envs*400) {
			t.Errorf("seed %d: %d calls admitted, %d of them without a token, %d in hand, and %d counted", seed, calls, out.Suspended, out.Held, day)
		}
	}
	t.Logf("of %d calls admitted without a token %d are measured as uncounted", suspended, uncounted)
}

// promised are the share of a quota that is used at least, and the writes an admitted call that it costs at most, where more
// is called for than the quota allows.
type promised struct {
	envs         int
	quota        int64
	bursts       bool
	used, writes float64
}

// measure runs environments that live 15 min and give back what they hold, until 1.1 times what is left was called for.
func measure(p promised, change func(*sim.Config)) (out *sim.Outcome, used, writes float64) {
	c := sim.Config{
		Seed: 1, Envs: p.envs, Rate: 100, Bursts: p.bursts, Start: begins[4], Life: lifetime, Day: p.quota, Watch: true,
		Faults: sim.Faults{Skew: 5 * time.Second},
	}
	left := p.quota
	if most := int64(200_000); left > most { // the end of the day, in which the quota is reached
		c.Taken, left = left-most, most
	}
	c.Length = time.Duration(1.1*float64(left)/c.Rate)*time.Second + 5*time.Second
	if p.bursts {
		c.Length = max(c.Length, 5*time.Minute)
	}
	if change != nil {
		change(&c)
	}
	out = sim.Run(c)
	return out, float64(out.Admitted) / float64(left), float64(out.Writes+out.Returns) / float64(out.Admitted)
}

// variants are the runs of the long form, which only says what it sees.
var variants = map[string]func(*sim.Config){
	"most calls on few environments": func(c *sim.Config) { c.Skewed = true },
	"nothing given back":             func(c *sim.Config) { c.NoReturn = true },
	"20 other calls a second":        func(c *sim.Config) { c.Others = 20 },
	"killed every 5 min, on average": func(c *sim.Config) { c.Faults.Kill = float64(c.Envs) / (c.Rate * 300) },
	"ten times the quota":            func(c *sim.Config) { c.Rate *= 10 },
}

// TestOfAQuotaWhatWasPromisedIsUsedAtThePricePromised: steady and in bursts, with 1 to 64 environments.
func TestOfAQuotaWhatWasPromisedIsUsedAtThePricePromised(t *testing.T) {
	for _, envs := range []int{1, 16, 64} {
		for _, p := range []promised{
			{envs, 1_000, false, 0.9, 1},
			{envs, 1_000, true, 0.9, 1},
			{envs, 10_000, false, 0.995, 1},
			{envs, 10_000, true, 0.99, 1},
			{envs, 100_000, false, 0.995, 1},
			{envs, 100_000, true, 0.99, 1},
			{envs, 1_000_000, false, 0.995, 0.02},
			{envs, 1_000_000, true, 0.99, 0.05},
		} {
			out, used, writes := measure(p, nil)
			t.Logf("%+v: %.4f used, %.4f writes an admitted call, %d corrections; %d refused, %d of them while another environment held tokens",
				p, used, writes, out.Returns, out.Refused, out.WhileHeld)
			if out.Refused == 0 || used < p.used || writes > p.writes || out.Suspended > 0 {
				t.Errorf("%+v: %.4f used, %.4f writes an admitted call, %d refused", p, used, writes, out.Refused)
			}
			for name, change := range variants {
				if keytest.Deep() {
					out, used, writes := measure(p, change)
					t.Logf("  %s: %.4f used, %.4f writes, %d corrections; %d refused, %d while held, %d held at the end", name, used, writes, out.Returns, out.Refused, out.WhileHeld, out.Held)
				}
			}
		}
	}
}

// TestWithMostCallsOnFewEnvironmentsNearlyAllOfAQuotaIsUsed: Lambda sends calls to the warm. When a small quota is used up within minutes, the rest is in the hands of environments that are
// hardly called.
func TestWithMostCallsOnFewEnvironmentsNearlyAllOfAQuotaIsUsed(t *testing.T) {
	for _, p := range []promised{{16, 10_000, false, 0.995, 1}, {64, 10_000, false, 0.985, 1}, {64, 100_000, false, 0.995, 1}} {
		for seed := range uint64(5) {
			out, used, writes := measure(p, func(c *sim.Config) { c.Skewed, c.Seed = true, seed+1 })
			t.Logf("%+v, seed %d: %.4f used, %.4f writes an admitted call; %d refused, %d while another environment held tokens", p, seed+1, used, writes, out.Refused, out.WhileHeld)
			if out.Refused == 0 || used < p.used || writes > p.writes || out.Suspended > 0 {
				t.Errorf("%+v, seed %d: %.4f used, %.4f writes an admitted call, %d refused", p, seed+1, used, writes, out.Refused)
			}
		}
	}
}
