package main

import (
	"net/http"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/rotation"
)

type handler struct {
	service *web.KeyService
}

func (h *handler) routes(m *gateway.Mux) {
	const key = "/v1/accounts/{account}/keys/{key}"
	m.Account("POST "+key+"/rotate", gateway.TakesIfMatch(h.rotate), account.WriteKeys)
	m.Account("POST "+key+"/rotation/end", gateway.TakesIfMatch(gateway.NoBody(h.end)), account.WriteKeys)
	m.Account("POST "+key+"/rotation/extend", gateway.TakesIfMatch(h.extend), account.WriteKeys)
	m.Account("POST "+key+"/rotation/cancel", gateway.TakesIfMatch(gateway.NoBody(h.cancel)), account.WriteKeys)
	m.Account("PUT "+key+"/rotation-policy", gateway.TakesIfMatch(h.putPolicy), account.WriteKeys)
	m.Account("DELETE "+key+"/rotation-policy", gateway.TakesIfMatch(gateway.NoBody(h.deletePolicy)), account.WriteKeys)
}

// rotate puts a new secret in force.
func (h *handler) rotate(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.RotateKey](r, gateway.BodyOptions{Optional: true})
	if err != nil {
		return err
	}
	reason, err := parseReason(body.Reason)
	if err != nil {
		return err
	}
	grace, err := rotation.ParseGrace(body.GraceSeconds, reason)
	if err != nil {
		return err
	}
	return h.service.Once(r, c, "rotate", body, func(remember *control.Idempotency) error {
		return h.rotateOnce(w, r, c, grace, reason, remember)
	}, func(first control.Idempotency) error { return h.service.Replay(w, r, c, http.StatusOK, first) })
}

func (h *handler) rotateOnce(w http.ResponseWriter, r *http.Request, c gateway.Principal, grace rotation.Grace, reason string, remember *control.Idempotency) error {
	before, err := h.service.Read(r, c)
	if err != nil {
		return err
	}
	if err := gateway.OptionalIfMatch(r).Check(before.Version); err != nil {
		return err
	}
	secret, stored, err := h.service.NewSecret(r.Context(), before)
	if err != nil {
		return err
	}
	after, err := rotation.Rotate(before, stored, grace, reason, h.service.Source.Time())
	if err != nil {
		return err
	}
	row := h.service.Row(c, "key.rotate", &before, after)
	change := control.Change{Before: &before, After: after, Audit: row, Idempotency: remember}
	return h.service.CommitSecret(w, r, c, http.StatusOK, change, secret)
}

func parseReason(wanted *api.RotateKeyReason) (string, error) {
	text := ""
	if wanted != nil {
		text = string(*wanted)
	}
	reason, err := rotation.ParseReason(text)
	if err != nil {
		return "", gateway.Invalid(gateway.Field("reason", "not_a_choice", "It must be scheduled, leaked or other."))
	}
	return reason, nil
}

func (h *handler) end(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	return h.simple(w, r, c, "key.rotation_end", rotation.End)
}

func (h *handler) cancel(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	return h.simple(w, r, c, "key.rotation_cancel", rotation.Cancel)
}

func (h *handler) simple(w http.ResponseWriter, r *http.Request, c gateway.Principal, action string,
	apply func(apikey.Key, time.Time) (apikey.Key, error),
) error {
	return h.service.Change(w, r, c, action, func(k apikey.Key) (apikey.Key, error) {
		return apply(k, h.service.Source.Time())
	})
}

func (h *handler) extend(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.ExtendRotation](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	grace, err := rotation.ParseGrace(&body.GraceSeconds, rotation.Other)
	if err != nil {
		return err
	}
	return h.service.Change(w, r, c, "key.rotation_extend", func(k apikey.Key) (apikey.Key, error) {
		return rotation.Extend(k, grace, h.service.Source.Time())
	})
}
