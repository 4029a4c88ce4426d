// Package chart draws small charts as SVG that follow the page: colours come from its style sheet by class, and there is no
// text inside, so that the page sets labels in its own font and mirrors the drawing where people read from right to left.
// Nothing is styled inline, since the console's Content-Security-Policy refuses that.
package chart

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Bar is one column: its parts are stacked in the order of the chart's series.
type Bar struct {
	Parts  []int64
	Marked bool   // stands out: a band is drawn behind it, a flag over it
	Tip    string // shown by a pointer that rests on it; "" shows nothing
}

// Chart is a row of bars over a common scale that begins at 0.
type Chart struct {
	ID     string   // unique on the page; letters, digits and dashes
	Title  string   // what it shows
	Desc   string   // what one sees in it, for who doesn't see it
	Series []string // the class of each part: its colour
	Bars   []Bar
}

// The grid of a drawing, which the page stretches to whatever room there is.
const (
	step   = 10
	height = 200
	flag   = 6
)

// Top is the upper end of the scale: a round number that no bar exceeds, 1 at least and even above that, so that its half
// is a whole number too.
func (c Chart) Top() int64 {
	most := int64(0)
	for _, b := range c.Bars {
		most = max(most, b.total())
	}
	return Round(most)
}

// Round is the smallest of 1, 2, 4, 6, 8, 10, 20, 40 … that is not below n.
func Round(n int64) int64 {
	if n <= 1 {
		return 1
	}
	for scale := int64(1); ; scale *= 10 {
		for _, digit := range []int64{2, 4, 6, 8, 10} {
			if n <= digit*scale || scale > 1e17 {
				return digit * scale
			}
		}
	}
}

func (b Bar) total() (sum int64) {
	for _, part := range b.Parts {
		sum += part
	}
	return sum
}

// SVG draws the chart.
func (c Chart) SVG() template.HTML {
	var out strings.Builder
	width := step * max(len(c.Bars), 1)
	fmt.Fprintf(&out, `<svg class="plot" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-labelledby="%[3]s-t" aria-describedby="%[3]s-d" focusable="false">`,
		width, height, template.HTMLEscapeString(c.ID))
	fmt.Fprintf(&out, `<title id="%[1]s-t">%[2]s</title><desc id="%[1]s-d">%[3]s</desc>`,
		template.HTMLEscapeString(c.ID), template.HTMLEscapeString(c.Title), template.HTMLEscapeString(c.Desc))
	fmt.Fprintf(&out, `<path class="grid" d="M0 .5H%[1]dM0 %[2]dH%[1]d"/><path class="base" d="M0 %[3]sH%[1]d"/>`, width, height/2, "199.5")
	c.marks(&out, "mark", height)
	for i, class := range c.Series {
		if d := c.path(i); d != "" {
			fmt.Fprintf(&out, `<path class="%s" d="%s"/>`, template.HTMLEscapeString(class), d)
		}
	}
	c.marks(&out, "flag", flag)
	c.tips(&out)
	out.WriteString(`</svg>`)
	return template.HTML(out.String()) //nolint:gosec // all text in it is escaped
}

// marks draws the band behind the bars that stand out, or the flag over them: it is seen where a bar hides the band.
func (c Chart) marks(out *strings.Builder, class string, tall int) {
	var d strings.Builder
	for i, b := range c.Bars {
		if b.Marked {
			fmt.Fprintf(&d, "M%d 0h%dv%dh-%dz", i*step, step, tall, step)
		}
	}
	if d.Len() > 0 {
		out.WriteString(`<path class="` + class + `" d="` + d.String() + `"/>`)
	}
}

// path is the outline of one series over all bars.
func (c Chart) path(series int) string {
	var d strings.Builder
	top := float64(c.Top())
	for i, b := range c.Bars {
		if series >= len(b.Parts) || b.Parts[series] <= 0 {
			continue
		}
		below := int64(0)
		for _, part := range b.Parts[:series] {
			below += part
		}
		tall := height * float64(b.Parts[series]) / top
		if below == 0 {
			tall = max(tall, 1.5) // one call among thousands is seen
		}
		fmt.Fprintf(&d, "M%d %sv-%sh%dv%sz", i*step+1, coordinate(height-height*float64(below)/top), coordinate(tall), step-2, coordinate(tall))
	}
	return d.String()
}

func (c Chart) tips(out *strings.Builder) {
	open := false
	for i, b := range c.Bars {
		if b.Tip == "" {
			continue
		}
		if !open {
			out.WriteString(`<g class="tips">`)
			open = true
		}
		fmt.Fprintf(out, `<rect x="%d" width="%d" height="%d"><title>%s</title></rect>`, i*step, step, height, template.HTMLEscapeString(b.Tip))
	}
	if open {
		out.WriteString(`</g>`)
	}
}

func coordinate(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}

// Line is a bar from the start of the line to the end, for a cell of a table, beside its number.
func Line(class string, part, whole int64) template.HTML {
	share := 0.0
	if whole > 0 {
		share = 100 * float64(max(part, 0)) / float64(whole)
	}
	return template.HTML(`<svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="` + //nolint:gosec // escaped
		template.HTMLEscapeString(class) + `" width="` + strconv.FormatFloat(min(share, 100), 'f', 1, 64) + `" height="1"/></svg>`)
}
