package main

import (
	"slices"
	"time"

	"latchkey/shared/api"
)

// tabled is the largest number of bars that are rows of a table one by one. More are added up in rows that lead to them: hours to days, days to
// weeks, and weeks to months, which lead to their days.
const tabled = 45

const monthly = "month"

// tabulate makes the rows of the table under the charts, those with calls now or before.
func (c *charts) tabulate(q usageAsk, u api.Usage, now time.Time) {
	c.Table, c.TableBy = slices.Clone(c.Buckets), c.By
	if len(c.Buckets) > tabled {
		c.TableBy = map[string]string{hourly: daily, daily: weekly, weekly: monthly}[c.By]
		c.Table = c.bars(c.TableBy, u, now)
		for i := range c.Table {
			c.Table[i].lead(c.TableBy, q, now)
		}
	}
	c.Table = slices.DeleteFunc(c.Table, func(b bucket) bool { return b.Requests == 0 && b.Before == 0 })
}

// period is the hour, day, week or month that a moment is in, in UTC.
func period(by string, at time.Time) (start, end time.Time) {
	switch day := at.Truncate(oneDay); by {
	case hourly:
		return at, at.Add(time.Hour)
	case daily:
		return day, day.Add(oneDay)
	case weekly:
		start = day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		return start, start.AddDate(0, 0, 7)
	default:
		start = day.AddDate(0, 0, 1-day.Day())
		return start, start.AddDate(0, 1, 0)
	}
}

// lead lets a row that is a sum lead to its hours or days, as far back as they are kept.
func (b *bucket) lead(by string, q usageAsk, now time.Time) {
	within, first := daily, b.Start.Time
	if by == daily {
		within = ""
	}
	if oldest := now.Add(-keepDays).Truncate(oneDay); first.Before(oldest) {
		first = oldest
	}
	b.Hours = here(q.DaysURL(first.Format(dayFormat), b.End.Add(-oneDay).Format(dayFormat), within))
}

// add adds the calls of a part.
func (b *bucket) add(part bucket) {
	addCounts(&b.UsagePoint, part.UsagePoint)
	b.Others, b.Before = b.Others+part.Others, b.Before+part.Before
	for g := range part.Groups {
		b.Groups[g] += part.Groups[g]
	}
}
