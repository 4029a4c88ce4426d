package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/moment"
	"latchkey/shared/usage"
)

const (
	figureHours = 24 // the running one included
	figuresRead = 16 // keys whose counters are read at the same time
)

// dayUntil is the span of the figures: 24 hours, of which the last one runs.
func dayUntil(now time.Time) counters.Range {
	to := now.UTC().Truncate(time.Hour).Add(time.Hour)
	return counters.Range{From: to.Add(-figureHours * time.Hour), To: to}
}

// figures are those of the keys of a page, in their order: the ones that they were sorted by, or else read now.
func (h *handler) figures(ctx context.Context, id account.ID, page keyPage, now time.Time) (_ *api.KeyFigures, err error) {
	known := page.figures
	if known == nil {
		if known, err = h.count(ctx, id, page.keys, dayUntil(now)); err != nil {
			return nil, err
		}
	}
	doc := &api.KeyFigures{From: moment.Of(dayUntil(now).From), Keys: make([]api.KeyFiguresOfOne, len(page.keys))}
	for i, k := range page.keys {
		doc.Keys[i] = known[k.ID]
	}
	return doc, nil
}

// figuresOf are those of many keys: the counters are read of those that were called in these hours, which takes a look at an item
// of each key before.
func (h *handler) figuresOf(ctx context.Context, id account.ID, keys []apikey.Key, now time.Time) (map[apikey.ID]api.KeyFiguresOfOne, error) {
	in := dayUntil(now)
	called, err := h.counters.CalledSince(ctx, id, in.From, keys...)
	if err != nil {
		return nil, err
	}
	known, err := h.count(ctx, id, called, in)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if _, ok := known[k.ID]; !ok {
			known[k.ID] = api.KeyFiguresOfOne{Id: string(k.ID), Hours: make([]int64, figureHours)}
		}
	}
	return known, nil
}

// count adds up the counters of each key.
func (h *handler) count(ctx context.Context, id account.ID, keys []apikey.Key, in counters.Range) (map[apikey.ID]api.KeyFiguresOfOne, error) {
	each := make([]api.KeyFiguresOfOne, len(keys))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(figuresRead)
	for i, k := range keys {
		g.Go(func() error {
			rows, err := h.counters.KeyRows(ctx, id, k.ID, in)
			if err != nil {
				return err
			}
			sum := usage.Summarise(usage.Query{From: in.From, To: in.To, Step: time.Hour}, rows)
			one := api.KeyFiguresOfOne{Id: string(k.ID), Requests: sum.Totals.Requests, Refused: sum.Totals.Refused, Hours: make([]int64, 0, figureHours)}
			for _, p := range sum.Points {
				one.Hours = append(one.Hours, p.Requests)
			}
			each[i] = one // its own, so that nothing is shared
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	byKey := make(map[apikey.ID]api.KeyFiguresOfOne, len(keys))
	for _, one := range each {
		byKey[apikey.ID(one.Id)] = one
	}
	return byKey, nil
}
