package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/moment"
	"latchkey/shared/telemetry"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// givenUp is the age at which no stream has a report any more: it is counted, or set aside, or its batch has failed all its tries and only the bucket of failed
// records has it.
const givenUp = statement.Settles - usage.MaxReportAge

// reports compares the reports that no stream has any more with what is counted, each day, so that each is compared while it is there: the table keeps it for four
// days. What isn't counted is noted in the months that it is about, which may be counted for some time yet. A month waits until all its reports were compared: none
// comes to it when it is settled.
func (j *jobs) reports(ctx context.Context, list []*watched) {
	s, err := j.everyReport(ctx, list)
	done := s.Before
	if s.Done {
		done = s.Began
	}
	now := j.source.Now()
	for _, w := range list {
		waits := !now.Before(w.month.Settled()) && done.Before(w.month.Settled())
		if waits {
			w.left++
		}
		if waits || w.month == statement.MonthOf(now) {
			w.fail(err)
		}
	}
}

// everyReport goes on with the comparison of all reports, and begins it again if it began on another day. Months are settled at midnight.
func (j *jobs) everyReport(ctx context.Context, list []*watched) (statements.Sweep, error) {
	s, err := j.billing.notes.Sweep(ctx, statements.Daily)
	if err != nil {
		return s, err
	}
	for _, w := range list {
		if w.unknown != nil { // it would be noted, and told, again
			return s, nil //nolint:nilerr // which is an error of the month
		}
	}
	for err == nil {
		now := j.source.Time()
		if s.Done && now.Format(time.DateOnly) == s.Began.UTC().Format(time.DateOnly) {
			break
		}
		if s.Done || s.Began.IsZero() {
			s = statements.Sweep{Began: now, Before: s.Began}
		}
		s, err = j.goOn(ctx, list, s)
	}
	return s, err
}

// goOn compares all reports from where the last run ended.
func (j *jobs) goOn(ctx context.Context, list []*watched, s statements.Sweep) (statements.Sweep, error) {
	var page []reported
	closed := closing(ctx)
	err := j.billing.reports.Each(ctx, s.After, func(id string, r usage.Report, unreadable error) error {
		if unreadable == nil && s.Began.Sub(r.At) >= givenUp { // the counter has set aside what can't be read, where it counts as left
			page = append(page, reported{id, r})
		}
		return nil
	}, func(after string) error {
		if err := j.comparePage(ctx, list, page); err != nil {
			return err
		}
		if page, s.After = page[:0], after; closed() {
			return errTimeUp
		}
		return j.billing.notes.SaveSweep(ctx, statements.Daily, s)
	})
	if err == nil {
		err = j.comparePage(ctx, list, page)
	}
	if err == nil {
		err = j.gap(ctx, list, s)
	}
	if err != nil {
		return s, err
	}
	s.Done, s.After = true, ""
	return s, j.billing.notes.SaveSweep(ctx, statements.Daily, s)
}

// reported is a report with its name.
type reported struct {
	id string
	usage.Report
}

// comparePage compares reports. What an environment has said of the same calls several times is asked for once: its numbers grow.
func (j *jobs) comparePage(ctx context.Context, list []*watched, page []reported) error {
	all := make([]usage.Report, len(page))
	for i, r := range page {
		all[i] = r.Report
	}
	now := j.source.Now()
	contributions, _ := usage.Coalesce(all, now)
	contributions = slices.DeleteFunc(contributions, func(c usage.Contribution) bool { return !now.Before(c.Hour.Start().Add(usage.KeepContributions)) })
	known, suspect := map[usage.Item]usage.Stored{}, map[int]bool{}
	for part := range slices.Chunk(contributions, counters.MaxItems) {
		items := make([]usage.Item, len(part))
		for i, c := range part {
			items[i] = contribution(c.Environment, c.Subject, c.Hour)
		}
		stored, err := j.billing.counters.Read(ctx, items)
		if err != nil && !errors.Is(err, dynamo.ErrUnreadable) {
			return err
		}
		maps.Copy(known, stored)
		for i, c := range part {
			if err != nil || !stored[items[i]].Counts.Holds(c.Counts) {
				for _, source := range c.Sources {
					suspect[source] = true
				}
			}
		}
	}
	counted := func(r usage.Report) (bool, error) {
		if slices.ContainsFunc(r.Entries, func(e usage.Entry) bool { return !has(known, contribution(r.Environment, e.Subject, e.Hour)) }) {
			return j.counted(ctx, r) // of some that can't be read all together
		}
		return holds(known, r), nil
	}
	for i, r := range page {
		if !suspect[i] {
			continue
		}
		for _, w := range list {
			if err := j.compareReport(ctx, w, "report "+r.id, r.Report, counted); err != nil {
				return err
			}
		}
	}
	return nil
}

func has[K comparable, V any](of map[K]V, k K) bool {
	_, ok := of[k]
	return ok
}

// gap notes that reports may have expired before they were compared: so many days lay between one comparison and the end of the next one. What they were nobody
// knows, so the months that they may be about wait until an admin closes them.
func (j *jobs) gap(ctx context.Context, list []*watched, s statements.Sweep) error {
	now := j.source.Time()
	from, to := s.Before.Add(-givenUp), now.Add(-reports.Keep)
	if s.Before.IsZero() || !to.After(from) {
		return nil
	}
	id := "reports since " + moment.Format(from)
	for _, w := range list {
		if !w.month.Touches(from.Add(-usage.MaxReportAge), to) || w.noted[id] {
			continue
		}
		j.log.ErrorContext(ctx, "reports expired before they were compared", "month", w.month.String(), "from", from, "to", to)
		j.metrics.Write(telemetry.Sum(now, "UsageSetAside", 1))
		w.isLeft(id)
		if err := j.billing.notes.Miss(ctx, w.month, statements.Missed{ID: id, At: now}); err != nil {
			return err
		}
	}
	return nil
}
