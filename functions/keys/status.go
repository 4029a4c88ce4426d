package main

import (
	"fmt"
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
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

// liftExposure lets what is refused as exposed work again; its owner has to say why.
func (h *handler) liftExposure(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.LiftExposure](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	reason, err := web.Block(h.service.Texts, "reason", body.Reason, 1, account.MaxReason)
	if err != nil {
		return err
	}
	return h.service.Change(w, r, c, "key.lift_exposure", func(k apikey.Key) (apikey.Key, error) {
		return k.LiftExposure(reason.String(), h.service.Source.Time())
	})
}

func (h *handler) remove(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	return h.service.Change(w, r, c, "key.delete", func(k apikey.Key) (apikey.Key, error) {
		return k.Delete(h.service.Source.Time()), nil
	})
}

// setBilling is for operators: what a key's calls cost is no setting of the customer's.
func (h *handler) setBilling(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.SetBillingType](r, gateway.BodyOptions{})
	if err != nil {
		return err
	}
	return h.service.Change(w, r, c, "key.billing_type", func(k apikey.Key) (apikey.Key, error) {
		billing, err := apikey.ParseBilling(string(body.BillingType), k.AccountType)
		if err != nil {
			return k, gateway.Invalid(gateway.Field("billing_type", "billing_type_mismatch",
				fmt.Sprintf("Accounts of type %s have %v.", k.AccountType, apikey.BillingTypes(k.AccountType))))
		}
		return k.SetBilling(billing, h.service.Source.Time())
	})
}

func (h *handler) restore(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	return h.service.Change(w, r, c, "key.restore", func(k apikey.Key) (apikey.Key, error) {
		return k.Restore(h.service.Source.Time())
	})
}
