package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/dynamo/stream"
	"latchkey/shared/telemetry"
	"latchkey/shared/usage"
)

// store lists the methods of the counters table that the consumer calls.
type store interface {
	Read(ctx context.Context, items []usage.Item) (map[usage.Item]usage.Stored, error)
	Write(ctx context.Context, items map[usage.Item]usage.Stored) error
	Quarantine(ctx context.Context, id, why string, record []byte, now time.Time) error
}

// teller tells of the quotas of which an account's counters have reached a part.
type teller interface {
	Tell(ctx context.Context, id account.ID, days []time.Time) ([]usage.Threshold, error)
}

// consumer folds batches of the slices' stream into the counters. Any batch may come again, in part or whole, late
// and in any order: what an environment has reported is kept beside the sums, so nothing is counted twice.
type consumer struct {
	store   store
	quotas  teller
	now     func() time.Time
	log     *slog.Logger
	metrics telemetry.Metrics
}

const (
	// tries bounds the attempts of one transaction while others count the same key.
	tries = 12
	// margin is the part of the function's time kept for the response, which says how far the consumer came.
	margin = 5 * time.Second
)

// Invoke handles one batch. The answer names the first record that wasn't handled, from which Lambda goes on; all that
// could be counted besides it is counted. An error would make Lambda repeat the whole batch.
func (c consumer) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-margin))
		defer cancel()
	}
	records, err := stream.Decode(payload)
	if err != nil {
		return nil, err
	}
	b := batch{consumer: c, records: records, failed: len(records)}
	reports := b.read()
	b.count(ctx, reports)
	b.quarantine(ctx)
	c.tell(ctx, reports)
	answer := stream.Failures{Items: []stream.Failure{}}
	if b.failed < len(records) {
		c.log.Error("not all of the batch was counted; it comes again from there", "error", b.err, "records", len(records), "from", b.failed)
		if records[b.failed].Sequence == "" {
			return nil, b.err
		}
		answer.Items = append(answer.Items, stream.Failure{Sequence: records[b.failed].Sequence})
	} else {
		c.log.Info("batch counted", "records", len(records), "reports", len(reports), "set_aside", len(b.bad))
	}
	return json.Marshal(answer)
}

// batch is the work on one batch of records.
type batch struct {
	consumer
	records []stream.Record
	sources []int          // the record of each report
	bad     map[int]string // the records that can't be counted, and why
	failed  int            // the first record that must come again; their number if none must
	err     error          // why
}

// read sorts the records: reports to count, and those to quarantine. Removals are the table's own clean-up by TTL.
func (b *batch) read() (list []usage.Report) {
	b.bad = map[int]string{}
	for i, r := range b.records {
		if r.Kind == "REMOVE" {
			continue
		}
		err := r.Err
		var report usage.Report
		if err == nil {
			report, err = reports.Decode(r.New)
		}
		if err == nil {
			err = report.Check(b.now())
		}
		if err != nil {
			b.bad[i] = err.Error()
			continue
		}
		list, b.sources = append(list, report), append(b.sources, i)
	}
	return list
}

// count folds the reports, and goes on where one part of them fails, so that the other keys don't wait.
func (b *batch) count(ctx context.Context, reports []usage.Report) {
	contributions, newest := usage.Coalesce(reports, b.now())
	late := map[account.ID]bool{} // accounts that lack something: they aren't fresh
	for _, part := range usage.Batches(contributions, newest, counters.MaxItems) {
		for id := range late {
			delete(part.Fresh, id)
		}
		b.commit(ctx, part, late)
	}
}

// commit counts one part in a transaction. Parts that the store refuses are found and quarantined with their records;
// what the store doesn't take now comes again.
func (b *batch) commit(ctx context.Context, part usage.Batch, late map[account.ID]bool) {
	err := b.try(ctx, part)
	never := errors.Is(err, dynamo.ErrUnreadable) || errors.Is(err, counters.ErrRefused)
	switch {
	case err == nil:
	case never && len(part.Contributions) > 1:
		first, second := part.Halves()
		b.commit(ctx, first, late)
		for id := range late {
			delete(second.Fresh, id)
		}
		b.commit(ctx, second, late)
	default:
		for _, c := range part.Contributions {
			late[c.Subject.Account] = true
			for _, source := range c.Sources {
				if never {
					b.bad[b.sources[source]] = err.Error()
				} else {
					b.fail(b.sources[source], err)
				}
			}
		}
	}
}

func (b *batch) fail(record int, err error) {
	if record < b.failed {
		b.failed, b.err = record, err
	}
}

// try reads and writes, again while others get in between, and after an answer that was lost: folding again finds out
// what of it is counted already.
func (b *batch) try(ctx context.Context, part usage.Batch) error {
	for n := 1; ; n++ {
		stored, err := b.store.Read(ctx, part.Items())
		if err != nil {
			return err
		}
		err = b.store.Write(ctx, usage.Fold(stored, part))
		again := errors.Is(err, dynamo.ErrStale) || errors.Is(err, dynamo.ErrConflict) || errors.Is(err, dynamo.ErrUnknown)
		if !again || n >= tries || dynamo.Pause(ctx, n) != nil {
			return err
		}
	}
}
