package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/functions/internal/used"
	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/telemetry"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// statementStore lists the methods of the statements table that the jobs call.
type statementStore interface {
	State(context.Context, statement.Month) (statements.State, error)
	States(context.Context) ([]statements.State, error)
	Save(ctx context.Context, before, after statements.State, tables ...statements.Table) (statements.State, error)
	Digest(context.Context, statements.State) (sha string, rows int64, err error)
	Rows(context.Context, statements.State, account.ID) ([]statement.Row, error)
	Adjust(context.Context, statements.Adjustment) error
	Adjustments(context.Context, account.ID) ([]statements.Adjustment, error)
	Standing(context.Context, statement.Month, account.ID) ([]statement.Row, statements.Carried, error)
}

// noteStore lists the methods of the statements table for what keeps a month open.
type noteStore interface {
	Settle(ctx context.Context, id string, now time.Time) error
	Settled(context.Context) (map[string]bool, error)
	Miss(context.Context, statement.Month, statements.Missed) error
	EachMissing(context.Context, statement.Month, func(statements.Missed) error) error
	Sweep(context.Context, statements.Swept) (statements.Sweep, error)
	SaveSweep(context.Context, statements.Swept, statements.Sweep) error
}

// countersStore lists the methods of the counters table that the jobs call.
type countersStore interface {
	used.Rows
	Read(context.Context, []usage.Item) (map[usage.Item]usage.Stored, error)
	EachAside(ctx context.Context, day time.Time, yield func(counters.Aside) error) error
}

// reportsReader reads the reports of environments.
type reportsReader interface {
	Each(ctx context.Context, after string, yield func(id string, report usage.Report, err error) error, done func(after string) error) error
}

// billing holds the stores of the jobs of statements.
type billing struct {
	statements statementStore
	notes      noteStore
	counters   countersStore
	reports    reportsReader
	most       int // accounts of one transaction
}

// written is the result of a statements run.
type written struct {
	Job      string       `json:"job"`
	Waiting  []string     `json:"waiting,omitempty"`  // months whose statement could be written but for what is left of them, or can't be looked at, or was lost while they waited
	Final    []string     `json:"final,omitempty"`    // months whose statement this run has completed
	Accounts int          `json:"accounts,omitempty"` // written by this run
	Rows     int          `json:"rows,omitempty"`
	LeftOut  []account.ID `json:"left_out,omitempty"` // accounts whose rows can't be made, and are tried again: the run is an error
	Left     int          `json:"left"`               // records and reports that keep months open
	More     bool         `json:"more"`               // the run ended before its work
}

// atOnce is the number of keys and accounts that are read at the same time.
const atOnce = 8

// each does something with all of a list, atOnce of them at the same time. One stops no other.
func each[T any](list []T, do func(i int, one T)) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, one := range list {
		g.Go(func() error {
			do(i, one)
			return nil
		})
	}
	_ = g.Wait()
}

// writeStatements writes the statements of months that are settled, each once. Runs may overlap and end anywhere: each step is a transaction with
// how far the statement has come, and the next run goes on from there.
func (j *jobs) writeStatements(ctx context.Context) (written, error) {
	w := written{Job: "statements"}
	more, err := j.eachMonth(ctx, func(s statements.State, seen *watched) error { return j.month(ctx, s, seen, &w) })
	w.More = more // the next run goes on, and no alarm need hear of it
	text := ""
	if err != nil {
		text = err.Error()
	}
	j.log.InfoContext(ctx, "job done", "job", w.Job, "waiting", len(w.Waiting), "final", len(w.Final), "accounts", w.Accounts, "rows", w.Rows,
		"left_out", len(w.LeftOut), "left", w.Left, "more", w.More, "error", text)
	j.metrics.Write(telemetry.Sum(j.source.Now(), "StatementsWaiting", len(w.Waiting)))
	return w, err
}

