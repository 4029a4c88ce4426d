package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/functions/internal/thresholds"
	"latchkey/functions/internal/used"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/product"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// teller tells of the quotas of which an account's counters have reached a part.
type teller interface {
	Tell(ctx context.Context, id account.ID, days []time.Time) ([]usage.Threshold, error)
	Held(ctx context.Context, a account.Account) (product.Held, error)
}

// filler raises what the quotas table says to be taken.
type filler interface {
	Fill(ctx context.Context, ask quota.Ask, month, day int64) (raised bool, err error)
}

// lookedAt is the result of a quotas run.
type lookedAt struct {
	Job      string `json:"job"`
	Refill   bool   `json:"refill"`
	Accounts int    `json:"accounts"`         // looked at
	Told     int    `json:"told"`             // thresholds that nobody had told
	Raised   int    `json:"raised,omitempty"` // quotas of which the table said too little
	Failed   int    `json:"failed"`           // accounts that couldn't be looked at: the run is an error
	More     bool   `json:"more"`             // the run ended before its work
}

// lookBack is the time for which the job tells of days that are over: as long as calls of them may be counted.
const lookBack = statement.Settles

// quotas looks at all accounts, or at the only one. It tells of thresholds that the counter function couldn't tell of when it counted, in the periods that run and
// those of which calls may still be counted. With refill it also makes what the quotas table says to be taken in the running periods, of accounts' quotas and of
// keys' caps, at least what the counters say. Runs may overlap, end anywhere and be repeated. Behind one that had no time for all accounts the next one goes on; a refill, which a
// person asks for, begins with the first.
func (j *jobs) quotas(ctx context.Context, refill bool, only account.ID) (lookedAt, error) {
	done := lookedAt{Job: "quotas", Refill: refill}
	ids, err := j.quotasOf(ctx, only)
	switch {
	case err != nil:
	case refill || only != "":
		_, err = j.eachQuota(ctx, ids, &done)
	default:
		err = j.quotasPass(ctx, ids, &done)
	}
	if done.More = errors.Is(err, errTimeUp); !done.More && err == nil && done.Failed > 0 {
		err = fmt.Errorf("jobs: the quotas of %d accounts can't be looked at", done.Failed)
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	j.log.InfoContext(ctx, "job done", "job", done.Job, "refill", refill, "accounts", done.Accounts, "told", done.Told, "raised", done.Raised,
		"failed", done.Failed, "more", done.More, "error", text)
	return done, err
}

// quotasOf lists all accounts, or the only one. One that there isn't is an error.
func (j *jobs) quotasOf(ctx context.Context, only account.ID) ([]account.ID, error) {
	if only == "" {
		return j.store.AccountIDs(ctx)
	}
	_, err := j.store.Account(ctx, only)
	return []account.ID{only}, err
}

// quotasPass looks at accounts from where the last run had no time left, or at all of them where there is no such place.
func (j *jobs) quotasPass(ctx context.Context, ids []account.ID, done *lookedAt) error {
	p, err := j.store.Pass(ctx, done.Job)
	if err != nil {
		return err
	}
	if p.UnderWay() {
		first, _ := slices.BinarySearch(ids, p.Place.Account)
		ids = ids[first:]
	}
	left, err := j.eachQuota(ctx, ids, done)
	switch {
	case len(left) > 0:
		p = control.Pass{Job: done.Job, Place: control.Place{Account: left[0]}, Began: j.source.Time(), Version: p.Version}
	case p.UnderWay():
		p.Ended = j.source.Time()
	default:
		return err
	}
	_, errSave := j.store.SavePass(ctx, p)
	if errors.Is(errSave, dynamo.ErrStale) { // another run came as far
		errSave = nil
	}
	return errors.Join(err, errSave)
}

// eachQuota returns the accounts for which there was no time. Those that are begun then are looked at to their end.
func (j *jobs) eachQuota(ctx context.Context, ids []account.ID, done *lookedAt) (left []account.ID, err error) {
	var lock sync.Mutex
	var g errgroup.Group
	closed, all := closing(ctx), len(ids)
	g.SetLimit(atOnce)
	for i, id := range ids {
		g.Go(func() error {
			if closed() {
				lock.Lock()
				defer lock.Unlock()
				all = min(all, i)
				return errTimeUp
			}
			told, raised, err := j.accountQuotas(ctx, id, done.Refill)
			if err != nil { // one account stops no other
				j.log.ErrorContext(ctx, "quotas of an account can't be looked at", "account_id", id, "error", err.Error())
			}
			lock.Lock()
			defer lock.Unlock()
			done.Accounts++
			done.Told += told
			done.Raised += raised
			if err != nil {
				done.Failed++
			}
			return nil
		})
	}
	err = g.Wait()
	return ids[all:], err
}

func (j *jobs) accountQuotas(ctx context.Context, id account.ID, refill bool) (told, raised int, err error) {
	today := j.source.Now().UTC().Truncate(24 * time.Hour)
	var days []time.Time
	for day := today.Add(-lookBack); !day.After(today); day = day.AddDate(0, 0, 1) {
		days = append(days, day)
	}
	list, err := j.thresholds.Tell(ctx, id, days)
	if refill {
		n, errRefill := j.refill(ctx, id, today)
		caps, errCaps := j.refillCaps(ctx, id, today)
		raised, err = n+caps, errors.Join(err, errRefill, errCaps)
	}
	return len(list), raised, err
}

// refill raises the sums of an account in a day and its month to what is counted, of the days that wholly count under the quota: calls from before there
// was one don't. Counters that can't be read would be too little, and are an error.
func (j *jobs) refill(ctx context.Context, id account.ID, today time.Time) (raised int, err error) {
	a, err := j.store.Account(ctx, id)
	if errors.Is(err, dynamo.ErrNotFound) || err == nil && !thresholds.Applies(j.products, a) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	rows, err := complete(ctx, id, func(ctx context.Context) ([]usage.Row, error) {
		return j.billing.counters.AccountRows(ctx, id, used.Days(statement.MonthOf(today)))
	})
	if err != nil {
		return 0, err
	}
	held, err := j.thresholds.Held(ctx, a)
	if err != nil {
		return 0, err
	}
	for k := range usage.Spent(rows, j.products.Group) {
		from, ok := held.CountsFrom(string(k.Billing), k.Group)
		if !ok {
			continue
		}
		counting := slices.DeleteFunc(slices.Clone(rows), func(r usage.Row) bool { return r.Start.Before(from) })
		n := usage.Spent(counting, j.products.Group)[k]
		ofToday := slices.DeleteFunc(counting, func(r usage.Row) bool { return !r.Start.Equal(today) })
		day := usage.Spent(ofToday, j.products.Group)[k]
		ask := quota.Ask{Name: quota.Name{Scope: string(id), Type: string(k.Billing), Group: string(k.Group)}, Date: today}
		did, errFill := j.filler.Fill(ctx, ask, n, day)
		if did {
			raised++
			j.log.WarnContext(ctx, "quota filled from the counters", "account_id", id, "billing_type", k.Billing, "group", k.Group, "month", n, "day", day)
		}
		err = errors.Join(err, errFill)
	}
	return raised, err
}

// refillCaps does the same for the daily caps of an account's keys, deleted ones too, which may be restored today. A key that can't be
// read is an error, after the others.
func (j *jobs) refillCaps(ctx context.Context, id account.ID, today time.Time) (raised int, err error) {
	capped := func(k apikey.Key) bool { return len(k.Caps) > 0 }
	for after := apikey.ID(""); ; {
		page, errPage := j.store.Keys(ctx, id, control.KeyQuery{After: after, Deleted: true, Match: capped})
		if errPage != nil {
			return raised, errors.Join(err, errPage)
		}
		if len(page.Bad) > 0 {
			err = errors.Join(err, fmt.Errorf("jobs: %d keys of %s: %w", len(page.Bad), id, dynamo.ErrUnreadable))
		}
		var lock sync.Mutex
		each(page.Keys, func(_ int, k apikey.Key) {
			n, errKey := j.refillKey(ctx, k, today)
			lock.Lock()
			defer lock.Unlock()
			raised, err = raised+n, errors.Join(err, errKey)
		})
		if after = page.Next; after == "" {
			return raised, err
		}
	}
}

func (j *jobs) refillKey(ctx context.Context, k apikey.Key, today time.Time) (raised int, err error) {
	rows, err := complete(ctx, k.Account, func(ctx context.Context) ([]usage.Row, error) {
		return j.billing.counters.KeyRows(ctx, k.Account, k.ID, counters.Range{From: today, To: today.AddDate(0, 0, 1), Days: true})
	})
	if err != nil {
		return 0, err
	}
	calls := usage.ByGroup(usage.Spent(rows, j.products.Group))
	for _, one := range k.Caps {
		if product.FirstWholeDay(one.Since).After(today) {
			continue
		}
		n := calls[one.Group]
		did, errFill := j.filler.Fill(ctx, quota.Ask{Name: quota.Name{Scope: string(k.ID), Group: string(one.Group)}, Date: today}, n, n)
		if did {
			raised++
			j.log.WarnContext(ctx, "cap filled from the counters", "account_id", k.Account, "key_id", k.ID, "group", one.Group, "day", n)
		}
		err = errors.Join(err, errFill)
	}
	return raised, err
}
