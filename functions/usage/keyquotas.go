package main

import (
	"context"
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/moment"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// keyQuotas shows each group of classes for a key: its cap, what the key has used of the day, what is left, and until when; and the quotas of the
// account that bind it.
func (h handlers) keyQuotas(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	id, err := gateway.ID(r.PathValue("key"), "key_")
	if err != nil {
		return err
	}
	k, err := h.keys.Key(r.Context(), c.Account, apikey.ID(id))
	if err != nil {
		return err
	}
	fresh, err := h.counters.FreshAt(r.Context(), k.Account) // first: what it promises is in the rows that are read after it
	if err != nil {
		return err
	}
	caps, shared, err := h.holding(r.Context(), k)
	if err != nil {
		return err
	}
	return gateway.JSON(w, http.StatusOK, api.KeyQuotas{Quotas: caps, AccountQuotas: shared, FreshAt: web.TimePtr(fresh), Unreadable: gateway.LeftOut(r.Context())})
}

// holding reads a key's own caps and the quotas of its account that bind it.
func (h handlers) holding(ctx context.Context, k apikey.Key) (caps []api.KeyQuotaUse, shared []api.Quota, err error) {
	if caps, err = h.caps(ctx, k); err != nil {
		return nil, nil, err
	}
	shared, err = h.binding(ctx, k)
	return caps, shared, err
}

// caps reads what a key has used and left of each group of classes.
func (h handlers) caps(ctx context.Context, k apikey.Key) ([]api.KeyQuotaUse, error) {
	now := h.now().UTC()
	today := now.Truncate(day)
	midnight := today.AddDate(0, 0, 1)
	rows, err := h.counters.KeyRows(ctx, k.Account, k.ID, counters.Range{From: today, To: midnight, Days: true})
	if err != nil {
		return nil, err
	}
	groups := h.groups()
	var names []quota.Name
	for _, one := range k.Caps {
		if h.products.HasGroup(one.Group) {
			names = append(names, capName(k.ID, one.Group))
		} else {
			groups = append(groups, formerGroup(one.Group))
		}
	}
	items, err := h.quotas.Taken(ctx, now, names)
	if err != nil {
		return nil, err
	}
	for range len(names) - len(items) {
		gateway.LeaveOut(ctx)
	}
	used := usage.ByGroup(usage.Spent(rows, h.products.Group))
	list := make([]api.KeyQuotaUse, len(groups))
	for i, g := range groups {
		one := api.KeyQuotaUse{Group: string(g.ID), Name: g.Name, Used: used[g.ID], EndsAt: moment.Of(midnight), Enforced: new(h.products.HasGroup(g.ID))}
		most := k.Caps.Of(g.ID)
		seen, readable := items[capName(k.ID, g.ID)]
		if one.Day = web.Calls(most); most != 0 && readable {
			one.Left, one.RunsOutAt = rest(most, seen.Day, one.Used, now, midnight)
			one.InHand = inHand(seen.Day, one.Used)
		}
		list[i] = one
	}
	return list, nil
}

// capName names a key's cap in the table of quotas.
func capName(id apikey.ID, group product.Group) quota.Name {
	return quota.Name{Scope: string(id), Group: string(group)}
}
