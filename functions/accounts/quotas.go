package main

import (
	"net/http"
	"slices"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/product"
)

// setQuota sets the account's quota of a billing type for a group; null leaves a period to the catalogue again. What is set of a group that the
// catalogue no longer has can be lifted.
func (h *accounts) setQuota(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, members, err := gateway.Body[api.SetAccountQuota](r, gateway.BodyOptions{Nullable: []string{"day", "month"}})
	if err != nil {
		return err
	}
	group := product.Group(r.PathValue("group"))
	known := h.products.HasGroup(group)
	if !known && (body.Day != nil || body.Month != nil) {
		return gateway.ErrNotFound
	}
	quota := account.Quota{Billing: string(body.BillingType), Group: string(group)}
	var wrong []api.FieldError
	for _, one := range []struct {
		member string
		typed  *int64
		into   *int64
	}{{"day", body.Day, &quota.Day}, {"month", body.Month, &quota.Month}} {
		switch {
		case !members.Has(one.member):
			wrong = append(wrong, gateway.Field(one.member, "required", "The member is required."))
		case one.typed == nil:
		case *one.typed < 1 || *one.typed > account.MaxQuota:
			wrong = append(wrong, gateway.Range(one.member, 1, account.MaxQuota, ", or null"))
		default:
			*one.into = *one.typed
		}
	}
	if len(wrong) > 0 {
		return gateway.Invalid(wrong...)
	}
	return h.changeStanding(w, r, c, "account.set_quota", func(a account.Account) (account.Account, error) {
		if !known && a.Quotas.Of(quota.Billing, quota.Group) == quota { // it has none to lift
			return a, gateway.ErrNotFound
		}
		if !mayHave(a, quota) {
			return a, gateway.Invalid(gateway.Field("billing_type", "billing_type_mismatch", "It must be a billing type that fits the account's type."))
		}
		return a.SetQuota(quota, h.source.Time())
	})
}

// mayHave reports whether an account can have a quota: its billing type is one of the account's type, or of the type that it is moved
// to. One of another type, which was set before, can be lifted.
func mayHave(a account.Account, q account.Quota) bool {
	of := []account.Type{a.Type, a.PendingType}
	if q.Day == 0 && q.Month == 0 {
		of = []account.Type{account.Enterprise, account.SelfServe}
	}
	return slices.ContainsFunc(of, func(t account.Type) bool {
		_, err := apikey.ParseBilling(q.Billing, t)
		return err == nil
	})
}
