package main

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"latchkey/functions/console/internal/chart"
	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// bucket is one bar: an hour, a day or a week.
type bucket struct {
	api.UsagePoint
	End     time.Time
	Name    string // as a tooltip has it
	Short   string // without what the table's other rows say, too
	Before  int64  // requests in the period before
	Others  int64  // refusals that are no QPS breaches
	Marked  bool
	Running bool    // isn't over yet
	Cut     bool    // a week that has days outside the range
	Groups  []int64 // of each group, by what the calls are split by
	Hours   string  // where its hours are shown; "" if they aren't kept
}

// charts are the charts of one answer over the same bars, and what the script needs for them.
type charts struct {
	By       string
	Buckets  []bucket
	Drawings []drawing
	Clock    clock
	Zone     string // the zone's name for people
	Start    int64  // of the first bar, in seconds
	Step     int64  // from bar to bar, in seconds
	Partial  string // the numbers of the bars that are partial
	Drill    string // where a click leads, with %7Bfrom%7D and %7Bto%7D for days; "" if nowhere
	DrillAs  string // hour or day: what is shown there
	From     int    // the first bar that can be clicked
	Running  bool   // the last bar isn't over
	Compared bool   // with the period before
	Brief    bool   // without the table of all bars, which the usage page has
	Group    string // what the calls are split by: key, product, reason or origin; "": they aren't
	Groups   []legend
	Table    []bucket // the rows of the table: the bars with calls, or sums of them
	TableBy  string   // hour, day, week or month
}

// Refusals reports whether the parts add up to the refused requests, and not to all: they are split by reason.
func (c *charts) Refusals() bool { return c.Group == byReason }

// drawing is a chart with the words around it.
type drawing struct {
	SVG, Times template.HTML
	Scale      []string // from the top to 0
	ID, Title  string
	Legend     []legend
	Values     string // of each bar, for the script
	Before     string // the requests of each bar in the period before, for the script; "" without one
}

// legend is the name of a series. Own are those of groups, whose names people chose.
type legend struct {
	Class, Text string
	Own         bool
	Sign        int // the number of its pattern
}

// tipped is the largest number of bars that each get a tooltip for those without the script, in the first chart. With more they would be the
// heaviest part of the page, and a pointer could hardly tell the bars apart; the table has the numbers. Bars of many parts have none.
const tipped = 25

func (v *visit) charts(q usageAsk, u api.Usage, products []api.Product) *charts {
	now := v.app.now()
	c := &charts{By: q.interval, Clock: v.clock()}
	if len(deref(u.Groups)) > 0 {
		c.Group = q.Group
	}
	c.Zone = c.Clock.Name(now)
	c.Buckets, c.Compared = c.bars(q.interval, u, now), u.Before != nil
	if len(c.Buckets) == 0 {
		return c
	}
	first, last := c.Buckets[0], c.Buckets[len(c.Buckets)-1]
	c.Start, c.Step, c.Running = first.Start.Unix(), int64(first.End.Sub(first.Start.Time)/time.Second), last.Running
	var partial []string
	for i, b := range c.Buckets {
		if b.Running || b.Cut {
			partial = append(partial, strconv.Itoa(i))
		}
	}
	c.Partial = strings.Join(partial, " ")
	c.drill(q, now)
	c.tabulate(q, u, now)
	if c.Group != "" {
		c.Groups = v.groupNames(q.Group, u, products)
		name := map[bool]string{true: "refusals", false: "requests"}[c.Group == byReason]
		c.Drawings = []drawing{v.draw(c, split{name, c.Groups, func(b bucket) []int64 { return b.Groups }})}
		return c
	}
	c.Drawings = append(c.Drawings, v.draw(c, split{"requests", v.words("allowed", "refused"), func(b bucket) []int64 { return []int64{b.Allowed, b.Refused} }}))
	if u.Totals.Refused > 0 {
		c.Drawings = append(c.Drawings, v.draw(c, split{"refusals", v.words("breaches", "others"), func(b bucket) []int64 { return []int64{b.QpsBreaches, b.Others} }}))
	}
	return c
}

// split names the parts of a chart's bars.
type split struct {
	name   string
	legend []legend
	parts  func(bucket) []int64
}

// words are series that the page has words for.
func (v *visit) words(names ...string) (list []legend) {
	for _, name := range names {
		list = append(list, legend{Class: name, Text: v.t("usage." + name)})
	}
	return list
}

// bars adds the points of an answer up by the hour, day, week or month. Weeks begin on Mondays.
func (c *charts) bars(by string, u api.Usage, now time.Time) (list []bucket) {
	for i, p := range u.Series {
		part := bucket{UsagePoint: p, Others: p.Refused - p.QpsBreaches, Groups: make([]int64, len(deref(u.Groups)))}
		if u.Before != nil && i < len(u.Before.Series) {
			part.Before = u.Before.Series[i].Requests
		}
		for g, one := range deref(u.Groups) {
			if i < len(one.Series) {
				part.Groups[g] = one.Series[i]
			}
		}
		start, end := period(by, p.Start.UTC())
		if n := len(list); n > 0 && list[n-1].Start.Equal(start) {
			list[n-1].add(part)
			continue
		}
		part.Start, part.End, part.Running = moment.Of(start), end, end.After(now)
		sum := by != string(u.Interval)
		part.Marked = !sum && p.StandsOut != nil && *p.StandsOut
		part.Cut = sum && !part.Running && (start.Before(u.From.Time) || end.After(u.To.Time))
		part.Name = c.name(by, part)
		part.Short = part.Name
		if by == daily {
			part.Short = c.Clock.day(start)
		}
		list = append(list, part)
	}
	return list
}

