package main

import (
	"cmp"
	"html/template"
	"slices"
	"strings"
	"time"

	"latchkey/functions/console/internal/chart"
	"latchkey/shared/api"
)

// usagePage is the data of the usage page.
type usagePage struct {
	usageAsk
	Problems *form
	Keys     []api.Key // to choose from
	Products []api.Product
	Spans    []span
	Usage    api.Usage
	Fresh    string // how fresh the numbers are; "" if nothing was counted yet

	Requests, Refusals drawing
	Outstanding        []outstanding
	Reasons            []refusal
	ByProduct, ByKey   []share
	ByOrigin           []share
}

// drawing is a chart with the words around it.
type drawing struct {
	SVG       template.HTML
	Top, Half string // of the scale
	Ticks     []string
	Rows      []usageRow // the table below: hours or days with calls
	Hourly    bool
	ID, Title string
	Legend    []legend
	Refused   bool // the table tells refusals apart
}

type usageRow struct {
	api.UsagePoint
	Others int64 // refusals that are no QPS breaches
	Marked bool
}

type legend struct{ Class, Text string }

// outstanding is an hour with far more calls than the same hours of the weeks before.
type outstanding struct {
	At                 time.Time
	Requests, Expected int64
}

// refusal is a reason, how often it was given, and what to do about it.
type refusal struct {
	Code, Text, Help string
	N                int64
	Line             template.HTML
}

// share is one row of a table that splits usage.
type share struct {
	Name, URL string
	Code      bool // an ID or a host, not a word
	api.UsageShare
	Line   template.HTML
	Reason string // the most frequent refusal
}

func (v *visit) usagePage(q usageAsk, problems *form, u api.Usage, keys []api.Key, products []api.Product) *usagePage {
	p := &usagePage{usageAsk: q, Problems: problems, Keys: keys, Spans: spans, Usage: u, Fresh: v.freshness(u.FreshAt)}
	for _, one := range products {
		if one.Kind == api.Api {
			p.Products = append(p.Products, one)
		}
	}
	p.Requests = v.draw("requests", []string{"allowed", "refused"}, u, func(c api.UsagePoint) []int64 { return []int64{c.Allowed, c.Refused} })
	p.Refusals = v.draw("refusals", []string{"breaches", "others"}, u, func(c api.UsagePoint) []int64 {
		return []int64{c.QpsBreaches, c.Refused - c.QpsBreaches}
	})
	p.Refusals.Refused = true
	for _, one := range u.Series {
		if one.StandsOut != nil && *one.StandsOut && one.Expected != nil {
			p.Outstanding = append(p.Outstanding, outstanding{one.Start, one.Requests, int64(*one.Expected + 0.5)})
		}
	}
	p.Reasons = v.refusals(u.Totals.ByReason)
	p.split(v, keys, products)
	return p
}

func (p *usagePage) split(v *visit, keys []api.Key, products []api.Product) {
	names := map[string]string{}
	for _, k := range keys {
		names[k.Id] = k.Name
	}
	for _, s := range deref(p.Usage.ByProduct) {
		name := productName(products, s.Name)
		if s.Name == "" { // refused paths that belong to none
			name = v.t("usage.product.none")
		}
		p.ByProduct = append(p.ByProduct, v.share(s, name, p.Usage.Totals.Requests))
	}
	for _, s := range deref(p.Usage.ByKey) {
		row := v.share(s, cmp.Or(names[s.Name], s.Name), p.Usage.Totals.Requests)
		row.URL, row.Code = p.KeyURL(s.Name), names[s.Name] == ""
		p.ByKey = append(p.ByKey, row)
	}
	for _, s := range deref(p.Usage.ByOrigin) {
		row := v.share(s, s.Name, p.Usage.Totals.Requests)
		switch s.Name {
		case "-":
			row.Name = v.t("usage.origin.none")
		case "*":
			row.Name = v.t("usage.origin.others")
		case "*refused":
			row.Name = v.t("usage.origin.refused")
		default:
			row.Code = true
		}
		p.ByOrigin = append(p.ByOrigin, row)
	}
}

