package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// names are the figures that lines speak of.
func names(lines []string) string {
	var all []string
	for _, l := range lines {
		what, _, _ := strings.Cut(l, " is ")
		all = append(all, what)
	}
	return strings.Join(all, " ")
}

// quiet is a second empty handler as an idle machine shows it.
var quiet = ratios{p50: 1.02, p99: 0.975, cpu: 0.98, cold: 1.029, zip: 1}

// fineLimited is the gate under all kinds of limits, as it should be.
var fineLimited = row{name: nameLimited, ratios: ratios{p50: 1, p99: 2, cpu: 1, cold: 3}, binary: 5e6}

// TestTheGateUnderAllLimitsIsJudged by its warm calls and their CPU: at most those of the empty handler.
func TestTheGateUnderAllLimitsIsJudged(t *testing.T) {
	latchkey := row{name: nameLatchkey, ratios: ratios{p50: 0.7, p99: 0.7, cpu: 0.65, cold: 1.7, zip: 1.2}, binary: 5e6}
	limited := func(p50, cpu float64) row {
		r := fineLimited
		r.p50, r.cpu = p50, cpu
		return r
	}
	busy := quiet
	busy.p50 = 1.04
	for name, c := range map[string]struct {
		limited         row
		control         ratios
		broken, unclear string
	}{
		"as it was measured": {limited(0.73, 0.66), quiet, "", ""},
		"as the empty one":   {limited(1, 1), quiet, "", ""},
		"warm":               {limited(1.01, 0.66), quiet, "warm p50 with all limits", ""},
		"CPU":                {limited(0.73, 1.01), quiet, "CPU with all limits", ""},
		"on a busy machine":  {limited(1.01, 1.01), busy, "CPU with all limits", "warm p50 warm p50 with all limits"},
		"not measured":       {row{}, quiet, "warm p50 with all limits CPU with all limits", ""},
	} {
		got := judge(options{ci: true}, [][]row{{{name: nameEmpty}, {name: nameControl, ratios: c.control}, latchkey, c.limited}})
		if names(got.broken) != c.broken || names(got.unclear) != c.unclear {
			t.Errorf("%s: broken %q, no verdict on %q; want %q, %q", name, names(got.broken), names(got.unclear), c.broken, c.unclear)
		}
	}
}

func TestGatesNameEachBrokenPromise(t *testing.T) {
	figures := func(p50, p99, cpu, cold, zip float64, binary int64) row {
		return row{name: nameLatchkey, ratios: ratios{p50: p50, p99: p99, cpu: cpu, cold: cold, zip: zip}, binary: binary}
	}
	for name, c := range map[string]struct {
		latchkey row
		o        options
		broken   string
	}{
		"all kept":               {figures(1, 1.3, 1, 1.85, 1.25, 8e6), options{}, ""},
		"warm":                   {figures(1.16, 1, 1, 1, 1, 5e6), options{}, "warm p50"},
		"no wider in CI":         {figures(1.01, 1.3, 1.01, 1, 1, 5e6), options{ci: true}, "warm p50 CPU"},
		"p99, within CI's noise": {figures(1, 1.41, 1, 1, 1, 5e6), options{ci: true}, ""},
		"cold, no wider in CI":   {figures(1, 1, 1, 1.86, 1, 5e6), options{ci: true}, "cold start"},
		"warm p99 too":           {figures(1.31, 1.31, 1, 1, 1, 5e6), options{}, "warm p50 warm p99"},
		"CPU":                    {figures(1, 1, 1.16, 1, 1, 5e6), options{}, "CPU"},
		"cold":                   {figures(1, 1, 1, 1.86, 1, 5e6), options{}, "cold start"},
		"zip":                    {figures(1, 1, 1, 1, 1.26, 5e6), options{}, "zip"},
		"binary":                 {figures(1, 1, 1, 1, 1, 81e5), options{}, "binary"},
		"nothing counted":        {row{name: nameLatchkey}, options{}, "warm p50 warm p99 CPU cold start zip binary"},
	} {
		got := judge(c.o, [][]row{{{name: nameEmpty}, {name: nameControl, ratios: quiet}, c.latchkey, fineLimited}})
		if names(got.broken) != c.broken || len(got.unclear) > 0 {
			t.Errorf("%s: %+v, want %q broken", name, got, c.broken)
		}
	}
}

func TestAFigureHasNoVerdictWhereTwoEmptyHandlersDiffer(t *testing.T) {
	slow := row{name: nameLatchkey, ratios: ratios{p50: 2, p99: 2, cpu: 2, cold: 3, zip: 2}, binary: 9e6}
	fine := row{name: nameLatchkey, ratios: ratios{p50: 1, p99: 1, cpu: 1, cold: 1, zip: 1}, binary: 5e6}
	noisy := func(change func(*ratios)) row {
		r := quiet
		change(&r)
		return row{name: nameControl, ratios: r}
	}
	for name, c := range map[string]struct {
		latchkey, control row
		broken, unclear   string
	}{
		"a busy machine":              {slow, noisy(func(r *ratios) { r.p50, r.p99, r.cpu, r.cold = 1.04, 1.2, 1.1, 0.9 }), "zip binary", "warm p50 warm p99 CPU cold start warm p50 with all limits CPU with all limits"},
		"and nothing over its gate":   {fine, noisy(func(r *ratios) { r.p50, r.p99, r.cpu, r.cold = 1.04, 1.2, 1.1, 0.9 }), "", "warm p50 warm p99 CPU cold start warm p50 with all limits CPU with all limits"},
		"the second one is slower":    {slow, noisy(func(r *ratios) { r.cold = 1.031 }), "warm p50 warm p99 CPU zip binary", "cold start"},
		"the second one is faster":    {slow, noisy(func(r *ratios) { r.cold = 0.969 }), "warm p50 warm p99 CPU zip binary", "cold start"},
		"off by less":                 {slow, noisy(func(r *ratios) { r.p50, r.p99, r.cpu, r.cold = 1.029, 1.029, 0.971, 1.029 }), "warm p50 warm p99 CPU cold start zip binary", ""},
		"the tail is slower":          {slow, noisy(func(r *ratios) { r.p99 = 1.031 }), "warm p50 CPU cold start zip binary", "warm p99"},
		"the tail is faster":          {slow, noisy(func(r *ratios) { r.p99 = 0.969 }), "warm p50 CPU cold start zip binary", "warm p99"},
		"without a second one at all": {slow, row{}, "zip binary", "warm p50 warm p99 CPU cold start warm p50 with all limits CPU with all limits"},
	} {
		got := judge(options{}, [][]row{{{name: nameEmpty}, c.control, c.latchkey, fineLimited}})
		if names(got.broken) != c.broken || names(got.unclear) != c.unclear {
			t.Errorf("%s: broken %q, no verdict on %q; want %q, %q", name, names(got.broken), names(got.unclear), c.broken, c.unclear)
		}
	}
}

