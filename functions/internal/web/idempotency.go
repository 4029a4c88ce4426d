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

// Once does what a request asks for, or answers it by again if a request was made before under its Idempotency-Key, unless that was
// another one: the path counts with the body. do is given what to write with the change, nil without an Idempotency-Key. A replay is
// recognised before anything is checked that the first request may have changed; and once more where do refuses, since the first may
// have been made meanwhile.
func (s Requests) Once(r *http.Request, c gateway.Principal, operation string, body any,
	do func(remember *control.Idempotency) error, again func(first control.Idempotency) error,
) error {
	remember, err := s.remember(r, c, operation, body)
	if err != nil {
		return err
	}
	if remember == nil {
		return do(nil)
	}
	find := func() (control.Idempotency, error) {
		return s.Store.Remembered(r.Context(), c.Account, operation, remember.Subject, remember.Key, remember.At)
	}
	first, err := find()
	if errors.Is(err, dynamo.ErrNotFound) {
		if err = do(remember); err == nil {
			return nil
		}
		var replay *control.Replay
		if errors.As(err, &replay) {
			first, err = replay.First, nil
		} else if _, refused := Errors().Refusal(err); refused {
			if found, none := find(); none == nil {
				first, err = found, nil
			}
		}
	}
	switch {
	case err != nil:
		return err
	case first.BodyHash != remember.BodyHash:
		return gateway.ErrIdempotencyReused
	default:
		return again(first)
	}
}

// remember is the record of a request with an Idempotency-Key; nil without one.
func (s Requests) remember(r *http.Request, c gateway.Principal, operation string, body any) (*control.Idempotency, error) {
	key, err := gateway.IdempotencyKey(r)
	switch {
	case err != nil || key == "":
		return nil, err
	case s.Texts.In(key): // it would be stored
		return nil, SecretInParameter("Idempotency-Key")
	}
	canonical, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	hash := gateway.BodyHash([]byte(r.URL.Path), canonical)
	return &control.Idempotency{
		Operation: operation, Subject: c.Person.Subject, Key: key, BodyHash: hex.EncodeToString(hash[:]), At: s.Source.Time(),
	}, nil
}
