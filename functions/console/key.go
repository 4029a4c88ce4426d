package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

// keyPage is everything about one key.
type keyPage struct {
	Key      api.Key
	Hints    []string
	Products []productView
	Lacking  struct{ Usage, Audit bool } // what couldn't be read
	Reasons  []refusal
	Usage    api.Usage
	Proposed *proposed
	Audit    []auditRow
	More     string // page token of the audit trail
	Test     *tested
	Asked    string // what the tester was asked
	Restore  *time.Time
}

type productView struct{ ID, Name string }

type proposed struct {
	api.Proposal
	Domains, Products      []string
	HasDomains, HasProduct bool
	Counts                 *api.ProposedCounts
}

type tested struct {
	api.TestResult
	Problem string
	Pattern string // the domain that allowed it
}

type auditRow struct {
	api.AuditRow
	Who     string
	Changed []change
}

type change struct{ Field, Before, After string }

const (
	shownDays   = 7
	restoreDays = 30
)

func (a *app) showKey(v *visit) error {
	d := &keyPage{Asked: v.query("origin")}
	now := a.now().UTC()
	span := url.Values{"from": {now.AddDate(0, 0, -shownDays).Format(time.RFC3339)}, "to": {now.Format(time.RFC3339)}, "interval": {"day"}}
	trail := url.Values{"page_size": {"15"}}
	if token := v.query("audit"); token != "" {
		trail.Set("page_token", token)
	}
	var audit api.AuditList
	var products []api.Product
	err := v.parallel(
		reading(&d.Key, v.api, v.keyPath(), nil),
		v.also(reading(&d.Usage, v.api, v.keyPath("/usage"), span), &d.Lacking.Usage),
		v.also(reading(&audit, v.api, v.keyPath("/audit"), trail), &d.Lacking.Audit),
		func(ctx context.Context) (err error) { products, err = a.productList(ctx, v.api); return err },
		func(context.Context) (err error) { d.Test, err = v.try(d.Asked); return err },
	)
	if err != nil {
		return err
	}
	d.fill(products, audit, now)
	d.Reasons = v.refusals(d.Usage.Totals.ByReason)
	if d.Test != nil && d.Test.Rule != nil && slices.Contains(d.Key.Domains, *d.Test.Rule) {
		d.Test.Pattern = *d.Test.Rule
	}
	return v.render(http.StatusOK, "key", d.Key.Name, d)
}

func (d *keyPage) fill(products []api.Product, audit api.AuditList, now time.Time) {
	d.Hints = hints(d.Key, now)
	for _, id := range d.Key.Products {
		d.Products = append(d.Products, productView{id, productName(products, id)})
	}
	if p := d.Key.Proposed; p != nil {
		d.Proposed = &proposed{Proposal: *p, Counts: d.Usage.Proposed}
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
	for _, row := range audit.Rows {
		d.Audit = append(d.Audit, auditRowOf(row))
	}
	if audit.NextPageToken != nil {
		d.More = *audit.NextPageToken
	}
	if d.Key.DeletedAt != nil {
		until := d.Key.DeletedAt.AddDate(0, 0, restoreDays)
		d.Restore = &until
	}
}

// try asks what the gate would say to a page on an origin; nil if nothing was asked.
func (v *visit) try(page string) (*tested, error) {
	page = strings.TrimSpace(page)
	if page == "" && !v.r.URL.Query().Has("origin") {
		return nil, nil
	}
	body := api.TestKey{}
	if page != "" {
		if !strings.Contains(page, "://") {
			page = "https://" + page
		}
		if u, err := url.Parse(page); err == nil && u.Host != "" {
			page = u.Scheme + "://" + strings.ToLower(u.Host) // a page's origin, which is what browsers send
		}
		body.Origin = &page
	}
	t := &tested{}
	_, err := v.api.Do(v.ctx(), management.Call{Method: http.MethodPost, Path: v.keyPath("/test"), Body: body}, &t.TestResult)
	if err != nil {
		f := newForm()
		if err := f.refuse(v, err); err != nil {
			return nil, err
		}
		t.Problem = v.t("tester.bad")
	}
	return t, nil
}

func auditRowOf(row api.AuditRow) auditRow {
	out := auditRow{AuditRow: row, Who: row.Actor.Subject}
	if row.Actor.Email != nil {
		out.Who = *row.Actor.Email
	}
	for _, c := range row.Changes {
		out.Changed = append(out.Changed, change{c.Field, plain(c.Before), plain(c.After)})
	}
	return out
}

// plain shows a fact of the audit trail: texts as they are, lists with commas, everything else as JSON.
func plain(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case string:
		return t
	case []any:
		parts := make([]string, len(t))
		for i, item := range t {
			parts[i] = plain(item)
		}
		return strings.Join(parts, ", ")
	default:
		raw, err := json.Marshal(t)
		if err != nil {
			return ""
		}
		return string(raw)
	}
}
