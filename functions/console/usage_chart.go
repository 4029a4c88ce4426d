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
	Running bool   // isn't over yet
	Cut     bool   // a week that has days outside the range
	Hours   string // where its hours are shown; "" if they aren't kept
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
}

// drawing is a chart with the words around it.
type drawing struct {
	SVG, Times template.HTML
	Scale      []string // from the top to 0
	ID, Title  string
	Legend     []legend
	Values     string // of each bar, for the script
	Before     string // the requests of each bar in the period before, for the script; "" without one
}

type legend struct{ Class, Text string }

// Rows are the bars with calls, now or before.
func (c *charts) Rows() (rows []bucket) {
	for _, b := range c.Buckets {
		if b.Requests > 0 || b.Before > 0 {
			rows = append(rows, b)
		}
	}
	return rows
}

// tipped is the largest number of bars that each get a tooltip for those without the script. With more they would be the
// heaviest part of the page, and a pointer could hardly tell the bars apart; the table has the numbers.
const tipped = 60

func (v *visit) charts(q usageAsk, u api.Usage) *charts {
	now := v.app.now()
	c := &charts{By: q.interval, Clock: v.clock()}
	c.Zone = c.Clock.Name(now)
	c.bucket(q, u, now)
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
	c.Drawings = append(c.Drawings, v.draw(c, "requests", "allowed", "refused", func(b bucket) []int64 { return []int64{b.Allowed, b.Refused} }))
	if u.Totals.Refused > 0 {
		c.Drawings = append(c.Drawings, v.draw(c, "refusals", "breaches", "others", func(b bucket) []int64 { return []int64{b.QpsBreaches, b.Others} }))
	}
	return c
}

// bucket makes the bars. Weeks begin on Mondays.
func (c *charts) bucket(q usageAsk, u api.Usage, now time.Time) {
	length := map[string]time.Duration{hourly: time.Hour, daily: oneDay, weekly: oneWeek}[q.interval]
	var before []api.UsagePoint
	if c.Compared = u.Before != nil; c.Compared {
		before = u.Before.Series
	}
	for i, p := range u.Series {
		was := int64(0)
		if i < len(before) {
			was = before[i].Requests
		}
		start := p.Start.UTC()
		if q.interval == weekly {
			start = start.AddDate(0, 0, -(int(start.Weekday())+6)%7)
		}
		if n := len(c.Buckets); n > 0 && c.Buckets[n-1].Start.Equal(start) {
			sum := &c.Buckets[n-1]
			addCounts(&sum.UsagePoint, p)
			sum.Others += p.Refused - p.QpsBreaches
			sum.Before += was
			continue
		}
		b := bucket{UsagePoint: p, End: start.Add(length), Others: p.Refused - p.QpsBreaches, Before: was, Marked: p.StandsOut != nil && *p.StandsOut}
		b.Start = moment.Of(start)
		b.Running = b.End.After(now)
		b.Cut = q.interval == weekly && !b.Running && (start.Before(u.From.Time) || b.End.After(u.To.Time))
		b.Name = c.name(q.interval, b)
		b.Short = b.Name
		if q.interval == daily {
			b.Short = c.Clock.day(b.Start.Time)
		}
		c.Buckets = append(c.Buckets, b)
	}
}

func (c *charts) name(by string, b bucket) string {
	switch by {
	case hourly:
		return c.Clock.hour(b.Start.Time)
	case daily:
		return c.Clock.lang.Date(b.Start.Time)
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

// draw makes the chart of one split of the calls in two.
func (v *visit) draw(c *charts, name, low, high string, parts func(bucket) []int64) drawing {
	d := drawing{ID: "chart-" + name, Title: v.t("usage." + name), Legend: []legend{{low, v.t("usage." + low)}, {high, v.t("usage." + high)}}}
	picture := chart.Chart{ID: d.ID, Title: d.Title, Series: []string{low, high}}
	labels := v.axis(c, &picture)
	var sum, most int64
	var when string
	var values, before []string
	compares := c.Compared && name == "requests"
	for _, b := range c.Buckets {
		bar := chart.Bar{Parts: parts(b), Marked: b.Marked, Partial: b.Running || b.Cut}
		total := bar.Parts[0] + bar.Parts[1]
		if sum += total; total > most {
			most, when = total, b.Name
		}
		if len(c.Buckets) <= tipped {
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

// compact writes the numbers of a bar to the base of 36; nothing stands for zeros.
func compact(parts []int64) string {
	if parts[0] == 0 && parts[1] == 0 {
		return ""
	}
	return strconv.FormatInt(parts[0], 36) + "," + strconv.FormatInt(parts[1], 36)
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
