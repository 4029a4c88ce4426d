package figures

import (
	"fmt"
	"math"
	"strings"
)

// What infra/bench measured on 2026-11-28, on amd64 and a quiet machine, three runs of 20,000 calls of each: processor time of a
// warm call, the Runtime API's reading and writing included, in seconds.
const (
	cpuGate  = 106e-6
	cpuEmpty = 172e-6
)

// roundTrip is the assumed time of a store call, in seconds: the median of the limiter's simulation. Only AWS shows the real one.
const roundTrip = 4e-3

// billed is a time in milliseconds as Lambda bills it: the next whole one.
func billed(ms float64) float64 { return math.Ceil(ms - 1e-9) }

// Cost is the price of a million warm calls at a size of memory.
type Cost struct {
	Memory         float64 // MB
	Processor      float64 // of one
	Longest        float64 // ms of a call that needs cpu, where the share of the processor is all that it gets
	Billed         float64 // ms
	GBSeconds, Sum float64 // of a million calls; Sum in dollars
}

// CostOf computes a call that uses so much processor time and waits for the store, both in seconds.
func CostOf(memoryMB, cpu, wait float64) Cost {
	c := Cost{Memory: memoryMB, Processor: min(1, memoryMB/vCPU)}
	c.Longest = (cpu/c.Processor + wait) * 1000
	c.Billed = billed(c.Longest)
	c.GBSeconds = 1e6 * c.Billed / 1000 * memoryMB / 1024
	c.Sum = 1e6*Invocation + c.GBSeconds*GBSecond
	return c
}

// CostTable is the table of docs/performance.md.
func CostTable() string {
	var b strings.Builder
	b.WriteString("| memory | share of a processor | a call from memory, at most | billed | dollars a million | an empty handler | a call with one store read | dollars a million |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|\n")
	for _, memory := range []float64{128, 256, 512} {
		hit, empty, read := CostOf(memory, cpuGate, 0), CostOf(memory, cpuEmpty, 0), CostOf(memory, cpuGate, roundTrip)
		fmt.Fprintf(&b, "| %.0f MB | %.2f | %.2f ms | %.0f ms | %.4f | %.0f ms, %.4f | %.0f ms | %.4f |\n",
			memory, hit.Processor, hit.Longest, hit.Billed, hit.Sum, empty.Billed, empty.Sum, read.Billed, read.Sum)
	}
	return b.String()
}
