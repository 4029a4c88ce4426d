package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// keys reads the keys and accounts that usage belongs to.
type keys interface {
	Account(context.Context, account.ID) (account.Account, error)
	Key(context.Context, account.ID, apikey.ID) (apikey.Key, error)
	Keys(context.Context, account.ID, control.KeyQuery) (control.KeyPage, error)
}

// rows reads the counters.
type rows interface {
	KeyRows(context.Context, account.ID, apikey.ID, counters.Range) ([]usage.Row, error)
	AccountRows(context.Context, account.ID, counters.Range) ([]usage.Row, error)
	FreshAt(context.Context, account.ID) (time.Time, error)
}

type handlers struct {
	keys     keys
	counters rows
	now      func() time.Time
	quotas   taken
	products product.Catalogue
}

func routes(m *gateway.Mux, h handlers) {
	m.Account("GET /v1/accounts/{account}/usage", h.account, account.ReadUsage)
	m.Account("GET /v1/accounts/{account}/keys/{key}/usage", h.key, account.ReadUsage)
	m.Account("GET /v1/accounts/{account}/quotas", h.accountQuotas, account.ReadUsage)
	m.Account("GET /v1/accounts/{account}/keys/{key}/quotas", h.keyQuotas, account.ReadUsage)
}

// account answers for all keys of an account together.
func (h handlers) account(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	q, err := parseQuery(r, h.now())
	if err != nil {
		return err
	}
	if q.quotas {
		return gateway.Parameter("with", "Daily caps are a key's: ask for its usage.")
	}
	acct, err := h.keys.Account(r.Context(), c.Account)
	if err != nil {
		return err
	}
	read := func(ctx context.Context, in counters.Range) ([]usage.Row, error) {
		return h.counters.AccountRows(ctx, c.Account, in)
	}
	a, err := h.answer(r.Context(), c.Account, q, time.Time{}, acct.CreatedAt, read)
	if err != nil {
		return err
	}
	a.summary.ByKey, a.summary.ByHost, a.summary.BySecret = nil, nil, nil
	if q.byKeys() {
		a.summary.Groups = nil
	}
	if err := h.byKey(r.Context(), c.Account, &a); err != nil {
		return err
	}
	return render(w, r, a)
}

// key answers for one key.
func (h handlers) key(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	text, err := gateway.ID(r.PathValue("key"), "key_")
	if err != nil {
		return err
	}
	id := apikey.ID(text)
	q, err := parseQuery(r, h.now())
	if err != nil {
		return err
	}
	if q.group == usage.GroupKey {
		return gateway.Parameter("group_by", "Keys are an account's: ask for its usage.")
	}
	k, err := h.keys.Key(r.Context(), c.Account, id)
	if err != nil {
		return err
	}
	proposed := time.Time{}
	if k.Proposed != nil {
		proposed = k.Proposed.Since
	}
	read := func(ctx context.Context, in counters.Range) ([]usage.Row, error) {
		return h.counters.KeyRows(ctx, c.Account, id, in)
	}
	a, err := h.answer(r.Context(), c.Account, q, proposed, k.CreatedAt, read)
	if err != nil {
		return err
	}
	a.key, a.keys = &k, map[apikey.ID]apikey.Key{k.ID: k}
	if q.quotas {
		caps, shared, err := h.holding(r.Context(), k)
		if err != nil {
			return err
		}
		a.caps, a.shared = &caps, &shared
	}
	return render(w, r, a)
}

// reader reads the rows of whatever is asked about.
type reader func(context.Context, counters.Range) ([]usage.Row, error)

func (h handlers) answer(ctx context.Context, id account.ID, q query, proposed, since time.Time, read reader) (answer, error) {
	a := answer{query: q, account: id}
	// The stamp is read first: what it promises is in the rows that are read after it.
	fresh, err := h.counters.FreshAt(ctx, id)
	if err != nil {
		return a, err
	}
	a.freshAt = fresh
	if a.rows, err = read(ctx, q.span()); err != nil {
		return a, err
	}
	a.rows = q.only(a.rows)
	a.summary = usage.Summarise(q.summary(proposed), a.rows)
	if !q.earlier.IsZero() {
		if a.before, err = h.before(ctx, q, read); err != nil {
			return a, err
		}
	}
	if !q.comparable() {
		return a, nil
	}
	past := map[time.Time]int64{}
	for week := 1; week <= usage.SpikeWeeks; week++ {
		before := q.span()
		before.From, before.To = before.From.AddDate(0, 0, -7*week), before.To.AddDate(0, 0, -7*week)
		then, err := read(ctx, before)
		if err != nil {
			return a, err
		}
		for _, p := range usage.Summarise(usage.Query{From: before.From, To: before.To, Step: q.step}, q.only(then)).Points {
			past[p.Start] = p.Requests
		}
	}
	if kept := h.now().Add(-usage.KeepHours); since.Before(kept) {
		since = kept // what was forgotten looks like silence
	}
	usage.MarkSpikes(a.summary.Points, past, since)
	return a, nil
}

