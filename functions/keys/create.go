package main

import (
	"encoding/json"
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
)

func (h *handler) create(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	acct, err := h.store.Account(r.Context(), c.Account)
	if err != nil {
		return err
	}
	body, members, err := gateway.Body[api.CreateKey](r, gateway.BodyOptions{Nullable: []string{"expires_at"}, ReadOnly: api.Key{}})
	if err != nil {
		return err
	}
	return h.service.Once(r, c, "create", body, func(remember *control.Idempotency) error {
		k, err := h.newKey(acct, body, members)
		if err != nil {
			return err
		}
		secret, stored, err := h.service.NewSecret(r.Context(), k)
		if err != nil {
			return err
		}
		k.Current, k.CreatedBy = stored, c.Person.Subject
		row := h.service.Row(c, "key.create", nil, k)
		change := control.Change{After: k, Audit: row, Idempotency: remember}
		return h.service.CommitSecret(w, r, c, http.StatusCreated, change, secret)
	}, func(first control.Idempotency) error { return h.service.Replay(w, r, c, http.StatusCreated, first) })
}

// newKey makes the record of a new key, without its secret.
func (h *handler) newKey(acct account.Account, body api.CreateKey, members gateway.Members) (apikey.Key, error) {
	f := h.fields(h.service.Source.Time())
	billing, err := apikey.DefaultBilling(acct.Type)
	if err != nil {
		return apikey.Key{}, err
	}
	k := apikey.Key{
		Account: acct.ID, AccountType: acct.Type, CreatedAt: f.now, UpdatedAt: f.now,
		BillingType: billing, Recoverable: body.Recoverable != nil && *body.Recoverable,
	}
	shared, err := asEdit(body)
	if err != nil {
		return k, err
	}
	f.set(&k, shared, members)
	k.MissingOrigin = k.Usage.DefaultMissingOrigin()
	if body.MissingOrigin != nil {
		k.MissingOrigin = apikey.MissingOrigin(*body.MissingOrigin)
	}
	f.fits(apikey.Key{}, k)
	if err := f.keeps(func() (account.Account, error) { return acct, nil }, nil, k); err != nil {
		return k, err
	}
	k.ID = apikey.ID(h.service.Source.NewID("key_"))
	return k, nil
}

// asEdit takes the members of a new key that can be edited too, which are all but recoverable. It goes by their names,
// so that none can be forgotten.
func asEdit(body api.CreateKey) (edit api.EditKey, err error) {
	raw, err := json.Marshal(body)
	if err == nil {
		err = json.Unmarshal(raw, &edit)
	}
	return edit, err
}
