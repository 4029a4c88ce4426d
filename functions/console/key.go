package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"latchkey/shared/api"
)

// keyPage is everything about one key.
type keyPage struct {
	Key       api.Key
	List      string // of keys, as the person came from it
	Hints     []string
	Pending   []pending
	Products  []productView
	Apps      []string // a line each
	Choices   []chosen
	Exposures []exposureView
	Lacking   bool // what is counted couldn't be read
	Caps      []capRow
	Shared    []quotaRow // the quotas of the account that bind it
	Figures   figures
	Charts    *charts
	Compared  *compared
	Reasons   []refusal
	Usage     api.Usage
	Fresh     string
	UsageURL  string
	Proposed  *proposed
	Counts    *api.ProposedCounts // of the days that the page shows; nil: no calls
	Since     time.Time           // from when Counts are
	Examples  []example
	Restore   *time.Time
	Selected  *doneView // what has become of an act on this key
}

// Kept are the fields by which the form that takes an act back comes back to this page.
func (*keyPage) Kept() []resent { return []resent{{"at", atKey}} }

// take shows what has become of an act on this key, in the words of one key where the act has some.
func (d *keyPage) take(v *visit, p *page) {
	if d.Selected = v.outcomeOf(p); d.Selected == nil || d.Selected.Title == "" {
		return
	}
	if of := "notice." + d.Selected.Act; v.lang.Has(of) {
		d.Selected.Title = v.t(p.inForce(v, of), "value", d.Selected.Value)
	}
}

// figures are the numbers over the chart.
type figures struct {
	RefusedPart string   // in percent
	Busiest     string   // how many requests a second its busiest minute had, on average
	When        string   // that minute
	Limits      []string // of each class that has one, to compare with; that minute is of all together
	More        int      // limits that it leaves out
}

type productView struct{ Name, Docs string } // Docs: where to read about it, or empty

// chosen is the value that a key has of a choice.
type chosen struct{ Name, Value string }

type proposed struct {
	api.Proposal
	Domains, Networks, Apps, Products            []string
	HasDomains, HasNetworks, HasApps, HasProduct bool
}

const (
	shownDays   = 7
	restoreDays = 30
)

func (a *app) showKey(v *visit) error {
	if v.r.URL.Query().Has("origin") { // where pages were tried
		return v.redirect(v.keyURL("/try?", url.Values{"origin": {v.query("origin")}}.Encode()))
	}
	d := &keyPage{List: v.listAddress()}
	now := a.now().UTC()
	q := usageAsk{Account: v.accountID, Key: v.r.PathValue("key"), Range: "7d", stop: now.Truncate(time.Second)}
	q.preset()
	var products []api.Product
	query := q.values()
	query.Set("with", "before,quotas")
	err := v.parallel(
		reading(&d.Key, v.api, v.keyPath(), nil),
		optional(reading(&d.Usage, v.api, v.keyPath("/usage"), query), &d.Lacking),
		a.readingProducts(v, &products),
	)
	if err != nil {
		return err
	}
	d.Usage.FreshAt = countedSince(d.Usage.FreshAt, d.Key)
	d.Caps, d.Shared = v.capRows(deref(d.Usage.Quotas)), v.quotaRows(deref(d.Usage.AccountQuotas))
	d.UsageURL, d.Fresh = q.SpanURL("7d"), v.freshness(d.Usage.FreshAt)
	v.nameLimits(d.Key.Limits, products)
	d.fill(products, now)
	d.Pending = v.pendingOf(d.Key, products)
	d.Exposures = v.exposures(d.Key, now, d.Usage)
	d.usage(v, q)
	fixes, err := v.remedies(&d.Key, d.Usage, products, mostRepairs)
	if err != nil {
		return err
	}
	d.Reasons = withRepairs(v.quotaCause(v.topRefusals(d.Usage.Totals.ByReason), d.Caps, d.Shared), fixes)
	d.Examples = caller{a.products, d.Key, placeholder, sampleOrigin(d.Key.Domains), products}.examples()
	return v.render(http.StatusOK, "key", d.Key.Name, d)
}

