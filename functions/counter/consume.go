package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/slices"
	"latchkey/shared/dynamo/stream"
	"latchkey/shared/usage"
)

// store is what the consumer needs of the counters.
type store interface {
	Read(ctx context.Context, places []usage.Place) (map[usage.Place]usage.Stored, error)
	Write(ctx context.Context, items map[usage.Place]usage.Stored) error
	SetAside(ctx context.Context, id, why string, image dynamo.Item, now time.Time) error
}

// consumer folds batches of the slices' stream into the counters. Any batch may come again, in part or whole, late
// and in any order: what an environment has reported is kept beside the sums, so nothing is counted twice.
type consumer struct {
	store store
	now   func() time.Time
	log   *slog.Logger
	// deepest is how often one transaction is tried while others count the same key.
	deepest int
}

// maxItems is how many items one transaction changes at most; DynamoDB takes 100.
const maxItems = 90

// Invoke handles one batch. The answer names the first record that wasn't handled, from which Lambda goes on; an
// error would make it repeat the whole batch.
func (c consumer) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	records, err := stream.Decode(payload)
	if err != nil {
		return nil, err
	}
	reports, aside := c.read(records)
	failed := stream.Failures{Items: []stream.Failure{}}
	if err := errors.Join(c.setAside(ctx, aside), c.count(ctx, reports)); err != nil {
		c.log.Error("the batch was not counted, or not whole; it comes again", "error", err, "records", len(records))
		if records[0].Sequence == "" {
			return nil, err
		}
		failed.Items = append(failed.Items, stream.Failure{Sequence: records[0].Sequence})
	} else {
		c.log.Info("batch counted", "records", len(records), "reports", len(reports), "set_aside", len(aside))
	}
	return json.Marshal(failed)
}

// poison is a record that can't be counted.
type poison struct {
	record stream.Record
	why    string
}

// read sorts the records: reports to count, and what is to be set aside. Removals are the table's own tidying.
func (c consumer) read(records []stream.Record) (reports []usage.Report, aside []poison) {
	for _, r := range records {
		if r.Kind == "REMOVE" {
			continue
		}
		if r.Err != nil {
			aside = append(aside, poison{r, r.Err.Error()})
			continue
		}
		report, err := slices.Decode(r.New)
		if err == nil {
			err = report.Check(c.now())
		}
		if err != nil {
			aside = append(aside, poison{r, err.Error()})
			continue
		}
		reports = append(reports, report)
	}
	return reports, aside
}

func (c consumer) setAside(ctx context.Context, aside []poison) error {
	for i, p := range aside {
		id := p.record.Sequence
		if id == "" {
			id = p.record.ID
		}
		if id == "" {
			id = "unnamed-" + string(rune('a'+i%26))
		}
		image := p.record.New
		if image == nil {
			image = p.record.Keys
		}
		if image == nil {
			image = dynamo.Item{}
		}
		c.log.Error("a record of the stream can't be counted and was set aside", "sequence", id, "why", p.why)
		if err := c.store.SetAside(ctx, id, p.why, image, c.now()); err != nil {
			return err
		}
	}
	return nil
}

func (c consumer) count(ctx context.Context, reports []usage.Report) error {
	contributions, newest := usage.Coalesce(reports)
	for _, batch := range usage.Batches(contributions, maxItems) {
		var places []usage.Place
		for _, contribution := range batch {
			places = append(places, usage.PlacesOf(contribution)...)
		}
		if err := c.retry(ctx, func() error {
			stored, err := c.store.Read(ctx, places)
			if err != nil {
				return err
			}
			return c.store.Write(ctx, usage.Fold(stored, batch, newest))
		}); err != nil {
			return err
		}
	}
	return nil
}

// retry repeats a read and write while others get in between, and after an answer that was lost: folding again finds
// out what of it is counted already.
func (c consumer) retry(ctx context.Context, attempt func() error) error {
	for n := 1; ; n++ {
		err := attempt()
		again := errors.Is(err, dynamo.ErrStale) || errors.Is(err, dynamo.ErrConflict) || errors.Is(err, dynamo.ErrUnknown)
		if !again || n >= c.deepest {
			return err
		}
		if pause := dynamo.Pause(ctx, 1+rand.IntN(n)); pause != nil {
			return err
		}
	}
}
