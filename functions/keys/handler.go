package main

import (
	"context"
	"net/http"
	"time"

	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/gateway"
	"latchkey/shared/product"
)

// store is what this function needs of the control table.
type store interface {
	Account(ctx context.Context, id account.ID) (account.Account, error)
	Key(ctx context.Context, id account.ID, key apikey.ID) (apikey.Key, error)
	Keys(ctx context.Context, id account.ID, want control.KeyQuery) (control.KeyPage, error)
	Commit(ctx context.Context, c control.Change) (apikey.Key, error)
}

// lastUsed says when secrets were last used. A key that isn't in the answer was never used.
type lastUsed interface {
	LastUsed(ctx context.Context, id account.ID, keys ...apikey.Key) (map[apikey.ID]gateway.Used, error)
}

// sealer keeps the secrets of recoverable keys.
type sealer interface {
	Seal(ctx context.Context, secret apikey.Secret, key apikey.ID) ([]byte, error)
	Open(ctx context.Context, sealed []byte, key apikey.ID) (string, error)
}

type handler struct {
	store    store
	rim      web.Rim
	prefix   apikey.Prefix
	products product.Catalogue
	used     lastUsed
	sealer   sealer
}

func (h *handler) routes(m *gateway.Mux) {
	const keys = "/v1/accounts/{account}/keys"
	const key = keys + "/{key}"
	m.Account("GET "+keys, h.list, account.ReadKeys)
	m.Account("POST "+keys, h.create, account.WriteKeys)
	m.Account("GET "+key, h.get, account.ReadKeys)
	m.Account("PATCH "+key, h.edit, account.WriteKeys)
	m.Account("DELETE "+key, h.remove, account.DeleteKeys)
	m.Account("POST "+key+"/disable", h.disable, account.WriteKeys)
	m.Account("POST "+key+"/enable", h.enable, account.WriteKeys)
	m.Account("POST "+key+"/revoke", h.revoke, account.RevokeKeys)
	m.Account("POST "+key+"/restore", h.restore, account.DeleteKeys)
	m.Account("POST "+key+"/reveal", h.reveal, account.RevealKeys)
	m.Account("POST "+key+"/test", h.test, account.ReadKeys)
	m.Account("PUT "+key+"/proposal", h.propose, account.WriteKeys)
	m.Account("DELETE "+key+"/proposal", h.dropProposal, account.WriteKeys)
	m.Account("POST "+key+"/proposal/promote", h.promote, account.WriteKeys)
}

func (h *handler) get(w http.ResponseWriter, r *http.Request, c gateway.Caller) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	k, err := h.read(r, c)
	if err != nil {
		return err
	}
	return h.show(w, r, c, k)
}

// read finds the key of the path, in the caller's account.
func (h *handler) read(r *http.Request, c gateway.Caller) (apikey.Key, error) {
	id, err := apikey.ParseID(r.PathValue("key"))
	if err != nil {
		return apikey.Key{}, gateway.ErrNotFound
	}
	return h.store.Key(r.Context(), c.Account, id)
}

// commit writes a change with its audit row and answers with the key.
func (h *handler) commit(w http.ResponseWriter, r *http.Request, c gateway.Caller, action string, before, after apikey.Key) error {
	row, err := h.row(c, action, &before, after)
	if err != nil {
		return err
	}
	written, err := h.store.Commit(r.Context(), control.Change{Before: &before, After: after, Audit: row})
	if err != nil {
		return err
	}
	return h.show(w, r, c, written)
}

func (h *handler) row(c gateway.Caller, action string, before *apikey.Key, after apikey.Key) (audit.Row, error) {
	id, err := h.rim.ID("aud_")
	if err != nil {
		return audit.Row{}, err
	}
	return c.Audit(id, action, after.ID, h.rim.Clock(), audit.KeyChanges(before, after)), nil
}

func (h *handler) show(w http.ResponseWriter, r *http.Request, c gateway.Caller, k apikey.Key) error {
	view, err := h.view(r.Context(), c, k)
	if err != nil {
		return err
	}
	gateway.SetETag(w, k.Version)
	return gateway.JSON(w, http.StatusOK, gateway.KeyDoc(k, view))
}

func (h *handler) view(ctx context.Context, c gateway.Caller, k apikey.Key) (gateway.View, error) {
	used, err := h.used.LastUsed(ctx, k.Account, k)
	return gateway.View{Now: h.rim.Clock(), Used: used[k.ID], Operator: c.Operator, Products: h.products}, err
}

func millis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