// countedSince is the time up to which calls of the account are counted, unless it is before the key was made: then it says nothing of the key.
func countedSince(at *api.MaybeTime, k api.Key) *api.MaybeTime {
	if at != nil && at.Before(k.CreatedAt.Time) {
		return nil
	}
	return at
}

// limitsBeside bounds the limits that stand beside the busiest minute; the page has all further down.
const limitsBeside = 3

// usage makes the figures and the chart of the last days.
func (d *keyPage) usage(v *visit, q usageAsk) {
	if d.Lacking {
		return
	}
	u := d.Usage
	if d.Compared = v.compare(u, v.clock()); d.Compared != nil && u.Totals.Requests+d.Compared.Requests.Was == 0 {
		d.Compared = nil // neither has any
	}
	u.Before = nil // the chart is the range's alone
	d.Figures.RefusedPart = v.percent(u.Totals.Refused, u.Totals.Requests)
	if u.Totals.Requests > 0 {
		d.Charts = v.charts(q, u, nil)
		d.Charts.Drawings = d.Charts.Drawings[:min(1, len(d.Charts.Drawings))] // the reasons have a table of their own
		d.Charts.Brief = true
	}
	if u.BusiestMinute != nil && d.Charts != nil {
		d.Figures.Busiest, d.Figures.When = v.average(u.BusiestMinute.Requests), d.Charts.Clock.Moment(u.BusiestMinute.Start.Time)
	}
	limits := d.Key.Limits[:min(len(d.Key.Limits), limitsBeside)]
	for i, l := range limits {
		one := v.lang.Isolate(l.Name) + "\u00a0" + v.lang.Number(l.Qps)
		if i < len(limits)-1 {
			one += v.t("format.comma")
		}
		d.Figures.Limits = append(d.Figures.Limits, one)
	}
	d.Figures.More = len(d.Key.Limits) - len(limits)
	if p := d.Key.Proposed; p != nil {
		d.Counts, d.Since = u.Proposed, q.start
		if p.Since.After(q.start) {
			d.Since = p.Since.Time
		}
	}
}

func (d *keyPage) fill(products []api.Product, now time.Time) {
	d.Hints = hints(d.Key, now)
	d.Apps = linesOf(d.Key.Apps)
	for _, c := range choices {
		d.Choices = append(d.Choices, chosen{c.Name, c.of(d.Key)})
	}
	place := func(id string) int { // in the order of the catalogue; those that it no longer has first
		return slices.IndexFunc(products, func(p api.Product) bool { return p.Id == id })
	}
	for _, id := range slices.SortedStableFunc(slices.Values(d.Key.Products), func(x, y string) int { return place(x) - place(y) }) {
		d.Products = append(d.Products, productView{productName(products, id), docsOf(products, id)})
	}
	if p := d.Key.Proposed; p != nil {
		d.Proposed = &proposed{Proposal: *p}
		if p.Domains != nil {
			d.Proposed.Domains, d.Proposed.HasDomains = *p.Domains, true
		}
		if p.Networks != nil {
			d.Proposed.Networks, d.Proposed.HasNetworks = *p.Networks, true
		}
		if p.Apps != nil {
			d.Proposed.Apps, d.Proposed.HasApps = linesOf(*p.Apps), true
		}
		if p.Products != nil {
			for _, id := range *p.Products {
				d.Proposed.Products = append(d.Proposed.Products, productName(products, id))
			}
			d.Proposed.HasProduct = true
		}
	}
	d.Restore = restorable(d.Key)
}

// keyTrail is the page of a key's audit trail.
type keyTrail struct {
	auditPage
	Key api.Key
}

func (a *app) showKeyAudit(v *visit) error {
	d := &keyTrail{auditPage: auditPage{Root: v.keyURL("/audit"), Trail: v.accountURL("/account/audit")}}
	err := v.parallel(
		reading(&d.Key, v.api, v.keyPath(), nil),
		func(context.Context) error { return a.readAudit(v, &d.auditPage, v.keyPath("/audit")) },
	)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "key-audit", v.t("audit.of", "name", d.Key.Name), d)
}

// average is the requests of a minute as requests a second. Some are never none.
func (v *visit) average(minute int64) string {
	if a := float64(minute) / 60; a >= .1 || minute == 0 {
		return v.lang.Number(a)
	}
	return "<\u00a0" + v.lang.Number(.1)
}
