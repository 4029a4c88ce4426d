package figures

import (
	"math"

	"latchkey/shared/product"
)

// Demand holds the units that a load takes of each table and quota, a second.
type Demand struct {
	Environments    float64 // that the bound on the calls of one of them asks for, at least
	GateReads       float64 // read units
	GateItem        float64 // of the item that is read most
	Leases          Leases  // of the keys' limits
	AccountLeases   Leases  // where each account has a limit too
	Quotas          Quotas  // where each account has a quota
	Caps            Quotas  // where each key has a cap
	Slices          float64 // write units
	Shards, Lanes   float64 // of the stream of slices: shards by its writes, and what may be worked on at once
	CounterWrites   float64 // write units
	CounterReads    float64 // read units
	CounterItems    float64 // items written
	CounterInvoked  float64
	CounterTogether float64 // transactions on the counters of the busiest account
	ControlReads    float64 // read units of the counter, which looks at each account of a batch for quotas
}

// Ask computes it.
func (l Load) Ask(s Sizes) Demand {
	rates := l.rates()
	accounts := l.byAccount(rates)
	keys, key := l.sum(rates, freshFor)
	records, record := l.sum(accounts, freshFor)
	d := Demand{
		Environments: l.Calls / CallsOfOne.Value,
		GateReads:    keys*float64(ReadUnits(s.Policy)) + records*float64(ReadUnits(s.Account)),
		GateItem:     max(key*float64(ReadUnits(s.Policy)), record*float64(ReadUnits(s.Account))),
	}
	d.Leases, d.AccountLeases = l.leases(rates, mostLimit), l.leases(accounts, product.MaxAccountQPS)
	d.Quotas, d.Caps = l.quotas(accounts), l.quotas(rates)
	d.usage(l, rates, accounts)
	return d
}

// usage follows a report from an environment to the counters. It agrees with what infra/bench/usage counts.
func (d *Demand) usage(l Load, rates, accounts []float64) {
	puts := l.every(l.Calls, reportEvery)
	entries := distinct(rates, 1/puts)
	d.Slices = puts * float64(WriteUnits(reportSize(max(1, min(int(math.Round(entries)), 2000)))))
	d.Shards = max(leastShards, math.Ceil(d.Slices/ItemWrites.Value))
	if d.Lanes == 0 {
		d.Lanes = d.Shards * lanesOfShard
	}
	// An invocation takes what came in a window; where reports are rare, one of them.
	d.CounterInvoked = -math.Expm1(-puts*window/d.Lanes) * d.Lanes / window
	share := 1 / d.CounterInvoked
	contributions := puts * entries
	keys, together := distinct(rates, share)*d.CounterInvoked, -math.Expm1(-accounts[0]*share)*d.CounterInvoked
	d.ControlReads = distinct(accounts, share) * d.CounterInvoked
	sums := 2*keys + 2*d.ControlReads // an hour and a day of each
	d.CounterItems = contributions + sums
	d.CounterWrites, d.CounterReads, d.CounterTogether = 2*d.CounterItems, d.CounterItems, together
}

// leastShards is the number of partitions, and of shards, that a table on demand begins with, as reported.
const leastShards = 4

var (
	lanesOfShard = float64(Template["CounterFunction/Events/Slices/Properties/ParallelizationFactor"])
	window       = float64(Template["CounterFunction/Events/Slices/Properties/MaximumBatchingWindowInSeconds"])
)

// quotaReads are the read units of counters by which the counter tells that quotas are reached: so many days of each account of a batch.
func (d Demand) quotaReads(days int) float64 { return d.ControlReads * float64(ReadUnits(days<<10)) }

// takenReads are the read units of quotas by which the counter finds that neither the day's nor the month's is used up, of each account of a batch.
func (d Demand) takenReads() float64 { return 2 * d.ControlReads }

// Dollars are the price of a million calls, beside API Gateway and the upstream.
type Dollars struct {
	Gate, Reads, Leases, Usage float64
	AccountLimits, Quotas      float64 // of each account; the gate's waiting for them and the counter's reads are in it
	Caps                       float64 // of each key
}

// Sum adds up what is paid in each of the loads.
func (d Dollars) Sum() float64 { return d.Gate + d.Reads + d.Leases + d.Usage }

// All also adds a limit and a quota of each account.
func (d Dollars) All() float64 { return d.Sum() + d.AccountLimits + d.Quotas }

// Bill is the price of a million calls of a load, at the template's memory.
func (l Load) Bill(d Demand) Dollars {
	million := 1e6 / l.Calls
	trips := (d.GateReads/2 + d.Leases.Writes) / l.Calls // the key's and the account's record are asked for at once
	waited := WriteUnit + GBSecond*memory/1024*roundTrip
	return Dollars{
		Gate:   1e6 * (Invocation + GBSecond*memory/1024*(CostOf(memory, Slowest.Gate*1e-6, 0).Billed/1000+trips*roundTrip)),
		Reads:  d.GateReads * million * ReadUnit,
		Leases: d.Leases.Writes * million * WriteUnit,
		Usage:  million * (d.Slices*WriteUnit + d.CounterWrites*WriteUnit + (d.CounterReads+d.ControlReads)*ReadUnit + d.CounterInvoked*Invocation),

		AccountLimits: d.AccountLeases.Writes * million * waited,
		Quotas:        million * (d.Quotas.Writes*waited + d.quotaReads(daysOfMonth/2)*ReadUnit),
		Caps:          d.Caps.Writes * million * waited,
	}
}

var memory = float64(Template["Authorizer/MemorySize"])
