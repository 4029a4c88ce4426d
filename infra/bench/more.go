package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// parseTrips reads round trips.
func parseTrips(text string) ([]time.Duration, error) {
	var all []time.Duration
	for word := range strings.SplitSeq(text, ",") {
		trip, err := time.ParseDuration(strings.TrimSpace(word))
		if err != nil || trip < 0 {
			return nil, fmt.Errorf("%q is no round trip", word)
		}
		all = append(all, trip)
	}
	return all, nil
}

// reportMore prints what stands behind the table, of all runs together.
func reportMore(w io.Writer, o options, runs []measurement) {
	reportFloor(w, runs)
	reportHarness(w, runs)
	reportAway(w, o, runs)
}

func hits(r *result) []time.Duration { return r.hits }

// pooled is the median of a contestant's samples in all runs; 0 for none.
func pooled(runs []measurement, name string, of func(*result) []time.Duration) time.Duration {
	var all []time.Duration
	for _, m := range runs {
		if r := find(m.results, name); r != nil {
			all = append(all, of(r)...)
		}
	}
	return quantile(all, 0.5)
}

// reportFloor compares the gate with handlers that do nothing on the same loop.
func reportFloor(w io.Writer, runs []measurement) {
	cpu := func(r *result) []time.Duration { return []time.Duration{r.cpu} }
	cold := func(r *result) []time.Duration { return r.cold }
	fmt.Fprintln(w)
	for _, floor := range []struct{ name, said string }{{nameFloor, "to the floor"}, {nameFloorRead, "to the floor with one bare store read"}} {
		over := func(of func(*result) []time.Duration) float64 {
			return ratio(int64(pooled(runs, nameLatchkey, of)), int64(pooled(runs, floor.name, of)))
		}
		fmt.Fprintf(w, "%s: the gate's warm p50 is %.2f of it, its CPU %.2f, its cold p50 %.2f\n", floor.said, over(hits), over(cpu), over(cold))
	}
}

// reportHarness prints what the harness adds to a warm call, and the gate's ratio without it.
func reportHarness(w io.Writer, runs []measurement) {
	var all []time.Duration
	for _, m := range runs {
		all = append(all, m.harness)
	}
	took, empty, gate := quantile(all, 0.5), pooled(runs, nameEmpty, hits), pooled(runs, nameLatchkey, hits)
	fmt.Fprintf(w, "the harness itself: %v of a warm call, %.2f of the empty handler's", took.Round(time.Microsecond), ratio(int64(took), int64(empty)))
	if empty > took {
		fmt.Fprintf(w, "; less that, the gate's warm p50 is %.2f", ratio(int64(gate-took), int64(empty-took)))
	}
	fmt.Fprintln(w)
}

// reportAway prints the cold starts with the store over TLS: in milliseconds, and as ratios to the empty handler's, which
// asks no store.
func reportAway(w io.Writer, o options, runs []measurement) {
	fmt.Fprint(w, "\ncold p50 with the store over TLS, by the round trip to it: milliseconds, and the ratio to the empty handler\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, trip := range o.trips {
		fmt.Fprintf(t, "\t%v", trip)
	}
	fmt.Fprintln(t)
	for _, r := range runs[0].results {
		if r.away == nil {
			continue
		}
		// Other programs read the first line that begins with the gate's name, which is the table's.
		fmt.Fprintf(t, "%s", r.name)
		for _, trip := range o.trips {
			at := func(r *result) []time.Duration { return r.away[trip] }
			own, base := pooled(runs, r.name, at), pooled(runs, nameEmpty, at)
			fmt.Fprintf(t, "\t%.1f  %.2f", own.Seconds()*1e3, ratio(int64(own), int64(base)))
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush()
}
