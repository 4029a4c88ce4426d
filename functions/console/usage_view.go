package main

import (
	"time"

	"latchkey/shared/api"
)

// usagePage is the data of the usage page.
type usagePage struct {
	usageAsk
	problems
	Matches   []api.Key // that fit what was typed for a key; the page shows nothing else then
	MoreMatch bool      // others may fit
	KeyName   string    // of the key that was asked for
	Products  []api.Product
	Spans     []span
	Usage     api.Usage
	Fresh     string // how fresh the numbers are; "" if nothing was counted yet

	AllowedPart, RefusedPart string // of all requests, in percent
	Busiest                  string // when the busiest minute was
	Charts                   *charts
	Compared                 *compared
	Outstanding              []outstanding
	More                     int // hours that stand out and aren't listed
	Reasons                  []refusal
	Groups                   []group // the tables
	Ungrouped                bool    // a split of the charts was asked for that the account is too large for
	Undivided                bool    // the API has left out the tables by key and origin: they take long, and nobody asked for them
}

// Keys are those with the most calls, to choose from before anything is typed, whatever tables the page has.
func (p *usagePage) Keys() (list []api.UsageKey) {
	for _, s := range deref(p.Usage.ByKey) {
		if s.Key != nil && len(list) < mostShown {
			list = append(list, *s.Key)
		}
	}
	return list
}

// Shows reports whether a table is on the page: all of them beside charts that aren't split, else that of what they are split by.
func (p *usagePage) Shows(by string) bool { return p.Charts.Group == "" || p.Charts.Group == by }

// outstanding is an hour with far more calls than the same hours of the weeks before.
type outstanding struct {
	At                 string
	Requests, Expected int64
}

func (v *visit) usagePage(q usageAsk, wrong *form, u api.Usage, products []api.Product) *usagePage {
	p := &usagePage{usageAsk: q, problems: problems{wrong}, KeyName: q.Key, Spans: spans, Usage: u, Fresh: v.freshness(u.FreshAt)}
	if u.Key != nil && q.Key != "" {
		p.KeyName = u.Key.Name
	}
	for _, one := range products {
		if one.Kind == api.Api {
			p.Products = append(p.Products, one)
		}
	}
	p.AllowedPart, p.RefusedPart = v.percent(u.Totals.Allowed, u.Totals.Requests), v.percent(u.Totals.Refused, u.Totals.Requests)
	p.Charts = v.charts(q, u, products)
	p.Ungrouped = q.Group != "" && u.Totals.Requests > 0 && u.Groups == nil
	p.Compared = v.compare(u, p.Charts.Clock)
	if u.BusiestMinute != nil {
		p.Busiest = p.Charts.Clock.Moment(u.BusiestMinute.Start.Time)
	}
	for _, b := range p.Charts.Buckets {
		if !b.Marked || b.Expected == nil {
			continue
		}
		if len(p.Outstanding) == mostShown {
			p.More++
			continue
		}
		p.Outstanding = append(p.Outstanding, outstanding{b.Name, b.Requests, int64(*b.Expected + 0.5)})
	}
	p.Reasons = v.topRefusals(u.Totals.ByReason)
	p.groups(v, products)
	return p
}

// freshness says up to when calls are counted: to the second while that is recent.
func (v *visit) freshness(at *api.MaybeTime) string {
	if at == nil {
		return ""
	}
	age := v.app.now().Sub(at.Time)
	if age < time.Minute {
		return v.t("usage.fresh.seconds", "n", int64(max(age, time.Second)/time.Second))
	}
	return v.t("usage.fresh.ago", "ago", v.lang.Ago(age))
}

func deref[T any](list *[]T) []T {
	if list == nil {
		return nil
	}
	return *list
}
