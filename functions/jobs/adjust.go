package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/usage/statement"
)

// The names of what a pass has counted of the month at which it is.
const (
	countAccounts = "accounts"
	countAdjusted = "adjusted"
	countFailed   = "failed"
	// countTrying is the number of accounts that are being compared. Where a run finds it, the one before ended meanwhile: it compares them one by one
	// (countAlone are left of these), and where mostTries runs that began with one ended, it goes on behind that: an account that no run can finish stops no other.
	countTrying = "trying"
	countAlone  = "alone"
	countFirst  = "first" // the number of runs that began with the account that is being compared alone, and haven't come behind it
	// countAdjusting, with an account's ID behind it, is there from before the account is adjusted until the pass is behind it: untold while that isn't
	// counted and measured, then told. So a run that finds it knows of adjustments that the run before may have written and not told.
	countAdjusting = "adjusting "
)

// What countAdjusting says of an account.
const (
	untold = 1
	told   = 2
)

// mostTries is the number of runs that an account may end. A run that ends just behind one, before it has saved that, is none of its doing, and looks the same.
const mostTries = 3

// errPlace means that how far a comparison has come can't be saved: what is behind that would be found by nobody.
var errPlace = errors.New("jobs: the place of the comparison can't be saved")

func (j *jobs) savePass(ctx context.Context, p *control.Pass) error {
	saved, err := j.store.SavePass(ctx, *p)
	if err != nil {
		return fmt.Errorf("%w: %w", errPlace, err)
	}
	*p = saved
	return nil
}

// compareAccounts compares accounts, some at a time, and notes how far it has come behind each time.
func (j *jobs) compareAccounts(ctx context.Context, s statements.State, ids []account.ID, p *control.Pass, c *compared) error {
	tries := 0
	n := p.Counts[countTrying]
	if n == 1 {
		tries = p.Counts[countFirst]
	}
	if tries >= mostTries && len(ids) > 0 {
		j.log.ErrorContext(ctx, "statement of an account can't be compared", "month", s.Month.String(), "account_id", ids[0], "error", "a run ended meanwhile")
		p.Counts[countFailed]++
		c.Failed++
		ids, tries = behindOf(p, ids, 1), 0
	} else if n > 0 {
		p.Counts[countAlone] = max(n, p.Counts[countAlone])
	}
	closed := closing(ctx)
	for first := true; len(ids) > 0; first = false {
		n := min(len(ids), comparedAtOnce)
		if p.Counts[countAlone] > 0 {
			p.Counts[countAlone]--
			n = 1
		}
		p.Counts[countTrying], p.Counts[countFirst] = n, 0
		if first && n == 1 {
			p.Counts[countFirst] = tries + 1
		}
		stop := closed()
		if stop {
			p.Counts[countTrying] = 0
		}
		if err := j.savePass(ctx, p); err != nil {
			return err
		}
		if stop {
			return errTimeUp
		}
		failed, err := j.compareSome(ctx, s, ids[:n], p, c)
		if err != nil {
			return err
		}
		ids = behindOf(p, ids, n)
		p.Counts[countAccounts] += n
		p.Counts[countFailed] += failed
		c.Accounts, c.Failed = c.Accounts+n, c.Failed+failed
	}
	p.Counts[countTrying], p.Counts[countFirst] = 0, 0
	return j.savePass(ctx, p) // whatever ends the run from here on, it is none of the accounts
}

// behindOf puts the pass behind the next n accounts, and returns those that are left.
func behindOf(p *control.Pass, ids []account.ID, n int) []account.ID {
	for _, id := range ids[:n] {
		delete(p.Counts, countAdjusting+string(id))
	}
	p.Place.Account = ids[n-1]
	return ids[n:]
}

// difference holds the rows to be added to those that are said of an account, and the number of its last adjustment.
type difference struct {
	rows []statement.Row
	last int
	err  error
}

// compareSome compares accounts at the same time, and adjusts those that have more, or less, than is said of them. Which these are is saved before: from then on
// the month isn't equal, whichever run ends when. One stops no other.
func (j *jobs) compareSome(ctx context.Context, s statements.State, ids []account.ID, p *control.Pass, c *compared) (failed int, _ error) {
	found := make([]difference, len(ids))
	each(ids, func(i int, id account.ID) { found[i] = j.compareAccount(ctx, s, id) })
	unsaved := false
	for i, id := range ids {
		if _, known := p.Counts[countAdjusting+string(id)]; len(found[i].rows) > 0 && !known {
			p.Counts[countAdjusting+string(id)], unsaved = untold, true
		}
	}
	if unsaved {
		if err := j.savePass(ctx, p); err != nil {
			return 0, err
		}
	}
	each(ids, func(i int, id account.ID) {
		if d := &found[i]; len(d.rows) > 0 {
			d.err = j.adjust(ctx, s, id, *d)
		}
		if err := found[i].err; err != nil {
			j.log.ErrorContext(ctx, "statement of an account can't be compared", "month", s.Month.String(), "account_id", id, "error", err.Error())
		}
	})
	j.tell(p, c)
	for _, d := range found {
		if d.err != nil {
			failed++
		}
	}
	return failed, nil
}

// tell counts and measures the accounts that are adjusted and of which that isn't known to be done. It may be done twice, by a run that ends before it saves that.
func (j *jobs) tell(p *control.Pass, c *compared) {
	n := 0
	for name, state := range p.Counts {
		if strings.HasPrefix(name, countAdjusting) && state == untold {
			p.Counts[name] = told
			n++
		}
	}
	if n == 0 {
		return
	}
	p.Counts[countAdjusted] += n
	c.Adjusted += n
	j.differ(n)
}

// compareAccount computes what an account has more, or less, than its statement and adjustments say. The counters of the account are read before those of
// its keys: they are written together.
func (j *jobs) compareAccount(ctx context.Context, s statements.State, id account.ID) difference {
	said, last, err := j.said(ctx, s, id)
	if err != nil {
		return difference{err: err}
	}
	var known []apikey.ID
	now, errNow := complete(ctx, id, func(ctx context.Context) (rows []statement.Row, err error) {
		rows, known, err = j.reader().AccountKeys(ctx, s.Month, id)
		return rows, err
	})
	if errNow != nil && !errors.Is(errNow, dynamo.ErrUnreadable) {
		return difference{err: errNow}
	}
	more := statement.Differences(s.Month, known, statement.Fold(s.Columns, now), said...)
	if len(more) > 0 && errNow != nil { // without one, an admin may have had it written over counters that can't be read
		return difference{err: errNow}
	}
	if statement.Lost(more) {
		return difference{err: errLost}
	}
	return difference{rows: more, last: last}
}

// errLost means that counters say less than a statement that is final. Calls aren't taken back, so it is the counters that are damaged, or were restored
// to an older instant: nobody is credited by that.
var errLost = errors.New("jobs: the counters have fewer calls than the statement")

// adjust writes what an account has more, or less.
func (j *jobs) adjust(ctx context.Context, s statements.State, id account.ID, d difference) error {
	j.log.WarnContext(ctx, "statement adjusted", "month", s.Month.String(), "account_id", id, "rows", len(d.rows))
	for rows := range slices.Chunk(d.rows, statements.MostAdjusted) {
		d.last++
		err := j.billing.statements.Adjust(ctx, statements.Adjustment{
			Account: id, Of: s.Month, Number: d.last, In: statement.MonthOf(j.source.Now()), Rows: rows,
		})
		if errors.Is(err, dynamo.ErrExists) { // another run, or this one whose answer was lost: the next one sees what is left
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
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
