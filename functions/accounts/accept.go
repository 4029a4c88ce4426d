package main

import (
	"context"
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
)

var errCatalogueChanged = gateway.NewProblem(http.StatusConflict, "catalogue_changed", "The catalogue isn't the one that you saw.").
	WithDetail("Read pending_paths of a key again, and accept that version if you still want to.")

// errCatalogueConflict is for a stack on which another catalogue of the same number was deployed, as the operators' alarm says.
var errCatalogueConflict = gateway.NewProblem(http.StatusConflict, "catalogue_conflict", "Paths can't be accepted just now.").
	WithDetail("Another catalogue with this number was deployed before. The operators have been notified; accept the paths once they have deployed the next one.")

// deployedStore knows which catalogues were deployed.
type deployedStore interface {
	Announced(ctx context.Context) (control.Announced, error)
	Deployed(ctx context.Context, before, after control.Announced) error
}

// acceptProduct opens to all keys of the account what a product has come to cover. The caller names the
// catalogue that was seen: another one may cover more, or less.
func (h *accounts) acceptProduct(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.AcceptProduct](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	version, ok := consent.ParseVersion(body.Version)
	if !ok {
		return gateway.Invalid(gateway.Field("version", "not_a_version", "It must be a version as pending_paths has it, such as 3-8c1d22ef01."))
	}
	id := product.ID(r.PathValue("product"))
	if _, known := h.products.Product(id); !known {
		return gateway.ErrNotFound
	}
	if version != h.products.Version() {
		return errCatalogueChanged
	}
	if err := h.record(r.Context(), version); err != nil {
		return err
	}
	return h.changeStanding(w, r, c, "account.accept", func(a account.Account) (account.Account, error) {
		return a.Accept(h.products.Shown(id))
	})
}

// record remembers a version before anything of it is accepted, so that another catalogue of its number, whenever it is deployed, is known to be
// one. The job would record it within the hour, if it were deployed for so long. Where another function recorded one meanwhile, the mux
// has it decided again.
func (h *accounts) record(ctx context.Context, v consent.Version) error {
	seen, err := h.store.Announced(ctx)
	if err != nil {
		return err
	}
	if v.Conflicting(seen.Deployed) != "" {
		return errCatalogueConflict
	}
	after, known := seen.With(v)
	if known {
		return nil
	}
	return h.store.Deployed(ctx, seen, after)
}
