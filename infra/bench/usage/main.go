// Command usage reports what counting usage writes and costs: it lets environments decide a million calls in virtual
// time, and carries their reports through the code that runs on AWS, up to requests that it counts and sizes.
//
//	go run ./infra/bench/usage
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"strings"
	"time"

	"latchkey/infra/bench/figures"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/usage"
)

// plan is one measurement.
type plan struct {
	keys, environments, perSecond, calls, lanes int
	window                                      time.Duration
}

func main() {
	p := plan{}
	keys := flag.String("keys", "1,100,10000", "how many keys are busy, one measurement for each")
	flag.IntVar(&p.calls, "calls", 200_000, "calls of each measurement")
	flag.IntVar(&p.perSecond, "rate", 1000, "calls a second, of all keys together")
	flag.IntVar(&p.environments, "environments", 10, "execution environments of the authorizer")
	flag.IntVar(&p.lanes, "lanes", 4, "shards of the stream times ParallelizationFactor")
	flag.DurationVar(&p.window, "window", 2*time.Second, "MaximumBatchingWindowInSeconds")
	flag.Parse()
	fmt.Printf("%d calls, %d a second, %d environments, %d lanes, a batching window of %v. Per million calls:\n\n",
		p.calls, p.perSecond, p.environments, p.lanes, p.window)
	fmt.Println("| busy keys | slice puts | units | invocations | transactions | items | units | read units | dollars | of them slices |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, text := range strings.Split(*keys, ",") {
		if _, err := fmt.Sscan(text, &p.keys); err != nil {
			log.Fatal(err)
		}
		m := newMachine(p)
		if err := m.run(); err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.row())
	}
}

type machine struct {
	plan
	rnd         *rand.Rand
	keyIDs      []apikey.ID
	tallies     []*usage.Tally
	lanes       [][]usage.Report
	table       *table
	store       *counters.Store
	puts, units int
	invocations int
}

func newMachine(p plan) *machine {
	m := &machine{plan: p, rnd: rand.New(rand.NewPCG(1, 1)), lanes: make([][]usage.Report, p.lanes), table: newTable()} //nolint:gosec // a simulation
	for i := range p.keys {
		m.keyIDs = append(m.keyIDs, apikey.ID(fmt.Sprintf("key_01HZY3M7Q8R9S0T1V2W%07d", i)))
	}
	for i := range p.environments {
		m.tallies = append(m.tallies, usage.NewTally(fmt.Sprintf("%032x", i)))
	}
	m.store = counters.New(m.table, "counters")
	return m
}

// run decides all calls. It begins in the middle of an hour of a busy day.
func (m *machine) run() error {
	now := time.Date(2026, 3, 2, 12, 30, 0, 0, time.UTC)
	next := now.Add(m.window)
	for range m.calls {
		now = now.Add(time.Second / time.Duration(m.perSecond))
		tally, lane := m.pick()
		tally.Count(new(m.call(now)))
		if tally.Due(now, 0) {
			m.report(tally, lane, now)
		}
		if now.After(next) {
			if err := m.consume(now); err != nil {
				return err
			}
			next = now.Add(m.window)
		}
	}
	return m.consume(now)
}

func (m *machine) pick() (*usage.Tally, int) {
	i := m.rnd.IntN(len(m.tallies))
	return m.tallies[i], i % len(m.lanes)
}

// call is by any of the keys, each as likely; a thousand keys are one account's. Nine in ten are allowed.
func (m *machine) call(now time.Time) usage.Call {
	i := m.rnd.IntN(len(m.keyIDs))
	c := usage.Call{At: now, Code: authz.Allowed, Host: fmt.Sprintf("www%d.example.com", m.rnd.IntN(3))}
	if m.rnd.IntN(10) == 0 {
		c.Code = authz.QPSExceeded
	}
	c.Class, c.Billing = "map-display.tiles", "freemium"
	c.Subject = usage.Subject{Account: account.ID(fmt.Sprintf("acc_01HZY3M7Q8R9S0T1V2W%07d", i/1000)), Key: m.keyIDs[i], Product: "map-display"}
	return c
}

func (m *machine) report(tally *usage.Tally, lane int, now time.Time) {
	for _, part := range tally.Report(now) {
		m.puts++
		m.units += figures.WriteUnits(figures.ItemSize(reports.Encode(part)))
		m.lanes[lane] = append(m.lanes[lane], part)
	}
	tally.Acknowledge(now)
}

// consume is one round of invocations, one for each lane that has something.
func (m *machine) consume(now time.Time) error {
	for lane, reports := range m.lanes {
		if len(reports) == 0 {
			continue
		}
		m.lanes[lane] = nil
		m.invocations++
		contributions, newest := usage.Coalesce(reports, now)
		for _, batch := range usage.Batches(contributions, newest, counters.MaxItems) {
			stored, err := m.store.Read(context.Background(), batch.Items())
			if err != nil {
				return err
			}
			if err := m.store.Write(context.Background(), usage.Fold(stored, batch)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *machine) row() string {
	million := func(n int) float64 { return float64(n) * 1e6 / float64(m.calls) }
	slice := million(m.units) * figures.WriteUnit
	all := slice + million(2*m.table.written)*figures.WriteUnit + million(m.table.read)*figures.ReadUnit + million(m.invocations)*figures.Invocation
	cells := []string{fmt.Sprint(m.keys)}
	for _, n := range []int{m.puts, m.units, m.invocations, m.table.transactions, m.table.items, 2 * m.table.written, m.table.read} {
		cells = append(cells, fmt.Sprintf("%.0f", million(n)))
	}
	cells = append(cells, fmt.Sprintf("%.3f", all), fmt.Sprintf("%.3f", slice))
	return "| " + strings.Join(cells, " | ") + " |"
}
