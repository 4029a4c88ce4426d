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
	"latchkey/shared/telemetry"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// givenUp is the age at which no stream has a report any more: it is counted, or set aside, or its batch has failed all its tries and only the bucket of failed
// records has it.
const givenUp = statement.Settles - usage.MaxReportAge

const (
	// mostCompared bounds the time for which a month that is settled waits for a comparison of reports. What one finds later is a difference.
	mostCompared = 24 * time.Hour
	// mayExpire is the age of a comparison from which on reports may expire before they are compared.
	mayExpire = reports.Keep - givenUp
)

// reports compares the reports that no stream has any more with what is counted, each day, so that each is compared while it is there: the table keeps it for four
// days. What isn't counted is noted in the months that it is about, which may be counted for some time yet. A month waits a day for a comparison that began when it
// was settled, and no longer.
func (j *jobs) reports(ctx context.Context, list []*watched) {
	s, err := j.everyReport(ctx, list)
	now := j.source.Now()
	for _, w := range list {
		settled := w.month.Settled()
		w.comparing = !now.Before(settled) && now.Before(settled.Add(mostCompared)) && (!s.Done || s.Began.Before(settled))
		if w.month == statement.MonthOf(now) {
			w.fail(err)
		}
	}
}

// everyReport goes on with the comparison of all reports, and begins it again if it began on another day. Months are settled at midnight. It takes half of the time
// that is left, so that months get theirs.
func (j *jobs) everyReport(ctx context.Context, list []*watched) (statements.Sweep, error) {
	s, err := j.billing.notes.Sweep(ctx, statements.Daily)
	if err != nil {
		return s, err
	}
	if now := j.source.Time(); !s.Began.IsZero() && now.Sub(s.Began) > mayExpire {
		j.log.WarnContext(ctx, "reports may expire before they are compared", "began", s.Began)
		j.metrics.Write(telemetry.Sum(now, "ReportsBehind", 1))
	}
	for _, w := range list {
		if w.unknown != nil { // it would be noted, and told, again
			return s, nil //nolint:nilerr // which is an error of the month
		}
	}
	closed := halfway(ctx)
	for err == nil {
		now := j.source.Time()
		if s.Done && now.Format(time.DateOnly) == s.Began.UTC().Format(time.DateOnly) {
			break
		}
		if s.Done {
			s = statements.Sweep{}
		}
		s, err = j.sweep(ctx, list, statements.Daily, s, closed)
	}
	return s, err
}

// sweep compares all reports that are there from where the last run ended. Those that a stream may still have are left to the next day, unless the statement is final.
func (j *jobs) sweep(ctx context.Context, list []*watched, of statements.Swept, s statements.Sweep, closed func() bool) (statements.Sweep, error) {
	if s.Began.IsZero() {
		s.Began = j.source.Time()
	}
	var page []reported
	err := j.billing.reports.Each(ctx, s.After, func(id string, r usage.Report, unreadable error) error {
		if unreadable == nil && (of != statements.Daily || j.source.Now().Sub(r.At) >= givenUp) { // the counter has set aside what can't be read, where it counts as left
			page = append(page, reported{id, r})
		}
		return nil
	}, func(after string) error {
		if err := j.comparePage(ctx, list, page, closed); err != nil {
			return err
		}
		page, s.After = page[:0], after
		if err := j.billing.notes.SaveSweep(ctx, of, s); err != nil {
			return err
		}
		if closed() { // the next run goes on behind this page
			return errTimeUp
		}
		return nil
	})
	if err == nil {
		err = j.comparePage(ctx, list, page, closed)
	}
	if err != nil {
		return s, err
	}
	s.Done, s.After = true, ""
	return s, j.billing.notes.SaveSweep(ctx, of, s)
}

// reported is a report with its name.
type reported struct {
	id string
	usage.Report
}

// comparePage compares reports. What an environment has said of the same calls several times is asked for once, and noted once: its numbers grow, so the report with
// the largest says all.
func (j *jobs) comparePage(ctx context.Context, list []*watched, page []reported, closed func() bool) error {
	all := make([]usage.Report, len(page))
	for i, r := range page {
		all[i] = r.Report
	}
	now := j.source.Now()
	contributions, _ := usage.Coalesce(all, now)
	contributions = slices.DeleteFunc(contributions, func(c usage.Contribution) bool { return !now.Before(c.Hour.Start().Add(usage.KeepContributions)) })
	known, err := j.contributed(ctx, contributions)
	if err != nil {
		return err
	}
	suspect := map[int]bool{}
	for _, c := range contributions {
		if !known[usage.ContributedBy(c.Environment, c.Subject, c.Hour)].Counts.Holds(c.Counts) {
			for _, source := range largest(all, c) {
				suspect[source] = true
			}
		}
	}
	counted := func(r usage.Report) (bool, error) {
		for _, e := range r.Entries {
			if _, read := known[usage.ContributedBy(r.Environment, e.Subject, e.Hour)]; !read {
				return j.counted(ctx, r) // of some that can't be read all together
			}
		}
		return holds(known, r), nil
	}
	for i, r := range page {
		if !suspect[i] {
			continue
		}
		for _, w := range list {
			if closed() {
				return errTimeUp
			}
			if err := j.compareReport(ctx, w, "report "+r.id, r.Report, counted); err != nil {
				return err
			}
		}
	}
	return nil
}

// contributed reads what environments have contributed, without those that can't be read and what is read with them.
func (j *jobs) contributed(ctx context.Context, list []usage.Contribution) (map[usage.Item]usage.Stored, error) {
	parts := slices.Collect(slices.Chunk(list, counters.MaxItems))
	stored, errs := make([]map[usage.Item]usage.Stored, len(parts)), make([]error, len(parts))
	each(parts, func(i int, part []usage.Contribution) {
		items := make([]usage.Item, len(part))
		for k, c := range part {
			items[k] = usage.ContributedBy(c.Environment, c.Subject, c.Hour)
		}
		stored[i], errs[i] = j.billing.counters.Read(ctx, items)
	})
	known := map[usage.Item]usage.Stored{}
	for i, err := range errs {
		switch {
		case err == nil:
			maps.Copy(known, stored[i])
		case !errors.Is(err, dynamo.ErrUnreadable):
			return nil, err
		}
	}
	return known, nil
}

// largest returns the place of the report that says all of a contribution, or of all that say some of it where there is none.
func largest(all []usage.Report, c usage.Contribution) []int {
	for _, source := range c.Sources {
		for _, e := range all[source].Entries {
			if e.Subject == c.Subject && e.Hour == c.Hour && e.Counts.Holds(c.Counts) {
				return []int{source}
			}
		}
	}
	return c.Sources
}
