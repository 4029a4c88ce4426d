package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

func (a *app) proposalRoutes() {
	a.writing("GET /accounts/{account}/keys/{key}/propose", can.write, a.proposeForm)
	a.account("POST /accounts/{account}/keys/{key}/propose", a.propose)
	a.writing("GET /accounts/{account}/keys/{key}/limits/{class}", can.write, a.limitForm)
	a.account("POST /accounts/{account}/keys/{key}/limits/{class}", a.lowerLimit)
}

func (a *app) proposeForm(v *visit) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	f := newForm()
	domains, products := k.Domains, k.Products
	if p := k.Proposed; p != nil {
		if p.Domains != nil {
			domains = *p.Domains
		}
		if p.Products != nil {
			products = *p.Products
		}
	}
	f.Values["domains"], f.Lists["products"] = strings.Join(domains, "\n"), products
	return a.showProposal(v, http.StatusOK, f, k)
}

func (a *app) showProposal(v *visit, status int, f *form, k api.Key) error {
	d, err := a.keyForm(v, f, &k)
	if err != nil {
		return err
	}
	return v.render(status, "propose", v.t("propose.title", "name", k.Name), d)
}

func (a *app) propose(v *visit) error {
	f := readKeyForm(v)
	domains, products := f.Lists["domains"], append([]string{}, f.Lists["products"]...)
	body := api.PutProposal{Domains: &domains, Products: &products}
	if err := f.send(v, management.Call{Method: http.MethodPut, Path: v.keyPath("/proposal"), Body: body}, nil); err != nil {
		return err
	}
	if !f.Bad() {
		return v.done(v.keyURL(), "proposed")
	}
	k, err := v.key()
	if err != nil {
		return err
	}
	return a.showProposal(v, http.StatusUnprocessableEntity, f, k)
}

// readKey reads the key, and what its proposal came to since it was made. One that was made within the days that the
// page shows anyway is counted in their answer, whole, so only an older one costs a second read.
func (d *keyPage) readKey(v *visit, shown, now time.Time) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := reading(&d.Key, v.api, v.keyPath(), nil)(ctx); err != nil || !startedBefore(d.Key.Proposed, shown) {
			return err
		}
		from := d.Key.Proposed.Since.Time
		if kept := now.Add(-keepDays); from.Before(kept) {
			from = kept // the API refuses to be asked about what it has forgotten
		}
		var since api.Usage
		err := optional(reading(&since, v.api, v.keyPath("/usage"), byDay(from, now)), &d.Lacking.Proposed)(ctx)
		d.Counts = since.Proposed
		return err
	}
}

func startedBefore(p *api.Proposal, at time.Time) bool { return p != nil && p.Since.Before(at) }

// byDay asks for usage by the day, which is kept longest.
func byDay(from, to time.Time) url.Values {
	return url.Values{"from": {from.UTC().Format(time.RFC3339)}, "to": {to.UTC().Format(time.RFC3339)}, "interval": {"day"}}
}
