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
	for _, r := range results {
		if r.name == name {
			return r
		}
	}
	return nil
}

func report(w io.Writer, o options, results []*result) {
	fmt.Fprintf(w, "%d warm calls and %d cold starts of each, interleaved, GOMAXPROCS=%d; ratios to the empty handler\n\n", o.calls, o.cold, o.procs)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\twarm p50\tp99\tall p50\tall p99\tCPU\tmemory\tcold p50\tcold p90\tzip\tbinary MB\tstore calls")
	base := find(results, nameEmpty)
	for _, r := range results {
		q := compare(r, base)
		binary, zip := "-", "-"
		if r.binary > 0 {
			binary, zip = fmt.Sprintf("%.2f", float64(r.binary)/1e6), fmt.Sprintf("%.2f", q.zip)
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t%s\t%d\n",
			r.name, q.p50, q.p99, q.allP50, q.allP99, q.cpu, q.memory, q.cold, q.coldP90, zip, binary, r.asked)
	}
	_ = t.Flush()
	fmt.Fprintf(w, "\nthe empty handler here: %v warm, %v cold; warm p50 and p99 are of calls that didn't ask the store\n",
		quantile(base.hits, 0.5).Round(time.Microsecond), quantile(base.cold, 0.5).Round(100*time.Microsecond))
}

// maxBinary is the most that the authorizer's binary may weigh, in bytes.
const maxBinary = 8_000_000

// gates lists the promises that Latchkey's figures break.
func gates(o options, results []*result) []string {
	r := find(results, nameLatchkey)
	q := compare(r, find(results, nameEmpty))
	noise := 1.0
	if o.ci {
		noise = 1.25 / 1.15 // machines that are shared with strangers
	}
	var failed []string
	for _, g := range []struct {
		what      string
		is, limit float64
	}{
		{"warm p50", q.p50, 1.15 * noise},
		{"warm p99", q.p99, 1.3 * noise},
		{"CPU", q.cpu, 1.15 * noise},
		{"cold start", q.cold, 1.9 * noise},
		{"zip", q.zip, 1.25},
		{"binary", float64(r.binary) / maxBinary, 1},
	} {
		if g.is > g.limit || g.is == 0 {
			failed = append(failed, fmt.Sprintf("%s is %.3f, at most %.2f", g.what, g.is, g.limit))
		}
	}
	return failed
}
