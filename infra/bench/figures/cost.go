package figures

import (
	"fmt"
	"math"
	"strings"
)

// Run holds the processor time of a warm call in a run of infra/bench, the Runtime API's reading and writing included, in microseconds.
type Run struct {
	Day                 string
	Gate, Limits, Empty float64 // the gate, the gate with all limits, an empty handler on AWS's client
}

// Slowest is the run of docs/measurements/gate.md in which the gate needed most: the same machine needed less than half on another
// day. A test of infra/contract compares it with all that are recorded.
var Slowest = Run{Day: "2026-11-29", Gate: 246, Limits: 258, Empty: 388}

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

// CostTable is the table of docs/performance.md, with the run that it is computed from.
func CostTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Processor time of a call in the run of %s: %.0f µs of the gate, %.0f µs of the gate with all limits, %.0f µs of an empty handler.\n\n",
		Slowest.Day, Slowest.Gate, Slowest.Limits, Slowest.Empty)
	b.WriteString("| memory | share of a processor | a warm call of | at most | billed | dollars a million |\n|---|---|---|---|---|---|\n")
	for _, memory := range []float64{128, 256, 512} {
		for _, of := range []struct {
			name      string
			cpu, wait float64
		}{
			{"the gate", Slowest.Gate, 0},
			{"the gate with all limits", Slowest.Limits, 0},
			{"the gate with one store read", Slowest.Gate, roundTrip},
			{"an empty handler on AWS's client", Slowest.Empty, 0},
		} {
			c := CostOf(memory, of.cpu*1e-6, of.wait)
			fmt.Fprintf(&b, "| %.0f MB | %.2f | %s | %.2f ms | %.0f ms | %.4f |\n", memory, c.Processor, of.name, c.Longest, c.Billed, c.Sum)
		}
	}
	return b.String()
}
