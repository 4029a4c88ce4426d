package main

import (
	"net/http"
	"slices"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

var errNoProposal = gateway.NewProblem(http.StatusConflict, "no_proposal", "The key has no proposal.")

func (h *handler) propose(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.PutProposal](r, gateway.BodyOptions{ReadOnly: api.Proposal{}})
	if err != nil {
		return err
	}
	f := fields{products: h.Products, now: h.Source.Time()}
	proposal := apikey.Proposal{Since: f.now}
	if body.Domains != nil {
		domains := f.domains("domains", *body.Domains)
		proposal.Domains = &domains
	}
	if body.Products != nil {
		products := f.productList("products", *body.Products)
		proposal.Products = &products
	}
	if body.Domains == nil && body.Products == nil {
		f.refuse(gateway.Field("domains", "required", "Propose domains, products or both."))
	}
	if err := f.err(); err != nil {
		return err
	}
	return h.Change(w, r, c, "key.propose", func(k apikey.Key) (apikey.Key, bool, error) {
		if err := k.Editable(); err != nil {
			return k, false, err
		}
		if same(k.Proposed, proposal) {
			return k, false, nil
		}
		after := k.Touched(f.now)
		after.Proposed = &proposal
		return after, true, nil
	})
}

// same reports whether a proposal says what is proposed already, whenever that was.
func same(old *apikey.Proposal, now apikey.Proposal) bool {
	return old != nil && equal(old.Domains, now.Domains) && equal(old.Products, now.Products)
}

func equal[T string | product.ID](a, b *[]T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(*a, *b)
}

func (h *handler) dropProposal(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.Empty(r); err != nil {
		return err
	}
	return h.Change(w, r, c, "key.drop_proposal", func(k apikey.Key) (apikey.Key, bool, error) {
		if k.Proposed == nil {
			return k, false, nil
		}
		if err := k.Editable(); err != nil {
			return k, false, err
		}
		after := k.Touched(h.Source.Time())
		after.Proposed = nil
		return after, true, nil
	})
}

func (h *handler) promote(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.Empty(r); err != nil {
		return err
	}
	return h.Change(w, r, c, "key.promote_proposal", func(k apikey.Key) (apikey.Key, bool, error) {
		if err := k.Editable(); err != nil {
			return k, false, err
		}
		if k.Proposed == nil {
			return k, false, errNoProposal
		}
		after := k.Touched(h.Source.Time())
		if k.Proposed.Domains != nil {
			after.Domains = *k.Proposed.Domains
		}
		if k.Proposed.Products != nil {
			after.Products = *k.Proposed.Products
		}
		after.Proposed = nil
		return after, true, nil
	})
}
