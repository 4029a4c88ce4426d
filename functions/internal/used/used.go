// Package used reads what an account used in a month, as the counters have it now. Statements are written from it, and months without a
// statement are shown by it.
package used

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// Keys lists the keys of accounts.
type Keys interface {
	Keys(context.Context, account.ID, control.KeyQuery) (control.KeyPage, error)
}

// Rows reads the counters.
type Rows interface {
	KeyRows(context.Context, account.ID, apikey.ID, counters.Range) ([]usage.Row, error)
	AccountRows(context.Context, account.ID, counters.Range) ([]usage.Row, error)
}

// Reader reads accounts' months.
type Reader struct {
	Keys   Keys
	Rows   Rows
	AtOnce int // keys that are read at the same time
	Most   int // keys of an account that are read at all; 0: all
}

// Days are the counters of a month.
func Days(m statement.Month) counters.Range {
	return counters.Range{From: m.Begin(), To: m.End(), Days: true}
}

// Account reads an account's rows, sorted. An account without calls is read by one query.
func (r Reader) Account(ctx context.Context, m statement.Month, id account.ID) ([]statement.Row, error) {
	rows, _, err := r.AccountKeys(ctx, m, id)
	return rows, err
}

// AccountKeys also tells which keys there are, all others of the account being purged; none where it made no calls.
func (r Reader) AccountKeys(ctx context.Context, m statement.Month, id account.ID) ([]statement.Row, []apikey.ID, error) {
	rows, ids, _, err := r.Split(ctx, m, id)
	return rows, ids, err
}

// Split also tells whether the rows are split by key. Those of an account that has more keys than Most are of none, and no keys are told.
func (r Reader) Split(ctx context.Context, m statement.Month, id account.ID) (_ []statement.Row, _ []apikey.ID, split bool, _ error) {
	total, err := r.Rows.AccountRows(ctx, id, Days(m))
	if err != nil || len(total) == 0 {
		return nil, nil, true, err
	}
	ids, err := r.keys(ctx, id)
	switch {
	case err != nil:
		return nil, nil, false, err
	case r.beyond(ids):
		return statement.SumOf(id).Rows(total), nil, false, nil
	}
	var lock sync.Mutex
	sum := statement.SumOf(id)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.AtOnce)
	for _, key := range ids {
		g.Go(func() error {
			found, err := r.Rows.KeyRows(ctx, id, key, Days(m))
			lock.Lock()
			defer lock.Unlock()
			sum.Add(found)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, false, fmt.Errorf("used: %w", err)
	}
	return sum.Rows(total), ids, true, nil
}

func (r Reader) beyond(ids []apikey.ID) bool { return r.Most > 0 && len(ids) > r.Most }

// keys lists the keys of an account, deleted ones too, and those whose records can't be read. Where there are more than Most it ends.
func (r Reader) keys(ctx context.Context, id account.ID) (ids []apikey.ID, err error) {
	for after := apikey.ID(""); ; {
		page, err := r.Keys.Keys(ctx, id, control.KeyQuery{After: after, Deleted: true})
		if err != nil {
			return nil, err
		}
		for _, k := range page.Keys {
			ids = append(ids, k.ID)
		}
		for _, bad := range page.Bad {
			ids = append(ids, apikey.ID(bad.Item))
		}
		if after = page.Next; after == "" || r.beyond(ids) {
			return ids, nil
		}
	}
}
