package main

import (
	"errors"
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keyring"
)

var errNotRecoverable = gateway.NewProblem(http.StatusConflict, "key_not_recoverable", "The key's secret can't be shown again.").
	WithDetail("Rotate the key to get a new secret.")

// reveal shows a recoverable key's secret. The audit row is written first: a secret that was shown without a trace
// would be worse than a trace without a showing.
func (h *handler) reveal(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	before, err := h.service.Read(r, c)
	if err != nil {
		return err
	}
	if err := before.Editable(); err != nil {
		return err
	}
	if !before.Recoverable || len(before.Current.Sealed) == 0 {
		return errNotRecoverable
	}
	text, err := h.service.Sealer.Open(r.Context(), before.Current.Sealed, before.ID)
	if errors.Is(err, keyring.ErrSealed) { // by a data key that is gone
		return errNotRecoverable
	}
	if err != nil {
		return err
	}
	secret, err := h.service.Prefix.Parse(text)
	if err != nil { // of an earlier KeyPrefix, which no gate takes any more
		return errNotRecoverable
	}
	row := h.service.Row(c, "key.reveal", &before, before)
	row.Changes = []audit.Change{audit.Set("revealed", nil, before.Current.Preview)}
	written, err := h.service.Store.Commit(r.Context(), control.Change{Before: &before, After: before, Audit: row})
	if err != nil {
		return err
	}
	return h.service.ShowSecret(w, r, c, http.StatusOK, written, secret)
}