// eachMonth goes through the months that have no statement yet, the oldest first: those that wait for nothing before those that have to be looked at, so
// that however much there is to look at keeps no other month from its statement. All that have ended since the last one that is known are watched from
// here on. The present month's records that were set aside are looked at too, while it can be known whether they are counted, and before they expire.
// more is true where the run ended before its work; what has failed until then is an error all the same.
func (j *jobs) eachMonth(ctx context.Context, do func(statements.State, *watched) error) (more bool, failed error) {
	present := statement.MonthOf(j.source.Now())
	states, failed := j.begun(ctx, present)
	if failed != nil && !errors.Is(failed, dynamo.ErrUnreadable) {
		return false, failed
	}
	months := []statement.Month{present}
	for _, s := range states {
		switch {
		case s.Status == statements.Final, s.Month == present:
			continue
		}
		waits, over, err := j.waits(ctx, s)
		waits = waits && s.Month.Whole(j.source.Now()) // else there is nothing to look at any more
		if err == nil && !waits {
			err = do(s, &watched{month: s.Month, over: over})
		}
		switch {
		case errors.Is(err, errTimeUp):
			return true, failed
		case err != nil: // one month stops no other
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.Month, err))
		case waits:
			months = append(months, s.Month)
		}
	}
	seen := map[statement.Month]*watched{}
	for _, w := range j.watch(ctx, months) {
		seen[w.month] = w
	}
	if err := seen[present].err; errors.Is(err, errTimeUp) {
		more = true
	} else {
		failed = errors.Join(failed, err)
	}
	for _, s := range states {
		if seen[s.Month] == nil || s.Month == present {
			continue
		}
		if err := do(s, seen[s.Month]); errors.Is(err, errTimeUp) {
			return true, failed
		} else if err != nil { // one month stops no other
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.Month, err))
		}
	}
	return more, failed
}

// begun returns the months that have a state that can be read; dynamo.ErrUnreadable where there are others. Those that have ended since the first of them
// and have none get one: it may be that no run came to its end in the month after. One from before them that an admin has closed is the first then.
func (j *jobs) begun(ctx context.Context, present statement.Month) ([]statements.State, error) {
	states, err := j.billing.statements.States(ctx)
	if err != nil && !errors.Is(err, dynamo.ErrUnreadable) {
		return nil, err
	}
	first, has := present-1, map[statement.Month]bool{}
	for _, s := range states {
		first, has[s.Month] = min(first, s.Month), true
	}
	first, unread := j.closedBefore(ctx, first, present-statement.MostMonths)
	if unread != nil && !errors.Is(unread, dynamo.ErrUnreadable) {
		return nil, unread
	}
	for month := max(first, present-statement.MostMonths); month < present; month++ {
		if has[month] {
			continue
		}
		state, err := j.billing.statements.State(ctx, month)
		if err == nil && state.Version == 0 {
			_, err = j.billing.statements.Save(ctx, state, state)
		}
		if err != nil && !errors.Is(err, dynamo.ErrStale) && !errors.Is(err, dynamo.ErrUnreadable) {
			return nil, err
		}
	}
	states, err = j.billing.statements.States(ctx)
	return states, errors.Join(err, unread)
}

// closedBefore returns the first month that an admin has closed, of those from one on up to the first that is known: without any, that one. One of which
// that can't be read stops no other.
func (j *jobs) closedBefore(ctx context.Context, first, from statement.Month) (month statement.Month, unread error) {
	for month := from; month < first; month++ {
		_, closed, err := j.store.StatementClosed(ctx, month.String())
		switch {
		case closed:
			return month, unread
		case errors.Is(err, dynamo.ErrUnreadable):
			unread = errors.Join(unread, fmt.Errorf("%s: %w", month, err))
		case err != nil:
			return first, err
		}
	}
	return first, unread
}

// waits reports whether a month has to be looked at before its statement is written. One that an admin has closed (over) hasn't, nor has one that is being
// written.
func (j *jobs) waits(ctx context.Context, s statements.State) (waits, over bool, err error) {
	switch {
	case s.Over:
		return false, true, nil
	case s.Status == statements.Open && j.source.Now().Before(s.Month.Settled()): // whatever was said of it
		return true, false, nil
	}
	_, over, err = j.store.StatementClosed(ctx, s.Month.String())
	return s.Status == statements.Open && !over, over, err
}

