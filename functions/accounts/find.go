package main

import (
	"errors"
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/dynamo"
)

// errPreviewAnywhere refuses a preview where no account is named: it is in no index.
var errPreviewAnywhere = gateway.Invalid(gateway.Field("preview", "account_needed",
	"A preview is searched for in one account alone: ask /v1/accounts/{account}/keys/find."))

// findBySecret answers whose key has a secret.
func (h *lookups) findBySecret(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	wanted, err := web.ParseWanted(r)
	if err != nil {
		return err
	}
	if wanted.Preview != "" {
		return errPreviewAnywhere
	}
	doc := api.OperatorKeyMatches{Matches: []api.OperatorKeyMatch{}}
	k, role, err := h.store.FindKeyBySecret(r.Context(), wanted.Hash)
	if errors.Is(err, dynamo.ErrNotFound) {
		return gateway.JSON(w, http.StatusOK, doc)
	}
	if err != nil {
		return err
	}
	c.Account = k.Account
	if err := h.looks.Looked(r.Context(), c); err != nil {
		return err
	}
	found, err := h.keyDoc(r.Context(), k, false)
	if err != nil {
		return err
	}
	doc.Matches = append(doc.Matches, api.OperatorKeyMatch{Matched: api.Matched(role), Key: found.Key, Account: found.Account})
	return gateway.JSON(w, http.StatusOK, doc)
}