// before sums up the period before, in as many hours or days as the range has.
func (h handlers) before(ctx context.Context, q query, read reader) (*usage.Summary, error) {
	q.from, q.to, q.group = q.earlier, q.earlier.Add(q.to.Sub(q.from)), 0
	rows, err := read(ctx, q.span())
	if err != nil {
		return nil, err
	}
	s := usage.Summarise(q.summary(time.Time{}), q.only(rows))
	return &s, nil
}

// Bounds of what one answer reads: keys at the same time, and rows in all. Beyond them an account has its totals
// without the shares that have to be read key by key. Who doesn't ask for those doesn't wait for many rows. A table of
// so many lines, each with a long name of a key, is still an answer that Lambda can give.
const (
	atOnce     = 8
	mostKeys   = 500
	mostRows   = 46_000 // of one product: 500 keys over 92 days
	unasked    = 12_500 // of these where no group_by asks for keys or origins: 500 keys over 25 hours
	maxProduct = 64
	mostLines  = 15_000
)

var errTooLong = errors.New("usage: the table has too many lines")

// byKey splits an account's usage over its keys, deleted ones too: their calls are in its totals. Hosts and secrets
// are counted by key alone. A table to download is split only if it stays short enough.
func (h handlers) byKey(ctx context.Context, id account.ID, a *answer) error {
	most := unasked
	if a.query.byKeys() || a.query.csv {
		most = mostRows
	}
	most = min(mostKeys, most/max(1, len(a.summary.Points)))
	page, err := h.keys.Keys(ctx, id, control.KeyQuery{Limit: most, Deleted: true})
	if err != nil {
		return err
	}
	if page.Next != "" {
		a.merged = a.query.csv
		return nil
	}
	a.keys = make(map[apikey.ID]apikey.Key, len(page.Keys))
	for _, k := range page.Keys {
		a.keys[k.ID] = k
	}
	if a.query.csv {
		return h.linesByKey(ctx, id, a)
	}
	sum := usage.NewSumming(a.query.summary(time.Time{}))
	if err := h.eachKey(ctx, id, *a, func(rows []usage.Row) error { sum.Add(rows); return nil }); err != nil {
		return err
	}
	s := sum.Summary()
	a.summary.ByKey, a.summary.ByHost, a.summary.BySecret = s.ByKey, s.ByHost, s.BySecret
	if a.query.byKeys() {
		a.summary.Groups = sum.Groups(a.summary.Points)
	}
	return nil
}

// eachKey reads the rows of all keys of an answer and hands them over key by key, never two at a time.
func (h handlers) eachKey(ctx context.Context, id account.ID, a answer, take func([]usage.Row) error) error {
	var lock sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for key := range a.keys {
		g.Go(func() error {
			found, err := h.counters.KeyRows(ctx, id, key, a.query.span())
			if err != nil {
				return err
			}
			lock.Lock()
			defer lock.Unlock()
			return take(a.query.only(found))
		})
	}
	return g.Wait()
}

// linesByKey replaces the account's lines of a table by those of its keys, unless these are too many.
func (h handlers) linesByKey(ctx context.Context, id account.ID, a *answer) error {
	lines := []line{}
	err := h.eachKey(ctx, id, *a, func(rows []usage.Row) error {
		if lines = append(lines, a.query.lines(rows)...); len(lines) > mostLines {
			return errTooLong
		}
		return nil
	})
	switch {
	case errors.Is(err, errTooLong):
		a.merged = true
		return nil
	case err != nil:
		return err
	}
	a.lines = append(lines, a.unsplit(lines)...)
	return nil
}
