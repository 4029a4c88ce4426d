package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/telemetry"
	"latchkey/shared/usage/statement"
)

// compared is the result of a comparison of statements with counters.
type compared struct {
	Job      string   `json:"job"`
	Equal    []string `json:"equal,omitempty"`    // months of which statement, adjustments and counters are equal, to the call
	Unequal  []string `json:"unequal,omitempty"`  // months of which something was found to be counted since
	Accounts int      `json:"accounts"`           // compared
	Adjusted int      `json:"adjusted,omitempty"` // accounts that have an adjustment for it now
	More     bool     `json:"more"`
}

// compareFor bounds the time after its end in which a month is compared. Nothing changes its counters by then.
const compareFor = 62 * 24 * time.Hour

// compare holds the final statements of the last months, with their adjustments, against the counters. What is counted since becomes
// adjustments of the present month, each account's in one write, so that a run that ends anywhere, or twice, adds nothing twice.
func (j *jobs) compare(ctx context.Context) (compared, error) {
	c := compared{Job: "compare"}
	states, err := j.billing.statements.States(ctx)
	for _, s := range states {
		if err != nil {
			break
		}
		if s.Status == statements.Final && j.source.Now().Sub(s.Month.End()) < compareFor {
			err = j.compareMonth(ctx, s, &c)
		}
	}
	c.More = errors.Is(err, errTimeUp)
	text := ""
	if err != nil {
		text = err.Error()
	}
	j.log.InfoContext(ctx, "job done", "job", c.Job, "equal", len(c.Equal), "unequal", len(c.Unequal), "accounts", c.Accounts,
		"adjusted", c.Adjusted, "more", c.More, "error", text)
	if err == nil {
		j.metrics.Write(telemetry.Sum(j.source.Now(), "StatementDifferences", c.Adjusted))
	}
	return c, err
}

// errAltered means that what is stored isn't what was hashed when the statement became final.
var errAltered = errors.New("jobs: a final statement isn't what it was")

func (j *jobs) compareMonth(ctx context.Context, s statements.State, c *compared) error {
	sha, rows, err := j.billing.statements.Digest(ctx, s)
	switch {
	case err != nil:
		return err
	case sha != s.SHA256 || rows != s.Rows:
		return fmt.Errorf("%w: %s", errAltered, s.Month)
	}
	ids, err := j.store.AccountIDs(ctx)
	if err != nil {
		return err
	}
	var lock sync.Mutex
	accounts, adjusted := 0, 0
	closed := closing(ctx)
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, id := range ids {
		g.Go(func() error {
			if closed() {
				return errTimeUp
			}
			more, err := j.compareAccount(within, s, id)
			lock.Lock()
			defer lock.Unlock()
			accounts++
			if more {
				adjusted++
			}
			return err
		})
	}
	err = g.Wait()
	c.Accounts += accounts
	c.Adjusted += adjusted
	switch {
	case err != nil:
		return err
	case adjusted > 0:
		c.Unequal = append(c.Unequal, s.Month.String())
	default:
		c.Equal = append(c.Equal, s.Month.String())
		j.log.InfoContext(ctx, "statement equals counters", "month", s.Month.String(), "accounts", accounts, "rows", rows)
	}
	return nil
}

// compareAccount reports whether an account has more, or less, than its statement and adjustments say, and adjusts it. The counters of the account
// are compared first: they and those of its keys are written together.
func (j *jobs) compareAccount(ctx context.Context, s statements.State, id account.ID) (bool, error) {
	stated, err := j.billing.statements.Rows(ctx, s, id)
	if err != nil {
		return false, err
	}
	adjustments, err := j.billing.statements.Adjustments(ctx, id)
	if err != nil {
		return false, err
	}
	said := [][]statement.Row{statement.Own(stated)}
	last := 0
	for _, a := range adjustments {
		if a.Of == s.Month {
			said, last = append(said, a.Rows), a.Number
		}
	}
	total, err := j.reader().Total(ctx, s.Month, id)
	if err != nil || statement.SameOutcomes(statement.Fold(s.Columns, total), said...) {
		return false, err
	}
	now, err := complete(j, id, func() ([]statement.Row, error) { return j.reader().Account(ctx, s.Month, id) })
	if err != nil {
		return false, err
	}
	more := statement.Less(s.Month, statement.Fold(s.Columns, now), said...)
	if len(more) == 0 {
		return false, nil
	}
	j.log.WarnContext(ctx, "statement adjusted", "month", s.Month.String(), "account_id", id, "rows", len(more))
	err = j.billing.statements.Adjust(ctx, statements.Adjustment{
		Account: id, Of: s.Month, Number: last + 1, In: statement.MonthOf(j.source.Now()), Rows: more,
	})
	if errors.Is(err, dynamo.ErrExists) { // another run, or this one whose answer was lost
		err = nil
	}
	return true, err
}
