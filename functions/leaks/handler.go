package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"unicode/utf8"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/telemetry"
	"latchkey/shared/text"
)

// store lists the methods of the control table that this function calls.
type store interface {
	FindKeyBySecret(ctx context.Context, hash apikey.Hash) (apikey.Key, apikey.SecretRole, error)
	Account(ctx context.Context, id account.ID) (account.Account, error)
	Member(ctx context.Context, id account.ID, who account.Subject) (account.Member, error)
}

type handler struct {
	store   store
	commit  func(context.Context, control.Change) (apikey.Key, error)
	looks   gateway.Looks
	source  env.Source
	prefix  apikey.Prefix
	texts   text.Secrets
	signers *signers
	log     *slog.Logger
	metrics telemetry.Metrics
}

func (h *handler) routes(m *gateway.Mux) {
	m.Public("POST /v1/leaks", h.anybody)
	m.PublicUpTo("POST /v1/leaks/github", maxReport, h.github)
	m.Operator("POST /v1/operator/leaks", h.operator, account.ReportLeaks)
}

// maxURL bounds the place of a report, in characters.
const maxURL = 2000

// anybody takes everybody's word, and tells nothing: the answer is the same for a secret of a key and for any other text.
func (h *handler) anybody(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.ReportLeak](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	secret, err := web.PastedSecret(body.Secret)
	if err != nil {
		return err
	}
	url, err := urlOf(body.Url)
	if err != nil {
		return err
	}
	if parsed, err := h.prefix.Parse(secret); err == nil {
		report := apikey.LeakReport{By: apikey.ReportedByAnybody, Place: place(h.texts, url)}
		if _, err := h.record(r.Context(), parsed.Hash(), report, h.rowOf(audit.Actor{Role: account.RoleSystem}, c.RequestID)); err != nil {
			return h.failed(r.Context(), err)
		}
	}
	return gateway.JSON(w, http.StatusAccepted, api.LeakReceipt{Received: true})
}

func urlOf(url *string) (string, error) {
	switch {
	case url == nil:
		return "", nil
	case utf8.RuneCountInString(*url) > maxURL:
		return "", gateway.Invalid(gateway.Field("url", "bad_length", "It must have at most 2000 characters."))
	default:
		return *url, nil
	}
}

// operator takes the report of one of the company's own, and says whose secret it is.
func (h *handler) operator(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	hash, url, err := operatorsReport(r)
	if err != nil {
		return err
	}
	k, _, err := h.store.FindKeyBySecret(r.Context(), hash)
	if errors.Is(err, dynamo.ErrNotFound) {
		return gateway.JSON(w, http.StatusOK, api.LeakOutcome{})
	}
	if err != nil {
		return err
	}
	c.Account = k.Account
	switch _, err := h.store.Member(r.Context(), c.Account, c.Person.Subject); {
	case err == nil:
		return gateway.ErrOwnAccount
	case !errors.Is(err, dynamo.ErrNotFound):
		return err
	}
	if err := h.looks.Looked(r.Context(), c); err != nil { // the answer shows whose key it is
		return err
	}
	report := apikey.LeakReport{By: apikey.ReportedByOperator, Place: place(h.texts, url)}
	found, err := h.record(r.Context(), hash, report, func(before, after apikey.Key) audit.Row {
		return web.AuditRow(h.source, c, exposed, after.ID, audit.KeyChanges(&before, after)...)
	})
	if err != nil {
		return err
	}
	return gateway.JSON(w, http.StatusOK, api.LeakOutcome{
		Matched: web.StringPtr(string(found.role)), Changed: found.changed,
		KeyId: web.StringPtr(string(found.key.ID)), AccountId: web.StringPtr(string(found.key.Account)),
	})
}

// operatorsReport reads the hash of the secret and the place. A secret is hashed here and goes no further.
func operatorsReport(r *http.Request) (hash apikey.Hash, url string, err error) {
	body, sent, err := gateway.Body[api.ReportLeakAsOperator](r, gateway.BodyOptions{})
	if err != nil {
		return hash, "", err
	}
	if url, err = urlOf(body.Url); err != nil {
		return hash, "", err
	}
	if sent.Has("secret") == sent.Has("secret_sha256") {
		const code, why = "one_of", "Send exactly one of secret and secret_sha256."
		return hash, "", gateway.Invalid(gateway.Field("secret", code, why), gateway.Field("secret_sha256", code, why))
	}
	if body.Secret != nil {
		secret, err := web.PastedSecret(*body.Secret)
		return hashOf(secret), url, err
	}
	hash, err = web.PastedHash(*body.SecretSha256)
	return hash, url, err
}