func TestNoiseOfSeveralRunsDoesNotCancelOut(t *testing.T) {
	run := func(control float64) []row {
		second, latchkey := quiet, quiet
		second.p50, latchkey.p50 = control, 1.2
		return []row{{name: nameEmpty}, {name: nameControl, ratios: second}, {name: nameLatchkey, ratios: latchkey, binary: 5e6}, fineLimited}
	}
	for name, c := range map[string]struct {
		controls        [3]float64
		broken, unclear string
	}{
		"up and down":      {[3]float64{1.01, 0.96, 1.14}, "", "warm p50 warm p50 with all limits"},
		"one run of three": {[3]float64{1.01, 0.98, 1.14}, "warm p50", ""},
		"two in one way":   {[3]float64{1.04, 1, 1.04}, "", "warm p50 warm p50 with all limits"},
	} {
		got := judge(options{}, [][]row{run(c.controls[0]), run(c.controls[1]), run(c.controls[2])})
		if names(got.broken) != c.broken || names(got.unclear) != c.unclear {
			t.Errorf("%s: %+v, want %q broken, no verdict on %q", name, got, c.broken, c.unclear)
		}
	}
}

func TestAVerdictIsPrintedInWords(t *testing.T) {
	for want, v := range map[string]verdict{
		"within all gates\n":                              {},
		"over the gate: CPU is 2\nno verdict: zip is 1\n": {broken: []string{"CPU is 2"}, unclear: []string{"zip is 1"}},
	} {
		var got strings.Builder
		if v.print(&got); got.String() != want {
			t.Errorf("%q, want %q", got.String(), want)
		}
	}
}

func TestTheMedianIsOfEachFigureByItself(t *testing.T) {
	run := func(p50, p99, allP50, allP99, cpu, memory, cold, coldP90, zip float64, asked int64) []row {
		return []row{
			{name: nameEmpty, ratios: ratios{p50: 1}},
			{name: nameLatchkey, ratios: ratios{p50, p99, allP50, allP99, cpu, memory, cold, coldP90, zip}, binary: 7e6, asked: asked},
		}
	}
	low, high := run(1, 1, 1, 1, 1, 1, 1, 1, 1, 1), run(3, 3, 3, 3, 3, 3, 3, 3, 3, 3)
	middle := run(1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2)
	for _, runs := range [][][]row{{low, middle, high}, {high, low, middle}, {middle}} {
		got := medians(runs)
		if got[0] != middle[0] || got[1] != middle[1] {
			t.Errorf("%+v, want %+v", got, middle)
		}
	}
	mixed := medians([][]row{run(1, 3, 1, 3, 1, 3, 1, 3, 1, 3), run(2, 2, 2, 2, 2, 2, 2, 2, 2, 2), run(3, 1, 3, 1, 3, 1, 3, 1, 3, 1)})
	if want := run(2, 2, 2, 2, 2, 2, 2, 2, 2, 2); mixed[1] != want[1] {
		t.Errorf("%+v, want %+v", mixed[1], want[1])
	}
}

// Other programs read the first line that begins with Latchkey.
func TestTheFirstRowOfLatchkeyIsTheOneThatIsJudged(t *testing.T) {
	figures := func(name string, warm time.Duration) *result {
		return &result{contestant: contestant{name: name}, hits: []time.Duration{warm}}
	}
	results := []*result{figures(nameEmpty, 100), figures(nameControl, 100), figures(nameLatchkey, 300)}
	judged := rows(results)
	judged[2].p50 = 1.25
	var out bytes.Buffer
	report(&out, options{runs: 3}, results, judged)
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, nameLatchkey) {
			if fields := strings.Fields(line); fields[1] != "1.25" {
				t.Errorf("%q, want a warm p50 of 1.25", line)
			}
			return
		}
	}
	t.Errorf("no row of Latchkey in %s", out.String())
}

func TestRatiosAreToTheEmptyHandler(t *testing.T) {
	figures := func(name string, n int64) *result {
		d := []time.Duration{time.Duration(n)}
		return &result{contestant: contestant{name: name, zip: n, binary: n}, hits: d, all: d, cold: d, cpu: d[0], memory: n}
	}
	got := rows([]*result{figures(nameEmpty, 100), figures(nameLatchkey, 150)})
	if want := (ratios{1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5}); got[1].ratios != want || got[1].binary != 150 {
		t.Errorf("%+v", got[1])
	}
}
