package usage

import "time"

// Hour is a clock hour in UTC, counted from 1970.
type Hour int64

// HourOf finds the hour of an instant.
func HourOf(t time.Time) Hour { return Hour(floorDiv(t.Unix(), 3600)) }

// Start is the hour's first instant.
func (h Hour) Start() time.Time { return time.Unix(int64(h)*3600, 0).UTC() }

// Day is the day of the hour.
func (h Hour) Day() Day { return Day(floorDiv(int64(h), 24)) }

// Day is a day in UTC, counted from 1970.
type Day int64

// Start is the day's first instant.
func (d Day) Start() time.Time { return Hour(d * 24).Start() }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// How long counters are kept, and how old a report may be. What an environment has contributed outlives every replay:
// a stream keeps its records for a day, and a report about an hour older than MaxReportAge isn't counted.
const (
	KeepHours         = 35 * 24 * time.Hour
	KeepDays          = 400 * 24 * time.Hour // 13 months
	MaxReportAge      = 72 * time.Hour
	KeepContributions = 6 * 24 * time.Hour
)
