package main

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// maxBinary is the most that the authorizer's binary may weigh, in bytes.
const maxBinary = 8_000_000

// maxNoise is the greatest distance from 1 of the second empty handler's ratio, in the median of the runs, at which the same
// ratio of Latchkey's says something. It is one for all figures: a tail that swings more has no verdict more often.
const maxNoise = 0.03

// verdict has the promises that Latchkey's figures break, and those that can't be judged because the machine was too busy.
type verdict struct {
	broken, unclear []string
}

// judge compares the medians of Latchkey's figures, and two of the same binary under all kinds of limits, with the gates. A figure's own noise decides whether it has a verdict: what
// lies in a binary has none, and a slow disk says nothing about the CPU.
func judge(o options, runs [][]row) verdict {
	all, off := medians(runs), noise(runs)
	r, limited := pick(all, nameLatchkey), pick(all, nameLimited)
	wider := 1.0
	if o.ci {
		wider = 1.25 / 1.15 // machines that are shared with strangers; the others have room enough
	}
	var v verdict
	for _, g := range []struct {
		what      string
		is, limit float64
		off       float64 // 0 for a figure without noise
	}{
		{"warm p50", r.p50, 1, off.p50},
		{"warm p99", r.p99, 1.3 * wider, off.p99},
		{"CPU", r.cpu, 1, off.cpu},
		{"cold start", r.cold, 1.85, off.cold},
		{"warm p50 with all limits", limited.p50, 1, off.p50},
		{"CPU with all limits", limited.cpu, 1, off.cpu},
		{"zip", r.zip, 1.25, 0},
		{"binary", float64(r.binary) / maxBinary, 1, 0},
	} {
		switch {
		case g.is == 0:
			v.broken = append(v.broken, g.what+" is not measured")
		case g.off > maxNoise:
			v.unclear = append(v.unclear, fmt.Sprintf("%s is %.3f, but two empty handlers differ by %.1f %%", g.what, g.is, g.off*100))
		case g.is > g.limit:
			v.broken = append(v.broken, fmt.Sprintf("%s is %.3f, at most %.2f", g.what, g.is, g.limit))
		}
	}
	return v
}

// noise is the distance of the second empty handler's ratios from 1, up or down, in the median of the runs: two runs that are off
// in opposite directions don't make a quiet one.
func noise(runs [][]row) ratios {
	var all [][]row
	for _, run := range runs {
		c := pick(run, nameControl)
		off := func(ratio float64) float64 { return math.Abs(ratio - 1) }
		all = append(all, []row{{ratios: ratios{p50: off(c.p50), p99: off(c.p99), cpu: off(c.cpu), cold: off(c.cold)}}})
	}
	return medians(all)[0].ratios
}

// print writes a line for each figure that isn't within its gate, or one that says that all are.
func (v verdict) print(w io.Writer) {
	for _, b := range v.broken {
		fmt.Fprintln(w, "over the gate:", b)
	}
	for _, u := range v.unclear {
		fmt.Fprintln(w, "no verdict:", u)
	}
	if len(v.broken)+len(v.unclear) == 0 {
		fmt.Fprintln(w, "within all gates")
	}
}

// pick finds a contestant's row; the zero row for none.
func pick(figures []row, name string) row {
	i := slices.IndexFunc(figures, func(r row) bool { return r.name == name })
	if i < 0 {
		return row{}
	}
	return figures[i]
}
