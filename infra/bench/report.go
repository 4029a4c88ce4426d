package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// quantile is the value below which a share of the samples lies; 0 for none.
func quantile(samples []time.Duration, share float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(samples))
	return s[min(len(s)-1, int(share*float64(len(s))))]
}

// ratios are a contestant's figures, each divided by the empty handler's.
type ratios struct {
	p50, p99       float64 // warm, store not asked
	allP50, allP99 float64 // warm, all calls
	cpu, memory    float64
	cold, coldP90  float64
	zip            float64
}

func compare(r, base *result) ratios {
	duration := func(a, b time.Duration) float64 { return ratio(int64(a), int64(b)) }
	at := func(a, b []time.Duration, share float64) float64 {
		return duration(quantile(a, share), quantile(b, share))
	}
	return ratios{
		p50: at(r.hits, base.hits, 0.5), p99: at(r.hits, base.hits, 0.99),
		allP50: at(r.all, base.all, 0.5), allP99: at(r.all, base.all, 0.99),
		cpu: duration(r.cpu, base.cpu), memory: ratio(r.memory, base.memory),
		cold: at(r.cold, base.cold, 0.5), coldP90: at(r.cold, base.cold, 0.9),
		zip: ratio(r.zip, base.zip),
	}
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func find(results []*result, name string) *result {
	i := slices.IndexFunc(results, func(r *result) bool { return r.name == name })
	if i < 0 {
		return nil
	}
	return results[i]
}

// row is the printed line of a contestant.
type row struct {
	name string
	ratios
	binary int64 // bytes; 0: none
	asked  int64
}

// rows compares the results of one run with its empty handler.
func rows(results []*result) []row {
	base := find(results, nameEmpty)
	var all []row
	for _, r := range results {
		all = append(all, row{name: r.name, ratios: compare(r, base), binary: r.binary, asked: r.asked})
	}
	return all
}

// medians takes the median of each figure of each contestant over several runs, by itself: the middle of an odd number, the
// upper middle of an even one.
func medians(runs [][]row) []row {
	all := slices.Clone(runs[0])
	for i := range all {
		median := func(of func(*row) float64) float64 {
			var values []float64
			for _, run := range runs {
				values = append(values, of(&run[i]))
			}
			slices.Sort(values)
			return values[len(values)/2]
		}
		all[i].ratios = ratios{
			p50: median(func(r *row) float64 { return r.p50 }), p99: median(func(r *row) float64 { return r.p99 }),
			allP50: median(func(r *row) float64 { return r.allP50 }), allP99: median(func(r *row) float64 { return r.allP99 }),
			cpu: median(func(r *row) float64 { return r.cpu }), memory: median(func(r *row) float64 { return r.memory }),
			cold: median(func(r *row) float64 { return r.cold }), coldP90: median(func(r *row) float64 { return r.coldP90 }),
			zip: median(func(r *row) float64 { return r.zip }),
		}
		all[i].asked = int64(median(func(r *row) float64 { return float64(r.asked) }))
	}
	return all
}

// report prints the figures that count: with several runs, their medians.
func report(w io.Writer, o options, results []*result, figures []row) {
	of := ""
	if o.runs > 1 {
		of = fmt.Sprintf(", the medians of %d such runs", o.runs)
	}
	fmt.Fprintf(w, "%d warm calls and %d cold starts of each, interleaved, GOMAXPROCS=%d%s; ratios to the empty handler\n\n", o.calls, o.cold, o.procs, of)
	table(w, figures)
	base := find(results, nameEmpty)
	fmt.Fprintf(w, "\nthe empty handler here: %v warm, %v cold; warm p50 and p99 are of calls that didn't ask the store\n",
		quantile(base.hits, 0.5).Round(time.Microsecond), quantile(base.cold, 0.5).Round(100*time.Microsecond))
	fmt.Fprint(w, "CPU of a call here:")
	for i, r := range results {
		if i > 0 {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, " %s %v", r.name, r.cpu.Round(time.Microsecond))
	}
	fmt.Fprintln(w)
}

func table(w io.Writer, figures []row) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\twarm p50\tp99\tall p50\tall p99\tCPU\tmemory\tcold p50\tcold p90\tzip\tbinary MB\tstore calls")
	for _, r := range figures {
		binary, zip := "-", "-"
		if r.binary > 0 {
			binary, zip = fmt.Sprintf("%.2f", float64(r.binary)/1e6), fmt.Sprintf("%.2f", r.zip)
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t%s\t%d\n",
			r.name, r.p50, r.p99, r.allP50, r.allP99, r.cpu, r.memory, r.cold, r.coldP90, zip, binary, r.asked)
	}
	_ = t.Flush()
}