func (c *charts) name(by string, b bucket) string {
	switch by {
	case hourly:
		return c.Clock.hour(b.Start.Time)
	case daily:
		return c.Clock.lang.Date(b.Start.Time)
	case monthly:
		return c.Clock.lang.Text("format.month", "month", c.Clock.month(b.Start.Time), "year", b.Start.Format("2006"))
	default:
		return c.Clock.week(b.Start.Time, b.End)
	}
}

// drill lets a day lead to its hours, while they are kept, and a week to its days.
func (c *charts) drill(q usageAsk, now time.Time) {
	c.DrillAs = map[string]string{daily: hourly, weekly: daily}[q.interval]
	if c.DrillAs == "" {
		return
	}
	by := ""
	oldest := now.Add(-keepHours)
	if c.DrillAs == daily {
		by = daily
		oldest = now.Add(-keepDays).Truncate(oneDay)
	}
	c.Drill = here(q.DaysURL("{from}", "{to}", by))
	c.From = len(c.Buckets)
	for i := range c.Buckets {
		b := &c.Buckets[i]
		if b.Start.Before(oldest) {
			continue
		}
		c.From = min(c.From, i)
		b.Hours = strings.NewReplacer("%7Bfrom%7D", b.Start.Format(dayFormat), "%7Bto%7D", b.End.Add(-oneDay).Format(dayFormat)).Replace(c.Drill)
	}
	if c.From == len(c.Buckets) {
		c.Drill = ""
	}
}

// here is the part of an address of this page that differs: its query. There are many of them on a page.
func here(url string) string {
	_, query, _ := strings.Cut(url, "?")
	return "?" + query
}

// draw makes the chart of one split of the calls.
func (v *visit) draw(c *charts, s split) drawing {
	d := drawing{ID: "chart-" + s.name, Title: v.t("usage." + s.name), Legend: s.legend}
	picture := chart.Chart{ID: d.ID, Title: d.Title}
	for _, one := range s.legend {
		picture.Series = append(picture.Series, one.Class)
		if one.Own {
			picture.Signs = append(picture.Signs, one.Sign)
		}
	}
	labels := v.axis(c, &picture)
	var sum, most int64
	var when string
	var values, before []string
	compares := c.Compared && s.name == "requests"
	for _, b := range c.Buckets {
		bar := chart.Bar{Parts: s.parts(b), Marked: b.Marked, Partial: b.Running || b.Cut}
		total := int64(0)
		for _, part := range bar.Parts {
			total += part
		}
		if sum += total; total > most {
			most, when = total, b.Name
		}
		if len(c.Buckets) <= tipped && s.name == "requests" && c.Group == "" {
			bar.Tip = v.t("usage.tip", "when", b.Name, "low", d.Legend[0].Text, "n", bar.Parts[0], "high", d.Legend[1].Text, "m", bar.Parts[1])
		}
		values = append(values, compact(bar.Parts))
		if compares {
			picture.Before, before = append(picture.Before, b.Before), append(before, strconv.FormatInt(b.Before, 36))
		}
		picture.Bars = append(picture.Bars, bar)
	}
	picture.Desc = v.t("usage.desc."+c.By, "sum", sum, "most", most, "when", when)
	if sum == 0 {
		picture.Desc = v.t("usage.desc.none")
	}
	d.Values, d.Before = strings.Join(values, " "), strings.Join(before, " ")
	for _, n := range chart.Scale(picture.Top()) {
		d.Scale = append(d.Scale, v.lang.Number(n))
	}
	d.SVG, d.Times = picture.SVG(), chart.Axis(labels)
	return d
}

// compact writes the numbers of a bar to the base of 36; nothing stands for zeros, and for those at the end of many.
func compact(parts []int64) string {
	var texts []string
	last := 0
	for i, n := range parts {
		texts = append(texts, strconv.FormatInt(n, 36))
		if n > 0 {
			last = i + 1
		}
	}
	if last == 0 {
		return ""
	}
	return strings.Join(texts[:max(last, min(2, len(texts)))], ",")
}

// axis names moments under the bars, and has lines drawn where days or months begin.
func (v *visit) axis(c *charts, picture *chart.Chart) (labels []chart.Label) {
	start, end := c.Buckets[0].Start.Time, c.Buckets[len(c.Buckets)-1].End
	if c.By == hourly {
		start = start.In(c.Clock.zone)
	}
	for _, t := range chart.Ticks(start, end, time.Duration(c.Step)*time.Second) {
		text := t.Time.Format("15:04")
		switch {
		case t.Unit == chart.Day:
			text = c.Clock.day(t.Time)
		case t.Unit == chart.Month && t.Time.Month() == time.January:
			text = v.t("format.month", "month", c.Clock.month(t.Time), "year", t.Time.Format("2006"))
		case t.Unit == chart.Month:
			text = c.Clock.month(t.Time)
		}
		if t.Day {
			picture.Days = append(picture.Days, t.At)
		}
		labels = append(labels, chart.Label{At: t.At, Text: text})
	}
	return labels
}
