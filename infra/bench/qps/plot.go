package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"latchkey/shared/limiter/sim"
)

// plots draws limit 50 and 1000, saturated twofold, over the number of environments.
func plots(dir string, rows []row) error {
	for _, p := range []struct {
		file, title string
		value       func(row) float64
		log         bool
	}{
		{"share", "Part of the limit that a client gets at twice the limit", func(r row) float64 { return r.share }, false},
		{"writes", "Lease writes per admitted call at twice the limit (log)", func(r row) float64 { return r.writes }, true},
		{"second", "Most calls in a calendar second, as a multiple of the limit (log)", func(r row) float64 { return r.second }, true},
	} {
		for _, limit := range []int{50, 1000} {
			var lines []line
			for policy, name := range policies {
				l := line{name: name}
				for _, r := range rows {
					if int(r.Policy) == policy && r.Limit == limit && r.Load == 2 && r.shape == "Poisson" {
						l.points = append(l.points, p.value(r))
					}
				}
				if p.file == "writes" && sim.Policy(policy) == sim.Local {
					continue // it writes nothing
				}
				lines = append(lines, l)
			}
			svg := draw(fmt.Sprintf("%s, limit %d", p.title, limit), lines, p.log)
			name := filepath.Join(dir, fmt.Sprintf("qps-limiter-%s-%d.svg", p.file, limit))
			if err := os.WriteFile(name, []byte(svg), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

type line struct {
	name   string
	points []float64 // one for each number of environments
}

const width, height, left, top = 640.0, 320.0, 60.0, 40.0

var colours = []string{"#0b6bcb", "#888888", "#c2570c", "#7b3fb3"}

// draw makes a line plot over the numbers of environments.
func draw(title string, lines []line, logarithmic bool) string {
	lo, hi := scale(lines, logarithmic)
	y := func(v float64) float64 {
		if logarithmic {
			v = math.Log10(max(v, math.Pow(10, lo)))
		}
		return top + (height-2*top)*(1-(v-lo)/(hi-lo))
	}
	x := func(i int) float64 { return left + (width-left-170)*float64(i)/float64(len(environments)-1) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/><text x="%g" y="20" font-size="14">%s</text>`+"\n", left, title)
	for i := 0; i <= 4; i++ {
		v := lo + (hi-lo)*float64(i)/4
		if logarithmic {
			v = math.Pow(10, v)
		}
		fmt.Fprintf(&b, `<path d="M%g %gH%g" stroke="#ddd"/><text x="%g" y="%g" text-anchor="end">%.3g</text>`+"\n",
			left, y(v), width-170, left-6, y(v)+4, v)
	}
	for i, n := range environments {
		fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">%d</text>`+"\n", x(i), height-top+18, n)
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">environments</text>`+"\n", (left+width-170)/2, height-6)
	for n, l := range lines {
		colour := colours[n%len(colours)]
		path := ""
		for i, v := range l.points {
			path += fmt.Sprintf("%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], x(i), y(v))
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path, colour)
		fmt.Fprintf(&b, `<text x="%g" y="%g" fill="%s">%s</text>`+"\n", width-160, top+20+float64(n)*18, colour, l.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// scale returns the range of the values, or of their logarithms.
func scale(lines []line, logarithmic bool) (lo, hi float64) {
	if !logarithmic {
		hi = 1
	}
	lo = 0
	if logarithmic {
		lo, hi = math.Inf(1), math.Inf(-1)
	}
	for _, l := range lines {
		for _, v := range l.points {
			if logarithmic {
				v = math.Log10(max(v, 0.001))
				lo = min(lo, v)
			}
			hi = max(hi, v)
		}
	}
	if hi-lo < 0.1 {
		hi = lo + 0.1
	}
	return lo, hi
}
