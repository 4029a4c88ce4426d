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
	Key      api.Key
	Hints    []string
	Products []productView
	Choices  []chosen
	Lacking  struct{ Usage, Audit, Proposed bool } // what couldn't be read
	Reasons  []refusal
	Usage    api.Usage
	Proposed *proposed
	Counts   *api.ProposedCounts // since the proposal was made; nil: no calls
	Audit    []auditLine
	More     string // page token of the audit trail
	Test     *tested
	Asked    string // what the tester was asked
	Restore  *time.Time
}

type productView struct{ Name, Docs string } // Docs: where to read about it, or empty

// chosen is the value that a key has of a choice.
type chosen struct{ Name, Value string }

type proposed struct {
	api.Proposal
	Domains, Products      []string
	HasDomains, HasProduct bool
}

const (
	shownDays   = 7
	restoreDays = 30
)

func (a *app) showKey(v *visit) error {
	d := &keyPage{Asked: v.query("origin")}
	now := a.now().UTC()
	shown := now.AddDate(0, 0, -shownDays)
	filter := url.Values{"page_size": {"15"}}
	if token := v.query("audit"); token != "" {
		filter.Set("page_token", token)
	}
	var audit api.AuditList
	var products []api.Product
	err := v.parallel(
		d.readKey(v, shown, now),
		optional(reading(&d.Usage, v.api, v.keyPath("/usage"), byDay(shown, now)), &d.Lacking.Usage),
		optional(reading(&audit, v.api, v.keyPath("/audit"), filter), &d.Lacking.Audit),
		func(ctx context.Context) (err error) { products, err = a.productList(ctx, v.api); return err },
		func(context.Context) (err error) { d.Test, err = v.try(d.Asked); return err },
	)
	if err != nil {
		return err
	}
	if !startedBefore(d.Key.Proposed, shown) {
		d.Counts, d.Lacking.Proposed = d.Usage.Proposed, d.Lacking.Usage
	}
	d.fill(products, audit, now)
	d.Audit = v.auditLines(audit.Rows, products)
	d.Reasons = v.refusals(d.Usage.Totals.ByReason)
	d.Test.name(d.Key.Domains)
	return v.render(http.StatusOK, "key", d.Key.Name, d)
}

func (d *keyPage) fill(products []api.Product, audit api.AuditList, now time.Time) {
	d.Hints = hints(d.Key, now)
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
		if p.Products != nil {
			for _, id := range *p.Products {
				d.Proposed.Products = append(d.Proposed.Products, productName(products, id))
			}
			d.Proposed.HasProduct = true
		}
	}
	if audit.NextPageToken != nil {
		d.More = *audit.NextPageToken
	}
	if d.Key.DeletedAt != nil {
		until := d.Key.DeletedAt.AddDate(0, 0, restoreDays)
		d.Restore = &until
	}
}
