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
	"latchkey/shared/rotation"
	"latchkey/shared/text"
)

func (h *handler) putPolicy(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	body, _, err := gateway.Body[api.PutRotationPolicy](r, gateway.BodyOptions{Nullable: []string{"principal"}})
	if err != nil {
		return err
	}
	policy, err := parsePolicy(h.service.Texts, body)
	if err != nil {
		return err
	}
	return h.service.Change(w, r, c, "key.rotation_policy", func(k apikey.Key) (apikey.Key, error) {
		if err := k.Editable(); err != nil {
			return k, err
		}
		old := apikey.RotationPolicy{}
		if k.Rotation != nil {
			old = *k.Rotation
		}
		switch {
		case policy.Principal == old.Principal:
			policy.SetBy = old.SetBy
		case policy.Principal != "": // it reads every later secret, so that it counts as revealing the key
			if !c.May(account.SetPrincipals) {
				return k, gateway.ErrForbidden
			}
			policy.SetBy = c.Person.Subject
		}
		if k.Rotation != nil {
			policy.AnnouncedFor = k.Rotation.AnnouncedFor
			if *k.Rotation == policy {
				return k, nil
			}
		}
		after := k.Touched(h.service.Source.Time())
		after.Rotation = &policy
		after.Delivery.RetryAt = time.Time{} // this change may fix what failed
		return after, nil
	})
}

// defaultNotifyDays is the notice before a rotation, in days, unless the policy sets another.
const defaultNotifyDays = 7

func parsePolicy(texts text.Secrets, body api.PutRotationPolicy) (apikey.RotationPolicy, error) {
	notify := min(defaultNotifyDays, max(body.EveryDays-1, 0))
	if body.NotifyDaysBefore != nil {
		notify = *body.NotifyDaysBefore
	}
	principal := ""
	if body.Principal != nil {
		principal = *body.Principal
	}
	if texts.In(principal) {
		return apikey.RotationPolicy{}, gateway.Invalid(web.TextField("principal", 0, 0, text.ErrSecret))
	}
	policy, err := rotation.ParsePolicy(body.EveryDays, notify, principal)
	switch {
	case errors.Is(err, rotation.ErrEvery):
		return policy, gateway.Invalid(gateway.Field("every_days", "out_of_range", "It must be 1 to 3650 days."))
	case errors.Is(err, rotation.ErrNotify):
		return policy, gateway.Invalid(gateway.Field("notify_days_before", "out_of_range", "It must be 0 to 90 days, and less than every_days."))
	case errors.Is(err, rotation.ErrPrincipal):
		return policy, gateway.Invalid(gateway.Field("principal", "invalid_principal", "It must be the ARN of one IAM user or role."))
	}
	return policy, err
}

func (h *handler) deletePolicy(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	return h.service.Change(w, r, c, "key.rotation_policy", func(k apikey.Key) (apikey.Key, error) {
		if k.Rotation == nil {
			return k, nil
		}
		after := k.Touched(h.service.Source.Time())
		after.Rotation = nil
		return after, nil
	})
}
