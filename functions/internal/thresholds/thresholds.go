// Package thresholds tells, each once, that accounts have reached parts of their quotas: by a row of the audit trail, which the stream of the
// control table carries to the event bus.
package thresholds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/used"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/product"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// Store lists the methods of the control table that a teller calls.
type Store interface {
	Account(context.Context, account.ID) (account.Account, error)
	ReachThreshold(context.Context, account.ID, usage.Threshold, audit.Row) error
	Announced(context.Context) (control.Announced, error)
}

// Rows reads the counters of accounts, strongly consistent.
type Rows interface {
	AccountRows(context.Context, account.ID, counters.Range) ([]usage.Row, error)
}

// Quotas reads what is taken out of quotas, in the day and the month of a time.
type Quotas interface {
	Taken(ctx context.Context, at time.Time, names []quota.Name) (map[quota.Name]quota.Seen, error)
}

// Teller tells of thresholds. Several may work at once, here and elsewhere. The fields are set before the first call.
type Teller struct {
	Store    Store
	Rows     Rows
	Quotas   Quotas
	Products product.Catalogue
	Source   env.Source

	lock     sync.Mutex
	told     map[id]bool
	standard *account.QuotaTimes // of the catalogue that is deployed, once the job has noticed it
}

// id names a threshold that is told once.
type id struct {
	account account.ID
	usage.Spending
	period  string
	percent int
}

// mostTold bounds the thresholds that are remembered as told, in memory.
const mostTold = 10_000

// Applies reports whether an account has a quota: one of its own, or one of the catalogue for a billing type that its keys may have, as it
// is or as its type is being changed.
func Applies(products product.Catalogue, a account.Account) bool {
	sets := func(b apikey.BillingType) bool { return products.SetsQuotasOf(string(b)) }
	return len(a.Quotas) > 0 || slices.ContainsFunc(apikey.BillingTypes(a.Type), sets) || slices.ContainsFunc(apikey.BillingTypes(a.PendingType), sets)
}

// Tell tells of what an account has reached in some days and in their months, as the counters are now, and returns what nobody had told. Of
// a period that had ended when the number was set it tells nothing. It changes nothing to ask again, after an error too.
func (t *Teller) Tell(ctx context.Context, acct account.ID, days []time.Time) (told []usage.Threshold, err error) {
	a, err := t.Store.Account(ctx, acct)
	switch {
	case errors.Is(err, dynamo.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("thresholds: %w", err)
	case !Applies(t.Products, a):
		return nil, nil
	}
	held, err := t.Held(ctx, a)
	if err != nil {
		return nil, err
	}
	var failed error
	months := map[statement.Month]bool{}
	for _, day := range days {
		months[statement.MonthOf(day)] = true
	}
	for month := range months {
		rows, err := t.Rows.AccountRows(ctx, acct, used.Days(month))
		if err != nil {
			return told, fmt.Errorf("thresholds: %w", err)
		}
		quotaOf := func(k usage.Spending, before time.Time) product.Quota {
			return held.Before(before, string(k.Billing), k.Group)
		}
		for _, one := range usage.Reached(rows, month.Begin(), days, t.Products.Group, quotaOf) {
			isNew, errTell := t.tell(ctx, acct, one)
			if isNew {
				told = append(told, one)
			}
			failed = errors.Join(failed, errTell) // one stops no other
		}
	}
	return told, failed
}

// Held returns an account's quotas with when their numbers were set. A number of the catalogue that the job catalogue hasn't noticed yet is set now.
func (t *Teller) Held(ctx context.Context, a account.Account) (product.Held, error) {
	held := product.Held{Catalogue: t.Products, Own: a.Quotas, Times: a.QuotaTimes}
	if !t.Products.SetsQuotas() {
		return held, nil
	}
	t.lock.Lock()
	standard := t.standard
	t.lock.Unlock()
	if standard == nil {
		noticed, err := t.Store.Announced(ctx)
		if err != nil {
			return held, fmt.Errorf("thresholds: %w", err)
		}
		after, known := noticed.WithQuotas(t.Products.Standard(), t.Source.Time())
		if standard = &after.QuotaTimes; known {
			t.lock.Lock()
			t.standard = standard
			t.lock.Unlock()
		}
	}
	held.Standard = *standard
	return held, nil
}

func (t *Teller) tell(ctx context.Context, acct account.ID, one usage.Threshold) (isNew bool, err error) {
	it := id{acct, one.Spending, one.Period, one.Percent}
	if t.known(it) {
		return false, nil
	}
	if one.Percent == usage.Exhausted {
		if is, err := t.exhausted(ctx, acct, one); !is {
			return false, err
		}
	}
	row := t.Source.JobRow(ctx, acct, "", "account.quota_reached",
		audit.Set("billing_type", nil, one.Billing), audit.Set("group", nil, one.Group), audit.Set("period", nil, one.Period),
		audit.Set("threshold", nil, one.Percent), audit.Set("used", nil, one.Used), audit.Set("quota", nil, one.Quota))
	err = t.Store.ReachThreshold(ctx, acct, one, row)
	if err != nil && !errors.Is(err, dynamo.ErrExists) {
		return false, fmt.Errorf("thresholds: %w", err)
	}
	t.know(it)
	return err == nil, nil
}

// exhausted reports whether all of a quota is taken by now, as the gate knows it: beyond it no call is let through.
func (t *Teller) exhausted(ctx context.Context, acct account.ID, one usage.Threshold) (bool, error) {
	name := quota.Name{Scope: string(acct), Type: string(one.Billing), Group: string(one.Group)}
	taken, err := t.Quotas.Taken(ctx, one.Begin, []quota.Name{name})
	if err != nil {
		return false, fmt.Errorf("thresholds: %w", err)
	}
	seen, readable := taken[name]
	if !readable {
		return false, fmt.Errorf("thresholds: %w: quota of %s", dynamo.ErrUnreadable, one.Period)
	}
	if one.OfMonth {
		return seen.Month >= one.Quota, nil
	}
	return seen.Day >= one.Quota, nil
}

func (t *Teller) known(it id) bool {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.told[it]
}

func (t *Teller) know(it id) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.told == nil || len(t.told) >= mostTold {
		t.told = map[id]bool{}
	}
	t.told[it] = true
}
