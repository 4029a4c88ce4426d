package web

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/text"
)

// RequestStore remembers requests by their Idempotency-Key.
type RequestStore interface {
	Remembered(ctx context.Context, id account.ID, operation string, who account.Subject, key string, now time.Time) (control.Idempotency, error)
}

// Requests tells a request that is sent again under its Idempotency-Key from a new one.
type Requests struct {
	Store  RequestStore
	Source env.Source
	Texts  text.Secrets
}

// Idempotency reads the request's Idempotency-Key, nil if there is none, and looks for a request that was made under it
// before: replay is nil if there is none. A replay is answered before anything is checked that the first request may
// have changed; of two at the same moment, the condition of the write finds the second. The path counts with the body:
// the same key on another object is another request.
func (s Requests) Idempotency(r *http.Request, c gateway.Principal, operation string, body any) (now *control.Idempotency, replay *control.Replay, err error) {
	key, err := gateway.IdempotencyKey(r)
	switch {
	case err != nil || key == "":
		return nil, nil, err
	case s.Texts.In(key): // it would be stored
		return nil, nil, SecretInParameter("Idempotency-Key")
	}
	canonical, err := json.Marshal(body)
	if err != nil {
		return nil, nil, err
	}
	hash := gateway.BodyHash([]byte(r.URL.Path), canonical)
	now = &control.Idempotency{
		Operation: operation, Subject: c.Person.Subject, Key: key, BodyHash: hex.EncodeToString(hash[:]), At: s.Source.Time(),
	}
	first, err := s.Store.Remembered(r.Context(), c.Account, operation, now.Subject, now.Key, now.At)
	switch {
	case errors.Is(err, dynamo.ErrNotFound):
		return now, nil, nil
	case err != nil:
		return nil, nil, err
	default:
		return now, &control.Replay{First: first}, nil
	}
}

// SameRequest refuses a replay that is another request than the first one under its Idempotency-Key.
func SameRequest(replay *control.Replay, now *control.Idempotency) error {
	if replay.First.BodyHash != now.BodyHash {
		return gateway.ErrIdempotencyReused
	}
	return nil
}
