package main

import (
	"context"
	"net/http"
	"slices"
	"time"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/moment"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// taken reads how many calls are taken out of quotas; those that can't be read are left out.
type taken interface {
	Taken(ctx context.Context, at time.Time, names []quota.Name) (map[quota.Name]quota.Seen, error)
}

// spent holds the calls of a month and of its present day.
type spent struct {
	day, month map[usage.Spending]int64
}

// accountQuotas shows each billing type and group of an account: what its keys have used, what is left, and until when.
func (h handlers) accountQuotas(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if err := gateway.KnownQuery(r); err != nil {
		return err
	}
	ctx, now := r.Context(), h.now().UTC()
	a, err := h.keys.Account(ctx, c.Account)
	if err != nil {
		return err
	}
	fresh, err := h.counters.FreshAt(ctx, a.ID) // first: what it promises is in the rows that are read after it
	if err != nil {
		return err
	}
	used, err := h.spent(ctx, a.ID, now)
	if err != nil {
		return err
	}
	list, err := h.quotasOf(ctx, a, h.kinds(a, used), used, now)
	if err != nil {
		return err
	}
	return gateway.JSON(w, http.StatusOK, api.Quotas{Quotas: list, FreshAt: web.TimePtr(fresh), Unreadable: gateway.LeftOut(ctx)})
}

// quotasOf reads what is taken of some quotas of an account, and says what is left of them.
func (h handlers) quotasOf(ctx context.Context, a account.Account, kinds []usage.Spending, used spent, now time.Time) ([]api.Quota, error) {
	var names []quota.Name
	for _, k := range kinds {
		if h.products.HasGroup(k.Group) {
			names = append(names, nameOf(a.ID, k))
		}
	}
	items, err := h.quotas.Taken(ctx, now, names)
	if err != nil {
		return nil, err
	}
	list := make([]api.Quota, len(kinds))
	for i, k := range kinds {
		seen, readable := items[nameOf(a.ID, k)]
		if !readable && h.products.HasGroup(k.Group) {
			gateway.LeaveOut(ctx)
		}
		list[i] = h.quota(a, k, used, seen, readable, now)
	}
	return list, nil
}

// binding has the quotas of the account that the calls of a key count in: those of its billing type that have a number. Of an account without
// any, nothing but its record is read.
func (h handlers) binding(ctx context.Context, k apikey.Key) ([]api.Quota, error) {
	a, err := h.keys.Account(ctx, k.Account)
	if err != nil {
		return nil, err
	}
	var kinds []usage.Spending
	for _, g := range h.groups() {
		if holds := h.products.QuotaOf(a.Quotas, string(k.BillingType), g.ID); holds.Day != 0 || holds.Month != 0 {
			kinds = append(kinds, usage.Spending{Billing: k.BillingType, Group: g.ID})
		}
	}
	if len(kinds) == 0 {
		return []api.Quota{}, nil
	}
	now := h.now().UTC()
	used, err := h.spent(ctx, a.ID, now)
	if err != nil {
		return nil, err
	}
	return h.quotasOf(ctx, a, kinds, used, now)
}

func nameOf(a account.ID, k usage.Spending) quota.Name {
	return quota.Name{Scope: string(a), Type: string(k.Billing), Group: string(k.Group)}
}

// spent reads the days of the present month.
func (h handlers) spent(ctx context.Context, id account.ID, now time.Time) (spent, error) {
	today := now.Truncate(day)
	rows, err := h.counters.AccountRows(ctx, id, counters.Range{From: monthOf(now), To: today.AddDate(0, 0, 1), Days: true})
	if err != nil {
		return spent{}, err
	}
	month := usage.Spent(rows, h.products.Group)
	rows = slices.DeleteFunc(rows, func(r usage.Row) bool { return !r.Start.Equal(today) })
	return spent{day: usage.Spent(rows, h.products.Group), month: month}, nil
}

func monthOf(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC) }

// kinds lists the billing types that keys of the account can have, and those that have calls this month or numbers of the account's own,
// each with every group of the catalogue, and those that it no longer has and the account has numbers of.
func (h handlers) kinds(a account.Account, used spent) (kinds []usage.Spending) {
	for _, t := range []account.Type{account.Enterprise, account.SelfServe} {
		for _, billing := range apikey.BillingTypes(t) {
			for _, group := range h.groups() {
				k := usage.Spending{Billing: billing, Group: group.ID}
				own := a.Quotas.Of(string(billing), string(group.ID))
				if t == a.Type || t == a.PendingType || used.month[k] > 0 || own.Day != 0 || own.Month != 0 {
					kinds = append(kinds, k)
				}
			}
			for _, own := range a.Quotas {
				if group := product.Group(own.Group); own.Billing == string(billing) && !h.products.HasGroup(group) {
					kinds = append(kinds, usage.Spending{Billing: billing, Group: group})
				}
			}
		}
	}
	return kinds
}

// groups are those of the catalogue, and the one of all other classes.
func (h handlers) groups() []product.ClassGroup {
	return append(slices.Clone(h.products.Groups()), product.ClassGroup{ID: product.Other, Name: "Other"})
}

// formerGroup is one that the catalogue no longer has, and that something is still set of.
func formerGroup(id product.Group) product.ClassGroup {
	return product.ClassGroup{ID: id, Name: string(id)}
}

func (h handlers) quota(a account.Account, k usage.Spending, used spent, seen quota.Seen, readable bool, now time.Time) api.Quota {
	doc := api.Quota{BillingType: string(k.Billing), Group: string(k.Group), Enforced: new(h.products.HasGroup(k.Group))}
	for _, g := range append(h.groups(), formerGroup(k.Group)) {
		if doc.Name == "" && g.ID == k.Group {
			doc.Name = g.Name
		}
	}
	holds, standard := h.products.QuotaOf(a.Quotas, string(k.Billing), k.Group), h.products.Quota(string(k.Billing), k.Group)
	own := a.Quotas.Of(string(k.Billing), string(k.Group))
	today, midnight := used.day[k], now.Truncate(day).AddDate(0, 0, 1)
	period := func(holds, standard, own, used, taken int64, ends time.Time) api.QuotaPeriod {
		p := api.QuotaPeriod{Quota: web.Calls(holds), DefaultQuota: web.Calls(standard), Used: used, EndsAt: moment.Of(ends)}
		if holds == 0 {
			return p
		}
		from := "catalogue"
		if own != 0 {
			from = "operator"
		}
		p.SetBy = &from
		if readable {
			p.Left, p.RunsOutAt = rest(holds, taken, today, now, ends)
			p.InHand = inHand(taken, used)
		}
		return p
	}
	doc.Day = period(holds.Day, standard.Day, own.Day, today, seen.Day, midnight)
	doc.Month = period(holds.Month, standard.Month, own.Month, used.month[k], seen.Month, monthOf(now).AddDate(0, 1, 0))
	return doc
}

// rest returns the part of a number that is left, and when that is used up if the day goes on as it began.
func rest(most, taken, today int64, now, ends time.Time) (*int64, *moment.Time) {
	left := max(0, most-taken)
	return &left, web.TimePtr(usage.RunsOut(left, today, now, ends))
}

// inHand is the part of what is taken that isn't counted. Calls that are counted and weren't taken, since there was no number then, leave none.
func inHand(taken, used int64) *int64 {
	held := max(0, taken-used)
	return &held
}
