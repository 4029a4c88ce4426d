package figures

import (
	"testing"
	"time"

	"latchkey/shared/limiter/quota/sim"
	limits "latchkey/shared/limiter/sim"
	"latchkey/shared/product"
)

// noon is far from the end of a day.
var noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

// One environment is simulated, and many do as it does: from those that are called once in minutes to those that are called several times a second.
func TestAQuotaIsWrittenForByManyEnvironmentsAsByOne(t *testing.T) {
	const environments = 8
	for _, c := range []struct{ rate, writes float64 }{{0.001778, 1}, {0.01778, 0.75}, {0.1778, 0.12}, {5.623, 0.004}} {
		many := sim.Run(sim.Config{
			Seed: 2, Envs: environments, Rate: environments * c.rate, Start: noon, Length: max(4*lifetime, time.Duration(1000/c.rate*float64(time.Second))),
			Life: lifetime, Others: 0.1 * environments, Month: 1e12,
		})
		calls := environments * c.rate
		one := Load{Calls: calls, Environments: environments}.quotas([]float64{calls}).Writes / calls
		near(t, "writes a call", one, float64(many.Writes+many.Returns)/float64(many.Calls), 0.12)
		if many.Refused > 0 || many.Suspended > 0 || one > 1.2*c.writes || one < 0.8*c.writes {
			t.Errorf("%g calls a second: %g writes a call, about %g meant; %d refused", c.rate, one, c.writes, many.Refused)
		}
	}
}

// What leases hold is of a day: each environment that is called asks again in the first second of the next.
func TestADayBeginsWithAWriteOfEachEnvironment(t *testing.T) {
	l := Load{Calls: 400, Environments: 200, Keys: 1, Accounts: 1}
	midnight := noon.Add(12 * time.Hour)
	written := func(after time.Duration) float64 {
		out := sim.Run(sim.Config{
			Seed: 3, Envs: l.Environments, Rate: l.Calls, Start: midnight.Add(-2 * time.Minute), Length: 2*time.Minute + after, Month: 1e12,
		})
		return float64(out.Writes)
	}
	near(t, "writes in a day's first second", l.quotas([]float64{l.Calls}).FirstOf, written(time.Second)-written(0), 0.05)
}

// A call is under its key's limit and its account's, each of which is asked for as if it were alone.
func TestAnAccountsLimitIsWrittenForBesideItsKeys(t *testing.T) {
	for _, c := range []struct {
		keys, environments int
		calls              float64
	}{{1, 16, 600}, {4, 16, 2400}, {4, 64, 2400}} {
		both := limits.Run(limits.Config{
			Seed: 1, Envs: c.environments, Limit: mostLimit, Load: c.calls / mostLimit, Length: 3 * time.Second, Keys: c.keys,
			Account: product.MaxAccountQPS,
		})
		l := Load{Calls: c.calls, Environments: c.environments, Keys: c.keys, Accounts: 1}
		rates := l.rates()
		apart := l.leases(rates, mostLimit).Writes + l.leases(l.byAccount(rates), product.MaxAccountQPS).Writes
		near(t, "writes a second", apart, c.calls*float64(both.Writes)/float64(both.Calls), 0.15)
	}
}

// The price of a million calls that each write one unit: the unit, and the time that the gate waits for it at 512 MB. A counter that looks at
// one account for each call reads two weeks of its days besides.
func TestQuotasAndAccountLimitsAreInTheBill(t *testing.T) {
	l := Load{Calls: 100, Environments: 10}
	const unit = 0.625 + 0.5*0.004*1e6*0.0000133
	bill := l.Bill(Demand{AccountLeases: Leases{Writes: 200}, Quotas: Quotas{Writes: 100}, Caps: Quotas{Writes: 50}, ControlReads: 100})
	near(t, "a limit of each account", bill.AccountLimits, 2*unit, 1e-9)
	near(t, "a quota of each account", bill.Quotas, unit+4*0.125, 1e-9)
	near(t, "a cap of each key", bill.Caps, unit/2, 1e-9)
	near(t, "with a limit and a quota of each account", bill.All()-bill.Sum(), 3*unit+4*0.125, 1e-9)
}
