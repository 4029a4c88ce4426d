package chart

import (
	"html/template"
	"strconv"
	"strings"
	"time"
)

// Tick is a moment that is named under a chart.
type Tick struct {
	Time time.Time // in the zone of its name
	At   float64   // from the start of the axis, 0, to its end, 1
	Day  bool      // a day begins here, so that a line through the chart helps
	Unit Unit
}

// Unit is the kind of moment that a tick names.
type Unit int

// The units of ticks.
const (
	Hour Unit = iota
	Day
	Month
)

const day = 24 * time.Hour

// mostTicks bounds the names under a chart of the usual width.
const mostTicks = 9

// Ticks chooses the moments to name under the bars from start to end, each so long. Hours are named at 0, 6, 12 and 18 o'clock
// or at midnights, where these are in the zone of start. Days are days of UTC, named under the middle of their bars, on
// Mondays if they are many; weeks are named where months begin.
func Ticks(start, end time.Time, each time.Duration) []Tick {
	switch span := end.Sub(start); {
	case span <= 0:
		return nil
	case each < day && span <= 3*day:
		for _, every := range []int{1, 6, 12} {
			if float64(span)/float64(time.Hour)/float64(every) < mostTicks {
				return hours(start, end, every)
			}
		}
		return hours(start, end, 24)
	case each < day:
		return hours(start, end, 24*int((span+mostTicks*day-1)/(mostTicks*day)))
	case each == day:
		return days(start, end)
	default:
		return months(start, end)
	}
}

// hours lists the moments at which so many hours are over, by the clocks of the place; 24 and more are whole days. Clocks that
// are set forward at midnight begin their day later.
func hours(start, end time.Time, every int) (ticks []Tick) {
	y, m, d := start.Date()
	for i := 0; ; i++ {
		at := time.Date(y, m, d+i*every/24, i*every%24, 0, 0, 0, start.Location())
		if !at.Before(end) {
			return ticks
		}
		if at.Before(start) || len(ticks) > 0 && !at.After(ticks[len(ticks)-1].Time) {
			continue
		}
		if i*every%24 == 0 {
			ticks = append(ticks, tick(start, end, at, Day, true))
		} else {
			ticks = append(ticks, tick(start, end, at, Hour, false))
		}
	}
}

func days(start, end time.Time) (ticks []Tick) {
	n := int(end.Sub(start) / day)
	first, every := 0, 1
	if n > mostTicks {
		first = (8 - int(start.Weekday())) % 7 // the first Monday
		every = 7 * ((n + 7*mostTicks - 1) / (7 * mostTicks))
	}
	for i := first; i < n; i += every {
		at := start.AddDate(0, 0, i)
		one := tick(start, end, at.Add(12*time.Hour), Day, false)
		one.Time = at
		ticks = append(ticks, one)
	}
	return ticks
}

func months(start, end time.Time) (ticks []Tick) {
	y, m, _ := start.Date()
	for i := 0; ; i++ {
		at := time.Date(y, m+time.Month(i), 1, 0, 0, 0, 0, start.Location())
		if !at.Before(end) {
			return ticks
		}
		if !at.Before(start) {
			ticks = append(ticks, tick(start, end, at, Month, true))
		}
	}
}

func tick(start, end, at time.Time, unit Unit, day bool) Tick {
	return Tick{Time: at, At: float64(at.Sub(start)) / float64(end.Sub(start)), Day: day, Unit: unit}
}

// Label is a name under a chart, at a place from 0 to 1.
type Label struct {
	At   float64
	Text string
}

// edge is the distance from an end of the axis within which a name is set beside its place instead of under it.
const edge = .03

// beside is the distance within which a narrow page has no room for a second name next to one that is set beside its place.
const beside = .31

// narrow tells which names a narrow page leaves out: every second of more than five, and what would run into a name beside its place.
func narrow(labels []Label) []bool {
	out, kept := make([]bool, len(labels)), []int{}
	for i := range labels {
		if out[i] = i%2 == 1 && len(labels) > 5; !out[i] {
			kept = append(kept, i)
		}
	}
	if n := len(kept); n > 2 {
		first, second, last := kept[0], kept[1], kept[n-1]
		out[second] = out[second] || labels[first].At < edge && labels[second].At-labels[first].At < beside
		out[kept[n-2]] = out[kept[n-2]] || labels[last].At > 1-edge && labels[last].At-labels[kept[n-2]].At < beside
	}
	return out
}

// Axis draws names under a chart, from left to right in every language. It isn't stretched, so it can hold text. What a narrow page leaves out has
// the class "more".
func Axis(labels []Label) template.HTML {
	var out strings.Builder
	less := narrow(labels)
	out.WriteString(`<svg class="times" aria-hidden="true">`)
	for i, l := range labels {
		at, class := l.At, ""
		switch {
		case at < edge:
			class = "left"
		case at > 1-edge:
			class = "right"
		}
		if less[i] {
			class = strings.TrimSpace(class + " more")
		}
		if class != "" {
			class = ` class="` + class + `"`
		}
		out.WriteString(`<text x="` + strconv.FormatFloat(100*at, 'f', 2, 64) + `%" y="13"` + class + `>` + template.HTMLEscapeString(l.Text) + `</text>`)
	}
	out.WriteString(`</svg>`)
	return template.HTML(out.String()) //nolint:gosec // all text in it is escaped
}
