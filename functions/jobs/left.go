package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/dynamo/stream"
	"latchkey/shared/telemetry"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

// watched is a month that runs, or waits for its statement, and what keeps it open.
type watched struct {
	month statement.Month
	over  bool            // an admin has closed it
	final bool            // its statement is: what isn't counted is a difference of which nobody knew
	noted map[string]bool // by ID: what is noted as not counted
	left  int             // records that were set aside and may be about it, and reports about it that aren't counted
	err   error           // the first thing that couldn't be asked
	// unknown is why noted isn't complete
	unknown error
	// comparing says that it waits for a comparison of all reports, which nobody need hear of
	comparing bool
}

func (w *watched) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// isLeft notes that something isn't counted.
func (w *watched) isLeft(id string) { w.left, w.noted[id] = w.left+1, true }

// watch goes through all that may keep months open, each thing once: what is noted as not counted, what is set aside, and the reports that are still
// there. What can't be asked is an error of the months that it may be about, and keeps nothing else from being looked at.
func (j *jobs) watch(ctx context.Context, months []statement.Month) []*watched {
	settled, err := j.billing.notes.Settled(ctx)
	var list []*watched
	for _, m := range months {
		w := &watched{month: m, noted: map[string]bool{}, err: err, unknown: err}
		if list = append(list, w); err == nil {
			w.unknown = j.notes(ctx, w, settled)
			w.fail(w.unknown)
		}
	}
	if err != nil {
		return list
	}
	j.asides(ctx, list, settled)
	j.reports(ctx, list)
	return list
}

// notes looks at what is noted as not counted of a month: by now it may be, since it was replayed, or a batch of the stream was about to count it. That is
// noted while it can be known: what shows it is forgotten some days later.
func (j *jobs) notes(ctx context.Context, w *watched, settled map[string]bool) error {
	closed := closing(ctx)
	return j.billing.notes.EachMissing(ctx, w.month, func(one statements.Missed) error {
		if closed() {
			return errTimeUp
		}
		w.noted[one.ID] = true
		counted, err := j.late(ctx, one, settled)
		if w.fail(err); err != nil || !counted {
			w.isLeft(one.ID)
		}
		return nil // one note stops no other
	})
}

// late reports whether what was noted as missing is counted by now, and notes that.
func (j *jobs) late(ctx context.Context, missed statements.Missed, settled map[string]bool) (bool, error) {
	if settled[missed.ID] {
		return true, nil
	}
	r, err := reports.Decode(missed.Report)
	if err != nil { // of a release that didn't keep it: nobody can know
		return false, nil //nolint:nilerr // it is left
	}
	if j.source.Now().After(r.At.Add(usage.KeepContributions)) { // what would show it has expired
		return false, nil
	}
	counted, err := j.counted(ctx, r)
	if err != nil || !counted {
		return false, err
	}
	j.log.InfoContext(ctx, "report counted late", "report", missed.ID)
	settled[missed.ID] = true
	return true, j.billing.notes.Settle(ctx, missed.ID, j.source.Time())
}

// asides looks at the records that were set aside and may be about months, but for what is noted. One that isn't counted is noted as missing: the note
// outlives the record, so that no month ends because what it waits for has expired. It is noted when one is counted, be it that it was replayed or
// that a later report says the same.
func (j *jobs) asides(ctx context.Context, list []*watched, settled map[string]bool) {
	now, closed := j.source.Time(), closing(ctx)
	first := slices.MinFunc(list, func(a, b *watched) int { return int(a.month - b.month) }).month.Begin()
	for day := first; !day.After(now); day = day.AddDate(0, 0, 1) {
		var of []*watched
		for _, w := range list { // a report is about the last days, and may come by a stream that is a day behind
			if !day.Before(w.month.Begin()) && !day.After(w.month.Settled()) {
				of = append(of, w)
			}
		}
		if len(of) == 0 {
			continue
		}
		err := j.billing.counters.EachAside(ctx, day, func(a counters.Aside) error {
			if closed() {
				return errTimeUp
			}
			j.aside(ctx, a, of, settled)
			return nil
		})
		for _, w := range of {
			w.fail(err)
		}
	}
}

// aside looks at one record that was set aside, once for all months that it may be about.
func (j *jobs) aside(ctx context.Context, a counters.Aside, list []*watched, settled map[string]bool) {
	id := "aside " + a.ID
	report, from, to := about(a)
	same := "report " + reports.ID(report)
	var of []*watched
	for _, w := range list {
		w.noted[same] = true
		if !w.noted[id] && !settled[id] && !settled[same] && w.month.Touches(from, to) {
			of = append(of, w)
		}
	}
	if len(of) == 0 {
		return
	}
	counted, err := j.counted(ctx, report)
	if err == nil && counted {
		settled[id], err = true, j.billing.notes.Settle(ctx, id, j.source.Time())
	}
	for _, w := range of {
		if err == nil && !counted {
			err = j.miss(ctx, w, id, report)
		}
		if w.fail(err); err != nil || !counted {
			w.isLeft(id)
		}
	}
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
	for part := range slices.Chunk(r.Entries, counters.MaxItems) {
		items := make([]usage.Item, len(part))
		for i, e := range part {
			items[i] = usage.ContributedBy(r.Environment, e.Subject, e.Hour)
		}
		stored, err := j.billing.counters.Read(ctx, items)
		if errors.Is(err, dynamo.ErrUnreadable) { // the month waits for it, and no other does
			return false, nil
		}
		if err != nil {
			return false, err
		}
		of := r
		if of.Entries = part; !holds(stored, of) {
			return false, nil
		}
	}
	return len(r.Entries) > 0, nil
}

// holds reports whether all that a report says is in what its environment has contributed.
func holds(stored map[usage.Item]usage.Stored, r usage.Report) bool {
	for _, e := range r.Entries {
		if !stored[usage.ContributedBy(r.Environment, e.Subject, e.Hour)].Counts.Holds(e.Counts) {
			return false
		}
	}
	return true
}

// compareReport notes a report about a month that isn't counted, unless it is noted. Nobody can know it of hours whose contributions have expired: a report
// that came late may have been counted, and if its batch failed, that was set aside.
func (j *jobs) compareReport(ctx context.Context, w *watched, id string, r usage.Report, counted func(usage.Report) (bool, error)) error {
	of := r
	of.Entries = nil
	for _, e := range r.Entries {
		if statement.MonthOf(e.Hour.Start()) == w.month && j.source.Now().Before(e.Hour.Start().Add(usage.KeepContributions)) {
			of.Entries = append(of.Entries, e)
		}
	}
	if w.noted[id] || len(of.Entries) == 0 {
		return nil
	}
	is, err := counted(of)
	if err != nil || is {
		return err
	}
	j.log.WarnContext(ctx, "report not counted", "month", w.month.String(), "report", id)
	if w.isLeft(id); !w.final {
		j.metrics.Write(telemetry.Sum(j.source.Now(), "UsageSetAside", 1))
	}
	return j.miss(ctx, w, id, of)
}

// miss notes what isn't counted. A difference is measured before: a run that finds the note knows that it was.
func (j *jobs) miss(ctx context.Context, w *watched, id string, r usage.Report) error {
	if w.final {
		j.differ(1)
	}
	return j.billing.notes.Miss(ctx, w.month, statements.Missed{ID: id, At: j.source.Time(), Report: reports.Encode(r)})
}