// month brings one month's statement as far as it gets. What keeps it open has been looked at.
func (j *jobs) month(ctx context.Context, s statements.State, seen *watched, w *written) (err error) {
	if !s.Month.Whole(j.source.Now()) {
		j.log.ErrorContext(ctx, "no statement can be made", "month", s.Month.String(), "reason", "its days are no longer counted")
		if !seen.over { // the alarm rings on until an admin gives it up
			w.Waiting = append(w.Waiting, s.Month.String())
		}
		return nil
	}
	if s.Status == statements.Open {
		w.Left += seen.left
		if j.source.Now().Before(s.Month.Settled()) {
			return seen.err
		}
		if seen.err != nil || seen.left > 0 { // what an admin has closed isn't looked at
			w.Waiting = append(w.Waiting, s.Month.String())
			j.log.WarnContext(ctx, "statement waits", "month", s.Month.String(), "left", seen.left)
			return seen.err
		}
		if seen.comparing {
			j.log.InfoContext(ctx, "statement waits for the comparison of reports", "month", s.Month.String())
			return nil
		}
		next := s
		next.Status, next.Columns, next.Over = statements.Writing, statement.Columns(), seen.over
		if s, err = j.save(ctx, s, next); err != nil {
			return err
		}
	}
	s.Over = s.Over || seen.over // an admin may say so while it is being written, too
	return j.write(ctx, s, w)
}

// save is Save; where another run has come first, the answer is the state as it is now.
func (j *jobs) save(ctx context.Context, before, after statements.State, tables ...statements.Table) (statements.State, error) {
	s, err := j.billing.statements.Save(ctx, before, after, tables...)
	if errors.Is(err, dynamo.ErrStale) || errors.Is(err, dynamo.ErrUnknown) || errors.Is(err, dynamo.ErrConflict) {
		return j.billing.statements.State(ctx, before.Month)
	}
	return s, err
}

// write writes the tables of all accounts behind the last one that is written, and ends the statement.
func (j *jobs) write(ctx context.Context, s statements.State, w *written) error {
	ids, err := j.store.AccountIDs(ctx)
	if err != nil {
		return err
	}
	if len(s.Left) == mostLeft { // room for others, if what ailed them is over
		if s, _, err = j.retry(ctx, s, w); err != nil {
			return err
		}
	}
	closed := closing(ctx)
	for idle := 0; s.Status == statements.Writing; idle++ {
		if closed() {
			return errTimeUp
		}
		if idle == mostIdle {
			return fmt.Errorf("%w: the statement of %s stays at %s", dynamo.ErrConflict, s.Month, s.After)
		}
		next, tables, err := j.some(ctx, s, ids)
		if err != nil {
			return err
		}
		if next.After == s.After {
			return j.rest(ctx, s, w)
		}
		before := s
		if s, err = j.save(ctx, before, next, tables...); err != nil {
			return err
		}
		if s.Version > before.Version {
			idle = -1
		}
		if s.Version == before.Version+1 && s.After == next.After {
			w.Accounts += len(tables)
			w.Rows += int(next.Rows - before.Rows)
		}
	}
	return nil
}

// mostIdle bounds the tries of a run that don't bring the statement further.
const mostIdle = 5

func (j *jobs) reader() used.Reader {
	return used.Reader{Keys: j.store, Rows: j.billing.counters, AtOnce: atOnce}
}

// end makes a statement final, whose accounts are all written: what is hashed is what is stored.
func (j *jobs) end(ctx context.Context, s statements.State, w *written) error {
	sha, rows, err := j.billing.statements.Digest(ctx, s)
	if err != nil {
		return err
	}
	if rows != s.Rows {
		return fmt.Errorf("jobs: the statement of %s has %d rows, and %d are stored", s.Month, s.Rows, rows)
	}
	next := s
	next.Status, next.SHA256, next.Ended = statements.Final, sha, j.source.Time()
	after, err := j.save(ctx, s, next)
	if err != nil {
		return err
	}
	if after.Status == statements.Final {
		w.Final = append(w.Final, s.Month.String())
		j.log.InfoContext(ctx, "statement final", "month", s.Month.String(), "rows", rows, "sha256", after.SHA256, "over", after.Over)
	}
	return nil
}
