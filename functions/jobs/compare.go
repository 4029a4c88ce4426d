package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
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
	Failed   int      `json:"failed,omitempty"`   // accounts that couldn't be compared: the run is an error
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
		if s.Status != statements.Final || j.source.Now().Sub(s.Month.End()) >= compareFor {
			continue
		}
		if errMonth := j.compareMonth(ctx, s, &c); errMonth != nil { // one month stops no other
			err = errors.Join(err, fmt.Errorf("%s: %w", s.Month, errMonth))
		}
		if errors.Is(err, errTimeUp) {
			break
		}
	}
	c.More = errors.Is(err, errTimeUp)
	if err == nil && c.Failed > 0 {
		err = fmt.Errorf("jobs: the statements of %d accounts can't be compared", c.Failed)
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	j.log.InfoContext(ctx, "job done", "job", c.Job, "equal", len(c.Equal), "unequal", len(c.Unequal), "accounts", c.Accounts,
		"adjusted", c.Adjusted, "failed", c.Failed, "more", c.More, "error", text)
	if err == nil || c.Adjusted > 0 { // of a part nobody should conclude that all is equal
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
	accounts, adjusted, failed := 0, 0, 0
	closed := closing(ctx)
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, id := range ids {
		g.Go(func() error {
			if closed() {
				return errTimeUp
			}
			more, err := j.compareAccount(ctx, s, id)
			if err != nil { // one account stops no other
				j.log.ErrorContext(ctx, "statement of an account can't be compared", "month", s.Month.String(), "account_id", id, "error", err.Error())
			}
			lock.Lock()
			defer lock.Unlock()
			accounts++
			if more {
				adjusted++
			}
			if err != nil {
				failed++
			}
			return nil
		})
	}
	err = g.Wait()
	c.Accounts += accounts
	c.Adjusted += adjusted
	c.Failed += failed
	switch {
	case adjusted > 0:
		c.Unequal = append(c.Unequal, s.Month.String())
	case err != nil || failed > 0:
	default:
		c.Equal = append(c.Equal, s.Month.String())
		j.log.InfoContext(ctx, "statement equals counters", "month", s.Month.String(), "accounts", accounts, "rows", rows)
	}
	return err
}

// compareAccount reports whether an account has more, or less, than its statement and adjustments say, and adjusts it. The counters of the account
// are read before those of its keys: they are written together.
func (j *jobs) compareAccount(ctx context.Context, s statements.State, id account.ID) (bool, error) {
	said, last, err := j.said(ctx, s, id)
	if err != nil {
		return false, err
	}
	var known []apikey.ID
	now, errNow := complete(ctx, id, func(ctx context.Context) (rows []statement.Row, err error) {
		rows, known, err = j.reader().AccountKeys(ctx, s.Month, id)
		return rows, err
	})
	if errNow != nil && !errors.Is(errNow, dynamo.ErrUnreadable) {
		return false, errNow
	}
	more := statement.Differences(s.Month, known, statement.Fold(s.Columns, now), said...)
	if len(more) == 0 { // an admin may have had it written over counters that can't be read
		return false, nil
	}
	if errNow != nil {
		return false, errNow
	}
	j.log.WarnContext(ctx, "statement adjusted", "month", s.Month.String(), "account_id", id, "rows", len(more))
	for rows := range slices.Chunk(more, statements.MostAdjusted) {
		last++
		err := j.billing.statements.Adjust(ctx, statements.Adjustment{
			Account: id, Of: s.Month, Number: last, In: statement.MonthOf(j.source.Now()), Rows: rows,
		})
		if errors.Is(err, dynamo.ErrExists) { // another run, or this one whose answer was lost: the next one sees what is left
			return true, nil
		}
		if err != nil {
			return true, err
		}
	}
	return true, nil
}

// said reads what a statement and its adjustments say of an account, and the number of the last adjustment.
func (j *jobs) said(ctx context.Context, s statements.State, id account.ID) (said [][]statement.Row, last int, err error) {
	stated, err := j.billing.statements.Rows(ctx, s, id)
	if err != nil {
		return nil, 0, err
	}
	adjustments, err := j.billing.statements.Adjustments(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	said = [][]statement.Row{statement.Own(stated)}
	for _, a := range adjustments {
		if a.Of == s.Month {
			said, last = append(said, a.Rows), a.Number
		}
	}
	return said, last, nil
}
