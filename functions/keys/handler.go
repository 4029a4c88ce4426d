package main

import (
	"context"
	"net/http"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/usage"
)

// store lists the methods of the control table that this function calls beside the key service's.
type store interface {
	Account(ctx context.Context, id account.ID) (account.Account, error)
	Keys(ctx context.Context, id account.ID, want control.KeyQuery) (control.KeyPage, error)
	KeysInBrief(ctx context.Context, id account.ID, newest bool) (control.BriefPage, error)
	KeysByID(ctx context.Context, id account.ID, keys ...apikey.ID) ([]apikey.Key, error)
	KeysByName(ctx context.Context, id account.ID, want control.NameQuery) (control.NamePage, error)
	NamesIndexed(ctx context.Context) (bool, error)
	KeyBySecret(ctx context.Context, id account.ID, hash apikey.Hash) (apikey.Key, apikey.SecretRole, error)
}

// rows reads the counters of keys.
type rows interface {
	LastUsed(ctx context.Context, id account.ID, keys ...apikey.Key) (map[apikey.ID]web.Used, error)
	CalledSince(ctx context.Context, id account.ID, since time.Time, keys ...apikey.Key) ([]apikey.Key, error)
	KeyRows(ctx context.Context, id account.ID, key apikey.ID, in counters.Range) ([]usage.Row, error)
}

type handler struct {
	service  *web.KeyService
	store    store
	counters rows
	hidden   bool // the gate sees the addresses of a proxy, and not those of callers
}

func (h *handler) routes(m *gateway.Mux) {
	const keys = "/v1/accounts/{account}/keys"
	const key = keys + "/{key}"
	m.Account("GET "+keys, h.list, account.ReadKeys)
	m.Account("POST "+keys, h.create, account.WriteKeys)
	m.Account("POST "+keys+"/find", h.find, account.ReadKeys)
	m.Account("GET "+key, h.get, account.ReadKeys)
	m.Account("PATCH "+key, gateway.TakesIfMatch(h.edit), account.WriteKeys)
	m.Account("DELETE "+key, gateway.TakesIfMatch(gateway.NoBody(h.remove)), account.DeleteKeys)
	m.Account("POST "+key+"/disable", gateway.TakesIfMatch(gateway.NoBody(h.disable)), account.WriteKeys)
	m.Account("POST "+key+"/enable", gateway.TakesIfMatch(gateway.NoBody(h.enable)), account.WriteKeys)
	m.Account("POST "+key+"/revoke", gateway.TakesIfMatch(h.revoke), account.RevokeKeys)
	m.Account("POST "+key+"/lift-exposure", gateway.TakesIfMatch(h.liftExposure), account.LiftExposures)
	m.Account("POST "+key+"/restore", gateway.TakesIfMatch(gateway.NoBody(h.restore)), account.DeleteKeys)
	m.Account("POST "+key+"/reveal", gateway.NoBody(h.reveal), account.RevealKeys)
	m.Account("POST "+key+"/test", h.test, account.ReadKeys)
	m.Account("PUT /v1/operator/accounts/{account}/keys/{key}/billing-type", gateway.TakesIfMatch(h.setBilling), account.SetBilling)
	const domains = "/v1/accounts/{account}/domains"
	m.Account("GET "+domains, h.listDomains, account.ReadKeys)
	m.Account("GET /v1/accounts/{account}/findings", h.listFindings, account.ReadKeys)
	m.Account("POST "+domains+"/link", h.linkDomain, account.WriteKeys)
	m.Account("POST "+domains+"/unlink", h.unlinkDomain, account.WriteKeys)
	m.Account("POST "+domains+"/replace", gateway.TakesIfMatch(h.replaceDomain), account.WriteKeys)
	m.Account("PUT "+key+"/proposal", gateway.TakesIfMatch(h.propose), account.WriteKeys)
	m.Account("POST "+key+"/proposal/from-usage", gateway.TakesIfMatch(gateway.NoBody(h.proposeFromUsage)), account.WriteKeys)
	m.Account("DELETE "+key+"/proposal", gateway.TakesIfMatch(gateway.NoBody(h.dropProposal)), account.WriteKeys)
	m.Account("POST "+key+"/proposal/promote", gateway.TakesIfMatch(gateway.NoBody(h.promote)), account.WriteKeys)
}

func (h *handler) get(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	k, err := h.service.Read(r, c)
	if err != nil {
		return err
	}
	return h.service.Show(w, r, c, k)
}

func millis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
