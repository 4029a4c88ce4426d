package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/dynamo/stream"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// left counts what keeps a month open: records that were set aside and may be about it, reports about it that aren't counted, and one more
// while these haven't all been looked at.
func (j *jobs) left(ctx context.Context, m statement.Month) (int, error) {
	settled, err := j.billing.notes.Settled(ctx)
	if err != nil {
		return 0, err
	}
	if err := j.asides(ctx, m, settled); err != nil {
		return 0, err
	}
	missing, done, err := j.missing(ctx, m, settled)
	if !done && !j.source.Now().Before(m.Settled()) {
		missing++
	}
	return missing, err
}

// settle notes which of the present month's records that were set aside are counted, while that can still be known, and which aren't, before they
// expire.
func (j *jobs) settle(ctx context.Context) error {
	settled, err := j.billing.notes.Settled(ctx)
	if err != nil {
		return err
	}
	return j.asides(ctx, statement.MonthOf(j.source.Now()), settled)
}

// asides looks at the records that were set aside and may be about a month. One that isn't counted is noted as missing: the note outlives the record,
// so that no month ends because what it waits for has expired. It is noted when one is counted, be it that it was replayed or that a later report says
// the same: what shows that is forgotten some days later.
func (j *jobs) asides(ctx context.Context, m statement.Month, settled map[string]bool) error {
	now := j.source.Time()
	// A report is about the last days, and may come by a stream that is a day behind.
	last := m.End().Add(statement.Settles)
	if now.Before(last) {
		last = now
	}
	for day := m.Begin(); !day.After(last); day = day.AddDate(0, 0, 1) {
		err := j.billing.counters.EachAside(ctx, day, func(a counters.Aside) error {
			id := "aside " + a.ID
			if settled[id] {
				return nil
			}
			report, from, to := about(a)
			if !m.Touches(from, to) {
				return nil
			}
			counted, err := j.counted(ctx, report)
			switch {
			case err != nil:
				return err
			case counted:
				settled[id] = true
				return j.billing.notes.Settle(ctx, id, now)
			default:
				return j.billing.notes.Miss(ctx, m, statements.Missed{ID: id, Report: reports.Encode(report)}, now)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// about reads a record that was set aside: its report, without entries if it is none, and the time that it is about.
func about(a counters.Aside) (report usage.Report, from, to time.Time) {
	from, to = a.At.Add(-statement.Settles), a.At
	event, err := json.Marshal(struct{ Records []json.RawMessage }{[]json.RawMessage{a.Record}})
	if err != nil {
		return report, from, to
	}
	records, err := stream.Decode(event)
	if err != nil || len(records) != 1 || records[0].Err != nil {
		return report, from, to
	}
	if report, err = reports.Decode(records[0].New); err != nil || len(report.Entries) == 0 {
		return usage.Report{}, from, to
	}
	first := report.Entries[0].Hour
	last := first
	for _, e := range report.Entries {
		first, last = min(first, e.Hour), max(last, e.Hour)
	}
	return report, first.Start(), last.Start()
}

// counted reports whether all that a report says is counted, as far as that can still be known. A report without entries is none.
func (j *jobs) counted(ctx context.Context, r usage.Report) (bool, error) {
	var items []usage.Item
	for _, e := range r.Entries {
		items = append(items, contribution(r, e))
	}
	for len(items) > 0 {
		n := min(len(items), counters.MaxItems)
		stored, err := j.billing.counters.Read(ctx, items[:n])
		if errors.Is(err, dynamo.ErrUnreadable) { // the month waits for it, and no other does
			return false, nil
		}
		if err != nil {
			return false, err
		}
		for _, e := range r.Entries {
			if s, ok := stored[contribution(r, e)]; ok && !s.Counts.Holds(e.Counts) {
				return false, nil
			}
		}
		items = items[n:]
	}
	return len(r.Entries) > 0, nil
}

func contribution(r usage.Report, e usage.Entry) usage.Item {
	return usage.Item{
		Kind: usage.Contributed, Account: e.Subject.Account, Key: e.Subject.Key, Product: e.Subject.Product, Hour: e.Hour, Environment: r.Environment,
	}
}

// missing compares the reports that are still there with what is counted, once for each month, from the time on at which none can come to it any
// more. It returns how many reports and records that are noted aren't counted, and whether all reports have been looked at. What is noted is looked at
// again each time: a batch of the stream may have been about to count it.
func (j *jobs) missing(ctx context.Context, m statement.Month, settled map[string]bool) (left int, done bool, err error) {
	sweep, err := j.billing.notes.Sweep(ctx, m)
	if err != nil {
		return 0, false, err
	}
	if !sweep.Done && !j.source.Now().Before(m.End().Add(usage.MaxReportAge)) {
		if sweep, err = j.sweep(ctx, m, sweep); err != nil {
			return 0, false, err
		}
	}
	closed := closing(ctx)
	err = j.billing.notes.EachMissing(ctx, m, func(one statements.Missed) error {
		if closed() {
			return errTimeUp
		}
		counted, err := j.late(ctx, one, settled)
		if err == nil && !counted {
			left++
		}
		return err
	})
	return left, sweep.Done, err
}

// late reports whether a report that was noted as missing is counted by now, and notes that.
func (j *jobs) late(ctx context.Context, missed statements.Missed, settled map[string]bool) (bool, error) {
	if settled[missed.ID] {
		return true, nil
	}
	r, err := reports.Decode(missed.Report)
	if err != nil { // of a release that didn't keep it: nobody can know
		return false, nil //nolint:nilerr // it is left
	}
	counted, err := j.counted(ctx, r)
	if err != nil || !counted {
		return false, err
	}
	j.log.InfoContext(ctx, "report counted late", "report", missed.ID)
	return true, j.billing.notes.Settle(ctx, missed.ID, j.source.Time())
}

func (j *jobs) sweep(ctx context.Context, m statement.Month, w statements.Sweep) (statements.Sweep, error) {
	if w.Began.IsZero() {
		w.Began = j.source.Time()
	}
	closed := closing(ctx)
	err := j.billing.reports.Each(ctx, w.After, func(id string, r usage.Report, unreadable error) error {
		return j.compareReport(ctx, m, id, r, unreadable)
	}, func(after string) error {
		w.After = after
		if closed() {
			return errTimeUp
		}
		return j.billing.notes.SaveSweep(ctx, m, w)
	})
	if err != nil {
		return w, err
	}
	w.Done = true
	return w, j.billing.notes.SaveSweep(ctx, m, w)
}

// compareReport notes a report about a month that isn't counted. One that can't be read was set aside by the counter, and is left there. Nobody can
// know it of hours whose contributions have expired: a report that came late may have been counted, and if its batch failed, that was set aside.
func (j *jobs) compareReport(ctx context.Context, m statement.Month, id string, r usage.Report, unreadable error) error {
	if unreadable != nil {
		return nil //nolint:nilerr // the counter has set it aside, where it counts as left
	}
	of := r
	of.Entries = nil
	for _, e := range r.Entries {
		if statement.MonthOf(e.Hour.Start()) == m && j.source.Now().Before(e.Hour.Start().Add(usage.KeepContributions)) {
			of.Entries = append(of.Entries, e)
		}
	}
	if len(of.Entries) == 0 {
		return nil
	}
	counted, err := j.counted(ctx, of)
	if err != nil || counted {
		return err
	}
	j.log.WarnContext(ctx, "report not counted", "month", m.String(), "report", id)
	return j.billing.notes.Miss(ctx, m, statements.Missed{ID: "report " + id, Report: reports.Encode(of)}, j.source.Time())
}
