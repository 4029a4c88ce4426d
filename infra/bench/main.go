// Command bench compares Latchkey's authorizer with an empty handler, and with authorizers written otherwise: the same
// event, the same Lambda Runtime API, interleaved, on this machine. It prints ratios, for times depend on the machine.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"time"
)

func main() {
	o := options{trips: []time.Duration{0, time.Millisecond, 3 * time.Millisecond}}
	flag.IntVar(&o.calls, "calls", 20000, "warm calls of each contestant")
	flag.IntVar(&o.cold, "cold", 90, "cold starts of each contestant")
	flag.IntVar(&o.procs, "procs", 1, "GOMAXPROCS of every contestant; the template sets 1")
	// Above what the harness can call: a refusal would be another path. No key can have more.
	flag.IntVar(&o.qps, "qps", 10_000, "the key's limit, in calls a second")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the order in which the contestants are called")
	flag.BoolVar(&o.gate, "gate", false, "exit with 1 when a ratio exceeds its gate")
	flag.BoolVar(&o.node, "node", true, "include the Node.js authorizer, if it can be installed")
	flag.IntVar(&o.runs, "runs", 1, "measure so many times; the medians count")
	flag.BoolVar(&o.more, "more", true, "include the floors, the gate on AWS's client, the harness itself and cold starts with the store over TLS")
	flag.Func("trips", "round trips to the store over TLS, with commas (default 0s,1ms,3ms)", func(text string) (err error) {
		o.trips, err = parseTrips(text)
		return err
	})
	tries := flag.Int("tries", 1, "measure again, so many times in all, while a gate is exceeded")
	flag.StringVar(&o.authorizer, "authorizer", "latchkey/authorizer", "the package that holds Latchkey's authorizer")
	flag.Parse()
	o.runs = max(1, o.runs)
	_, o.ci = os.LookupEnv("CI")

	var v verdict
	for range max(1, *tries) {
		var err error
		if v, err = measure(o); err != nil {
			log.Fatal("bench: ", err)
		}
		if len(v.broken) == 0 {
			break
		}
	}
	if o.gate && len(v.broken) > 0 {
		os.Exit(1)
	}
}

// measure makes all runs of a try, prints the figures that count, and then each run's.
func measure(o options) (verdict, error) {
	var runs [][]row
	var all []measurement
	for n := range o.runs {
		m, err := run(o)
		if err != nil {
			return verdict{}, err
		}
		runs, all = append(runs, rows(m.results)), append(all, m)
		o.seed++ // another order
		if o.runs > 1 {
			log.Printf("run %d of %d is done", n+1, o.runs)
		}
	}
	report(os.Stdout, o, all[len(all)-1].results, medians(runs))
	if o.more {
		reportMore(os.Stdout, o, all)
	}
	v := judge(o, runs)
	fmt.Println()
	v.print(os.Stdout)
	if o.runs == 1 {
		return v, nil
	}
	for n, r := range runs {
		fmt.Printf("\nrun %d\n", n+1)
		table(os.Stdout, r)
	}
	return v, nil
}
