package main

import (
	"context"
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/product"
	"latchkey/shared/qps"
	"latchkey/shared/usage"
)

// store lists the methods of the control table that this function calls, beside those of its key service.
type store interface {
	Account(ctx context.Context, id account.ID) (account.Account, error)
	Key(ctx context.Context, id account.ID, key apikey.ID) (apikey.Key, error)
	KeyNames(ctx context.Context, id account.ID, keys ...apikey.ID) (map[apikey.ID]string, error)
	SubmitRequest(ctx context.Context, r qps.Request, remember *control.Idempotency, row audit.Row) error
	Request(ctx context.Context, id account.ID, request qps.RequestID) (qps.Request, error)
	Requests(ctx context.Context, id account.ID, want control.RequestQuery) (control.RequestPage, error)
	OpenRequests(ctx context.Context, after string, limit int) (control.RequestPage, error)
	CloseRequest(ctx context.Context, after qps.Request, row audit.Row) error
	CommitDecision(ctx context.Context, c control.Change, after qps.Request) (apikey.Key, error)
}

// rows reads what a key was used for.
type rows interface {
	KeyRows(context.Context, account.ID, apikey.ID, counters.Range) ([]usage.Row, error)
}

type handler struct {
	service  *web.KeyService
	store    store
	counters rows
}

func (h *handler) routes(m *gateway.Mux) {
	const requests = "/v1/accounts/{account}/qps-requests"
	m.Account("GET "+requests, h.list, account.ReadRequests)
	m.Account("POST "+requests, h.submit, account.FileRequests)
	m.Account("GET "+requests+"/{request}", h.get, account.ReadRequests)
	m.Account("POST "+requests+"/{request}/withdraw", gateway.NoBody(h.withdraw), account.FileRequests)
	m.Account("POST "+requests+"/{request}/approve", h.approve, account.DecideRequests)
	m.Account("POST "+requests+"/{request}/reject", h.reject, account.DecideRequests)
	m.OperatorList("GET /v1/qps-requests", func(*http.Request) string { return "qps_requests" }, h.queue, account.LookUp)
	m.Account("PUT /v1/accounts/{account}/keys/{key}/limits/{class}", gateway.TakesIfMatch(h.setOwn), account.WriteKeys)
	m.Account("PUT /v1/operator/accounts/{account}/keys/{key}/limits/{class}", gateway.TakesIfMatch(h.grantDirectly), account.SetLimits)
	m.Account("PUT /v1/accounts/{account}/keys/{key}/quotas/{group}", gateway.TakesIfMatch(h.setQuota), account.WriteKeys)
}

// limited is a limit class with what holds for a key.
type limited struct {
	product  product.ID
	class    product.Class
	standard int // the catalogue's default for the account's type
	most     int
	free     int // what the customer may set without a request
	current  int
}

// limitOf finds a class of one of the key's products; ok is false if the key has none such.
func (h *handler) limitOf(k apikey.Key, class product.Class) (limited, bool) {
	cl, owner, ok := h.service.Products.Class(class)
	if !ok {
		return limited{}, false
	}
	for _, id := range k.Products {
		if id == owner {
			standard := cl.QPS[k.AccountType]
			now := h.service.Source.Time()
			return limited{
				product: owner, class: class, standard: standard, most: cl.MaxQPS,
				current: qps.Effective(k.Limits, class, standard, now), free: qps.Free(k.Limits, class, standard, now),
			}, true
		}
	}
	return limited{}, false
}

func party(c gateway.Principal) qps.Party {
	return qps.Party{Subject: c.Person.Subject, Email: c.Person.Email}
}

// row makes the audit row of a change of a request.
func (h *handler) row(c gateway.Principal, action string, r qps.Request, changes ...audit.Change) audit.Row {
	changes = append(changes, audit.Set("qps_request", nil, r.ID), audit.Set("limit_class", nil, r.Class))
	if r.Decision != nil && r.Decision.Comment != "" {
		changes = append(changes, audit.Set("comment", nil, r.Decision.Comment))
	}
	return web.AuditRow(h.service.Source, c, action, r.KeyID, changes...)
}
