package main

import (
	"net/http"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
)

var errNoProposal = gateway.NewProblem(http.StatusConflict, "no_proposal", "The key has no proposal.")

func (h *handler) propose(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.PutProposal](r, gateway.BodyOptions{ReadOnly: api.Proposal{}})
	if err != nil {
		return err
	}
	now := h.service.Source.Time()
	return h.service.Change(w, r, c, "key.propose", func(k apikey.Key) (apikey.Key, error) {
		if err := k.Editable(); err != nil {
			return k, err
		}
		proposal, err := h.proposal(body, k, now)
		if err != nil {
			return k, err
		}
		after := k.Touched(now)
		after.Proposed = &proposal
		if k.Proposed != nil { // what is proposed again has been proposed since then
			again := after
			since := proposal
			since.Since = k.Proposed.Since
			again.Proposed = &since
			if again.Same(k) {
				return k, nil
			}
		}
		return after, nil
	})
}

// proposal reads what is proposed for a key.
func (h *handler) proposal(body api.PutProposal, k apikey.Key, now time.Time) (apikey.Proposal, error) {
	f := h.fields(now)
	proposal := apikey.Proposal{Since: now}
	if body.Domains != nil {
		domains := f.domains("domains", *body.Domains, k)
		proposal.Domains = &domains
	}
	if body.Networks != nil {
		networks := f.networks("networks", *body.Networks, k.Networks)
		proposal.Networks = &networks
	}
	if body.Apps != nil {
		apps := f.apps("apps", *body.Apps)
		proposal.Apps = &apps
	}
	if body.Products != nil {
		products := f.productList("products", *body.Products)
		proposal.Products, proposal.Consents = &products, h.service.Products.Consents(nil, nil, products)
	}
	if body == (api.PutProposal{}) {
		f.refuse(gateway.Field("domains", "required", "Propose domains, networks, apps or products."))
	}
	after := k
	after.Proposed = &proposal
	f.fits(k, after)
	return proposal, f.err()
}

func (h *handler) dropProposal(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	return h.service.Change(w, r, c, "key.drop_proposal", func(k apikey.Key) (apikey.Key, error) {
		if k.Proposed == nil {
			return k, nil
		}
		if err := k.Editable(); err != nil {
			return k, err
		}
		after := k.Touched(h.service.Source.Time())
		after.Proposed = nil
		return after, nil
	})
}

// promote enforces the proposal that the caller has seen: another one may have taken its place, so a version is needed.
func (h *handler) promote(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if _, err := gateway.IfMatch(r); err != nil {
		return err
	}
	return h.service.Change(w, r, c, "key.promote_proposal", func(k apikey.Key) (apikey.Key, error) {
		if err := k.Editable(); err != nil {
			return k, err
		}
		if k.Proposed == nil {
			return k, errNoProposal
		}
		if p := k.Proposed.Networks; h.hidden && p != nil && len(*p) > 0 {
			return k, gateway.Invalid(gateway.Field("networks", networksUnavailable, whyUnavailable))
		}
		f := h.fields(h.service.Source.Time())
		after := k.Enforced().Touched(f.now)
		return after, f.keeps(h.accountOf(r.Context(), c.Account), &k, after)
	})
}
