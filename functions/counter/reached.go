package main

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/shared/account"
	"latchkey/shared/usage"
)

const (
	// tellFor bounds the time in which a batch is looked through for quotas: counting doesn't wait for the control table.
	tellFor = 3 * time.Second
	// tellAtOnce is the number of accounts that are looked at together.
	tellAtOnce = 8
)

// tell tells of the quotas of which the accounts of a batch have reached a part. It comes after the counting and reads what is counted by then, so
// the last one that counts sees all, and a batch that comes again is looked at again. What fails here fails no batch: the next report of the
// account tells it, or the job quotas within the hour.
func (c consumer) tell(ctx context.Context, reports []usage.Report) {
	ctx, cancel := context.WithTimeout(ctx, tellFor)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(tellAtOnce)
	for id, days := range daysOf(reports) {
		g.Go(func() error {
			told, err := c.quotas.Tell(ctx, id, days)
			for _, one := range told {
				c.log.Info("quota reached", "account_id", id, "billing_type", one.Billing, "group", one.Group, "period", one.Period, "percent", one.Percent)
			}
			if err != nil {
				c.log.Error("quotas of an account can't be looked at", "account_id", id, "error", err)
			}
			return nil
		})
	}
	_ = g.Wait()
}

// daysOf are the days that reports are about, by account.
func daysOf(reports []usage.Report) map[account.ID][]time.Time {
	days := map[account.ID][]time.Time{}
	for _, r := range reports {
		for _, e := range r.Entries {
			id, day := e.Subject.Account, e.Hour.Start().Truncate(24*time.Hour)
			if !slices.ContainsFunc(days[id], day.Equal) {
				days[id] = append(days[id], day)
			}
		}
	}
	return days
}
