package main

import (
	"errors"
	"net/http"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

var errAccountType = gateway.NewProblem(http.StatusForbidden, "account_type_not_allowed", "Only enterprise accounts can ask for other limits.").
	WithDetail("A self-serve account can set its limits up to their free_qps; for higher ones, ask sales about an enterprise account.")

// submit files a request. One that was filed before is answered as then, whatever the account is now. Otherwise the
// account's type comes before the body's faults, so that a customer who can't ask isn't first asked to correct a form.
func (h *handler) submit(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, badBody := gateway.Body[api.CreateQpsRequest](r, gateway.BodyOptions{Nullable: []string{"ends_at"}, ReadOnly: api.QpsRequest{}})
	do := func(remember *control.Idempotency) error { return h.submitOnce(w, r, c, body, badBody, remember) }
	if badBody != nil {
		return do(nil)
	}
	return h.service.Once(r, c, "qps", body, do, func(first control.Idempotency) error { return h.replay(w, r, c, first) })
}

func (h *handler) submitOnce(w http.ResponseWriter, r *http.Request, c gateway.Principal, body api.CreateQpsRequest, badBody error, remember *control.Idempotency) error {
	acct, err := h.store.Account(r.Context(), c.Account)
	switch {
	case err != nil:
		return err
	case acct.Type != account.Enterprise:
		return errAccountType
	case acct.Suspended.Holds(h.service.Source.Time()):
		return account.ErrSuspended
	case badBody != nil:
		return badBody
	}
	request, err := h.draft(r, c, body)
	if err != nil {
		return err
	}
	return h.file(w, r, c, request, remember)
}

// draft makes the request that a body asks for.
func (h *handler) draft(r *http.Request, c gateway.Principal, body api.CreateQpsRequest) (qps.Request, error) {
	k, err := h.keyOf(r, c, body.KeyId)
	if err != nil {
		return qps.Request{}, err
	}
	limit, err := h.classOf(k, body)
	if err != nil {
		return qps.Request{}, err
	}
	why, err := web.Block(h.service.Texts, "justification", body.Justification, 1, qps.MaxJustification)
	if err != nil {
		return qps.Request{}, err
	}
	draft := qps.Request{
		ID: qps.RequestID(h.service.Source.NewID("qps_")), Account: c.Account, KeyID: k.ID, Product: limit.product, Class: limit.class,
		Requested: body.RequestedQps, Current: limit.current, CreatedBy: party(c),
	}
	if body.EndsAt != nil {
		draft.EndsAt = body.EndsAt.UTC().Truncate(time.Millisecond)
	}
	request, err := qps.Submit(draft, why, limit.free, limit.most, h.service.Source.Time())
	if errors.Is(err, qps.ErrEndsInPast) {
		err = gateway.Invalid(gateway.Field("ends_at", "in_past", "It must be in the future."))
	}
	return request, refusedNumber(err, "requested_qps")
}

// keyOf finds the key that a body names.
func (h *handler) keyOf(r *http.Request, c gateway.Principal, text string) (apikey.Key, error) {
	unknown := gateway.Invalid(gateway.Field("key_id", "unknown_key", "The account has no such key."))
	id, err := gateway.ID(text, "key_")
	var other *gateway.Problem
	if errors.As(err, &other) && other.Detail != "" { // the ID of something else
		return apikey.Key{}, gateway.Invalid(gateway.Field("key_id", "unknown_key", other.Detail))
	}
	if err != nil {
		return apikey.Key{}, unknown
	}
	k, err := h.store.Key(r.Context(), c.Account, apikey.ID(id))
	if errors.Is(err, dynamo.ErrNotFound) {
		return k, unknown
	}
	if err == nil {
		err = k.Editable()
	}
	return k, err
}

// classOf finds the limit class that a body names: a product's ID names its own class too.
func (h *handler) classOf(k apikey.Key, body api.CreateQpsRequest) (limited, error) {
	class := product.Class(body.Product)
	if body.Class != nil {
		class = product.Class(*body.Class)
	}
	limit, ok := h.limitOf(k, class)
	_, known, _ := h.service.Products.Class(product.Class(body.Product))
	switch {
	case known == "":
		return limit, gateway.Invalid(gateway.Field("product", "unknown_product", "There is no such product or limit class."))
	case body.Class != nil && (!ok || limit.product != known || body.Product != string(known) && body.Product != *body.Class):
		return limit, gateway.Invalid(gateway.Field("class", "unknown_class", "The product has no such limit class."))
	case !ok:
		return limit, gateway.Invalid(gateway.Field("product", "product_not_on_key", "The key doesn't have this product."))
	}
	if p, _ := h.service.Products.Product(known); p.Kind != product.API {
		return limit, gateway.Invalid(gateway.Field("product", "not_limited", "The product has no calls that a limit could apply to."))
	}
	return limit, nil
}

// refusedNumber returns the problem for an invalid limit in a member of the body.
func refusedNumber(err error, member string) error {
	switch {
	case errors.Is(err, qps.ErrBelowOne):
		return gateway.Invalid(gateway.Field(member, "out_of_range", "It must be 1 or more."))
	case errors.Is(err, qps.ErrAboveMax):
		return gateway.Invalid(gateway.Field(member, "above_max", "It is above the product's maximum."))
	case errors.Is(err, qps.ErrSameAsCurrent):
		return gateway.Invalid(gateway.Field(member, "same_as_current", "It is already the limit in force."))
	case errors.Is(err, qps.ErrNotFree):
		return gateway.Invalid(gateway.Field(member, "not_free", "It is above what needs no approval, the limit's free_qps. File a QPS request for it."))
	case errors.Is(err, qps.ErrFree):
		return gateway.Invalid(gateway.Field(member, "no_approval_needed", "It needs no approval: set it on the key's own limit, with PUT …/keys/{key}/limits/{class}."))
	default:
		return err
	}
}

func (h *handler) file(w http.ResponseWriter, r *http.Request, c gateway.Principal, request qps.Request, remember *control.Idempotency) error {
	row := h.row(c, "qps.submit", request, audit.Set("requested_qps", request.Current, request.Requested))
	err := h.store.SubmitRequest(r.Context(), request, remember, row)
	if errors.Is(err, dynamo.ErrNotFound) { // it was there a moment ago: what became of it is decided again
		return dynamo.ErrStale
	}
	if err != nil {
		return err
	}
	return h.show(w, r, c, http.StatusCreated, request)
}

// replay answers a request that was filed before, as it is now.
func (h *handler) replay(w http.ResponseWriter, r *http.Request, c gateway.Principal, first control.Idempotency) error {
	request, err := h.store.Request(r.Context(), c.Account, qps.RequestID(first.Resource))
	if err != nil {
		return err
	}
	gateway.Replayed(w)
	return h.show(w, r, c, http.StatusCreated, request)
}
