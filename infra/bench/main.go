// Command bench compares Latchkey's authorizer with an empty handler, and with authorizers written otherwise: the same
// event, the same Lambda Runtime API, interleaved, on this machine. It prints ratios, for times depend on the machine.
package main

import (
	"flag"
	"log"
	"os"
)

func main() {
	var o options
	flag.IntVar(&o.calls, "calls", 20000, "warm calls of each contestant")
	flag.IntVar(&o.cold, "cold", 90, "cold starts of each contestant")
	flag.IntVar(&o.procs, "procs", 1, "GOMAXPROCS of every contestant; the template sets 1")
	// Above what the harness can call: a refusal would be another path. No key can have more.
	flag.IntVar(&o.qps, "qps", 10_000, "the key's limit, in calls a second")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the order in which the contestants are called")
	flag.BoolVar(&o.gate, "gate", false, "exit with 1 when a ratio exceeds its gate")
	flag.BoolVar(&o.node, "node", true, "include the Node.js authorizer, if it can be installed")
	tries := flag.Int("tries", 1, "measure again, so many times in all, while a gate is exceeded")
	flag.StringVar(&o.authorizer, "authorizer", "latchkey/authorizer", "the package that holds Latchkey's authorizer")
	flag.Parse()
	_, o.ci = os.LookupEnv("CI")

	kept := false
	for n := 0; n < max(1, *tries) && !kept; n++ {
		results, err := run(o)
		if err != nil {
			log.Fatal("bench: ", err)
		}
		report(os.Stdout, o, results)
		failed := gates(o, results)
		for _, f := range failed {
			log.Print("over the gate: ", f)
		}
		kept = len(failed) == 0
	}
	if o.gate && !kept {
		os.Exit(1)
	}
}
