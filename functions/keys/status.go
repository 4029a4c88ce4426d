package main

import (
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/text"
)

func (h *handler) disable(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	return h.service.Change(w, r, c, "key.disable", func(k apikey.Key) (apikey.Key, error) { return k.Disable(h.service.Source.Time()) })
}

func (h *handler) enable(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	return h.service.Change(w, r, c, "key.enable", func(k apikey.Key) (apikey.Key, error) { return k.Enable(h.service.Source.Time()) })
}

func (h *handler) revoke(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.RevokeKey](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	return h.service.Change(w, r, c, "key.revoke", func(k apikey.Key) (apikey.Key, error) {
		return k.Revoke(text.Same(k.Name, body.ConfirmName), h.service.Source.Time())
	})
}

func (h *handler) remove(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	return h.service.Change(w, r, c, "key.delete", func(k apikey.Key) (apikey.Key, error) {
		return k.Delete(h.service.Source.Time()), nil
	})
}

func (h *handler) restore(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	return h.service.Change(w, r, c, "key.restore", func(k apikey.Key) (apikey.Key, error) {
		return k.Restore(h.service.Source.Time())
	})
}
