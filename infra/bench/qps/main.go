// Command qps measures the limiter against its alternatives in simulation, and writes the tables and plots of the
// decision record.
//
//	go run ./infra/bench/qps -out docs/decisions
package main

import (
	"flag"
	"log"
	"os"
	"time"
)

func main() {
	out := flag.String("out", "", "folder for qps-limiter-*.svg; empty: only print")
	length := flag.Duration("length", 20*time.Second, "simulated time of each run")
	flag.Parse()
	rows := measure(*length)
	report(os.Stdout, rows)
	if *out == "" {
		return
	}
	if err := plots(*out, rows); err != nil {
		log.Fatal(err)
	}
}
