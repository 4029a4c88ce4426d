package main

import (
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
)

func (h *handler) disable(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.Empty(r); err != nil {
		return err
	}
	return h.Change(w, r, c, "key.disable", func(k apikey.Key) (apikey.Key, error) { return k.Disable(h.Source.Time()) })
}

func (h *handler) enable(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.Empty(r); err != nil {
		return err
	}
	return h.Change(w, r, c, "key.enable", func(k apikey.Key) (apikey.Key, error) { return k.Enable(h.Source.Time()) })
}

func (h *handler) revoke(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.RevokeKey](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	return h.Change(w, r, c, "key.revoke", func(k apikey.Key) (apikey.Key, error) {
		return k.Revoke(body.ConfirmName, h.Source.Time())
	})
}

func (h *handler) remove(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.Empty(r); err != nil {
		return err
	}
	return h.Change(w, r, c, "key.delete", func(k apikey.Key) (apikey.Key, error) {
		return k.Delete(h.Source.Time()), nil
	})
}

func (h *handler) restore(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.Empty(r); err != nil {
		return err
	}
	return h.Change(w, r, c, "key.restore", func(k apikey.Key) (apikey.Key, error) {
		return k.Restore(h.Source.Time())
	})
}
