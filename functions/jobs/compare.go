package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/telemetry"
	"latchkey/shared/usage"
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
	// compareFor bounds the time in which a month is compared, from its end or from when its statement became final, where that was later. Nothing
	// is counted of it after that. It ends when the first of its days expires, too.
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
	if c.Adjusted+c.found+len(c.Unequal) == 0 && err == nil && !c.More { // of a part nobody should conclude that all is equal
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
	if err := j.savePass(ctx, &p); errors.Is(err, dynamo.ErrStale) { // before anything is told: of two runs at once one goes on
		c.More = true
		return nil
	} else if err != nil {
		return err
	}
	j.tell(&p, c) // of what the run before has adjusted, whatever comes now
	states, err := j.billing.statements.States(ctx)
	for _, s := range states {
		month := s.Month.String()
		from := s.Month.End()
		if s.Ended.After(from) {
			from = s.Ended
		}
		if s.Status != statements.Final || j.source.Now().Sub(from) >= compareFor || !s.Month.Whole(j.source.Now()) || month < p.Place.Record {
			continue
		}
		if month != p.Place.Record {
			p.Place, p.Counts = control.Place{Record: month}, nil
		}
		if p.Counts == nil {
			p.Counts = map[string]int{}
		}
		errMonth := j.compareMonth(ctx, s, &p, c)
		if errors.Is(errMonth, errTimeUp) || errors.Is(errMonth, dynamo.ErrStale) { // or another run is at work
			c.More = true
			return err
		}
		if errMonth != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", s.Month, errMonth))
			if p.Counts[countAdjusted] > 0 && !slices.Contains(c.Unequal, month) {
				c.Unequal = append(c.Unequal, month)
			}
		}
		if errors.Is(errMonth, errPlace) { // the next run goes on; else one month stops no other
			return err
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
// what their environments have contributed; of a month that an admin has closed also those from before. It returns how many aren't counted of which nobody knew.
func (j *jobs) reportsSince(ctx context.Context, s statements.State) (found int, err error) {
	now := j.source.Now()
	known := now.Before(s.Month.End().Add(usage.KeepContributions))
	if !known && !s.Over {
		return 0, nil
	}
	w := &watched{month: s.Month, final: true, noted: map[string]bool{}}
	err = j.billing.notes.EachMissing(ctx, s.Month, func(one statements.Missed) error {
		w.noted[one.ID] = true
		return nil
	})
	var errOver error // which stops nothing else
	if err == nil && s.Over {
		errOver = j.asidesOver(ctx, w)
	}
	if err != nil || !known {
		return w.left, errors.Join(err, errOver)
	}
	for day := s.Month.Settled(); err == nil && !day.After(now); day = day.AddDate(0, 0, 1) {
		err = j.billing.counters.EachAside(ctx, day, func(a counters.Aside) error {
			report, _, _ := about(a)
			w.noted["report "+reports.ID(report)] = true
			return j.compareReport(ctx, w, "aside "+a.ID, report, func(r usage.Report) (bool, error) { return j.counted(ctx, r) })
		})
	}
	if err != nil {
		return w.left, errors.Join(err, errOver)
	}
	sweep, err := j.billing.notes.Sweep(ctx, statements.SweptFinal(s.Month))
	if err == nil && !sweep.Done {
		_, err = j.sweep(ctx, []*watched{w}, statements.SweptFinal(s.Month), sweep, closing(ctx))
	}
	return w.left, errors.Join(err, errOver)
}

// asidesOver looks at what was set aside before an admin closed a month, until all of it could be read once: the month didn't wait for what couldn't be
// read then. What nobody knows to be counted any more is noted as not counted.
func (j *jobs) asidesOver(ctx context.Context, w *watched) error {
	sweep, err := j.billing.notes.Sweep(ctx, statements.SweptAsides(w.month))
	if err != nil || sweep.Done {
		return err
	}
	settled, err := j.billing.notes.Settled(ctx)
	if err != nil {
		return err
	}
	if j.asides(ctx, []*watched{w}, settled); w.err != nil {
		return w.err
	}
	return j.billing.notes.SaveSweep(ctx, statements.SweptAsides(w.month), statements.Sweep{Began: j.source.Time(), Done: true})
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
