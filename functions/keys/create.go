package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"

	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/gateway"
)

func (h *handler) create(w http.ResponseWriter, r *http.Request, c gateway.Caller) error {
	acct, err := h.store.Account(r.Context(), c.Account)
	if err != nil {
		return err
	}
	body, members, err := gateway.Body[api.CreateKey](r, gateway.Shape{Nullable: []string{"expires_at"}, ReadOnly: api.Key{}})
	if err != nil {
		return err
	}
	k, err := h.newKey(acct, body, members)
	if err != nil {
		return err
	}
	idempotency, err := h.idempotency(r, c, body)
	if err != nil {
		return err
	}
	secret, err := h.prefix.Generate(h.rim.Random)
	if err != nil {
		return err
	}
	k.Current = apikey.Slot{Hash: secret.Hash(), Preview: secret.Preview(), CreatedAt: k.CreatedAt}
	if k.Recoverable {
		if k.Current.Sealed, err = h.sealer.Seal(r.Context(), secret, k.ID); err != nil {
			return err
		}
	}
	row, err := h.row(c, "key.create", nil, k)
	if err != nil {
		return err
	}
	written, err := h.store.Commit(r.Context(), control.Change{After: k, Audit: row, Idempotency: idempotency})
	var replay *control.Replay
	if errors.As(err, &replay) {
		return h.replay(w, r, c, replay, idempotency)
	}
	if err != nil {
		return err
	}
	return h.created(w, r, c, written, secret)
}

// created answers with the key; a zero secret is a replay's.
func (h *handler) created(w http.ResponseWriter, r *http.Request, c gateway.Caller, k apikey.Key, secret apikey.Secret) error {
	view, err := h.view(r.Context(), c, k)
	if err != nil {
		view = gateway.View{Now: h.rim.Clock(), Products: h.products} // a new secret must not be lost over its statistics
	}
	gateway.NoStore(w)
	gateway.SetETag(w, k.Version)
	return gateway.JSON(w, http.StatusCreated, gateway.KeyWithSecret(k, view, secret))
}

func (h *handler) replay(w http.ResponseWriter, r *http.Request, c gateway.Caller, replay *control.Replay, now *control.Idempotency) error {
	if replay.First.BodyHash != now.BodyHash {
		return gateway.ErrIdempotencyReused
	}
	k, err := h.store.Key(r.Context(), c.Account, apikey.ID(replay.First.Resource))
	if err != nil {
		return err
	}
	gateway.Replayed(w)
	return h.created(w, r, c, k, apikey.Secret{})
}

// idempotency reads the request's Idempotency-Key, nil if there is none.
func (h *handler) idempotency(r *http.Request, c gateway.Caller, body any) (*control.Idempotency, error) {
	key, err := gateway.IdempotencyKey(r)
	if err != nil || key == "" {
		return nil, err
	}
	canonical, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	hash := gateway.BodyHash(canonical)
	return &control.Idempotency{
		Operation: "create", Subject: c.Person.Subject, Key: key, BodyHash: hex.EncodeToString(hash[:]), At: h.rim.Clock(),
	}, nil
}

// newKey makes the record of a new key, without its secret.
func (h *handler) newKey(acct account.Account, body api.CreateKey, members gateway.Members) (apikey.Key, error) {
	f := fields{products: h.products, accountType: acct.Type, now: h.rim.Clock()}
	k := apikey.Key{Account: acct.ID, AccountType: acct.Type, CreatedAt: f.now, UpdatedAt: f.now}
	k.Name = f.name(body.Name)
	k.Usage = f.usage(body.Usage)
	k.MissingOrigin = k.Usage.DefaultMissing()
	k.Products = f.productList("products", body.Products)
	k.BillingType = f.billing(body.BillingType)
	if body.Domains != nil {
		k.Domains = f.domains("domains", *body.Domains)
	}
	if body.MissingOrigin != nil {
		k.MissingOrigin = apikey.Missing(*body.MissingOrigin)
	}
	if body.HeaderOnly != nil {
		k.HeaderOnly = *body.HeaderOnly
	}
	if body.Recoverable != nil {
		k.Recoverable = *body.Recoverable
	}
	if members.Has("expires_at") {
		k.ExpiresAt = f.expiry(body.ExpiresAt)
	}
	if err := f.err(); err != nil {
		return k, err
	}
	id, err := h.rim.ID("key_")
	k.ID = apikey.ID(id)
	return k, err
}
