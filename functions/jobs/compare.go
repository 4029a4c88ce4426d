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
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/telemetry"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// compared is the result of a comparison of statements with counters and reports.
type compared struct {
	Job       string   `json:"job"`
	Equal     []string `json:"equal,omitempty"`     // months of which statement, adjustments, counters and reports are equal, to the call
	Unequal   []string `json:"unequal,omitempty"`   // months of which something was found since the statement was written
	Accounts  int      `json:"accounts"`            // compared by this run
	Adjusted  int      `json:"adjusted,omitempty"`  // accounts that have an adjustment for it now
	Uncounted int      `json:"uncounted,omitempty"` // reports and records about these months that aren't counted, those that an admin closed a month over with them
	Failed    int      `json:"failed,omitempty"`    // accounts that couldn't be compared: the run is an error
	More      bool     `json:"more"`                // the run ended before its work: the next one goes on
	found     int      // reports that nobody knew not to be counted
}

const (
	// compareFor bounds the time after its end in which a month is compared. Nothing changes its counters by then.
	compareFor = 62 * 24 * time.Hour
	// comparedAtOnce is the number of accounts behind which a run notes how far it has come.
	comparedAtOnce = 2 * atOnce
)

// compare holds the final statements of the last months, with their adjustments, against the counters, and the reports that are still there against
// what is counted. What is counted since becomes adjustments of the present month, each account's in one write, so that a run that ends anywhere, or
// twice, adds nothing twice. A run that has no time left is taken up by the next one, which goes on with the next account.
func (j *jobs) compare(ctx context.Context) (compared, error) {
	c := compared{Job: "compare"}
	err := j.comparePass(ctx, &c)
	if err == nil && c.Failed > 0 {
		err = fmt.Errorf("jobs: the statements of %d accounts can't be compared", c.Failed)
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	j.log.InfoContext(ctx, "job done", "job", c.Job, "equal", len(c.Equal), "unequal", len(c.Unequal), "accounts", c.Accounts,
		"adjusted", c.Adjusted, "uncounted", c.Uncounted, "failed", c.Failed, "more", c.More, "error", text)
	if c.Adjusted+c.found == 0 && err == nil && !c.More { // of a part nobody should conclude that all is equal
		j.metrics.Write(telemetry.Sum(j.source.Now(), "StatementDifferences", 0))
	}
	return c, err
}

// differ measures differences as they are found: the run may end before it says how many there were.
func (j *jobs) differ(n int) {
	if n > 0 {
		j.metrics.Write(telemetry.Sum(j.source.Now(), "StatementDifferences", n))
	}
}

// comparePass goes through months and accounts from where the last run ended, or from the beginning where that came to its end.
func (j *jobs) comparePass(ctx context.Context, c *compared) error {
	p, err := j.store.Pass(ctx, c.Job)
	if err != nil {
		return err
	}
	if !p.UnderWay() {
		p = control.Pass{Job: c.Job, Version: p.Version, Began: j.source.Time()}
	}
	states, err := j.billing.statements.States(ctx)
	for _, s := range states {
		month := s.Month.String()
		if s.Status != statements.Final || j.source.Now().Sub(s.Month.End()) >= compareFor || month < p.Place.Record {
			continue
		}
		if month != p.Place.Record {
			p.Place, p.Counts = control.Place{Record: month}, nil
		}
		errMonth := j.compareMonth(ctx, s, &p, c)
		if errors.Is(errMonth, errTimeUp) || errors.Is(errMonth, dynamo.ErrStale) { // or another run is at work
			c.More = true
			return err
		}
		if errMonth != nil { // one month stops no other
			err = errors.Join(err, fmt.Errorf("%s: %w", s.Month, errMonth))
		}
	}
	p.Ended = j.source.Time()
	_, errSave := j.store.SavePass(ctx, p)
	if errors.Is(errSave, dynamo.ErrStale) {
		errSave = nil
	}
	return errors.Join(err, errSave)
}

// errAltered means that what is stored isn't what was hashed when the statement became final.
var errAltered = errors.New("jobs: a final statement isn't what it was")

// The names of what a pass has counted of the month at which it is.
const (
	countAccounts = "accounts"
	countAdjusted = "adjusted"
	countFailed   = "failed"
	// countTrying is the number of accounts that are being compared. Where a run finds it, the one before ended meanwhile: it compares them one by one
	// (countAlone are left of these), and where a run that began with one ended again, it goes on behind that: an account that no run can finish stops no other.
	countTrying = "trying"
	countAlone  = "alone"
	countFirst  = "first" // 1: the account that is being compared is the first of its run
)

func (j *jobs) compareMonth(ctx context.Context, s statements.State, p *control.Pass, c *compared) error {
	if p.Place.Account == "" {
		sha, rows, err := j.billing.statements.Digest(ctx, s)
		switch {
		case err != nil:
			return err
		case sha != s.SHA256 || rows != s.Rows:
			return fmt.Errorf("%w: %s", errAltered, s.Month)
		}
	}
	found, errReports := j.reportsSince(ctx, s)
	c.found += found
	j.differ(found)
	if errors.Is(errReports, errTimeUp) {
		return errReports
	}
	ids, err := j.store.AccountIDs(ctx)
	if err != nil {
		return err
	}
	if err := j.compareAccounts(ctx, s, behind(ids, p.Place.Account), p, c); err != nil {
		return err
	}
	uncounted, since, err := j.uncounted(ctx, s)
	c.Uncounted += uncounted
	switch err = errors.Join(errReports, err); {
	case p.Counts[countAdjusted] > 0 || since > 0:
		c.Unequal = append(c.Unequal, s.Month.String())
	case err != nil || p.Counts[countFailed] > 0:
	default:
		c.Equal = append(c.Equal, s.Month.String())
		j.log.InfoContext(ctx, "statement equals counters", "month", s.Month.String(), "accounts", p.Counts[countAccounts], "rows", s.Rows, "uncounted", uncounted)
	}
	return err
}

// reportsSince compares the reports that are there since a statement is final, once, and the records that were set aside since, as long as it is known
// what their environments have contributed. It returns how many aren't counted of which nobody knew.
func (j *jobs) reportsSince(ctx context.Context, s statements.State) (found int, err error) {
	now := j.source.Now()
	if !now.Before(s.Month.End().Add(usage.KeepContributions)) {
		return 0, nil
	}
	w := &watched{month: s.Month, noted: map[string]bool{}}
	err = j.billing.notes.EachMissing(ctx, s.Month, func(one statements.Missed) error {
		w.noted[one.ID] = true
		return nil
	})
	for day := s.Month.Settled(); err == nil && !day.After(now); day = day.AddDate(0, 0, 1) {
		err = j.billing.counters.EachAside(ctx, day, func(a counters.Aside) error {
			report, _, _ := about(a)
			return j.compareReport(ctx, w, "aside "+a.ID, report)
		})
	}
	if err != nil {
		return w.left, err
	}
	sweep, err := j.billing.notes.Sweep(ctx, s.Month, statements.Final)
	if err == nil && !sweep.Done {
		_, err = j.sweep(ctx, w, statements.Final, sweep)
	}
	return w.left, err
}

// uncounted counts what is noted as not counted of a month and still isn't, and how much of that was noted since its statement is final.
func (j *jobs) uncounted(ctx context.Context, s statements.State) (all, since int, err error) {
	settled, err := j.billing.notes.Settled(ctx)
	if err != nil {
		return 0, 0, err
	}
	var failed error
	err = j.billing.notes.EachMissing(ctx, s.Month, func(one statements.Missed) (err error) {
		counted := settled[one.ID]
		if j.source.Now().Before(s.Month.End().Add(usage.KeepContributions)) { // else nobody can know
			if counted, err = j.late(ctx, one, settled); err != nil {
				failed = err
			}
		}
		if !counted {
			if all++; one.At.After(s.Ended) {
				since++
			}
		}
		return nil // one note stops no other
	})
	return all, since, errors.Join(err, failed)
}

// compareAccounts compares accounts, some at a time, and notes how far it has come behind each time.
func (j *jobs) compareAccounts(ctx context.Context, s statements.State, ids []account.ID, p *control.Pass, c *compared) error {
	if p.Counts == nil {
		p.Counts = map[string]int{}
	}
	if n := p.Counts[countTrying]; n == 1 && p.Counts[countFirst] == 1 && len(ids) > 0 {
		j.log.ErrorContext(ctx, "statement of an account can't be compared", "month", s.Month.String(), "account_id", ids[0], "error", "a run ended meanwhile")
		p.Place.Account, ids = ids[0], ids[1:]
		p.Counts[countFailed]++
		c.Failed++
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
		if first {
			p.Counts[countFirst] = 1
		}
		stop := closed()
		if stop {
			p.Counts[countTrying] = 0
		}
		saved, err := j.store.SavePass(ctx, *p)
		if err != nil {
			return err
		}
		if *p = saved; stop {
			return errTimeUp
		}
		adjusted, failed := j.compareSome(ctx, s, ids[:n])
		j.differ(adjusted)
		p.Place.Account, ids = ids[n-1], ids[n:]
		p.Counts[countAccounts] += n
		p.Counts[countAdjusted] += adjusted
		p.Counts[countFailed] += failed
		c.Accounts, c.Adjusted, c.Failed = c.Accounts+n, c.Adjusted+adjusted, c.Failed+failed
	}
	p.Counts[countTrying] = 0
	return nil
}

// compareSome compares accounts at the same time. One stops no other.
func (j *jobs) compareSome(ctx context.Context, s statements.State, ids []account.ID) (adjusted, failed int) {
	var lock sync.Mutex
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, id := range ids {
		g.Go(func() error {
			more, err := j.compareAccount(ctx, s, id)
			if err != nil {
				j.log.ErrorContext(ctx, "statement of an account can't be compared", "month", s.Month.String(), "account_id", id, "error", err.Error())
			}
			lock.Lock()
			defer lock.Unlock()
			if more {
				adjusted++
			}
			if err != nil {
				failed++
			}
			return nil
		})
	}
	_ = g.Wait()
	return adjusted, failed
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
