package main

import (
	"errors"
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/moment"
)

// typeChange reads what a patch says of the account's type; nil where it says nothing.
func typeChange(body api.EditAccount) (*apikey.TypeChange, error) {
	if body.Type == nil {
		if body.BillingTypes != nil {
			return nil, gateway.Invalid(gateway.Field("billing_types", "without_type", "It goes with type."))
		}
		return nil, nil
	}
	to, err := account.ParseType(string(*body.Type))
	if err != nil {
		return nil, gateway.Invalid(gateway.Field("type", "not_a_choice", "It must be enterprise or self_serve."))
	}
	billing := map[apikey.BillingType]apikey.BillingType{}
	if body.BillingTypes != nil {
		for from, onto := range *body.BillingTypes {
			billing[apikey.BillingType(from)] = apikey.BillingType(onto)
		}
	}
	change, err := apikey.NewTypeChange(to, billing)
	var entry *apikey.MappingError
	switch {
	case errors.As(err, &entry) && errors.Is(err, apikey.ErrUnknownBilling):
		return nil, gateway.Invalid(gateway.Field("billing_types", "unknown_billing_type", "It begins at a billing type that doesn't exist."))
	case errors.As(err, &entry):
		return nil, gateway.Invalid(gateway.Field("billing_types", "billing_type_mismatch", "It leads to a billing type that doesn't fit the new type."))
	}
	return &change, err
}

// keysAtOnce is the number of keys that follow before the answer. The scheduled job sees to the rest.
const keysAtOnce = 100

// changeType starts a change of type, or goes on with one that runs already. The rest of the patch is written with it: one
// that is refused changes nothing.
func (h *accounts) changeType(w http.ResponseWriter, r *http.Request, c gateway.Principal, change apikey.TypeChange, edit control.AccountEdit) error {
	o := control.Operation{ID: h.source.NewID("op_"), Account: c.Account, Change: change, StartedAt: h.source.Time()}
	o, _, err := h.store.BeginType(r.Context(), o, h.rows(c)("account.type.begin", ""), edit)
	if err != nil {
		return err
	}
	if o.ID == "" { // it has the type
		return h.getAccount(w, r, c)
	}
	keys := 0
	stop := func() bool { keys++; return keys > keysAtOnce }
	if after, err := h.store.ContinueType(r.Context(), o, h.source.Time(), stop, h.rows(c)); err == nil {
		o = after // else it runs, and the job goes on with it
	}
	w.Header().Set("Location", "/v1/accounts/"+string(c.Account)+"/operations/"+o.ID)
	return gateway.JSON(w, http.StatusAccepted, operationDoc(o))
}

func (h *accounts) getOperation(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	id, err := gateway.ID(r.PathValue("operation"), "op_")
	if err != nil {
		return err
	}
	o, err := h.store.Operation(r.Context(), c.Account, id)
	if err != nil {
		return err
	}
	return gateway.JSON(w, http.StatusOK, operationDoc(o))
}

func operationDoc(o control.Operation) api.Operation {
	doc := api.Operation{
		Id: o.ID, Status: api.OperationStatus(o.Status), Type: api.AccountType(o.Change.To), StartedAt: moment.Of(o.StartedAt),
		EndedAt: web.TimePtr(o.EndedAt),
	}
	if o.Unreadable > 0 {
		doc.Unreadable = &o.Unreadable
	}
	return doc
}
