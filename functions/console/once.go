package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"latchkey/shared/api"
)

// What the API gives once, it doesn't give again: from then on nothing that fails may keep it from the person.

// given is the API's answer with a secret. Of one that can't be read as a whole, the secret is still taken.
type given struct{ api.KeyWithSecret }

// UnmarshalJSON reads the key, or else only what names it and its secret.
func (g *given) UnmarshalJSON(raw []byte) error {
	whole := json.Unmarshal(raw, &g.KeyWithSecret)
	if whole == nil {
		return nil
	}
	var least struct {
		ID     string  `json:"id"`
		Name   string  `json:"name"`
		Secret *string `json:"secret"`
	}
	if json.Unmarshal(raw, &least) != nil || least.Secret == nil {
		return whole
	}
	g.KeyWithSecret = api.KeyWithSecret{Key: api.Key{Id: least.ID, Name: least.Name}, Secret: least.Secret}
	return nil
}

// frameTime bounds the wait of a page with a secret for its frame.
const frameTime = 2 * time.Second

// shownOnce is a page with what is shown once. plain is that alone, as text.
type shownOnce interface{ plain() string }

// hurry bounds every call from now on: a secret is there, and must be in the answer before the function's time is over.
func (v *visit) hurry() (cancel context.CancelFunc) {
	ctx, cancel := context.WithTimeout(v.ctx(), frameTime)
	v.r = v.r.WithContext(ctx)
	return cancel
}

// renderOnce answers with what is shown once: inside of the frame, or without it if that can't be read, or as plain text. It
// is part of the very answer to the request that made it: nothing is stored or redirected, so going back or reloading finds nothing.
func (v *visit) renderOnce(name, title string, data shownOnce) error {
	v.w.Header().Set("Referrer-Policy", "no-referrer")
	v.w.Header().Set("Cache-Control", "no-store")
	err := v.render(http.StatusOK, name, title, data)
	if err == nil {
		return nil
	}
	v.app.log.ErrorContext(v.ctx(), "the frame of a page with a secret failed", "error", err.Error(), "request_id", v.requestID())
	if err := v.renderOut(http.StatusOK, name, title, data); err != nil {
		v.app.log.ErrorContext(v.ctx(), "a page with a secret failed", "error", err.Error(), "request_id", v.requestID())
		v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		v.w.WriteHeader(http.StatusOK)
		_, _ = v.w.Write([]byte(data.plain())) //nolint:gosec // as text
	}
	return nil
}
