// Command cost prints what a million calls of the gate cost, as docs/performance.md has it.
//
//	go run ./infra/bench/cost
package main

import (
	"fmt"

	"latchkey/infra/bench/figures"
)

func main() { fmt.Print(figures.CostTable()) }