func (v *visit) share(s api.UsageShare, name string, whole int64) share {
	row := share{Name: name, UsageShare: s, Line: chart.Line("allowed", s.Requests, whole)}
	if reasons := v.refusals(s.ByReason); len(reasons) > 0 {
		row.Reason = reasons[0].Text
	}
	return row
}

// refusals lists reasons with how often they were given, the most frequent first. Any page can show it by the template
// "refusals".
func (v *visit) refusals(by map[string]int64) (list []refusal) {
	most := int64(0)
	for _, n := range by {
		most = max(most, n)
	}
	for code, n := range by {
		if code == "allowed" || n <= 0 {
			continue
		}
		one := refusal{Code: code, Text: code, N: n, Line: chart.Line("refused", n, most)}
		if v.lang.Has("code." + code) {
			one.Text = v.t("code." + code)
		}
		if v.lang.Has("usage.help." + code) {
			one.Help = v.t("usage.help." + code)
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(x, y refusal) int {
		return cmp.Or(cmp.Compare(y.N, x.N), strings.Compare(x.Code, y.Code))
	})
	return list
}

// freshness says up to when calls are counted: to the second while that is recent.
func (v *visit) freshness(at *time.Time) string {
	if at == nil {
		return ""
	}
	age := v.app.now().Sub(*at)
	if age < time.Minute {
		return v.t("usage.fresh.seconds", "n", int64(max(age, time.Second)/time.Second))
	}
	return v.t("usage.fresh.ago", "ago", v.lang.Ago(age))
}

// tipped is the largest number of bars that each get a tooltip: with more, a pointer couldn't tell them apart.
const tipped = 200

// draw makes the chart of one split of the calls.
func (v *visit) draw(name string, classes []string, u api.Usage, parts func(api.UsagePoint) []int64) drawing {
	d := drawing{ID: "chart-" + name, Title: v.t("usage." + name), Hourly: u.Interval == api.UsageIntervalHour}
	c := chart.Chart{ID: d.ID, Title: d.Title, Series: classes}
	var sum, most int64
	var when time.Time
	for _, p := range u.Series {
		bar := chart.Bar{Parts: parts(p), Marked: p.StandsOut != nil && *p.StandsOut}
		total := int64(0)
		for _, n := range bar.Parts {
			total += n
		}
		if sum += total; total > most {
			most, when = total, p.Start
		}
		if total > 0 {
			d.Rows = append(d.Rows, usageRow{p, p.Refused - p.QpsBreaches, bar.Marked})
		}
		if len(u.Series) <= tipped {
			bar.Tip = v.t("usage.tip", "when", v.pointName(p.Start, d.Hourly), "n", total)
		}
		c.Bars = append(c.Bars, bar)
	}
	c.Desc = v.t("usage.desc", "sum", sum, "most", most, "when", v.pointName(when, d.Hourly))
	if sum == 0 {
		c.Desc = v.t("usage.desc.none")
	}
	for _, class := range classes {
		d.Legend = append(d.Legend, legend{class, v.t("usage." + class)})
	}
	d.SVG, d.Top, d.Half = c.SVG(), v.lang.Number(c.Top()), ""
	if c.Top() > 1 {
		d.Half = v.lang.Number(c.Top() / 2)
	}
	d.Ticks = v.ticks(u)
	return d
}

// ticks names the moments under a chart: of five bars, evenly spread, or of all if they are fewer.
func (v *visit) ticks(u api.Usage) (names []string) {
	last := len(u.Series) - 1
	for i := range min(last+1, 5) {
		at := u.Series[i*last/max(min(last, 4), 1)].Start.UTC()
		if u.To.Sub(u.From) <= 2*oneDay {
			names = append(names, at.Format("15:04"))
		} else {
			names = append(names, v.t("format.day", "day", at.Format("2"), "month", v.month(at)))
		}
	}
	return names
}

// month is a month's short name.
func (v *visit) month(at time.Time) string {
	if months := strings.Fields(v.t("format.months")); len(months) == 12 {
		return months[at.Month()-1]
	}
	return at.Format("01")
}

func (v *visit) pointName(at time.Time, hourly bool) string {
	if hourly {
		return v.lang.Moment(at)
	}
	return v.lang.Date(at)
}

func deref[T any](list *[]T) []T {
	if list == nil {
		return nil
	}
	return *list
}
