// Command scale prints what a large installation asks of AWS's bounds, as docs/scale.md has it.
//
//	go run ./infra/bench/scale
package main

import (
	"context"
	"fmt"
	"log"

	"latchkey/infra/bench/figures"
)

func main() {
	sizes, err := figures.Measure(context.Background())
	if err != nil {
		log.Fatal("scale: ", err)
	}
	for _, table := range []string{
		figures.ScaleTable(sizes), figures.HotTable(sizes), figures.KeysTable(sizes), figures.SizesTable(sizes), figures.BoundsTable(),
	} {
		fmt.Println(table)
	}
}
