// Package chart draws small charts as SVG that follow the page: colours come from its style sheet by class, and there is no
// text in a drawing that is stretched, so that the page sets labels in its own font. Time runs from left to right in every
// language. Nothing is styled inline, since the console's Content-Security-Policy refuses that.
package chart

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Bar is one column: its parts are stacked in the order of the chart's series.
type Bar struct {
	Parts   []int64
	Marked  bool   // stands out: a band is drawn behind it, a flag over it
	Partial bool   // isn't over yet, or begins before the range: its column is hatched
	Tip     string // shown by a pointer that rests on it; "" shows nothing
}

// Chart is a row of bars over a common scale that begins at 0.
type Chart struct {
	ID     string    // unique on the page; letters, digits and dashes
	Title  string    // what it shows
	Desc   string    // what one sees in it, for who doesn't see it
	Series []string  // the class of each part: its colour
	Days   []float64 // where lines stand through the drawing, from 0 to 1
	Bars   []Bar
	Before []int64 // what each bar is compared with: a line over them; nil draws none
	Signs  []int   // what is drawn over the colour of each series, by its number in signs; nil: nothing
}

// The grid of a drawing, which the page stretches to whatever room there is.
const (
	step   = 10
	height = 200
	flag   = 6
	apart  = 60 // bars, beyond which they stand side by side without a gap: it would hardly be seen
	stripe = 10 // from one line of a hatching to the next
)

// Top is the upper end of the scale: a round number that no bar exceeds.
func (c Chart) Top() int64 {
	most := int64(0)
	for _, b := range c.Bars {
		most = max(most, b.total())
	}
	for _, n := range c.Before {
		most = max(most, n)
	}
	return Round(most)
}

// rounds are the ends of scales in tenths of a power of ten, and in how many equal parts their lines divide them.
var rounds = []struct{ tenths, parts int64 }{{10, 2}, {15, 3}, {20, 2}, {25, 5}, {30, 3}, {40, 4}, {50, 5}, {60, 3}, {80, 4}, {100, 2}}

// Round is the smallest of 1, 1.5, 2, 2.5, 3, 4, 5, 6 and 8 times a power of ten that is whole and not below n, 1 at least.
func Round(n int64) int64 { top, _ := round(n); return top }

func round(n int64) (top, parts int64) {
	if n <= 1 {
		return 1, 1
	}
	for scale := int64(1); ; scale *= 10 {
		for _, r := range rounds {
			top := r.tenths * scale
			if top%10 == 0 && (n <= top/10 || scale > 1e16) {
				return top / 10, r.parts
			}
		}
	}
}

// Scale is the numbers beside the lines of a drawing whose scale ends at Round(most), from the top to 0. All are whole.
func Scale(most int64) (numbers []int64) {
	top, parts := round(most)
	for i := parts; i >= 0; i-- {
		numbers = append(numbers, top/parts*i)
	}
	return numbers
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
	id := template.HTMLEscapeString(c.ID)
	fmt.Fprintf(&out, `<svg class="plot" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-labelledby="%[3]s-t" aria-describedby="%[3]s-d">`,
		width, height, id)
	fmt.Fprintf(&out, `<title id="%[1]s-t">%[2]s</title><desc id="%[1]s-d">%[3]s</desc>`, id, template.HTMLEscapeString(c.Title), template.HTMLEscapeString(c.Desc))
	c.patterns(&out, width)
	c.columns(&out, "partial", height, func(b Bar) bool { return b.Partial })
	c.grid(&out, width)
	c.columns(&out, "mark", height, func(b Bar) bool { return b.Marked })
	for i, class := range slices.Backward(c.Series) {
		fmt.Fprintf(&out, `<path class="%s"%s d="%s"/>`, template.HTMLEscapeString(class), c.fill(i), c.path(i))
	}
	c.hatch(&out)
	c.before(&out)
	c.columns(&out, "flag", flag, func(b Bar) bool { return b.Marked })
	c.tips(&out)
	out.WriteString(`</svg>`)
	return template.HTML(out.String()) //nolint:gosec // all text in it is escaped
}

// grid draws a line for each number of the scale, and one for each of Days.
func (c Chart) grid(out *strings.Builder, width int) {
	if len(c.Days) > 0 {
		out.WriteString(`<path class="days" d="`)
		for _, at := range c.Days {
			fmt.Fprintf(out, "M%s 0V%d", coordinate(at*float64(width)), height)
		}
		out.WriteString(`"/>`)
	}
	out.WriteString(`<path class="grid" d="`)
	parts := len(Scale(c.Top())) - 1
	for i := range parts {
		fmt.Fprintf(out, "M0 %sH%d", coordinate(max(.5, height*float64(i)/float64(parts))), width)
	}
	fmt.Fprintf(out, `"/><path class="base" d="M0 199.5H%d"/>`, width)
}

// columns fills the columns of some bars, down to so far: behind the bars, or over them.
func (c Chart) columns(out *strings.Builder, class string, tall int, of func(Bar) bool) {
	var d strings.Builder
	for i, b := range c.Bars {
		if of(b) {
			fmt.Fprintf(&d, "M%d 0h%dv%dh-%dz", i*step, step, tall, step)
		}
	}
	if d.Len() > 0 {
		out.WriteString(`<path class="` + class + `" d="` + d.String() + `"/>`)
	}
}

// hatch draws slanted lines over the columns of partial bars.
func (c Chart) hatch(out *strings.Builder) {
	var d strings.Builder
	for i, b := range c.Bars {
		for y := stripe; b.Partial && y <= height; y += stripe {
			fmt.Fprintf(&d, "M%d %dl%d-%d", i*step, y, step, stripe)
		}
	}
	if d.Len() > 0 {
		out.WriteString(`<path class="hatch" d="` + d.String() + `"/>`)
	}
}

