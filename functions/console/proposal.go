package main

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/functions/console/internal/management"
	"latchkey/shared/api"
)

func (a *app) proposalRoutes() {
	a.writing("GET /accounts/{account}/keys/{key}/propose", can.write, a.proposeForm)
	a.account("POST /accounts/{account}/keys/{key}/propose", a.propose)
	a.elsewhere("GET /accounts/{account}/keys/{key}/from-usage", "/accounts/{account}/keys/{key}/propose")
	a.account("POST /accounts/{account}/keys/{key}/from-usage", a.proposeSeen)
	a.writing("GET /accounts/{account}/keys/{key}/limits/{class}", can.write, a.limitForm)
	a.account("POST /accounts/{account}/keys/{key}/limits/{class}", a.lowerLimit)
	a.writing("GET /accounts/{account}/keys/{key}/quotas/{group}", can.write, a.capForm)
	a.account("POST /accounts/{account}/keys/{key}/quotas/{group}", a.setCap)
}

func (a *app) proposeForm(v *visit) error {
	k, err := v.key()
	if err != nil {
		return err
	}
	return a.showProposal(v, http.StatusOK, proposalOf(k), k)
}

// proposalOf is the form for a key's proposal, as that stands, or else as the key does.
func proposalOf(k api.Key) *form {
	f := newForm()
	p := cmp.Or(k.Proposed, &api.Proposal{})
	f.Values["domains"], f.Lists["products"] = strings.Join(*cmp.Or(p.Domains, &k.Domains), "\n"), *cmp.Or(p.Products, &k.Products)
	f.fillCallers(*cmp.Or(p.Networks, &k.Networks), *cmp.Or(p.Apps, &k.Apps))
	f.begin()
	return f
}

func (a *app) showProposal(v *visit, status int, f *form, k api.Key) error {
	d, err := a.keyForm(v, f, &k)
	if err != nil {
		return err
	}
	return v.renderForm(status, k, "propose", v.t("propose.title", "name", k.Name), d)
}

// proposed makes the proposal for a key: what differs from the key, or is proposed already. The rest of the key stays its own, so that
// it can be changed until the proposal is enforced.
func (f *form) proposed(k api.Key) (body api.PutProposal) {
	old := cmp.Or(k.Proposed, &api.Proposal{})
	yours, now := f.edited(), formOfKey(k).edited()
	domains, products := f.Lists["domains"], append([]string{}, f.Lists["products"]...)
	if old.Domains != nil || !slices.Equal(yours["domains"], now["domains"]) {
		body.Domains = &domains
	}
	if old.Products != nil || !slices.Equal(yours["products"], now["products"]) {
		body.Products = &products
	}
	if networks := f.Lists["networks"]; networks != nil && (old.Networks != nil || !slices.Equal(yours["networks"], now["networks"])) {
		body.Networks = &networks
	}
	if lines := f.Lists["apps"]; lines != nil && (old.Apps != nil || !slices.Equal(yours["apps"], now["apps"])) {
		apps := appsOf(lines)
		body.Apps = &apps
	}
	if body == (api.PutProposal{}) { // nothing is new: propose the key as it is
		body.Domains, body.Products = &domains, &products
	}
	return body
}

func (a *app) propose(v *visit) error {
	f := readKeyForm(v)
	put := func(k api.Key) management.Call {
		return management.Call{Method: http.MethodPut, Path: v.keyPath("/proposal"), Body: f.proposed(k)}
	}
	k, status, err := a.settle(v, f, put, proposalOf)
	switch {
	case err != nil:
		return err
	case f.settled():
		return v.done(v.keyURL(), "proposed")
	}
	return a.showProposal(v, status, f, k)
}

// proposalCounts counts the requests that a proposal would have refused since it was made, or for as long as counts are kept.
func (v *visit) proposalCounts(p *api.Proposal, lacking *bool) *api.ProposedCounts {
	if p == nil {
		return nil
	}
	now := v.app.now().UTC()
	from := p.Since.Time
	if kept := now.Add(-keepDays); from.Before(kept) {
		from = kept // the API refuses to be asked about what it has forgotten
	}
	var since api.Usage
	_ = optional(reading(&since, v.api, v.keyPath("/usage"), byDay(from, now)), lacking)(v.ctx()) // it returns no error
	return since.Proposed
}

// byDay asks for usage by the day, which is kept longest.
func byDay(from, to time.Time) url.Values {
	return url.Values{"from": {from.UTC().Format(time.RFC3339)}, "to": {to.UTC().Format(time.RFC3339)}, "interval": {"day"}}
}

// seenNote holds the numbers that a notice about a proposal of what was seen has.
type seenNote struct {
	Allowed int64 `json:"a"`
	Refused int64 `json:"r"`
	Unkept  int64 `json:"u,omitempty"`
}

// text is the notice's second part.
func (n *seenNote) text(v *visit) string {
	text := v.t("seen.counts", "refused", n.Refused, "all", n.Allowed)
	if n.Unkept > 0 {
		text += " " + v.t("seen.unkept", "unkept", n.Unkept)
	}
	return text
}

// proposeSeen proposes the domains that the key was called from, and says what they would have refused.
func (a *app) proposeSeen(v *visit) error {
	var d api.ProposalFromUsage
	_, err := v.api.Do(v.ctx(), management.Call{Method: http.MethodPost, Path: v.keyPath("/proposal/from-usage")}, &d)
	if err == nil {
		n := note{Notice: "proposed_none"}
		if p := d.Key.Proposed; p != nil && p.Domains != nil {
			n = note{Notice: "proposed_seen", Seen: &seenNote{Allowed: d.Allowed, Refused: d.WouldRefuse, Unkept: d.Unkept}}
		}
		return v.leave(v.keyURL(), n)
	}
	k, unread := v.key()
	if unread != nil {
		return unread
	}
	f := proposalOf(k)
	if err := f.refuse(v, err); err != nil {
		return err
	}
	return a.showProposal(v, http.StatusUnprocessableEntity, f, k)
}
