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
	figuresRead = 8  // keys whose counters are read at the same time
)

// figures counts the calls of each key in the last 24 hours.
func (h *handler) figures(ctx context.Context, id account.ID, keys []apikey.Key) (*api.KeyFigures, error) {
	to := h.service.Source.Time().UTC().Truncate(time.Hour).Add(time.Hour)
	in := counters.Range{From: to.Add(-figureHours * time.Hour), To: to}
	doc := &api.KeyFigures{From: moment.Of(in.From), Keys: make([]api.KeyFiguresOfOne, len(keys))}
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
			doc.Keys[i] = one // its own, so that nothing is shared
			return nil
		})
	}
	return doc, g.Wait()
}
