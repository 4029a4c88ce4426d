package main

import (
	"net/http"

	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/gateway"
)

// change is the path of all changes of status: read, compare, apply, commit. What changes nothing is acknowledged
// without a write, so that a repeated request is as good as the first.
func (h *handler) change(w http.ResponseWriter, r *http.Request, c gateway.Caller, action string,
	apply func(before apikey.Key) (after apikey.Key, changed bool, err error),
) error {
	before, err := h.read(r, c)
	if err != nil {
		return err
	}
	if err := gateway.OptionalIfMatch(r).Check(before.Version); err != nil {
		return err
	}
	after, changed, err := apply(before)
	switch {
	case err != nil:
		return err
	case !changed:
		return h.show(w, r, c, before)
	default:
		return h.commit(w, r, c, action, before, after)
	}
}

func (h *handler) disable(w http.ResponseWriter, r *http.Request, c gateway.Caller) error {
	if err := gateway.Empty(r); err != nil {
		return err
	}
	return h.change(w, r, c, "key.disable", func(k apikey.Key) (apikey.Key, bool, error) { return k.Disable(h.rim.Clock()) })
}

func (h *handler) enable(w http.ResponseWriter, r *http.Request, c gateway.Caller) error {
	if err := gateway.Empty(r); err != nil {
		return err
	}
	return h.change(w, r, c, "key.enable", func(k apikey.Key) (apikey.Key, bool, error) { return k.Enable(h.rim.Clock()) })
}

func (h *handler) revoke(w http.ResponseWriter, r *http.Request, c gateway.Caller) error {
	body, _, err := gateway.Body[api.RevokeKey](r, gateway.Shape{})
	if err != nil {
		return err
	}
	return h.change(w, r, c, "key.revoke", func(k apikey.Key) (apikey.Key, bool, error) {
		return k.Revoke(body.ConfirmName, h.rim.Clock())
	})
}

func (h *handler) remove(w http.ResponseWriter, r *http.Request, c gateway.Caller) error {
	if err := gateway.Empty(r); err != nil {
		return err
	}
	return h.change(w, r, c, "key.delete", func(k apikey.Key) (apikey.Key, bool, error) {
		after, changed := k.Delete(h.rim.Clock())
		return after, changed, nil
	})
}

func (h *handler) restore(w http.ResponseWriter, r *http.Request, c gateway.Caller) error {
	if err := gateway.Empty(r); err != nil {
		return err
	}
	return h.change(w, r, c, "key.restore", func(k apikey.Key) (apikey.Key, bool, error) {
		after, err := k.Restore(h.rim.Clock())
		return after, true, err
	})
}
