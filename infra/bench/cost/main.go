// Command cost prints what a million calls of the gate cost, as docs/performance.md has it.
//
//	go run ./infra/bench/cost
package main

import (
	"context"
	"fmt"
	"os"

	"latchkey/infra/bench/figures"
)

func main() {
	sizes, err := figures.Measure(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
	fmt.Printf("%s\n%s", figures.CostTable(), figures.BillTable(sizes))
}