// signs stand over the colours of series, each on a square of 8 units, so that nobody has to tell colours apart. The first is plain.
var signs = []string{"", "M-2 2l4-4M0 8l8-8M6 10l4-4", "M0 4h8", "M3 2v3M7 6v3M7-2v3", "M4 0v8", "M-2 6l4 4M0 0l8 8M6-2l4 4", "M0 4h8M4 0v8", "M0 2h8M0 6h8", ""}

// usual is the width of a drawing on a page, in pixels. By it patterns keep their form while the page stretches the drawing.
const usual = 1000

// patterns defines what fill refers to.
func (c Chart) patterns(out *strings.Builder, width int) {
	if c.Signs == nil {
		return
	}
	out.WriteString(`<defs>`)
	for i, class := range c.Series {
		if sign := c.sign(i); sign != "" {
			fmt.Fprintf(out, `<pattern id="%s-%d" class="%s" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="scale(%s 1)"><rect width="8" height="8"/><path fill="none" d="%s"/></pattern>`,
				template.HTMLEscapeString(c.ID), i, template.HTMLEscapeString(class), strconv.FormatFloat(float64(width)/usual, 'g', 3, 64), sign)
		}
	}
	out.WriteString(`</defs>`)
}

func (c Chart) sign(series int) string {
	if series >= len(c.Signs) {
		return ""
	}
	return signs[c.Signs[series]%len(signs)]
}

// fill is the attribute of a series that has a pattern.
func (c Chart) fill(series int) string {
	if c.sign(series) == "" {
		return ""
	}
	return fmt.Sprintf(` fill="url(#%s-%d)"`, template.HTMLEscapeString(c.ID), series)
}

// path is the outline of one series and all below it, over all bars: those below are drawn over it.
func (c Chart) path(series int) string {
	var d strings.Builder
	if len(c.Bars) > apart {
		return c.outline(series)
	}
	fmt.Fprintf(&d, "M1 %d", height)
	top := c.Top()
	for _, b := range c.Bars {
		if tall := b.tall(series, top); tall > 0 {
			fmt.Fprintf(&d, "V%dh%dV%dh2", height-tall, step-2, height)
		} else {
			fmt.Fprintf(&d, "V%dh%d", height, step)
		}
	}
	return d.String() + fmt.Sprint("V", height)
}

// outline is the path of bars without gaps. It goes from bar to bar, and over bars of one height at once: of many it is the heaviest part of a page.
func (c Chart) outline(series int) string {
	top := c.Top()
	heights := make([]int, len(c.Bars))
	for i, b := range c.Bars {
		heights[i] = b.tall(series, top)
	}
	return outline(heights, step, height)
}

func outline(heights []int, step, floor int) string {
	var d strings.Builder
	fmt.Fprintf(&d, "M0 %d", floor)
	at, wide := 0, 0
	to := func(tall int) {
		if tall == at {
			return
		}
		if wide > 0 {
			fmt.Fprintf(&d, "h%d", wide)
		}
		fmt.Fprintf(&d, "v%d", at-tall)
		at, wide = tall, 0
	}
	for _, tall := range heights {
		to(tall)
		wide += step
	}
	to(0)
	return d.String()
}

// tall is the height of a bar up to a series, by the end of the scale.
func (b Bar) tall(series int, top int64) int {
	sum := Bar{Parts: b.Parts[:min(series+1, len(b.Parts))]}.total()
	if sum <= 0 {
		return 0
	}
	return int(math.Round(max(height*float64(sum)/float64(top), 2))) // one call among thousands is seen
}

// before draws a line with a step for each bar.
func (c Chart) before(out *strings.Builder) {
	if len(c.Before) == 0 {
		return
	}
	fmt.Fprintf(out, `<path class="before" d="M0 %d`, height)
	top := float64(c.Top())
	for _, n := range c.Before {
		fmt.Fprintf(out, "V%.0fh%d", height-height*float64(n)/top, step)
	}
	out.WriteString(`"/>`)
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

// Line is a bar from the start of the line to the end, for a cell of a table, beside its number. There are dozens on a page, so the
// style sheet has its height.
func Line(class string, part, whole int64) template.HTML {
	share := 0.0
	if whole > 0 {
		share = math.Round(1000*float64(max(part, 0))/float64(whole)) / 10
	}
	return template.HTML(`<svg class="share ` + template.HTMLEscapeString(class) + `" aria-hidden="true"><rect width="` + //nolint:gosec // escaped
		strconv.FormatFloat(min(share, 100), 'f', -1, 64) + `%"/></svg>`)
}

// The grid of a line of small bars.
const (
	sparkStep   = 3
	sparkHeight = 18
)

// Spark draws a row of small bars over a scale from 0 to the greatest of them. It repeats what stands beside it in words, and has
// no text of its own. What isn't 0 is at least a line.
func Spark(values []int64) template.HTML {
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="spark" viewBox="0 0 %d %d" aria-hidden="true"><path d="M0 %[2]dH%[1]d`, sparkStep*len(values), sparkHeight)
	most := int64(1)
	for _, n := range values {
		most = max(most, n)
	}
	heights := make([]int, len(values))
	for i, n := range values {
		if n > 0 {
			heights[i] = max(1, int(math.Round(float64(n)/float64(most)*(sparkHeight-1))))
		}
	}
	// One outline from hour to hour: a page has many, and columns of their own would take three times the bytes.
	out.WriteString(outline(heights, sparkStep, sparkHeight) + `"/></svg>`)
	return template.HTML(out.String()) //nolint:gosec // numbers
}
