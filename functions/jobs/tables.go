package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/usage/statement"
)

// accountsAtOnce bounds the accounts of one transaction; large tables are fewer.
const accountsAtOnce = 40

// mostLeft bounds the accounts that are left for later: where there are more, it is no fault of an account's.
const mostLeft = 100

// some makes the tables of the next accounts, as many as one transaction holds; the state is where they begin if there are none. An account
// whose table can't be made is left for later: it stops no other.
func (j *jobs) some(ctx context.Context, s statements.State, ids []account.ID) (statements.State, []statements.Table, error) {
	ids = behind(ids, s.After)
	ids = ids[:min(len(ids), j.billing.most)]
	made, errs := make([]statements.Table, len(ids)), make([]error, len(ids))
	each(ids, func(i int, id account.ID) { made[i], errs[i] = j.table(ctx, s, id) })
	if ctx.Err() != nil {
		return s, nil, ctx.Err()
	}
	next, parts, size := s, 0, 0
	var tables []statements.Table
	for i, t := range made {
		if errs[i] != nil {
			if full := len(next.Left) == mostLeft; full && next.After == s.After {
				return s, nil, errors.Join(errs...)
			} else if full {
				break
			}
			next.After, next.Left = ids[i], append(slices.Clone(next.Left), ids[i])
			continue
		}
		if parts += t.Parts(); len(tables) > 0 && (parts > statements.MostParts || size+t.Size() > mostBytes) {
			break
		}
		size += t.Size()
		next.After, next.Rows = ids[i], next.Rows+int64(t.Rows())
		tables = append(tables, t)
	}
	return next, tables, nil
}

// rest writes the tables of the accounts that were left, and ends the statement. Those that still can't be made keep it from its end, unless an
// admin has it written over them and repeating it wouldn't help: the comparison adjusts what they lack, once it can be read.
func (j *jobs) rest(ctx context.Context, s statements.State, w *written) error {
	s, failed, err := j.retry(ctx, s, w)
	if err != nil {
		return err
	}
	lasting := true
	for _, id := range s.Left {
		lasting = lasting && (errors.Is(failed[id], dynamo.ErrUnreadable) || errors.Is(failed[id], statements.ErrTooLarge))
	}
	switch {
	case s.Status != statements.Writing:
		return nil
	case len(s.Left) == 0 || s.Over && lasting:
		return j.end(ctx, s, w)
	default:
		w.LeftOut = append(w.LeftOut, s.Left...)
		return fmt.Errorf("jobs: %d accounts can't be written: %w", len(s.Left), errors.Join(slices.Collect(maps.Values(failed))...))
	}
}

// retry writes the tables of the accounts that were left. It returns the state then, and why the others still can't be made.
func (j *jobs) retry(ctx context.Context, s statements.State, w *written) (_ statements.State, failed map[account.ID]error, _ error) {
	failed = map[account.ID]error{}
	closed := closing(ctx)
	for idle := 0; s.Status == statements.Writing && idle < mostIdle; idle++ {
		if closed() {
			return s, failed, errTimeUp
		}
		i := slices.IndexFunc(s.Left, func(id account.ID) bool { return failed[id] == nil })
		if i < 0 {
			break
		}
		id := s.Left[i]
		t, err := j.table(ctx, s, id)
		if err != nil {
			failed[id], idle = err, -1
			j.log.ErrorContext(ctx, "statement of an account can't be written", "month", s.Month.String(), "account_id", id, "error", err.Error())
			continue
		}
		before, next := s, s
		next.Left, next.Rows = slices.Delete(slices.Clone(s.Left), i, i+1), s.Rows+int64(t.Rows())
		if s, err = j.save(ctx, before, next, t); err != nil {
			return s, failed, err
		}
		if s.Version == before.Version+1 && len(s.Left) == len(next.Left) {
			idle = -1
			w.Accounts++
			w.Rows += t.Rows()
		}
	}
	return s, failed, nil
}

// mostBytes bounds a transaction: DynamoDB takes 4 MB.
const mostBytes = 3 << 20

func behind(ids []account.ID, after account.ID) []account.ID {
	for i, id := range ids {
		if id > after {
			return ids[i:]
		}
	}
	return nil
}

// table makes an account's table: its rows of the month, and the adjustments of earlier months that stand in it.
func (j *jobs) table(ctx context.Context, s statements.State, id account.ID) (statements.Table, error) {
	rows, err := j.rows(ctx, s, id)
	if err != nil {
		return statements.Table{}, fmt.Errorf("%s: %w", id, err)
	}
	adjusting, carried, err := j.billing.statements.Standing(ctx, s.Month, id)
	if err != nil {
		return statements.Table{}, fmt.Errorf("%s: %w", id, err)
	}
	t, err := statements.NewTable(s.Columns, s.Month, id, append(rows, adjusting...))
	return t.Carrying(carried), err
}

// rows reads an account's rows. A statement isn't written from counters of which some can't be read, unless an admin says so.
func (j *jobs) rows(ctx context.Context, s statements.State, id account.ID) ([]statement.Row, error) {
	read := func(ctx context.Context) ([]statement.Row, error) { return j.reader().Account(ctx, s.Month, id) }
	if s.Over {
		return read(ctx)
	}
	return complete(ctx, id, read)
}

// leftOut is the key of a context's number of counter items that sums have left out.
type leftOut struct{}

// complete reads counters of an account, none of which may be left out. What others read at the same time doesn't matter.
func complete[T any](ctx context.Context, id account.ID, read func(context.Context) ([]T, error)) ([]T, error) {
	n := new(atomic.Int64)
	rows, err := read(context.WithValue(ctx, leftOut{}, n))
	if err == nil && n.Load() > 0 {
		err = fmt.Errorf("jobs: counters of %s: %w", id, dynamo.ErrUnreadable)
	}
	return rows, err
}
